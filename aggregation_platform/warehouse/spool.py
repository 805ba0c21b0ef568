"""Rows on their way in or out, as Parquet files beside the warehouse.

Belongs here: writing checked frames to part files of bounded size, reading part files back,
folders that are removed when done and swept when their process died.
Elsewhere: what a frame must look like (shapes.py), the hash (content_hash.py).
"""

from __future__ import annotations

import fcntl
import math
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import polars as pl

from aggregation_platform.clock import Clock
from aggregation_platform.errors import WarehouseError
from aggregation_platform.local_state.plain_folders import plain_folder
from aggregation_platform.private_files import owner_only, private_folder
from aggregation_platform.tables import Column, Partition, Table
from aggregation_platform.warehouse.content_hash import content_hash
from aggregation_platform.warehouse.shapes import check_frame

PART_BYTES = 64 * 2**20
"""Frames are gathered up to about this size in memory before a part file is written."""

BATCH_ROWS = 100_000
BATCH_BYTES = 32 * 2**20
"""A frame that is read back ends at either; raw records are large, a metric is small."""

_PIECE_ROWS = 2048

_READY, _UNREADY = "spool-", "new-"
_ABANDONED_AFTER = timedelta(hours=1)
"""Age at which a folder that nobody locked yet is swept; one is locked within a millisecond."""

_LOCK = "alive.lock"


@dataclass(frozen=True)
class Spooled:
    """Rows of one table in part files; instants are naive UTC in them."""

    table: Table
    parts: tuple[Path, ...]
    rows: int
    bytes: int
    content_hash: str

    @property
    def name(self) -> str:
        """The folder's own name; unique within the spool that made it."""
        return self.parts[0].parent.name if self.parts else ""


def scan_part(path: Path) -> pl.LazyFrame:
    """Read a file by exactly its path: `[eu]` in it is no pattern, `day=1` is no column."""
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


class SpoolFolder:
    """One operation's files. Made by `spool_folder`, which removes them."""

    def __init__(self, path: Path, *, part_bytes: int = PART_BYTES) -> None:
        self.path = path
        self._part_bytes = part_bytes
        self._count = 0

    def write(
        self,
        table: Table,
        partition: Partition | None,
        frames: pl.DataFrame | Iterable[pl.DataFrame],
    ) -> Spooled:
        """Check each frame and write them all.

        Raises:
            SchemaMismatchError: If a frame does not fit the table or the partition.
        """
        folder = self.subfolder()
        frames = (frames,) if isinstance(frames, pl.DataFrame) else frames
        checked = _checked(table, partition, frames)
        rows = 0
        for number, part in enumerate(_gathered(checked, self._part_bytes), start=1):
            rows += part.height
            write_part(part, folder / f"{number:05d}.parquet")
        parts = tuple(sorted(folder.glob("*.parquet")))
        size = sum(part.stat().st_size for part in parts)
        return Spooled(table, parts, rows, size, content_hash(table, parts))

    def subfolder(self) -> Path:
        """Return a new empty folder."""
        self._count += 1
        folder = self.path / f"{self._count:03d}"
        return private_folder(folder)


def write_part(frame: pl.DataFrame, path: Path) -> None:
    """Write one part file.

    Raises:
        WarehouseError: If there is no room for it.
    """
    try:
        with owner_only():
            frame.write_parquet(path, compression="zstd", compression_level=1)
    except (OSError, pl.exceptions.ComputeError) as error:
        raise WarehouseError(
            f"rows on their way cannot be written to {path}: {error}; the warehouse was not "
            "touched. Make room there, or name another folder, and try again"
        ) from error


@contextmanager
def spool_folder(root: Path, clock: Clock) -> Generator[SpoolFolder]:
    """Give a folder under `root`, and remove it whatever happens.

    A folder whose process was killed is removed by the next call: its lock is free. A folder has
    its lock before it has a name that is swept.
    """
    root = plain_folder(private_folder(root))
    _sweep(root, clock.now())
    unready = Path(tempfile.mkdtemp(prefix=_UNREADY, dir=root))
    path = unready.with_name(unready.name.replace(_UNREADY, _READY, 1))
    try:
        with owner_only():
            lock_file = (unready / _LOCK).open("w")
        with lock_file as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unready.rename(path)
            yield SpoolFolder(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def read_parts(parts: Sequence[Path], columns: Sequence[Column]) -> Iterator[pl.DataFrame]:
    """Yield the rows of part files in frames of bounded size, with their declared types."""
    pieces = (
        as_declared(piece, columns)
        for part in parts
        for piece in scan_part(part).collect_batches(chunk_size=_PIECE_ROWS)
        if piece.height
    )
    yield from _gathered(pieces, BATCH_BYTES, BATCH_ROWS)


def as_declared(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Give a frame that came out of a warehouse its declared types, instants in UTC."""
    return frame.select(_as_declared(frame, column) for column in columns)


def _as_declared(frame: pl.DataFrame, column: Column) -> pl.Expr:
    value = pl.col(column.name)
    found = frame.schema[column.name]
    if isinstance(column.dtype, pl.Datetime) and not isinstance(found, pl.Datetime):
        return value.cast(pl.Int64).cast(column.dtype)  # microseconds since 1970
    if isinstance(found, pl.Datetime):
        value = value.dt.cast_time_unit("us")
        zoned = value.dt.convert_time_zone if found.time_zone else value.dt.replace_time_zone
        return zoned("UTC")
    return value.cast(column.dtype)


def _checked(
    table: Table, partition: Partition | None, frames: Iterable[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    naive = [
        pl.col(column.name).dt.replace_time_zone(None)
        for column in table.columns
        if isinstance(column.dtype, pl.Datetime)
    ]
    order = [column.name for column in table.columns]
    for frame in frames:
        check_frame(table, frame, partition)
        if frame.height:
            yield frame.select(order).with_columns(naive)


def _gathered(
    frames: Iterable[pl.DataFrame], most_bytes: int, most_rows: float = math.inf
) -> Iterator[pl.DataFrame]:
    waiting: list[pl.DataFrame] = []
    size = rows = 0
    for frame in frames:
        waiting.append(frame)
        size += int(frame.estimated_size())
        rows += frame.height
        if size >= most_bytes or rows >= most_rows:
            yield pl.concat(waiting)
            waiting, size, rows = [], 0, 0
    if waiting:
        yield pl.concat(waiting)


def _sweep(root: Path, now: datetime) -> None:
    abandoned = [folder for folder in root.glob(f"{_READY}*") if _is_abandoned(folder)]
    unready = [folder for folder in root.glob(f"{_UNREADY}*") if _is_old(folder, now)]
    for folder in (*abandoned, *unready):
        shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open() as lock:
            return _is_free(lock)
    except FileNotFoundError:  # its owner is removing it, or was killed while doing so
        return True


def _is_free(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_old(folder: Path, now: datetime) -> bool:
    try:
        changed = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return now - changed > _ABANDONED_AFTER
