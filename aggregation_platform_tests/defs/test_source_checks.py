"""What the orgs themselves say of a day, beside what is here: as asset checks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import dagster as dg
import polars as pl
import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.asset_checks import keeps_totals
from aggregation_platform.defs.jobs import DIRECTORY, IDENTITY, ORG_DAY, RECONCILE, WORLD_DAY
from aggregation_platform.defs.partitions import org_day_key
from aggregation_platform.defs.source_checks import (
    SOURCE_CHECKS,
    has_every_conversation,
    reconciles_with_the_source,
)
from aggregation_platform.facts.tables import CONVERSATIONS, SESSION_METRICS
from aggregation_platform.rollups.tables import (
    HANDLE_TIME,
    HANDLE_TIME_SKETCHES,
    JOURNEY_DAYS,
    QUEUE_INTERVALS,
)
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.store import Finality, WriteStamp
from aggregation_platform_tests.simulated_platform import SimulatedPlatform

Check = Callable[[Assembly, Partition], dg.AssetCheckResult]
Change = Callable[[pl.DataFrame], pl.DataFrame]


def us(platform: SimulatedPlatform) -> Partition:
    return Partition("us", platform.days[0])


@contextmanager
def changed(
    platform: SimulatedPlatform, table: Table, change: Change, *, finality: Finality = "final"
) -> Generator[None]:
    """Let a table of the us day be different for a while."""
    before = platform.assembly.warehouse.read(table, [us(platform)])
    write(platform, table, change(before), finality)
    try:
        yield
    finally:
        write(platform, table, before, "final")


def write(platform: SimulatedPlatform, table: Table, rows: pl.DataFrame, state: Finality) -> None:
    stamp = WriteStamp("test", state, platform.assembly.clock.now())
    platform.assembly.warehouse.replace_partition(
        table, us(platform), rows, platform.assembly.grant, stamp=stamp
    )


def told(result: dg.AssetCheckResult) -> dict[str, object]:
    return {name: getattr(value, "value", value) for name, value in (result.metadata or {}).items()}


def rows_of(metadata: Any, name: str) -> list[dict[str, Any]]:
    return [record.data for record in metadata[name].value.records]


def conversation_of(rows: pl.DataFrame) -> str:
    """Name one conversation with handle time."""
    handled = rows.filter(pl.col("metric") == "tHandle")
    return handled.sort("conversation_id")["conversation_id"][3]


def one_millisecond_more(rows: pl.DataFrame) -> pl.DataFrame:
    its = (pl.col("conversation_id") == conversation_of(rows)) & (pl.col("metric") == "tHandle")
    return rows.with_columns(pl.col("value_ms") + (its & its.cum_sum().eq(1)).cast(pl.Int64))


def test_the_job_evaluates_both_checks_for_its_partition(filled_platform: SimulatedPlatform):
    key = org_day_key(us(filled_platform))

    ran = filled_platform.run(RECONCILE, key)

    assert ran.success
    evaluated = ran.get_asset_check_evaluations()
    assert {(each.asset_check_key, each.passed) for each in evaluated} == {
        (each, True) for each in SOURCE_CHECKS.values()
    }
    assert {each.partition for each in evaluated} == {str(key)}


def test_no_run_that_makes_assets_asks_the_org_for_its_figures(filled_platform: SimulatedPlatform):
    steps = {
        node.name
        for name in (ORG_DAY, WORLD_DAY, DIRECTORY, IDENTITY)
        for node in filled_platform.definitions.resolve_job_def(name).nodes
    }

    assert any(step.endswith("has_nothing_new") for step in steps)
    assert not [step for step in steps for key in SOURCE_CHECKS.values() if key.name in step]


def test_a_day_that_equals_the_orgs_figures_passes_and_says_what_was_compared(
    filled_platform: SimulatedPlatform,
):
    found = reconciles_with_the_source(filled_platform.assembly, us(filled_platform))

    assert found.passed
    handled = filled_platform.simulator.truth.handle_time("us", filled_platform.days[0])
    shown = told(found)
    assert (shown["handled_count"], shown["handle_ms"]) == handled
    assert shown["cells_that_differ"] == 0
    assert isinstance(shown["cells_compared"], int)
    assert shown["cells_compared"] > 50


def test_one_millisecond_is_a_warning_that_names_the_conversation(
    filled_platform: SimulatedPlatform,
):
    rows = filled_platform.assembly.warehouse.read(SESSION_METRICS, [us(filled_platform)])
    with changed(filled_platform, SESSION_METRICS, one_millisecond_more):
        found = reconciles_with_the_source(filled_platform.assembly, us(filled_platform))

    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told(found)["cells_that_differ"] == 1
    behind = rows_of(found.metadata, "conversations_behind_them")[0]
    assert (behind["conversation_id"], behind["finding"]) == (conversation_of(rows), "altered")
    assert "materialize --from" in str(told(found)["what_to_do"])


@pytest.mark.parametrize("check", [reconciles_with_the_source, has_every_conversation])
def test_a_provisional_day_is_not_compared_and_says_when_it_will_be(
    filled_platform: SimulatedPlatform,
    check: Check,
):
    asked = requests(filled_platform)
    with changed(filled_platform, SESSION_METRICS, one_millisecond_more, finality="provisional"):
        found = check(filled_platform.assembly, us(filled_platform))

    assert found.passed
    assert told(found)["compared"] is False
    assert "has passed 2026-11-11T00:00:00.000Z and" in str(told(found)["will_be_compared"])
    assert requests(filled_platform) == asked


@pytest.mark.parametrize("check", [reconciles_with_the_source, has_every_conversation])
def test_a_day_that_is_not_loaded_is_not_compared(
    filled_platform: SimulatedPlatform,
    check: Check,
):
    found = check(filled_platform.assembly, Partition("us", filled_platform.days[0].replace(day=1)))

    assert found.passed
    assert told(found)["why_not"] == "the day is not loaded"


def test_every_conversation_that_the_org_counts_is_here(filled_platform: SimulatedPlatform):
    found = has_every_conversation(filled_platform.assembly, us(filled_platform))

    assert found.passed
    assert told(found)["counted_by_the_org"] == told(found)["landed"]


def test_a_conversation_that_is_not_here_is_counted_as_missing(filled_platform: SimulatedPlatform):
    began = pl.col("started_at").dt.date() == filled_platform.days[0]
    with changed(
        filled_platform,
        CONVERSATIONS,
        lambda rows: rows.filter(~(began & began.cum_sum().eq(5))),
    ):
        found = has_every_conversation(filled_platform.assembly, us(filled_platform))

    assert not found.passed
    assert (told(found)["missing"], told(found)["surplus"]) == (1, 0)


@pytest.mark.parametrize("check", [reconciles_with_the_source, has_every_conversation])
def test_an_org_that_does_not_answer_is_a_warning_and_fails_no_run(
    filled_platform: SimulatedPlatform, check: Check
):
    faults = filled_platform.simulator.faults
    number = faults.add(Fault(kind="server_error", org="us", status=403))
    try:
        found = check(filled_platform.assembly, us(filled_platform))
    finally:
        faults.remove(number)

    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told(found)["compared"] is False
    assert str(told(found)["why_not"]).startswith("us: ")


def requests(platform: SimulatedPlatform) -> int:
    return platform.assembly.client("us").tally.counts().total


@contextmanager
def doubled(platform: SimulatedPlatform, table: Table) -> Generator[None]:
    """Let every row of a rollup's day be there twice for a while."""
    warehouse, day = platform.assembly.warehouse, Partition(day=platform.days[0])
    before = warehouse.read(table, [day])
    stamp = WriteStamp("test", "final", platform.assembly.clock.now())
    copied = pl.concat([before, before])
    warehouse.replace_partition(table, day, copied, platform.assembly.grant, stamp=stamp)
    try:
        yield
    finally:
        warehouse.replace_partition(table, day, before, platform.assembly.grant, stamp=stamp)


@pytest.mark.parametrize(
    "table",
    [HANDLE_TIME, HANDLE_TIME_SKETCHES, QUEUE_INTERVALS, JOURNEY_DAYS],
    ids=lambda table: table.key,
)
def test_a_rollup_that_has_its_rows_twice_fails_both_checks(
    filled_platform: SimulatedPlatform, table: Table
):
    with doubled(filled_platform, table):
        kept = keeps_totals(filled_platform.assembly, filled_platform.days[0])
        found = reconciles_with_the_source(filled_platform.assembly, us(filled_platform))

    assert (kept.passed, found.passed) == (False, False)
    keys: Any = told(kept)["keys_that_are_doubled"]
    assert [name for name, count in keys.items() if count] == [table.key]
    assert cast("int", told(found)["rollup_keys_that_are_doubled"]) > 0
    assert "--from-landing" in str(told(found)["what_to_do"])
    assert keeps_totals(filled_platform.assembly, filled_platform.days[0]).passed
