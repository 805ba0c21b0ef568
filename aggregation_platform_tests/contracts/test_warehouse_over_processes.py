"""One DuckDB file and several real processes, some of them killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.errors import WarehouseBusyError
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings, DuckDBWarehouse
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform_tests.warehouse_rig import MONDAY, TABLES, Rig, things

ROOT = Path(__file__).parents[2]
WRITER = Path(__file__).with_name("warehouse_writer.py")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    warehouse = open_warehouse(DuckDBSettings(tmp_path / "warehouse.duckdb"))
    warehouse.migrate(TABLES)
    return Rig(warehouse)


@contextmanager
def writer(*arguments: object) -> Generator[subprocess.Popen[str]]:
    """Start a writing process; kill it at the end."""
    command = [sys.executable, str(WRITER), *(str(argument) for argument in arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_that_write_one_partition_leave_one_whole_partition(rig: Rig, tmp_path: Path):
    file = tmp_path / "warehouse.duckdb"
    with (
        writer("replace", file, "first", 500) as first,
        writer("replace", file, "second", 500) as second,
    ):
        assert (said(first), said(second)) == ("done", "done")

    names = rig.names()
    assert (len(names), len(set(names))) == (500, 1)
    assert [(row["rows"], row["run_id"]) for row in rig.log()] == [(500, names[0])]


def test_a_reader_beside_writing_processes_never_sees_an_empty_or_mixed_partition(
    rig: Rig, tmp_path: Path
):
    rig.replace(things("us", MONDAY, *(["v0"] * 500)))
    file = tmp_path / "warehouse.duckdb"
    seen: set[tuple[int, int]] = set()
    with writer("replace", file, "v1", 500) as first, writer("replace", file, "v2", 500) as second:
        while first.poll() is None or second.poll() is None:
            names = rig.names()
            seen.add((len(names), len(set(names))))

    assert seen == {(500, 1)}
    assert rig.names()[0] in {"v1", "v2"}


def test_a_writer_killed_before_its_commit_leaves_the_old_rows_and_a_usable_file(
    rig: Rig, tmp_path: Path
):
    rig.replace(things("us", MONDAY, "old"))
    before = rig.log()
    with writer("hang", tmp_path / "warehouse.duckdb", 300_000) as process:
        assert said(process) == "held"
        process.kill()

    assert (rig.names(), rig.log()) == (["old"], before)
    rig.replace(things("us", MONDAY, "new"))
    assert rig.names() == ["new"]


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
