"""The statements that both warehouses are sent, as text and bound values.

Belongs here: SQL built from declared names and bound values. A name comes quoted from dialects.py
and nothing else is put into the text; every value is bound to a `?`.
Elsewhere: sending them (duckdb_store.py, snowflake_store.py), CREATE and ALTER (ddl.py).
"""

# ruff: noqa: S608 - the text holds only names that dialects.py quoted; values are bound

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import TypeVar

import polars as pl

from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.tables import Column, Partition, Table
from aggregation_platform.warehouse.dialects import Dialect
from aggregation_platform.warehouse.ops_tables import (
    EXTRACTION_LEDGER,
    LEASE,
    MUTEX,
    PARTITION_LOG,
)
from aggregation_platform.warehouse.store import LedgerEntry, PartitionWritten, WriteStamp

_Row = TypeVar("_Row")

EVERYTHING = Partition()
"""All rows of a table."""

ROWS_AT_ONCE = 200
"""Rows of bound values in one statement."""


@dataclass(frozen=True)
class Statement:
    """One statement: its text, and the values for its question marks."""

    sql: str
    values: tuple[object, ...] = field(default=())


def bound(value: object) -> object:
    """Return a value as both warehouses take it: an instant as naive UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def select(
    dialect: Dialect, table: Table, columns: Sequence[Column], partitions: Sequence[Partition]
) -> Statement:
    """Read some columns of some partitions; a partition's org or day left out means all."""
    shown = ", ".join(dialect.shown(column) for column in columns)
    where = _within(dialect, partitions)
    return Statement(f"SELECT {shown} FROM {dialect.place(table)} WHERE {where.sql}", where.values)


def delete_partition(dialect: Dialect, table: Table, partition: Partition) -> Statement:
    """Remove a partition's rows."""
    where = _within(dialect, (partition,))
    return Statement(f"DELETE FROM {dialect.place(table)} WHERE {where.sql}", where.values)


def delete_keys(dialect: Dialect, table: Table, frame: pl.DataFrame) -> Iterator[Statement]:
    """Remove the rows that have a primary key of the frame.

    Raises:
        SchemaMismatchError: If the table declares no primary key, or the frame has a key twice.
    """
    names = table.schema.primary_key()
    if not names:
        raise SchemaMismatchError(f"{table.key} declares no primary key; append to it instead")
    keys = frame.select(names)
    if keys.is_duplicated().any():
        raise SchemaMismatchError(f"{table.key}: a key ({', '.join(names)}) is twice in the frame")
    for rows in _chunks(keys.iter_rows()):
        yield _delete_rows(dialect, table, names, rows)


def insert(
    dialect: Dialect, table: Table, rows: Sequence[Mapping[str, object]]
) -> Iterator[Statement]:
    """Add a few rows of bound values. Many rows go by Parquet."""
    values = ([row[column.name] for column in table.columns] for row in rows)
    for chunk in _chunks(values):
        yield _insert_rows(dialect, table, chunk)


def log_statements(
    dialect: Dialect,
    table: Table,
    partition: Partition,
    written: PartitionWritten,
    grant: WriteGrant,
    stamp: WriteStamp,
) -> Iterator[Statement]:
    """Put a partition's row of the log in the place of its last one."""
    where = _logged(dialect, table, partition)
    yield Statement(f"DELETE FROM {dialect.place(PARTITION_LOG)} WHERE {where.sql}", where.values)
    row = {
        "table_name": table.key,
        "org": partition.org,
        "day": partition.day,
        "rows": written.rows,
        "run_id": stamp.run_id,
        "epoch": grant.epoch,
        "written_at": stamp.written_at,
        "content_hash": written.content_hash,
        "finality": stamp.finality,
    }
    yield from insert(dialect, PARTITION_LOG, [row])


def logged_write(
    dialect: Dialect,
    table: Table,
    partition: Partition,
    written: PartitionWritten,
    grant: WriteGrant,
    stamp: WriteStamp,
) -> Statement:
    """Ask the log whether this very write is the partition's last one."""
    where = _logged(dialect, table, partition)
    same = {
        "run_id": stamp.run_id,
        "epoch": grant.epoch,
        "written_at": bound(stamp.written_at),
        "content_hash": written.content_hash,
    }
    tests = "".join(f" AND {dialect.quoted(name)} = ?" for name in same)
    sql = f"SELECT 1 FROM {dialect.place(PARTITION_LOG)} WHERE {where.sql}{tests}"
    return Statement(sql, (*where.values, *same.values()))


def _logged(dialect: Dialect, table: Table, partition: Partition) -> Statement:
    sql = (
        f"{dialect.quoted('table_name')} = ? "
        f"AND {dialect.quoted('org')} IS NOT DISTINCT FROM CAST(? AS VARCHAR) "
        f"AND {dialect.quoted('day')} IS NOT DISTINCT FROM CAST(? AS DATE)"
    )
    return Statement(sql, (table.key, partition.org, partition.day))


def ledger_statements(
    dialect: Dialect, entries: Sequence[LedgerEntry], grant: WriteGrant, stamp: WriteStamp
) -> Iterator[Statement]:
    """Enter attempts in the ledger; an attempt entered before is replaced."""
    if not entries:
        return
    rows = [_ledger_row(entry, grant, stamp) for entry in entries]
    names = EXTRACTION_LEDGER.schema.primary_key()
    for chunk in _chunks([row[name] for name in names] for row in rows):
        yield _delete_rows(dialect, EXTRACTION_LEDGER, names, chunk)
    yield from insert(dialect, EXTRACTION_LEDGER, rows)


