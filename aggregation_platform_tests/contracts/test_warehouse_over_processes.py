"""One DuckDB file and several real processes, some of them killed."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import polars as pl
import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.epochs import Epoch
from aggregation_platform.errors import FencedError, WarehouseBusyError
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings, DuckDBWarehouse
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform_tests.warehouse_processes import said, writer
from aggregation_platform_tests.warehouse_rig import MONDAY, TABLES, Rig, ledger_entry, things

OLD, LATE = (["old"], [("old", 1)]), (["late"] * 200_000, [("late", 200_000)])


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    warehouse = open_warehouse(DuckDBSettings(tmp_path / "warehouse.duckdb"))
    warehouse.migrate(TABLES)
    return Rig(warehouse)


def seen(rig: Rig) -> tuple[list[str | None], list[object]]:
    """The names, and whose write the log says they are."""
    return rig.names(), [(row["run_id"], row["rows"]) for row in rig.log()]


@pytest.mark.parametrize(
    ("instant", "left"),
    [
        ("before the load", [OLD]),
        ("while loading", [OLD]),
        ("before the fence", [OLD]),
        ("before the commit", [OLD]),
        ("while committing", [OLD, LATE]),
        ("after the commit", [LATE]),
    ],
)
def test_a_writer_killed_at_any_instant_leaves_one_whole_partition_and_no_files(
    rig: Rig, tmp_path: Path, instant: str, left: list[object]
):
    rig.replace(things("us", MONDAY, "old"), run_id="old")
    file, spool = tmp_path / "warehouse.duckdb", tmp_path / "warehouse.duckdb.spool"
    with writer("stop", file, instant, 200_000) as process:
        assert said(process) == "held"
        process.kill()
        process.wait()

    assert list(spool.rglob("*.parquet"))
    assert seen(rig) in left
    rig.replace(things("us", MONDAY, "new"), run_id="new")
    assert seen(rig) == (["new"], [("new", 1)])
    assert sorted(path.name for path in tmp_path.rglob("*")) == [file.name, spool.name]


def test_a_takeover_waits_for_the_writer_that_has_the_file_and_fences_the_next(
    rig: Rig, tmp_path: Path
):
    rig.replace(things("us", MONDAY, "old"), run_id="old", ledger=[ledger_entry("old")])
    file = tmp_path / "warehouse.duckdb"
    impatient = DuckDBWarehouse(DuckDBSettings(file, wait_s=0.2), clock=SystemClock())
    with writer("stop", file, "before the fence", 10) as process:
        assert said(process) == "held"
        with pytest.raises(WarehouseBusyError, match=rf"held by process {process.pid} "):
            impatient.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")

    rig.warehouse.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")
    with pytest.raises(FencedError):
        rig.replace(things("us", MONDAY, "new"), run_id="new", ledger=[ledger_entry("new")])
    assert seen(rig) == OLD
    assert [row["attempt_id"] for row in rig.ledger()] == ["old"]


@pytest.mark.parametrize(
    ("width", "rows", "told"),
    [
        (32, 300_000, r"rows on their way cannot be written to .*\.spool/.*Make room there"),
        (200, 300_000, r"duckdb: IO Error.*nothing was written\. Make room on its disk"),
        (200, 100_000, r"duckdb: .*Failed to commit.*nothing was written\. Make room on its disk"),
    ],
    ids=["spool", "load", "commit"],
)
def test_a_full_disk_leaves_the_old_rows_and_says_where_room_is_needed(
    rig: Rig, tmp_path: Path, width: int, rows: int, told: str
):
    rig.replace(things("us", MONDAY, "old"), run_id="old")
    with writer("cram", tmp_path / "warehouse.duckdb", width, rows) as process:
        error = said(process)

    assert re.search(told, error), error
    assert seen(rig) == OLD
    assert list((tmp_path / "warehouse.duckdb.spool").iterdir()) == []
    rig.replace(things("us", MONDAY, "new"), run_id="new")
    assert seen(rig) == (["new"], [("new", 1)])


def test_waiting_for_the_file_is_bounded_and_names_who_holds_it(rig: Rig, tmp_path: Path):
    file = tmp_path / "warehouse.duckdb"
    impatient = DuckDBWarehouse(DuckDBSettings(file, wait_s=0.2), clock=SystemClock())
    with writer("hold", file) as process:
        assert said(process) == "held"

        with pytest.raises(WarehouseBusyError, match=rf"held by process {process.pid} ") as busy:
            impatient.lease()
        with pytest.raises(WarehouseBusyError, match="DuckDB admits one writing process"):
            Rig(impatient)
    assert str(file) in str(busy.value)


def test_a_patient_writer_gets_its_turn_when_the_holder_dies(rig: Rig, tmp_path: Path):
    with writer("hold", tmp_path / "warehouse.duckdb") as process:
        assert said(process) == "held"

        def frames() -> Generator[pl.DataFrame]:
            process.kill()
            yield things("us", MONDAY, "patient")

        rig.replace(frames())

    assert rig.names() == ["patient"]
