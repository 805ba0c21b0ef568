"""Assets to tables and back, on either warehouse: ranges, several dimensions, chunks, columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from aggregation_platform.assembly import TABLES, Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.defs.assets.declared import asset_of, key_of
from aggregation_platform.defs.io_managers import (
    PartitionBatches,
    PartitionOutput,
    WarehouseIOManager,
)
from aggregation_platform.defs.partitions import Partitions, every_org_of_the_day, partitions_of
from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.identity.tables import AGENTS, QUEUE_NAMES
from aggregation_platform.rollups.tables import JOURNEY_DAYS
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.ops_tables import EXTRACTION_LEDGER, PARTITION_LOG, RESTATEMENTS
from aggregation_platform.warehouse.store import Rows
from aggregation_platform_tests.configured_warehouse import delete_rows, in_emulator
from aggregation_platform_tests.simulated_platform import QUIET
from aggregation_platform_tests.warehouse_rig import MONDAY, NOON, TUESDAY, ledger_entry, rows_of

WEDNESDAY = date(2026, 1, 7)
WRITTEN = (QUEUE_NAMES, JOURNEY_DAYS, AGENTS)
START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

CONFIGURATION = """
organizations:
  - {org: us, region: us-east-1, client_id: a, client_secret: s, first_day: 2026-01-05}
  - {org: emea, region: eu-central-1, client_id: b, client_secret: s, first_day: 2026-01-05}
"""


@pytest.fixture(scope="module", params=["duckdb", "snowflake"])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Two organizations, and a warehouse of either kind with all tables."""
    written = yaml.safe_load(CONFIGURATION)
    if request.param == "snowflake":
        written["warehouse"] = in_emulator(request.getfixturevalue("emulator_port"))
    file = tmp_path_factory.mktemp(request.param) / "platform.yaml"
    file.write_text(yaml.safe_dump(written))
    assembly = Assembly(load_config(file, today=date(2026, 1, 10)))
    assembly.warehouse.migrate(TABLES)
    return assembly


@pytest.fixture
def platform(migrated: Assembly) -> Platform:
    """The same, without rows."""
    platform = Platform(migrated)
    platform.empty()
    return platform


def test_each_day_of_a_range_is_replaced_by_its_own_rows_or_by_none(platform: Platform):
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        platform.write(JOURNEY_DAYS, contacts(day, 1), f"{day}")
    platform.write(JOURNEY_DAYS, contacts(MONDAY, 5), MONDAY, TUESDAY)

    found = platform.warehouse.read(JOURNEY_DAYS, [Partition()]).sort("day")
    assert found.select("day", "contact_count").rows() == [(MONDAY, 5), (WEDNESDAY, 1)]
    assert platform.logged(JOURNEY_DAYS) == {
        (None, MONDAY): 1,
        (None, TUESDAY): 0,
        (None, WEDNESDAY): 1,
    }


def test_a_range_of_one_orgs_days_leaves_the_others_alone(platform: Platform):
    for org in ("us", "emea"):
        platform.write(QUEUE_NAMES, names(org, TUESDAY, "old"), f"{TUESDAY}|{org}")
    monday_and_tuesday = pl.concat([names("us", MONDAY, "m"), names("us", TUESDAY, "t")])
    platform.write(QUEUE_NAMES, monday_and_tuesday, f"{MONDAY}|us", f"{TUESDAY}|us")

    found = platform.warehouse.read(QUEUE_NAMES, [Partition()]).sort("org", "day")
    assert found.select("org", "day", "queue_name").rows() == [
        ("emea", TUESDAY, "old"),
        ("us", MONDAY, "m"),
        ("us", TUESDAY, "t"),
    ]


def test_chunks_of_a_range_are_put_apart_whatever_they_hold(platform: Platform):
    chunks = (
        pl.concat([names("us", day, f"{number}") for day in (MONDAY, TUESDAY)])
        for number in range(3)
    )
    platform.write(QUEUE_NAMES, chunks, f"{MONDAY}|us", f"{WEDNESDAY}|us")

    assert platform.logged(QUEUE_NAMES) == {
        ("us", MONDAY): 3,
        ("us", TUESDAY): 3,
        ("us", WEDNESDAY): 0,
    }


