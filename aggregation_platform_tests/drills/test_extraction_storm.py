"""Extracting processes are killed at random moments while everything goes wrong at the orgs.

Real processes over real sockets; the simulator is a process of its own and counts what it sees.
A small storm is part of every test run; the big one is a drill.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import requests
import yaml
from polars.testing import assert_frame_equal

from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform.landing.state import AttemptState
from aggregation_platform.landing.zone import LandingZone
from aggregation_platform.raw.conversations import RawConversations

DAY = date(2026, 1, 5)
FETCHED = datetime(2026, 1, 6, tzinfo=UTC)
TRIES = 10
WORKER = Path(__file__).with_name("extraction_worker.py")

PER_REQUEST: list[dict[str, Any]] = [
    {"kind": "rate_limited", "probability": 0.02, "retry_after": "1"},
    {"kind": "rate_limited", "probability": 0.01},
    {"kind": "unauthorized", "probability": 0.02},
    {"kind": "server_error", "probability": 0.01, "status": 500},
    {"kind": "server_error", "probability": 0.01, "status": 502},
    {"kind": "server_error", "probability": 0.01, "status": 503},
    {"kind": "server_error", "probability": 0.01, "status": 504},
    {"kind": "slow", "probability": 0.02, "seconds": 0.5},
    {"kind": "drop_before", "probability": 0.01},
    {"kind": "drop_after", "probability": 0.02},
    {"kind": "torn", "probability": 0.02},
    {"kind": "unfulfilled_results", "probability": 0.02},
    {"kind": "duplicates", "probability": 0.1, "count_of": 3},
]
PER_JOB: list[dict[str, Any]] = [
    {"kind": "job_failed", "probability": 0.1},
    {"kind": "job_expired", "probability": 0.1},
    {"kind": "job_stuck", "probability": 0.05},
    {"kind": "job_slow", "probability": 0.2, "seconds": 1.0},
    {"kind": "cursor_expired", "probability": 0.02, "remaining": 4},
    {"kind": "drop_after", "probability": 0.2, "route": "job_create"},
    {"kind": "server_error", "probability": 0.05, "status": 503, "route": "token"},
]


@dataclass(frozen=True)
class Size:
    """How much of a storm."""

    orgs: tuple[str, ...]
    conversations: int
    page_size: int
    per_second: int
    kills: int
    longest_life_s: float
    calm_down: float = 1.0
    """Scales the faults that strike single requests, so that a bigger storm still ends."""

    @property
    def faults(self) -> list[dict[str, Any]]:
        scaled = [
            {**fault, "probability": fault["probability"] * self.calm_down} for fault in PER_REQUEST
        ]
        return scaled + PER_JOB


SMALL = Size(("us", "emea"), 240, 12, 12, kills=7, longest_life_s=1.0)
BIG = Size(
    ("us", "emea", "apac", "latam", "anz"),
    20_000,
    100,
    10,
    kills=50,
    longest_life_s=1.2,
    calm_down=0.3,
)


@dataclass
class Storm:
    """A simulator and processes that extract from it into one landing zone."""

    url: str
    folder: Path
    size: Size

    def control(self, method: str, what: str, body: object = None) -> Any:
        reply = requests.request(method, f"{self.url}/control/{what}", json=body, timeout=30)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def config(self, name: str) -> Path:
        """A configuration with a landing zone and shared state of its own."""
        told = yaml.safe_load((self.folder / "platform.yaml").read_text())
        for organization in told["organizations"]:
            organization["requests_per_second"] = self.size.per_second
            organization["page_size"] = self.size.page_size
        folder = self.folder / name
        folder.mkdir()
        told["landing"]["url"] = str(folder / "landing")
        told["warehouse"]["duckdb"]["path"] = str(folder / "warehouse.duckdb")
        (folder / "platform.yaml").write_text(yaml.safe_dump(told))
        return folder / "platform.yaml"

    def worker(self, config: Path) -> subprocess.Popen[str]:
        """Start an extracting process; returns once it is about to ask for something."""
        with (config.parent / "worker.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, str(WORKER), str(config), DAY.isoformat(), *self.size.orgs],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", (config.parent / "worker.log").read_text()
        return process

    def finish(self, config: Path, process: subprocess.Popen[str], *, within_s: float) -> None:
        """Let it end; one that reports trouble is started again, as a scheduler would."""
        said = ""
        for _ in range(TRIES):
            said, _ = process.communicate(timeout=within_s)
            if process.returncode == 0:
                return
            process = self.worker(config)
        process.kill()
        pytest.fail(f"not done after {TRIES} tries: {said[-2000:]}")


@contextmanager
def storm_over(size: Size, folder: Path) -> Generator[Storm]:
    command = [
        *(sys.executable, "-m", "aggregation_platform.simulator", "--port", "0", "--days", "1"),
        *("--orgs", ",".join(size.orgs), "--conversations-per-day", str(size.conversations)),
        *("--write", str(folder)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            yield Storm(url, folder, size)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def payloads(config: Path, org: str) -> list[tuple[str | None, str]]:
    """What raw would hold of the org's day, as id and record, sorted."""
    frame = raw_of(config, org)
    return sorted(zip(frame["conversation_id"], frame["payload"], strict=True), key=str)


