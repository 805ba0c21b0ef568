"""Moving everything from one warehouse to another, of either kind.

Belongs here: which partitions and rows are still to be copied, copying them, checking that what
arrived is what was there. A copy that was interrupted goes on where it was: a partition is done
when the target's log has the very write that the source's log has.
Elsewhere: the commands (cli/warehouse.py), the transaction of each partition (sql_store.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast

import polars as pl

from aggregation_platform.clock import Clock
from aggregation_platform.epochs import WriteGrant
from aggregation_platform.errors import WarehouseError
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.ops_tables import (
    LEASE,
    MIGRATIONS,
    MUTEX,
    PARTITION_LOG,
    SITES,
)
from aggregation_platform.warehouse.spool import spool_folder
from aggregation_platform.warehouse.statements import EVERYTHING
from aggregation_platform.warehouse.store import Finality, Warehouse, WriteStamp

STAYS = (PARTITION_LOG, LEASE, MUTEX, MIGRATIONS, SITES)
"""Tables of `ops` that belong to a database or a site; the log is written with its partitions."""

ATTEMPTS = 3
"""Times that a partition is copied, if it is replaced at the source meanwhile."""


@dataclass(frozen=True)
class Logged:
    """A partition's row of the log: the write that it holds."""

    table_name: str
    partition: Partition
    rows: int
    stamp: WriteStamp
    content_hash: str


@dataclass(frozen=True)
class Copied:
    """What one copy did.

    Args:
        copied: Partitions that were copied.
        skipped: Partitions that were there already.
        rows: Rows in the copied partitions.
        kept: Rows added to or corrected in the tables of `ops`.
        unknown: Tables in the source's log that this code does not declare; they stay behind.
    """

    copied: int
    skipped: int
    rows: int
    kept: int
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Copy:
    """One copy.

    Args:
        source: Read only; its partitions may be replaced meanwhile.
        target: Its tables must be there.
        grant: The right to write the target.
        spool: A folder for rows on their way.
        clock: For the spool.
        tell: Told each partition that is copied.
    """

    source: Warehouse
    target: Warehouse
    grant: WriteGrant
    spool: Path
    clock: Clock
    tell: Callable[[str], None]

    def run(self, tables: Sequence[Table]) -> Copied:
        """Copy the partitions of all tables, then the rows of `ops`.

        Raises:
            WarehouseError: If a partition that arrived is not the one that was there.
        """
        order = {table.key: number for number, table in enumerate(tables)}
        log = read_log(self.source)
        known = sorted(
            (one for one in log.values() if one.table_name in order),
            key=lambda one: (order[one.table_name], str(one.partition)),
        )
        there = read_log(self.target)
        lacking = [one for one in known if not _is_there(one, there)]
        for number, one in enumerate(lacking, start=1):
            self.tell(f"{number} of {len(lacking)}: {one.table_name} {one.partition}, {one.rows}")
            self._partition(tables[order[one.table_name]], one)
        kept = sum(self._rows(table) for table in tables if _is_kept(table))
        return Copied(
            copied=len(lacking),
            skipped=len(known) - len(lacking),
            rows=sum(one.rows for one in lacking),
            kept=kept,
            unknown=tuple(sorted({one.table_name for one in log.values()} - set(order))),
        )

    def _partition(self, table: Table, logged: Logged) -> None:
        """Copy one partition; again if it was replaced at the source meanwhile."""
        arrived = ""
        for _ in range(ATTEMPTS):
            frames = self.source.read_batches(table, [logged.partition])
            written = self.target.replace_partition(
                table, logged.partition, frames, self.grant, stamp=logged.stamp
            )
            arrived = written.content_hash
            if arrived == logged.content_hash or self._is_equal(table, logged):
                return
            logged = read_log(self.source)[table.key, logged.partition]
        raise WarehouseError(
            f"{table.key} {logged.partition}: what arrived ({arrived}) is not what "
            f"the source's log says ({logged.content_hash}). Materialize the partition again at "
            "the source, then repeat the copy; it goes on with the others"
        )

    def _is_equal(self, table: Table, logged: Logged) -> bool:
        """Compare the rows themselves, JSON by its meaning.

        A warehouse that stores JSON as values (VARIANT) gives back another text of them than was
        hashed when they were written.
        """
        if not _json_columns(table):
            return False
        found = {self._hash(each, table, logged.partition) for each in (self.source, self.target)}
        return len(found) == 1 and _row_count(found) == logged.rows

    def _hash(self, warehouse: Warehouse, table: Table, partition: Partition) -> str:
        frames = warehouse.read_batches(table, [partition])
        with spool_folder(self.spool, self.clock) as folder:
            return folder.write(table, partition, _by_meaning(table, frames)).content_hash

    def _rows(self, table: Table) -> int:
        """Add the rows that the target lacks; a row with the same key gives way."""
        source, target = (each.read(table, [EVERYTHING]) for each in (self.source, self.target))
        told, known = (normalized(table, frame) for frame in (source, target))
        names = table.frame_schema.names()
        lacking = told.with_row_index("place").join(known, on=names, how="anti", nulls_equal=True)
        rows = source[lacking["place"].sort()]
        if rows.height and table.schema.primary_key():
            self.target.upsert(table, rows, self.grant)
        elif rows.height:
            self.target.append(table, rows, self.grant)
        return rows.height


def read_log(warehouse: Warehouse) -> Mapping[tuple[str, Partition], Logged]:
    """Return the log of partitions, by table and partition."""
    rows = warehouse.read(PARTITION_LOG, [EVERYTHING]).iter_rows(named=True)
    logged = [_logged(row) for row in rows]
    return {(one.table_name, one.partition): one for one in logged}


def normalized(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with each JSON text in one spelling of its value."""
    return frame.with_columns(
        pl.col(name).map_elements(json_by_meaning, return_dtype=pl.String)
        for name in _json_columns(table)
    )


def json_by_meaning(text: str) -> str:
    """Return one spelling of a JSON value: keys in order, no spaces, whole numbers as such."""
    value = json.loads(text, parse_float=_number)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number


def _by_meaning(table: Table, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    return (normalized(table, frame) for frame in frames)


def _row_count(hashes: Iterable[str]) -> int:
    return int(next(iter(hashes)).split(":")[1])


def _json_columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.is_json]


def _is_kept(table: Table) -> bool:
    return table.layer == PARTITION_LOG.layer and table not in STAYS


def _is_there(one: Logged, target: Mapping[tuple[str, Partition], Logged]) -> bool:
    """Whether the target's log has this very write: its stamp was copied with it."""
    there = target.get((one.table_name, one.partition))
    return there is not None and (there.stamp, there.rows) == (one.stamp, one.rows)


def _logged(row: Mapping[str, object]) -> Logged:
    return Logged(
        table_name=str(row["table_name"]),
        partition=Partition(cast("str | None", row["org"]), cast("date | None", row["day"])),
        rows=cast("int", row["rows"]),
        stamp=WriteStamp(
            run_id=str(row["run_id"]),
            finality=cast("Finality", row["finality"]),
            written_at=cast("datetime", row["written_at"]),
        ),
        content_hash=str(row["content_hash"]),
    )
