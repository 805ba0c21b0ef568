"""`materialize --from-landing`: a day is built again from its stored pages, and no org is asked."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.materialize import command_line
from aggregation_platform.cli.options import Days
from aggregation_platform.defs.materialize import Materialization
from aggregation_platform.facts.tables import CONVERSATIONS, REJECTS, SESSION_METRICS
from aggregation_platform.facts.tables import TABLES as FACTS
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.store import Warehouse, WriteStamp
from aggregation_platform_tests.simulated_platform import SimulatedPlatform


def replayed(assembly: Assembly, *days: date) -> Materialization:
    with dg.DagsterInstance.ephemeral() as instance:
        work = Materialization(
            assembly=assembly,
            instance=instance,
            orgs=assembly.config.orgs,
            days=days,
            say=lambda _: None,
            from_landing=True,
        )
        work.run()
    return work


def rows(warehouse: Warehouse, table: Table, partition: Partition) -> pl.DataFrame:
    return warehouse.read(table, [partition]).sort(pl.all())


def test_the_rows_are_the_same_and_no_org_is_asked(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    day, warehouse = filled_platform.days[0], without_api.warehouse
    partitions = [Partition(org, day) for org in without_api.config.orgs]
    of_orgs = [(table, partition) for table in (RAW, *FACTS) for partition in partitions]
    every = [*of_orgs, (HANDLE_TIME, Partition(day=day))]
    before = [rows(warehouse, *each) for each in every]
    runs = set(run_ids(warehouse))
    lose_some(without_api, Partition("us", day))

    work = replayed(without_api, day)

    assert work.not_done == []
    assert all(
        rows(warehouse, *each).equals(then) for each, then in zip(every, before, strict=True)
    )
    assert not runs & set(run_ids(warehouse)), "a partition was not written again"


def test_a_record_that_older_code_rejected_is_booked_after_the_fix_without_asking_the_org(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    us, warehouse = Partition("us", filled_platform.days[0]), without_api.warehouse
    before = {table.key: rows(warehouse, table, us) for table in FACTS}
    metrics = before[SESSION_METRICS.key].filter(pl.col("metric") == "tHandle")
    rejected = str(metrics["conversation_id"][0])
    reject(without_api, us, rejected)
    assert rejected not in set(rows(warehouse, SESSION_METRICS, us)["conversation_id"])
    assert rows(warehouse, REJECTS, us)["conversation_id"].to_list() == [rejected]

    work = replayed(without_api, filled_platform.days[0])

    assert work.not_done == []
    assert rows(warehouse, REJECTS, us).is_empty()
    assert all(rows(warehouse, table, us).equals(before[table.key]) for table in FACTS)


def reject(assembly: Assembly, partition: Partition, conversation_id: str) -> None:
    """Leave the facts as code would that cannot read one record: all others, and its reject."""
    warehouse, stamp = assembly.warehouse, WriteStamp("old", "final", assembly.clock.now())
    mine = pl.col("conversation_id") == conversation_id
    place = rows(warehouse, CONVERSATIONS, partition).filter(mine).select("page", "position")
    row = {
        **place.row(0, named=True),
        "org": partition.org,
        "day": partition.day,
        "conversation_id": conversation_id,
        "level": "session",
        "reason": "a member that this code did not know",
        "path": "participants[0].sessions[0]",
    }
    for table in FACTS:
        kept = rows(warehouse, table, partition).filter(~mine)
        if table is REJECTS:
            kept = pl.DataFrame([row], schema=REJECTS.frame_schema)
        warehouse.replace_partition(table, partition, kept, assembly.grant, stamp=stamp)


def run_ids(warehouse: Warehouse) -> list[str]:
    return warehouse.query("select distinct run_id from ops.partition_log where day is not null")[
        "run_id"
    ].to_list()


def lose_some(assembly: Assembly, partition: Partition) -> None:
    """Damage what the replay shall mend: half of the raw rows and all facts are gone."""
    half = assembly.warehouse.read(RAW, [partition]).gather_every(2)
    stamp = WriteStamp("damage", "complete", assembly.clock.now())
    for table, frame in ((RAW, half), *((table, table.empty()) for table in FACTS)):
        assembly.warehouse.replace_partition(table, partition, frame, assembly.grant, stamp=stamp)


def test_a_day_that_was_never_landed_is_refused_with_the_remedy(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    day = filled_platform.days[0].replace(day=11)
    never = replayed(without_api, day)

    refused = [line for line in never.not_done if "landing zone" in line]
    assert [line.split(" ")[0] for line in refused] == list(without_api.config.orgs)
    assert all("Materialize it without --from-landing" in line for line in refused)
    assert not any("Error: " in line for line in refused)


def test_the_command_passes_the_option_on():
    days = Days(date(2026, 1, 5), date(2026, 1, 5))

    assert command_line("p.yaml", days, ["us"], from_landing=True)[-1] == "--from-landing"
    assert "--from-landing" not in command_line("p.yaml", days, ["us"])