@pytest.mark.parametrize(
    ("late", "told"),
    [
        (lambda: names("us", WEDNESDAY, "n"), f"rows of us/{WEDNESDAY}, which is not among the 2"),
        (lambda: names("emea", MONDAY, "n"), f"rows of emea/{MONDAY}, which is not among the 2"),
        (lambda: names("us", MONDAY, "n").drop("session_count"), "the frame lacks session_count"),
    ],
)
def test_a_frame_that_does_not_belong_into_the_range_leaves_all_of_it_as_it_was(
    platform: Platform, late, told: str
):
    platform.write(QUEUE_NAMES, names("us", MONDAY, "old"), f"{MONDAY}|us")

    with pytest.raises(SchemaMismatchError, match=told):
        platform.write(
            QUEUE_NAMES, iter([names("us", MONDAY, "new"), late()]), f"{MONDAY}|us", f"{TUESDAY}|us"
        )
    assert platform.warehouse.read(QUEUE_NAMES, [Partition()])["queue_name"].to_list() == ["old"]


def test_what_is_committed_beside_a_range_is_committed_once(platform: Platform):
    restated = {"org": "us", "day": MONDAY, "table_name": "t", "cell": "{}", "measure": "m"}
    restated |= {"found_at": NOON, "run_id": "once"}
    platform.write(
        JOURNEY_DAYS,
        contacts(MONDAY, 1),
        MONDAY,
        WEDNESDAY,
        ledger=lambda: [ledger_entry("once")],
        alongside=lambda: [Rows(RESTATEMENTS, rows_of(RESTATEMENTS, [restated]))],
    )

    for table in (RESTATEMENTS, EXTRACTION_LEDGER):
        assert platform.warehouse.read(table, [Partition()]).height == 1


def test_a_day_reads_every_orgs_partition_of_it(platform: Platform):
    for org in ("us", "emea"):
        for day in (MONDAY, TUESDAY):
            platform.write(QUEUE_NAMES, names(org, day, f"{org} {day:%a}"), f"{day}|{org}")

    assert platform.read(MONDAY)["queue_name"].sort().to_list() == ["emea Mon", "us Mon"]


@pytest.mark.parametrize("kind", [pl.DataFrame, PartitionBatches])
def test_a_range_of_days_reads_every_orgs_partitions_of_all_of_them(platform: Platform, kind: type):
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        platform.write(QUEUE_NAMES, names("us", day, f"{day:%a}"), f"{day}|us")
    found = platform.read(TUESDAY, WEDNESDAY, kind=kind)

    assert found["queue_name"].sort().to_list() == ["Tue", "Wed"]


@pytest.mark.parametrize("kind", [pl.DataFrame, PartitionBatches])
def test_only_the_columns_named_in_an_inputs_metadata_are_read(platform: Platform, kind: type):
    platform.write(QUEUE_NAMES, names("us", MONDAY, "Sales"), f"{MONDAY}|us")
    found = platform.read(MONDAY, kind=kind, columns=["queue_name", "org"])

    assert found.to_dict(as_series=False) == {"queue_name": ["Sales"], "org": ["us"]}


def test_a_column_that_the_table_does_not_declare_is_refused_by_name(platform: Platform):
    with pytest.raises(SchemaMismatchError, match=r"identity\.queue_names declares no colour"):
        platform.read(MONDAY, columns=["colour"])


def test_partitions_without_rows_are_read_as_a_frame_of_the_tables_shape(platform: Platform):
    platform.write(QUEUE_NAMES, names("us", MONDAY, "old"), f"{MONDAY}|us")
    platform.write(QUEUE_NAMES, iter(()), f"{MONDAY}|us")
    found = platform.read(MONDAY)

    assert found.height == 0
    assert found.schema == QUEUE_NAMES.frame_schema
    assert platform.logged(QUEUE_NAMES) == {("us", MONDAY): 0}


