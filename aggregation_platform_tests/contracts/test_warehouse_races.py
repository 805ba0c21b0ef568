"""Real processes that write one partition at once, are watched, or are killed: on both warehouses.

What only DuckDB can be put to is in test_warehouse_over_processes.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.spool import spool_folder
from aggregation_platform_tests.warehouse_processes import said, writer
from aggregation_platform_tests.warehouse_relay import Relay
from aggregation_platform_tests.warehouse_rig import (
    MONDAY,
    THINGS,
    WRITTEN_TO,
    Rig,
    emptied,
    things,
)

ROWS = 300
US_MONDAY = Partition("us", MONDAY)

AT_ONE_MOMENT = """
select count(*) as found, count(distinct t.name) as versions, min(t.name) as name,
       min(l."ROWS") as logged, min(l.run_id) as run_id, count(distinct l.run_id) as runs
from facts.things t
join ops.partition_log l on l.table_name = 'facts.things' and l.org = t.org and l.day = t.day
where t.org = 'us'
"""


def place_of(settings: DuckDBSettings | SnowflakeSettings, spool: Path) -> str:
    """Return the place as the writer's command line has it."""
    if isinstance(settings, DuckDBSettings):
        return str(settings.path)
    return f"emulator:{settings.port}:{settings.database}:{spool}"


def hash_of(frame: pl.DataFrame, spool: Path) -> str:
    """Hash rows as they were read back."""
    with spool_folder(spool, SystemClock()) as folder:
        return folder.write(THINGS, US_MONDAY, frame).content_hash


@pytest.mark.parametrize("warehouse_settings", ["duckdb", "emulator"], indirect=True)
def test_of_two_processes_that_write_one_partition_one_wins_whole_and_no_reader_sees_less(
    rig: Rig, warehouse_settings: DuckDBSettings | SnowflakeSettings, tmp_path: Path
):
    rig.replace(things("us", MONDAY, *(["old"] * ROWS)), run_id="old")
    place = place_of(warehouse_settings, tmp_path / "spool")
    sights: list[dict[str, object]] = []
    with (
        writer("replace", place, "first", ROWS, 2) as first,
        writer("replace", place, "second", ROWS, 2) as second,
    ):
        while first.poll() is None or second.poll() is None:
            sights += rig.warehouse.query(AT_ONE_MOMENT).to_dicts()
        assert (said(first), said(second)) == ("done", "done")

    names = {str(sight["name"]) for sight in sights}
    assert all(
        sight
        == {
            "found": ROWS,
            "versions": 1,
            "name": sight["name"],
            "logged": ROWS,
            "run_id": sight["name"],
            "runs": 1,
        }
        for sight in sights
    )
    assert "old" in names
    assert len(names) > 1
    [last] = rig.log()
    assert last["run_id"] in {"first1", "second1"}
    assert set(rig.names()) == {last["run_id"]}
    assert last["content_hash"] == hash_of(rig.warehouse.read(THINGS, [US_MONDAY]), tmp_path)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("PUT /fs_bucket", "old"),
        ('COPY INTO "FACTS"."THINGS"', "old"),
        ('UPDATE "OPS"."MUTEX"', "old"),
        ("COMMIT", "old"),
        ("REMOVE", "new0"),
    ],
)
def test_what_a_process_killed_at_a_statement_left_is_in_nobodys_way(
    migrated_emulator: SnowflakeSettings, relay: Relay, tmp_path: Path, statement: str, left: str
):
    emptied(migrated_emulator, WRITTEN_TO)
    spool = tmp_path / "spool"
    rig = Rig(open_warehouse(replace(migrated_emulator, spool=spool)))
    rig.replace(things("us", MONDAY, "old"), run_id="old")
    held = relay.fail(statement, "held")
    with writer(
        "replace", f"emulator:{relay.port}:{migrated_emulator.database}:{spool}", "new", 1, 1
    ):
        held.await_reached()

    assert list(spool.rglob("*.parquet"))
    assert (rig.names(), [row["run_id"] for row in rig.log()]) == ([left], [left])
    relay.end_sessions()
    rig.replace(things("us", MONDAY, "next"), run_id="next")
    assert (rig.names(), [row["run_id"] for row in rig.log()]) == (["next"], ["next"])
    assert list(spool.iterdir()) == []
    assert any(sent.startswith("CREATE TEMPORARY STAGE") for sent in relay.statements)
