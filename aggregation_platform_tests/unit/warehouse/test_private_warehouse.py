"""The DuckDB file and the rows on their way are their owner's alone, whatever the umask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.landing.objects import open_objects
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.private_files import owner_only, tighten
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.duckdb_file import shared_file
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.spool import spool_folder
from aggregation_platform_tests.warehouse_rig import MONDAY, TABLES, THINGS, Rig, things

CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    found = os.umask(before)
    assert found == 0o022  # whoever narrowed it meanwhile has put it back


def open_to_others(folder: Path) -> dict[str, str]:
    """Return what others may read, write or enter below a folder, with its rights."""
    return {
        str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if path.stat().st_mode & 0o077
    }


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    warehouse = open_warehouse(DuckDBSettings(tmp_path / "data" / "warehouse.duckdb"))
    warehouse.migrate(TABLES)
    return Rig(warehouse)


def test_the_file_its_folder_and_its_log_are_the_owners_alone(rig: Rig, tmp_path: Path):
    file = tmp_path / "data" / "warehouse.duckdb"
    with shared_file(file).writing(clock=CLOCK, wait_s=1) as connection:
        connection.execute("create table numbers as select range as n from range(100)")
        log_is_there = file.with_name("warehouse.duckdb.wal").exists()
        while_open = open_to_others(tmp_path)
        connection.execute("checkpoint")
        after_checkpoint = open_to_others(tmp_path)
        connection.execute("insert into numbers values (1)")
        after_the_next_write = open_to_others(tmp_path)

    assert log_is_there
    assert (while_open, after_checkpoint, after_the_next_write) == ({}, {}, {})
    assert open_to_others(tmp_path) == {}


def test_what_duckdb_spills_beside_the_file_is_the_owners_alone(rig: Rig, tmp_path: Path):
    file = tmp_path / "data" / "warehouse.duckdb"
    with shared_file(file).writing(clock=CLOCK, wait_s=1) as connection:
        connection.execute("set memory_limit = '60MiB'")
        connection.execute(
            "create temp table large as select hash(n) as a, hash(n + 1) as b, hash(n + 2) as c,"
            " hash(n + 3) as d from range(4_000_000) r(n)"
        )
        spilled = [path for path in tmp_path.rglob("*") if ".tmp" in path.parent.name]

        assert spilled
        assert open_to_others(tmp_path) == {}


def test_rows_on_their_way_are_the_owners_alone(rig: Rig, tmp_path: Path):
    on_the_way_out: list[str] = []
    with spool_folder(tmp_path / "spool", CLOCK) as folder:
        written = folder.write(THINGS, None, things("us", MONDAY, "a"))
        on_the_way_in = open_to_others(tmp_path)
    rig.replace(things("us", MONDAY, "a"), run_id="r")
    for _ in rig.warehouse.read_batches(THINGS, [Partition("us", MONDAY)]):
        on_the_way_out += [str(path) for path in tmp_path.rglob("*.parquet")]
        assert open_to_others(tmp_path) == {}

    assert (len(written.parts), on_the_way_in) == (1, {})
    assert on_the_way_out


def test_what_is_there_already_is_tightened_when_it_is_opened(rig: Rig, tmp_path: Path):
    file, spool = (
        tmp_path / "data" / "warehouse.duckdb",
        tmp_path / "data" / "warehouse.duckdb.spool",
    )
    rig.replace(things("us", MONDAY, "a"), run_id="r")
    file.chmod(0o644)
    spool.chmod(0o755)

    rig.names()
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    rig.replace(things("us", MONDAY, "b"), run_id="r2")
    assert oct(spool.stat().st_mode & 0o777) == "0o700"


def test_the_shared_state_with_its_tokens_is_tightened_too(tmp_path: Path):
    file = tmp_path / "state" / "shared.sqlite"
    first = SqliteState(file, clock=CLOCK)
    first.put_value("token", b"secret", seconds=60)
    first.close()
    file.chmod(0o644)

    state = SqliteState(file, clock=CLOCK)
    state.claim("work", owner="me", seconds=60)

    assert open_to_others(tmp_path) == {}
    state.close()


def test_a_landing_folder_and_those_above_it_that_are_made_are_the_owners_alone(tmp_path: Path):
    open_objects("deep/landing", tmp_path)

    assert open_to_others(tmp_path) == {}


def test_the_umask_is_put_back_when_the_last_user_has_left():
    with owner_only():
        with owner_only():
            pass
        still = os.umask(0o077)
    after = os.umask(0o022)

    assert (still, after) == (0o077, 0o022)


def test_a_path_that_is_gone_is_no_error(tmp_path: Path):
    tighten(tmp_path / "gone")
