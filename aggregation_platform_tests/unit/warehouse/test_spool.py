"""Files on their way do not outlive their writer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.warehouse.spool import SpoolFolder, spool_folder
from aggregation_platform_tests.warehouse_rig import MONDAY, THINGS, things


def clock_in(hours: float) -> ManualClock:
    """A clock that is ahead of the files' times by that much."""
    return ManualClock(datetime.now(UTC) + timedelta(hours=hours))


def test_the_folder_is_gone_afterwards_also_after_a_failure(tmp_path: Path):
    def failing() -> Iterator[pl.DataFrame]:
        yield things("us", MONDAY, "a")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError), spool_folder(tmp_path, clock_in(0)) as folder:
        folder.write(THINGS, None, failing())

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path: Path):
    left = tmp_path / "spool-left"
    left.mkdir()
    (left / "alive.lock").touch()

    with spool_folder(tmp_path, clock_in(0)):
        assert not left.exists()


def test_a_folder_that_is_not_locked_yet_is_swept_only_when_it_is_old(tmp_path: Path):
    left = tmp_path / "new-left"
    left.mkdir()
    with spool_folder(tmp_path, clock_in(0.9)):
        assert left.exists()
    with spool_folder(tmp_path, clock_in(1.1)):
        assert not left.exists()


def test_what_a_living_process_uses_is_not_swept_however_old(tmp_path: Path):
    with spool_folder(tmp_path, clock_in(0)) as mine, spool_folder(tmp_path, clock_in(50)):
        assert mine.path.exists()


def test_small_frames_are_gathered_into_few_files(tmp_path: Path):
    with spool_folder(tmp_path, clock_in(0)) as folder:
        written = folder.write(THINGS, None, (things("us", MONDAY, "a") for _ in range(100)))

        assert (written.rows, len(written.parts)) == (100, 1)


def test_large_frames_are_written_as_they_come(tmp_path: Path):
    written: list[int] = []

    def frames() -> Iterator[pl.DataFrame]:
        for _ in range(3):
            yield things("us", MONDAY, "x" * 1000)
            written.append(len(list(tmp_path.rglob("*.parquet"))))

    SpoolFolder(tmp_path, part_bytes=1000).write(THINGS, None, frames())

    assert written == [1, 2, 3]


def test_the_files_are_not_readable_by_others(tmp_path: Path):
    with spool_folder(tmp_path, clock_in(0)) as folder:
        mode = folder.path.stat().st_mode

    assert mode & 0o077 == 0
