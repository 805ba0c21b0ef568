"""`materialize` goes on where it was: what is here is left alone, and each day is built early."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aggregation_platform.defs.advice import same_command
from aggregation_platform.defs.materialize import Materialization
from aggregation_platform.simulator.faults import Fault
from aggregation_platform_tests.simulated_platform import (
    SimulatedPlatform,
    clock_within_today,
    simulated_platform,
)


@dataclass
class Told:
    """What a call said, and what could not be done."""

    lines: list[str] = field(default_factory=list[str])
    not_done: list[str] = field(default_factory=list[str])

    def about(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]


def materialized(platform: SimulatedPlatform, *days: date, again: bool = False) -> Told:
    told = Told()
    work = Materialization(
        assembly=platform.assembly,
        instance=platform.instance,
        orgs=platform.config.orgs,
        days=days or platform.days,
        say=told.lines.append,
        again=again,
    )
    work.run()
    told.not_done = work.not_done
    return told


def written_by(platform: SimulatedPlatform) -> dict[tuple[str, str | None, date | None], str]:
    """Return the run that wrote each partition."""
    rows = platform.assembly.warehouse.query(
        "select table_name, org, day, run_id from ops.partition_log"
    )
    return {(table, org, day): run_id for table, org, day, run_id in rows.iter_rows()}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SimulatedPlatform]:
    """Two days of one organization, over for long: fetched once, they are final."""
    with simulated_platform(tmp_path, orgs=("us",), conversations_per_day=8) as one_org:
        yield one_org


def test_finished_days_are_left_alone_unless_they_are_asked_for_again(
    platform: SimulatedPlatform,
):
    first = materialized(platform)
    before = written_by(platform)
    second = materialized(platform)
    untouched = written_by(platform)
    third = materialized(platform, again=True)

    assert first.not_done == second.not_done == third.not_done == []
    assert second.lines == ["already here: us, 2 days of 2026-11-10 to 2026-11-11 (2 final)"]
    assert untouched == before
    assert all(
        run_id != before[partition]
        for partition, run_id in written_by(platform).items()
        if partition[0] in ("raw.conversations", "rollups.handle_time", "journeys.legs")
    )


def test_one_finished_day_is_named_with_its_finality(platform: SimulatedPlatform):
    materialized(platform, platform.days[0])

    assert materialized(platform, platform.days[0]).lines == ["already here: us 2026-11-10 (final)"]


def test_a_day_is_added_up_before_the_next_one_is_loaded(platform: SimulatedPlatform):
    told = materialized(platform)

    done = [line.split(" (")[0].removeprefix("done: ") for line in told.about("done: ")]
    of_days = [line.split(",")[0] for line in done if "2026-11" in line]
    assert of_days == [
        "us 2026-11-10",
        "the world on 2026-11-10",
        "us 2026-11-11",
        "the world on 2026-11-11",
        "contacts that began on 2026-11-10",
        "contacts that began on 2026-11-11",
    ]


def test_each_part_that_is_done_says_how_far_everything_is(platform: SimulatedPlatform):
    told = materialized(platform)

    counted = [line.split("; ")[1].split(",")[0] for line in told.about("done: ")]
    assert counted[-1] == "6 of 6"
    assert "1 of 6" in counted


def test_the_loaded_days_around_follow_and_it_says_so(platform: SimulatedPlatform):
    materialized(platform, platform.days[0])
    told = materialized(platform, platform.days[1])
    one_by_one = contacts(platform)
    for day in platform.days:
        platform.must(platform.world_day(day))

    assert len(told.about("contacts that began on 2026-11-10, after changes of the days")) == 1
    assert one_by_one == contacts(platform)


def contacts(platform: SimulatedPlatform) -> list[tuple[object, ...]]:
    return platform.assembly.warehouse.query(
        "select table_name, day, content_hash from ops.partition_log"
        " where table_name like 'journeys.%' or table_name = 'rollups.journey_days' order by all"
    ).rows()


def test_an_org_that_is_down_is_named_at_once_and_the_others_go_on(tmp_path: Path):
    first = datetime.now(UTC).date() - timedelta(days=12)
    with simulated_platform(
        tmp_path,
        clock=clock_within_today(),
        orgs=("us", "emea"),
        first_day=first,
        days=2,
        conversations_per_day=8,
    ) as platform:
        platform.simulator.faults.add(Fault(kind="down", org="us"))
        told = materialized(platform)
        world = platform.assembly.warehouse.query(
            "select day, org, sum(handle_ms)::bigint from rollups.handle_time group by all"
            " order by day"
        ).rows()
        truth = [platform.simulator.truth.handle_time("emea", day)[1] for day in platform.days]

    trouble = told.about("us does not answer; it is asked again at")
    assert len(trouble) >= 6
    assert all(" until about " in line and "503" in line for line in trouble)
    assert world == [(day, "emea", ms) for day, ms in zip(platform.days, truth, strict=True)]
    assert [line.split(": us: ")[0] for line in told.not_done if "not fetched" in line] == [
        f"not fetched: 2 days of {first} to {platform.days[1]}"
    ]


@pytest.mark.parametrize("folder", ["/etc/platform", "/data/our platform", "/it's/$HOME"])
def test_the_command_that_resumes_can_be_pasted_whatever_the_path(folder: str):
    config = Path(folder) / "platform.yaml"

    said = same_command(config, "2026-01-05", "2026-01-06", ["us"], "--from-landing")

    words = shlex.split(said)
    assert words[words.index("--config") + 1] == str(config)
    assert words[1:2] + words[-3:] == ["materialize", "--org", "us", "--from-landing"]
