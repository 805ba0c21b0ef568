"""The orgs that the demo simulates: two days that are over, and a running one that is no ghost."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregation_platform.cli.demo import (
    fresh_configuration,
    last_two_days,
    question,
    simulated,
    truth_at,
)
from aggregation_platform.cli.options import Days
from aggregation_platform.simulator.server import Simulator

FILLED = last_two_days()
RUNNING = FILLED.last + timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> Iterator[Simulator]:
    with simulated(FILLED, 40, 1) as running:
        yield running


def handled(world: Simulator, days: Days) -> int:
    return truth_at(world.url, days)["total"]["handled_count"]


def test_the_running_day_has_as_many_conversations_as_the_days_before_it(world: Simulator):
    of_two_days, of_one = handled(world, FILLED), handled(world, Days(RUNNING, RUNNING))

    assert of_two_days / 4 < of_one < of_two_days


def test_the_two_days_are_complete_at_any_hour(world: Simulator):
    end = datetime(RUNNING.year, RUNNING.month, RUNNING.day, tzinfo=UTC)

    for service in world.services.values():
        assert service.lake.watermark() >= end.timestamp() * 1000
        assert service.lake.watermark() <= service.lake.now_ms


def test_the_printed_question_can_be_pasted_in_any_folder(
    world: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.argv", [".venv/bin/aggregation-platform", "demo"])

    program, _, config, *_ = shlex.split(question(fresh_configuration(world, tmp_path), FILLED))

    assert Path(program) == Path.cwd() / ".venv/bin/aggregation-platform"
    assert Path(config) == tmp_path / "platform.yaml"
