"""`reconcile` against the simulator's aggregates, over a warehouse filled by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.intervals import Interval
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator

MONDAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def simulator():
    options = SimulatorOptions(
        orgs=("us",), days=1, conversations_per_day=60, history_days=0, agents_per_org=10
    )
    with Simulator(options) as running:
        yield running


@pytest.fixture
def here(platform, simulator, tmp_path):
    here = platform(us="2026-01-05")
    simulator.write_platform_files(tmp_path)
    return here


def sessions_like_the_org_says(here) -> Iterator[dict[str, Any]]:
    """Yield one session per handled one of the org's own cells, with its handle time in the first."""
    client = Assembly(load_config(here.file)).client("us")
    for number, row in enumerate(client.handle_time_aggregates(Interval.of_day(MONDAY))):
        if row.metric != "tHandle":
            continue
        for place in range(row.count):
            yield {
                "conversation_id": f"c{number}-{place}",
                "metric": "tHandle",
                "value_ms": 0 if place else row.sum_ms,
                "emitted_at": row.interval_start,
                "queue_id": row.queue_id,
                "user_id": row.user_id,
                "media_type": row.media_type,
                "direction": row.direction,
            }


def cells_of(sessions):
    for row in sessions:
        dimensions = ("queue_id", "user_id", "media_type", "direction")
        yield {
            "org": "us",
            "interval_start": row["emitted_at"],
            **{name: row[name] or "(none)" for name in dimensions},
            "handled_count": 1,
            "handle_ms": row["value_ms"],
        }


def load(here, sessions, **how):
    here.load_facts("us", MONDAY, sessions, **how)
    here.roll_up(MONDAY, list(cells_of(sessions)))


def reconciled(here, *more):
    return here.run("reconcile", "--from", "2026-01-05", "--to", "2026-01-05", *more)


def test_equal_to_the_millisecond_ends_with_0(here):
    load(here, list(sessions_like_the_org_says(here)))

    run = reconciled(here, "--format", "json")

    told = json.loads(run.stdout)
    assert run.exit_code == 0, run.output
    assert told["equal"] is True
    assert told["days"][0]["source_count"] > 30
    assert told["days"][0]["source_ms"] == told["days"][0]["rollup_ms"]


def test_one_millisecond_in_the_warehouse_is_found_and_its_conversation_named(here):
    sessions = list(sessions_like_the_org_says(here))
    sessions[7]["value_ms"] += 1
    load(here, sessions)

    run = reconciled(here, "--format", "json")

    (difference,) = json.loads(run.stdout)["days"][0]["differences"]
    assert run.exit_code == 1
    assert difference["facts_ms"] - difference["source_ms"] == 1
    assert sessions[7]["conversation_id"] in difference["conversation_ids"]
    assert run.stderr.splitlines()[-1].startswith("1 cell differs (us 2026-01-05)")


def test_for_people_a_difference_is_one_line_with_its_conversations(here):
    sessions = list(sessions_like_the_org_says(here))
    lost = sessions.pop(3)
    load(here, sessions)

    run = reconciled(here)

    (line,) = [text for text in run.stdout.splitlines() if "source" in text]
    assert f"user_id={lost['user_id']}" in line
    assert line.startswith("us 2026-01-05 ")


def test_a_day_that_is_not_loaded_is_no_agreement(here):
    run = reconciled(here, "--format", "json")

    assert run.exit_code == 1
    assert json.loads(run.stdout)["days"][0]["loaded"] is False
    assert run.stderr.splitlines()[-1] == "not loaded: us 2026-01-05; materialize them first."


def test_a_provisional_day_without_a_watermark_is_not_compared_at_all(here):
    load(here, [], finality="provisional")

    run = reconciled(here)

    assert run.exit_code == 0
    assert "us 2026-01-05: compared up to 00:00 UTC only." in run.stderr


def test_an_unknown_org_is_told_with_the_nearest(here):
    run = reconciled(here, "--org", "su")

    assert run.exit_code == 1
    assert run.stderr.startswith("no organization 'su' is configured; ")
