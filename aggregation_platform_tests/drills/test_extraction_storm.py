"""Extracting processes are killed at random moments while everything goes wrong at the orgs.

Real processes over real sockets; the simulator is a process of its own and counts what it sees.
A small storm is part of every test run; the big one is a drill, with every fault there is.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from aggregation_platform.intervals import Interval
from aggregation_platform.landing.records import Loaded
from aggregation_platform.landing.state import AttemptState, JobState
from aggregation_platform_tests.storm_rig import (
    DAY,
    Hits,
    Size,
    Storm,
    attempts,
    facts,
    payloads,
    raw_of,
    shared_state,
    storm_over,
    two_workers,
    zone_of,
)

SMALL = Size(("us", "emea"), 240, 12, 12, kills=7, longest_life_s=1.0)
BIG = Size(
    ("us", "emea", "apac", "latam", "anz"),
    20_000,
    180,
    10,
    kills=50,
    longest_life_s=3.0,
    calm_down=0.3,
    caps=("result_cap=15000", "too_large_page_size=100"),
)

KEPT_AWAY = "apac"
"""Asks in the middle of its pages to stay away for hours."""
FOR_HOURS = 14_400
AWAY = "latam"
"""Does not answer for the first part of the storm."""
AWAY_S = 120.0
"""At least so long: minutes stand for hours."""
ARRIVES_WITHIN_S = 2.0
"""A request that left before a block may arrive after it."""

LOST_REPLY = ("drop_before", "drop_after", "torn", "server_error")
STRUCK_BY = {
    "FAILED": ("job_failed/job_create",),
    "EXPIRED": ("job_expired/job_create",),
    "STUCK": ("job_stuck/job_create",),
    "CURSOR_REFUSED": ("cursor_expired/job_results",),
    "LOST": tuple(f"{kind}/job_create" for kind in LOST_REPLY),
    "NOT_FOUND": ("unfulfilled_results/job_results",),
}
"""Which faults are a reason for another job, by why the journal says that one was given up."""


def states_of(config: Path, org: str) -> list[AttemptState]:
    states = [journal.read(verify=True) for journal in attempts(config, org)]
    return [state for state in states if state is not None]


def jobs_of(states: list[AttemptState]) -> list[JobState]:
    return [job for state in states for window in state.windows.values() for job in window.jobs]


def needless(states: list[AttemptState], seen: dict[str, Any], kills: int) -> Counter[str]:
    """Count the jobs that nothing called for, by the reason that the journal gives.

    One job per window is called for; another one by a fault that struck the one before, by a cap
    that its window was halved for, or by a kill between asking for it and writing its id.
    """
    jobs, windows = jobs_of(states), [one for state in states for one in state.windows.values()]
    struck = {
        reason: sum(seen["by_fault"].get(fault, 0) for fault in faults)
        for reason, faults in STRUCK_BY.items()
    }
    halved = sum("TOO_LARGE" in window.split.reason for window in windows if window.split)
    allowed = {**struck, "TOO_LARGE": halved, "UNKNOWN": kills}
    ended = Counter(job.ended.state for job in jobs if job.ended and job.may_exist)
    standing = sum(sum(job.ended is None for job in window.jobs) > 1 for window in windows)
    beyond = {reason: max(0, count - allowed.get(reason, 0)) for reason, count in ended.items()}
    unwritten = max(0, seen["jobs_submitted"] - sum(job.may_exist for job in jobs))
    return +Counter({**beyond, "standing": standing, "unwritten": unwritten})


def first_evening(storm: Storm, stormy: Path, dice: random.Random) -> Hits:
    """Fetch a day that is not over at the lake: one org is away, one then asks to stay away."""
    storm.control("POST", "watermark", {"at": "2026-01-05T12:00:00Z"})
    outage = storm.strike(kind="down", org=AWAY)
    hours = {"kind": "rate_limited", "org": KEPT_AWAY, "retry_after": str(FOR_HOURS)}
    ban = storm.strike(**hours, route="job_results", skip=30)
    storm.strike(kind="job_stuck", org="emea", remaining=2)
    for fault in BIG.faults:
        storm.strike(**fault)
    began = time.monotonic()
    with two_workers(storm, stormy) as workers:
        hits = storm.kill(stormy, workers, BIG.kills // 4, dice)
        storm.control("POST", "watermark", {"at": "2026-01-05T18:00:00Z"})
        hits += storm.kill(stormy, workers, BIG.kills // 2 - hits.processes, dice)
        time.sleep(max(0.0, AWAY_S - (time.monotonic() - began)))
        end_outage(storm, outage, lasted_s=time.monotonic() - began)
        for worker in workers:
            storm.finish(stormy, worker, but_for=f"failed: {KEPT_AWAY} RateLimitedError: ")
    let_in_again(storm, stormy, ban)
    storm.finish(stormy, storm.worker(stormy))
    return hits


def end_outage(storm: Storm, outage: int, *, lasted_s: float) -> None:
    """Bring an org back that was asked again and again, in vain."""
    seen = storm.seen(AWAY)
    storm.control("DELETE", f"faults/{outage}")
    tell("away", org=AWAY, seconds=round(lasted_s), requests=seen["requests"])

    assert seen["requests"] > 0
    assert (seen["tokens_issued"], seen["jobs_submitted"], seen["conversations_served"]) == (
        0,
        0,
        0,
    )


def let_in_again(storm: Storm, stormy: Path, ban: int) -> None:
    """Do what an operator does once the org has agreed: look at the block, lift it."""
    with shared_state(stormy) as state:
        block = state.blocked(KEPT_AWAY)
        assert block is not None
        for_s = FOR_HOURS - block.seconds_left
        latest_s = max(storm.moments(KEPT_AWAY)) - (time.time() - for_s)
        storm.control("DELETE", f"faults/{ban}")
        state.lift_block(KEPT_AWAY)
    tell("kept away", org=KEPT_AWAY, seconds=round(for_s), latest_request_s=round(latest_s, 2))

    assert "429" in block.reason
    assert for_s > 2 * ARRIVES_WITHIN_S
    assert latest_s < ARRIVES_WITHIN_S


def night_after(storm: Storm, stormy: Path, dice: random.Random) -> Hits:
    """Fetch the day again, over at the lake and rewritten there, as a re-read does."""
    for org in BIG.orgs:
        now = datetime.now(UTC)
        attempts(stormy, org)[-1].mark_loaded(Loaded(loaded_at=now, run_id="evening"))
    storm.control("POST", "watermark", {"at": None})
    rewritten = storm.control("POST", "rewrite", {"generation": 1})
    with two_workers(storm, stormy) as workers:
        hits = storm.kill(stormy, workers, BIG.kills - BIG.kills // 2, dice)
        for worker in workers:
            storm.finish(stormy, worker)

    assert rewritten == {"org_days": len(BIG.orgs)}
    return hits


def fetch_calmly(storm: Storm) -> Path:
    """Fetch the day as it stands now, with nothing going wrong."""
    storm.control("DELETE", "faults")
    calm = storm.config("calm")
    storm.finish(calm, storm.worker(calm))
    return calm


def hold_equal(storm: Storm, stormy: Path, calm: Path) -> None:
    """Hold every org's records and facts of the stormy day equal to those of the calm one."""
    for org in storm.size.orgs:
        in_storm, in_calm = raw_of(stormy, org), raw_of(calm, org)
        tell(org, records=in_storm.height)

        assert in_storm.height >= storm.size.conversations
        assert payloads(in_storm) == payloads(in_calm)
        for one, other in zip(facts(in_storm, org), facts(in_calm, org), strict=True):
            assert_frame_equal(one, other)


