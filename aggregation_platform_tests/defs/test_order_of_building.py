"""Days that are loaded one after another, in any order: the contacts of the days around follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.clock import ManualClock
from aggregation_platform.config.load import load_config
from aggregation_platform.defs.assets import rollups
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.built_from import CONTACTS, world_standing
from aggregation_platform.defs.jobs import ORG_DAY, WORLD_DAY
from aggregation_platform.defs.partitions import org_day_key
from aggregation_platform.facts.tables import TABLES as FACTS
from aggregation_platform.intervals import day_key
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import WriteStamp
from aggregation_platform_tests.simulated_facts import simulated_facts
from aggregation_platform_tests.simulated_platform import QUIET

REASON = "aggregation_platform/reason"
PLATFORM = """
organizations:
  - {org: us, region: us-east-1, client_id: a, client_secret: s, first_day: 2026-01-01}
  - {org: emea, region: eu-central-1, client_id: b, client_secret: s, first_day: 2026-01-01}
  - {org: apac, region: ap-southeast-2, client_id: c, client_secret: s, first_day: 2026-01-01}
"""
AROUND = "facts of the days around have changed"
ITS_OWN = ""


class Days:
    """Facts of two simulated days, loaded as an org's run loads them; and the sensor's runs."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        file = folder / "platform.yaml"
        file.write_text(PLATFORM)
        self.clock = ManualClock(datetime(2026, 11, 28, 12, tzinfo=UTC))
        self.assembly = Assembly(load_config(file), clock=self.clock)
        self.definitions = build_definitions(self.assembly.config, self.assembly)
        self.instance = instance
        self.world = simulated_facts(20260105)
        self.first, self.last = self.world.world.options.simulated_days

    def load(self, org: str, day: date) -> None:
        for table in FACTS:
            frame = self.world.frame(table.name)
            self.assembly.warehouse.replace_partition(
                table,
                Partition(org, day),
                frame.filter(pl.col("org") == org, pl.col("day") == day),
                self.assembly.grant,
                stamp=WriteStamp("test", "final", self.clock.now()),
            )

    def load_all(self, day: date) -> None:
        for org in self.assembly.config.orgs:
            self.load(org, day)

    def follow(self, *, minutes: int) -> list[tuple[str, str]]:
        """Let time pass, do what the sensor asks for; return each day with the reason."""
        self.clock.advance(60 * minutes)
        repository = self.definitions.get_repository_def()
        with dg.build_sensor_context(
            instance=self.instance,
            repository_def=repository,
            resources={"assembly": self.assembly},
        ) as context:
            sensor = repository.get_sensor_def("world_days_due")
            requests = list(sensor.evaluate_tick(context).run_requests or [])
        for request in requests:
            self.build(request.partition_key or "", request.asset_selection)
        return [(request.partition_key or "", request.tags.get(REASON, "")) for request in requests]

    def build(self, key: str, selection: Sequence[dg.AssetKey] | None = None) -> None:
        ran = self.definitions.resolve_job_def(WORLD_DAY).execute_in_process(
            partition_key=key,
            instance=self.instance,
            run_config=QUIET,
            asset_selection=list(selection) if selection else None,
        )
        assert ran.success

    def contacts(self) -> list[tuple[object, ...]]:
        written = self.assembly.warehouse.query(
            "select table_name, day, content_hash from ops.partition_log order by all"
        )
        return written.filter(pl.col("table_name").is_in([each.key for each in CONTACTS])).rows()

    def contacts_built_at_once(self) -> list[tuple[object, ...]]:
        for day in (self.first, self.last):
            self.build(day_key(day))
        return self.contacts()


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Days(tmp_path, instance)


@pytest.mark.parametrize("is_forward", [True, False], ids=["forward", "backward"])
def test_days_loaded_one_by_one_serve_the_contacts_of_days_loaded_at_once(
    days: Days, is_forward: bool
):
    order = (days.first, days.last) if is_forward else (days.last, days.first)
    for day in order:
        days.load_all(day)
        assert days.follow(minutes=1) == [(day_key(day), ITS_OWN)]
    one_by_one = days.contacts()
    around = days.follow(minutes=20)
    served = days.contacts()

    assert around == [(day_key(order[0]), AROUND)]
    assert days.follow(minutes=20) == []
    assert one_by_one != served
    assert served == days.contacts_built_at_once()


def test_a_day_read_again_outdates_the_contacts_around_it_and_a_backfill_is_waited_for(days: Days):
    for day in (days.first, days.last):
        days.load_all(day)
    days.follow(minutes=1)
    days.load("us", days.last)
    under_way = days.instance.create_run_for_job(
        days.definitions.resolve_job_def(ORG_DAY),
        status=dg.DagsterRunStatus.STARTED,
        tags=tags_of("emea", days.last),
    )
    while_loading = days.follow(minutes=20)
    days.instance.report_run_canceled(under_way)
    after = days.follow(minutes=1)

    assert while_loading == []
    assert sorted(after) == [(day_key(days.first), AROUND), (day_key(days.last), ITS_OWN)]
    assert all(each.is_current for each in world_standing(days.assembly).linked.values())


def tags_of(org: str, day: date) -> dict[str, str]:
    """Return the tags that Dagster gives a backfill's run of an org's day."""
    key = org_day_key(Partition(org, day))
    dimensions = {
        f"dagster/partition/{name}": value for name, value in key.keys_by_dimension.items()
    }
    return {"dagster/partition": str(key), **dimensions}


def test_facts_that_are_committed_while_a_day_is_added_up_are_not_missed(
    days: Days, monkeypatch: pytest.MonkeyPatch
):
    """The run of one organization ends while the world's run has read, and not yet written."""
    others, add_up = ["emea"], rollups.handle_time_of
    for org in ("us", "apac"):
        days.load(org, days.first)

    def slowly(*given, **named):
        cells = add_up(*given, **named)
        if others:
            days.load(others.pop(), days.first)
        return cells

    monkeypatch.setattr(rollups, "handle_time_of", slowly)
    days.follow(minutes=1)
    again = days.follow(minutes=1)

    handled = days.assembly.warehouse.query(
        "select sum(handle_ms)::bigint from rollups.handle_time"
    ).item()
    metrics = days.world.frame("session_metrics").filter(
        pl.col("day") == days.first, pl.col("metric") == "tHandle"
    )
    assert (day_key(days.first), ITS_OWN) in again
    assert handled == metrics["value_ms"].sum()
