"""A file is held as briefly as possible, and shared by the threads of a process."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregation_platform.clock import ManualClock, SystemClock
from aggregation_platform.errors import SchemaMismatchError, WarehouseBusyError, WarehouseError
from aggregation_platform.warehouse import duckdb_file
from aggregation_platform.warehouse.duckdb_file import DuckDBFile, holder_named_in, shared_file
from aggregation_platform_tests.warehouse_processes import holding

CLOCK = SystemClock()


@pytest.fixture
def file(tmp_path: Path) -> DuckDBFile:
    file = shared_file(tmp_path / "w.duckdb")
    with file.writing(clock=CLOCK, wait_s=1) as connection:
        connection.execute("create table numbers as select 1 as n")
    return file


def test_all_spellings_of_a_path_are_one_file(tmp_path: Path):
    (tmp_path / "sub").mkdir()

    assert shared_file(tmp_path / "sub" / ".." / "w.duckdb") is shared_file(tmp_path / "w.duckdb")


def test_a_reader_joins_a_writer_of_the_same_process_and_sees_what_is_committed(file: DuckDBFile):
    with (
        file.writing(clock=CLOCK, wait_s=1) as writer,
        file.reading(clock=CLOCK, wait_s=1) as reader,
    ):
        writer.begin()
        writer.execute("delete from numbers")

        assert reader.execute("select count(*) from numbers").fetchall() == [(1,)]


def test_a_writer_waits_for_readers_and_new_readers_wait_for_the_writer(file: DuckDBFile):
    order: list[str] = []
    waiting = threading.Event()

    def write() -> None:
        waiting.set()
        with file.writing(clock=CLOCK, wait_s=10):
            order.append("writer")

    with ThreadPoolExecutor(1) as pool:
        with file.reading(clock=CLOCK, wait_s=1):
            writing = pool.submit(write)
            waiting.wait()
            order.append("reader")
        writing.result()

    assert order == ["reader", "writer"]


def test_a_writer_that_waits_too_long_for_another_thread_is_told(file: DuckDBFile):
    with file.writing(clock=CLOCK, wait_s=1), ThreadPoolExecutor(1) as pool:
        late = pool.submit(lambda: file.writing(clock=CLOCK, wait_s=0.05).__enter__())

        with pytest.raises(WarehouseBusyError, match="another thread of this process"):
            late.result()


def test_an_instance_that_is_open_for_long_takes_no_new_users(file: DuckDBFile):
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with file.writing(clock=clock, wait_s=1):
        clock.advance(duckdb_file.LONGEST_STAY_S + 1)

        with pytest.raises(WarehouseBusyError), file.reading(clock=clock, wait_s=0):
            pass


def test_after_an_error_the_file_is_free_again(file: DuckDBFile):
    with pytest.raises(ZeroDivisionError), file.writing(clock=CLOCK, wait_s=1):
        _ = 1 / 0
    with file.writing(clock=CLOCK, wait_s=0) as connection:
        found = connection.execute("select n from numbers").fetchall()

    assert found == [(1,)]


def test_reading_a_file_that_does_not_exist_says_how_to_make_it(tmp_path: Path):
    with (
        pytest.raises(SchemaMismatchError, match="warehouse migrate"),
        shared_file(tmp_path / "none.duckdb").reading(clock=CLOCK, wait_s=1),
    ):
        pass


def test_a_file_that_is_no_database_is_not_waited_for(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("shopping list " * 1000)

    with (
        pytest.raises(WarehouseError, match="cannot be opened"),
        shared_file(path).reading(clock=CLOCK, wait_s=60),
    ):
        pass


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            "Conflicting lock is held in /usr/bin/no-such-program (PID 999999999). See also",
            "process 999999999 (no-such-program)",
        ),
        ("Conflicting lock is held in PID 999999999.", "process 999999999"),
        ("Conflicting lock is held in  (PID 999999999) by user ann", "process 999999999"),
        ("Could not set lock on file: Resource temporarily unavailable", "another process"),
    ],
)
def test_who_holds_the_file_is_named_as_far_as_it_is_known(message: str, named: str):
    assert holder_named_in(message).startswith(named)


def test_a_holder_that_runs_is_named_as_the_system_names_it():
    held = f"held in /somewhere/else (PID {os.getpid()})"

    assert holder_named_in(held).startswith(f"process {os.getpid()} (python")


@pytest.mark.parametrize("way", ["reading", "writing"])
def test_reader_and_writer_name_the_process_that_holds_the_file(file: DuckDBFile, way: str):
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))

    with (
        holding(file.path) as pid,
        pytest.raises(WarehouseBusyError) as refused,
        getattr(file, way)(clock=clock, wait_s=3),
    ):
        pass

    said = str(refused.value)
    assert f"is held by process {pid} (python" in said
    assert "waited 3 s" in said
    assert "close it, or give it a copy" in said


def test_a_thread_that_waits_behind_one_that_waits_names_the_process_too(file: DuckDBFile):
    def write() -> str:
        with pytest.raises(WarehouseBusyError) as refused, file.writing(clock=CLOCK, wait_s=0.5):
            pass
        return str(refused.value)

    with holding(file.path) as pid, ThreadPoolExecutor(2) as pool:
        said = [each.result() for each in [pool.submit(write), pool.submit(write)]]

    assert [f"process {pid}" in one for one in said] == [True, True]
