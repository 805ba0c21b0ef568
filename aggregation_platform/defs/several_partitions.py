"""Rows of several partitions, put apart, so that each partition is replaced by its own.

Belongs here: what a run over a range of partitions hands over in one go, kept on disk meanwhile.
Elsewhere: the replacement of each (warehouse/), which partitions a run has (io_managers.py).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from aggregation_platform.clock import Clock
from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.shapes import check_frame
from aggregation_platform.warehouse.spool import scan_part, spool_folder, write_part


class RowsApart:
    """Frames of a table, each row with those of its own partition; memory is bounded by a frame."""

    def __init__(self, table: Table, partitions: Sequence[Partition], folder: Path) -> None:
        self._table = table
        self._numbers = {partition: number for number, partition in enumerate(partitions)}
        self._folder = folder
        self._frames = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Put a frame's rows apart.

        Raises:
            SchemaMismatchError: If it is not of the table's shape, or has rows of a partition that
                is not among those that are replaced.
        """
        check_frame(self._table, frame)
        self._frames += 1
        names = self._table.partitioned_by
        for values, rows in frame.partition_by(names, as_dict=True).items():
            partition = Partition(**dict(zip(names, values, strict=True)))
            if partition not in self._numbers:
                raise SchemaMismatchError(
                    f"{self._table.key}: a frame has rows of {partition}, which is not among the "
                    f"{len(self._numbers)} partitions of this run; keep to those"
                )
            write_part(rows, self._path(partition, str(self._frames)))

    def of(self, partition: Partition) -> Iterator[pl.DataFrame]:
        """Yield a partition's rows, frame by frame."""
        found = (self._path(partition, str(number + 1)) for number in range(self._frames))
        return (scan_part(path).collect() for path in found if path.exists())

    def _path(self, partition: Partition, number: str) -> Path:
        return self._folder / f"{self._numbers[partition]}-{number}.parquet"


@contextmanager
def rows_apart(
    frames: pl.DataFrame | Iterable[pl.DataFrame],
    table: Table,
    partitions: Sequence[Partition],
    *,
    spool: Path,
    clock: Clock,
) -> Generator[RowsApart]:
    """Put all rows apart before the first partition is replaced; the files go in the end.

    Raises:
        SchemaMismatchError: As `RowsApart.add`; nothing was replaced then.
    """
    with spool_folder(spool, clock) as folder:
        apart = RowsApart(table, partitions, folder.subfolder())
        for frame in (frames,) if isinstance(frames, pl.DataFrame) else frames:
            apart.add(frame)
        yield apart