def lock_scope(dialect: Dialect, scope: str) -> Statement:
    """Take the scope's lock until the end of the transaction.

    Always this statement, plain and on this column, also for a takeover: other pairs of updates
    do not exclude one another in DuckDB.
    """
    n = dialect.quoted("n")
    return Statement(
        f"UPDATE {dialect.place(MUTEX)} SET {n} = {n} + 1 WHERE {dialect.quoted('scope')} = ?",
        (scope,),
    )


def read_lease(dialect: Dialect, scope: str) -> Statement:
    """Read the lease: a statement of its own, after the lock is held."""
    shown = dialect.names(("scope", "epoch", "holder", "taken_at", "taken_by", "reason"))
    return Statement(
        f"SELECT {shown} FROM {dialect.place(LEASE)} WHERE {dialect.quoted('scope')} = ?",
        (scope,),
    )


def move_lease(dialect: Dialect, seen: Epoch, row: Mapping[str, object]) -> Statement:
    """Give the lease to another holder, if its epoch is still the one seen."""
    columns = [column for column in LEASE.columns if column.name != "scope"]
    changes = ", ".join(
        f"{dialect.quoted(column.name)} = {dialect.stored(LEASE, column, '?')}"
        for column in columns
    )
    where = f"{dialect.quoted('scope')} = ? AND {dialect.quoted('epoch')} = ?"
    values = (*(bound(row[column.name]) for column in columns), row["scope"], seen)
    return Statement(f"UPDATE {dialect.place(LEASE)} SET {changes} WHERE {where}", values)


READ_PARTS = "read_parquet(?, hive_partitioning = false)"
"""How DuckDB reads part files: a folder called `day=1` above them is no column."""


def load_parquet(dialect: Dialect, table: Table, source: str) -> str:
    """Return an INSERT that takes every declared column, by name, from a relation."""
    names = dialect.names(column.name for column in table.columns)
    stored = ", ".join(
        dialect.stored(table, column, dialect.quoted(column.name)) for column in table.columns
    )
    return f"INSERT INTO {dialect.place(table)} ({names}) SELECT {stored} FROM {source}"


def copy_parquet(dialect: Dialect, table: Table, place: str) -> str:
    r"""Return the COPY that loads a table's staged files, by name, JSON as VARIANT.

    By default a text `\N` would be loaded as NULL; the empty NULL_IF prevents it.
    """
    names = dialect.names(column.name for column in table.columns)
    taken = ", ".join(
        dialect.stored(table, column, f"$1:{column.name}") for column in table.columns
    )
    return (
        f"COPY INTO {dialect.place(table)} ({names}) FROM (SELECT {taken} FROM {place}) "
        "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE NULL_IF = ())"
    )


def _within(dialect: Dialect, partitions: Sequence[Partition]) -> Statement:
    """Group by org, so that a month of many orgs is no deep chain of ORs."""
    days_of: dict[str | None, set[date | None]] = {}
    for partition in partitions:
        days_of.setdefault(partition.org, set()).add(partition.day)
    parts = [_of_one_org(dialect, org, days) for org, days in days_of.items()]
    if not parts:
        return Statement("FALSE")
    sql = " OR ".join(f"({part.sql})" for part in parts)
    return Statement(sql, tuple(value for part in parts for value in part.values))


def _of_one_org(dialect: Dialect, org: str | None, days: set[date | None]) -> Statement:
    tests: list[str] = []
    values: list[object] = []
    if org is not None:
        tests.append(f"{dialect.quoted('org')} = ?")
        values.append(org)
    dated = sorted(day for day in days if day is not None)
    if len(dated) == len(days):
        tests.append(f"{dialect.quoted('day')} IN ({_marks(len(dated))})")
        values.extend(dated)
    return Statement(" AND ".join(tests) or "TRUE", tuple(values))


def _delete_rows(
    dialect: Dialect, table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]
) -> Statement:
    columns = {column.name: column for column in table.columns}
    one = "(" + ", ".join(dialect.stored(table, columns[name], "?") for name in names) + ")"
    keys = f"({dialect.names(names)}) IN ({', '.join([one] * len(rows))})"
    values = tuple(bound(value) for row in rows for value in row)
    return Statement(f"DELETE FROM {dialect.place(table)} WHERE {keys}", values)


def _insert_rows(dialect: Dialect, table: Table, rows: Sequence[Sequence[object]]) -> Statement:
    given = [f"c{number}" for number in range(len(table.columns))]
    stored = ", ".join(
        dialect.stored(table, column, dialect.quoted(name))
        for column, name in zip(table.columns, given, strict=True)
    )
    one = f"({_marks(len(given))})"
    source = f"(VALUES {', '.join([one] * len(rows))}) AS given ({dialect.names(given)})"
    names = dialect.names(column.name for column in table.columns)
    values = tuple(bound(value) for row in rows for value in row)
    return Statement(
        f"INSERT INTO {dialect.place(table)} ({names}) SELECT {stored} FROM {source}", values
    )


def _ledger_row(entry: LedgerEntry, grant: WriteGrant, stamp: WriteStamp) -> dict[str, object]:
    told = {name: getattr(entry, name) for name in entry.__dataclass_fields__ if name != "interval"}
    return {
        **told,
        "requests_by_outcome": json.dumps(dict(entry.requests_by_outcome), sort_keys=True),
        "interval_from": entry.interval.start,
        "interval_to": entry.interval.end,
        "epoch": grant.epoch,
        "run_id": stamp.run_id,
        "committed_at": stamp.written_at,
    }


def _marks(count: int) -> str:
    return ", ".join(["?"] * count)


def _chunks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, ROWS_AT_ONCE)):
        yield chunk