def raw_of(config: Path, org: str) -> pl.DataFrame:
    landed = LandingZone.open(str(config.parent / "landing"), config.parent).landed_day(org, DAY)
    assert landed is not None
    return pl.concat(RawConversations(landed.pages, org=org, day=DAY))


def attempts(config: Path, org: str) -> list[AttemptState]:
    zone = LandingZone.open(str(config.parent / "landing"), config.parent)
    states = [journal.read(verify=True) for journal in zone.attempts(org, DAY)]
    return [state for state in states if state is not None]


def facts(config: Path, org: str) -> Facts:
    """The day's facts of the records alone: on which page one was found is left out."""
    raw = raw_of(config, org).sort("conversation_id", "payload", nulls_last=True)
    placed = raw.with_columns(
        pl.lit(1, pl.Int64).alias("page"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("position"),
        pl.lit(None, pl.String).alias("job_id"),
        pl.lit(FETCHED).cast(raw.schema["fetched_at"]).alias("fetched_at"),
    )
    return facts_of(placed.select(raw.columns), org=org, day=DAY)


def ride_out(storm: Storm, config: Path, seed: int) -> int:
    """Two processes at once on every org; kill either, again and again; then let one finish.

    Returns:
        How many were killed in the middle of their work.
    """
    dice = random.Random(seed)  # noqa: S311 - chance, no secrets
    workers = [storm.worker(config), storm.worker(config)]
    killed = 0
    try:
        for _ in range(storm.size.kills):
            time.sleep(dice.uniform(0.05, storm.size.longest_life_s))
            victim = dice.randrange(2)
            killed += workers[victim].poll() is None
            workers[victim].kill()  # SIGKILL
            workers[victim].communicate()
            workers[victim] = storm.worker(config)
        for worker in workers:
            storm.finish(config, worker, within_s=1200)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    return killed


def check_storm(size: Size, folder: Path) -> None:
    with storm_over(size, folder) as storm:
        calm = storm.config("calm")
        storm.finish(calm, storm.worker(calm), within_s=1200)
        storm.control("POST", "reset", {})
        for fault in size.faults:
            storm.control("POST", "faults", fault)
        stormy = storm.config("stormy")
        killed = ride_out(storm, stormy, seed=size.kills)
        storm.control("DELETE", "faults")
        seen = storm.control("GET", "counters")["orgs"]

    assert killed >= size.kills // 2
    for org in size.orgs:
        [state] = attempts(stormy, org)
        jobs = [job for window in state.windows.values() for job in window.jobs]
        ends = Counter(job.ended.state for job in jobs if job.ended)
        made = seen[org]["jobs_submitted"]
        print(f"{org}: {made} jobs made, given up {dict(ends)}; {seen[org]}")  # noqa: T201 - for -s

        assert state.is_whole
        assert payloads(stormy, org) == payloads(calm, org)
        for stormy_frame, calm_frame in zip(facts(stormy, org), facts(calm, org), strict=True):
            assert_frame_equal(stormy_frame, calm_frame)
        assert seen[org]["most_requests_in_a_second"] <= size.per_second
        # No job without need: one whose id is known was made, and each that was given up, or
        # whose window was halved, has its reason in the journal.
        assert sum(job.submitted is not None for job in jobs) <= made <= state.jobs_submitted
        for leaf in state.leaves():
            assert [job.ended is None for job in leaf.jobs] == [False] * (len(leaf.jobs) - 1) + [
                True
            ]
        assert ends["UNKNOWN"] <= killed


def test_a_small_storm_loses_and_doubles_nothing_and_keeps_the_budget(tmp_path):
    check_storm(SMALL, tmp_path)


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_a_big_storm_loses_and_doubles_nothing_and_keeps_the_budget(tmp_path):
    check_storm(BIG, tmp_path)