def test_a_table_without_partitions_is_replaced_whole_and_read_whole(platform: Platform):
    for person in ("ann", "bob"):
        agent = {"org": "us", "user_id": person, "global_agent_id": "g", "evidence": "rule"}
        rows = rows_of(AGENTS, [agent | {"valid_from": MONDAY, "valid_to": TUESDAY}])
        platform.write(AGENTS, rows)

    definitions = platform.definitions(declared(AGENTS, None, AGENTS.empty()))
    found = definitions.load_asset_value(key_of(AGENTS), python_type=pl.DataFrame)
    assert isinstance(found, pl.DataFrame)
    assert found["user_id"].to_list() == ["bob"]


def test_a_notebook_loads_one_partition_by_its_key(platform: Platform):
    for org in ("us", "emea"):
        platform.write(QUEUE_NAMES, names(org, MONDAY, org), f"{MONDAY}|{org}")
    definitions = platform.definitions(platform.queue_names())
    found = definitions.load_asset_value(
        key_of(QUEUE_NAMES), python_type=pl.DataFrame, partition_key=f"{MONDAY}|us"
    )

    assert isinstance(found, pl.DataFrame)
    assert found["queue_name"].to_list() == ["us"]


def test_a_write_says_rows_bytes_hash_schema_and_the_warehouses_query_ids(platform: Platform):
    (event,) = platform.write(QUEUE_NAMES, names("us", MONDAY, "a", "b"), f"{MONDAY}|us")
    told: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    (logged,) = platform.log(QUEUE_NAMES)

    assert told["dagster/partition_row_count"] == 2
    assert re.fullmatch(r"2 rows, [1-9][\d,]* bytes", told["written"])
    assert told["content_hash"] == logged["content_hash"]
    assert told["finality"] == logged["finality"] == "complete"
    schema = told["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [(one.name, one.type) for one in schema.columns] == [
        (column.name, str(column.dtype)) for column in QUEUE_NAMES.columns
    ]
    assert len(set(told.get("query_ids", ()))) == len(told.get("query_ids", ()))
    assert (len(told.get("query_ids", ())) > 5) == (platform.warehouse.kind == "snowflake")


def test_each_partition_of_a_range_is_told_with_its_rows_and_hash(platform: Platform):
    events = platform.write(JOURNEY_DAYS, contacts(MONDAY, 1), MONDAY, TUESDAY)
    told = events[0].metadata

    assert [event.partition for event in events] == [f"{MONDAY}", f"{TUESDAY}"]
    assert str(told["written"].value).startswith("1 rows, ")
    assert "dagster/partition_row_count" not in told
    partitions = told["partitions"]
    assert isinstance(partitions, dg.TableMetadataValue)
    by_day = {record.data["partition"]: record.data for record in partitions.records}
    assert {day: row["rows"] for day, row in by_day.items()} == {f"{MONDAY}": 1, f"{TUESDAY}": 0}
    assert {row["content_hash"] for row in by_day.values()} == {
        row["content_hash"] for row in platform.log(JOURNEY_DAYS)
    }