def hold_figures(
    storm: Storm, stormy: Path, counters: dict[str, Any], hits: Hits, *, fetches: int
) -> None:
    """Hold the budget and the count of jobs."""
    tell("kills", processes=hits.processes, paging=hits.paging)
    for org, seen in counters.items():
        states = states_of(stormy, org)
        jobs = jobs_of(states)
        ends = Counter(job.ended.state for job in jobs if job.ended)
        without_need = needless(states, seen, hits.processes)
        tell(org, given_up=ends, windows=windows_of(states), without_need=without_need, **seen)

        assert [state.is_whole for state in states] == [True] * fetches
        assert seen["most_requests_in_a_second"] <= storm.size.per_second
        assert sum(job.submitted is not None for job in jobs) <= seen["jobs_submitted"]
        assert not without_need


def windows_of(states: list[AttemptState]) -> int:
    return sum(len(state.leaves()) for state in states)


def tell(what: str, **figures: object) -> None:
    print(f"storm: {what}: {json.dumps(figures)}")  # noqa: T201 - shown with -s


def test_a_small_storm_loses_and_doubles_nothing_and_keeps_the_budget(tmp_path: Path):
    with storm_over(SMALL, tmp_path) as storm:
        for fault in SMALL.faults:
            storm.strike(**fault)
        stormy = storm.config("stormy")
        dice = random.Random(SMALL.kills)  # noqa: S311 - chance, no secrets
        with two_workers(storm, stormy) as workers:
            hits = storm.kill(stormy, workers, SMALL.kills, dice)
            for worker in workers:
                storm.finish(stormy, worker)
        counters = storm.control("GET", "counters")["orgs"]
        calm = fetch_calmly(storm)

    assert hits.processes >= SMALL.kills // 2
    hold_figures(storm, stormy, counters, hits, fetches=1)
    hold_equal(storm, stormy, calm)


@pytest.mark.drill
@pytest.mark.timeout(7200)
def test_a_big_storm_with_every_fault_loses_and_doubles_nothing_and_keeps_the_budget(
    tmp_path: Path,
):
    """Fetch a day that is not over at the lake, then again in the night, after the rewrite."""
    dice = random.Random(BIG.kills)  # noqa: S311 - chance, no secrets
    with storm_over(BIG, tmp_path) as storm:
        stormy = storm.config("stormy")
        hits = first_evening(storm, stormy, dice)
        read_to = [read_up_to(stormy, org) for org in BIG.orgs]
        hits += night_after(storm, stormy, dice)
        counters = storm.control("GET", "counters")["orgs"]
        calm = fetch_calmly(storm)

    assert hits.processes == BIG.kills
    assert kinds_struck(counters) == {"down", *(fault["kind"] for fault in BIG.faults)}
    assert max(read_to) < Interval.of_day(DAY).end
    hold_figures(storm, stormy, counters, hits, fetches=2)
    hold_equal(storm, stormy, calm)


def kinds_struck(counters: dict[str, Any]) -> set[str]:
    return {fault.split("/")[0] for seen in counters.values() for fault in seen["by_fault"]}


def read_up_to(config: Path, org: str) -> datetime:
    landed = zone_of(config).landed_day(org, DAY)
    assert landed is not None
    assert landed.data_available_to is not None
    return landed.data_available_to