class Platform:
    """Short ways to run an asset of a declared table, and to look at what came of it."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.warehouse = assembly.warehouse
        self.partitions: Partitions = partitions_of(assembly.config)

    def definitions(self, *assets: dg.AssetsDefinition) -> dg.Definitions:
        return dg.Definitions(assets=list(assets), resources=self._resources)

    def write(
        self,
        table: Table,
        frames: pl.DataFrame | Iterable[pl.DataFrame],
        first: date | str | None = None,
        last: date | str | None = None,
        **beside: Any,
    ) -> list[dg.AssetMaterialization]:
        """Run the table's asset for one partition, or for those from first to last."""
        by_org, by_day = (name in table.partitioned_by for name in ("org", "day"))
        days = self.partitions.org_days if by_org else self.partitions.days
        asset = declared(table, days if by_day else None, frames, **beside)
        ran = self._run(asset, first, last)
        return [event.materialization for event in ran.get_asset_materialization_events()]

    def read(
        self,
        first: date,
        last: date | None = None,
        *,
        kind: type = pl.DataFrame,
        columns: list[str] | None = None,
    ) -> pl.DataFrame:
        """Run an asset of days that reads every org's queue names; return what it got."""
        taken: list[pl.DataFrame] = []
        source = self.queue_names()
        self._run(reading(self.partitions, kind, columns, taken), first, last, source)
        return pl.concat(taken)

    def queue_names(self) -> dg.AssetsDefinition:
        """The asset of queue names, to be read from."""
        return declared(QUEUE_NAMES, self.partitions.org_days, QUEUE_NAMES.empty())

    def log(self, table: Table) -> list[dict[str, Any]]:
        rows = self.warehouse.read(PARTITION_LOG, [Partition()])
        return rows.filter(pl.col("table_name") == table.key).sort("org", "day").to_dicts()

    def logged(self, table: Table) -> dict[tuple[str | None, date | None], int]:
        return {(row["org"], row["day"]): row["rows"] for row in self.log(table)}

    def empty(self) -> None:
        """Delete what a test wrote, log included."""
        beside = (PARTITION_LOG, RESTATEMENTS, EXTRACTION_LEDGER)
        delete_rows(self.assembly, (*WRITTEN, *beside))

    @property
    def _resources(self) -> dict[str, Any]:
        return {"warehouse": WarehouseIOManager(self.assembly)}

    def _run(
        self,
        asset: dg.AssetsDefinition,
        first: date | str | None,
        last: date | str | None,
        *others: dg.AssetsDefinition,
    ) -> dg.ExecuteInProcessResult:
        tags = {START: str(first), END: str(last)} if last else {}
        with dg.DagsterInstance.ephemeral() as instance:
            return dg.materialize(
                [asset, *others],
                selection=[asset],
                partition_key=str(first) if first and not last else None,
                tags=tags,
                resources=self._resources,
                instance=instance,
                run_config=QUIET,
            )


def declared(
    table: Table,
    partitions: dg.PartitionsDefinition[Any] | None,
    frames: pl.DataFrame | Iterable[pl.DataFrame],
    **beside: Any,
) -> dg.AssetsDefinition:
    """An asset of the table that hands over these rows."""

    @asset_of(table, partitions)
    def handed_over() -> PartitionOutput:
        return PartitionOutput(frames, finality="complete", **beside)

    return handed_over


def reading(
    partitions: Partitions, kind: type, columns: list[str] | None, taken: list[pl.DataFrame]
) -> dg.AssetsDefinition:
    """An asset of days that reads every org's queue names, at once or in batches."""
    needed = dg.AssetIn(
        key=key_of(QUEUE_NAMES),
        partition_mapping=every_org_of_the_day(),
        metadata={"columns": columns} if columns else {},
    )

    @dg.asset(ins={"names": needed}, partitions_def=partitions.days)
    def at_once(names: pl.DataFrame) -> None:
        taken.append(names)

    @dg.asset(ins={"names": needed}, partitions_def=partitions.days)
    def in_batches(names: PartitionBatches) -> None:
        taken.extend(names)

    return in_batches if kind is PartitionBatches else at_once


def names(org: str, day: date, *queue_names: str) -> pl.DataFrame:
    """Queue names of an org's day, one row each."""
    row = {"org": org, "day": day, "last_seen_at": NOON, "session_count": 1}
    return rows_of(
        QUEUE_NAMES, [row | {"queue_id": name, "queue_name": name} for name in queue_names]
    )


def contacts(day: date, count: int) -> pl.DataFrame:
    """One org's day of contacts."""
    zeros = dict.fromkeys((n for n in JOURNEY_DAYS.frame_schema if n.endswith(("count", "ms"))), 0)
    return rows_of(JOURNEY_DAYS, [zeros | {"org": "us", "day": day, "contact_count": count}])
