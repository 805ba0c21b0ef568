"""Whether a frame is what its table declares.

Belongs here: comparing columns, types, nulls and the partition's own values before anything is
written. Elsewhere: the rules of the business (the schemas in <layer>/tables.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.tables import Column, Partition, Table


def check_partition(table: Table, partition: Partition) -> None:
    """Refuse a partition that is not of the table's kind.

    Raises:
        SchemaMismatchError: If org or day is missing, or given where the table has none.
    """
    given = {name for name in ("org", "day") if getattr(partition, name) is not None}
    if given != set(table.partitioned_by):
        raise SchemaMismatchError(
            f"{table.key} is replaced by {_listed(table.partitioned_by)}, not by "
            f"{_listed(sorted(given))}; name the partition by exactly these"
        )


def check_frame(table: Table, frame: pl.DataFrame, partition: Partition | None = None) -> None:
    """Refuse a frame that does not have its table's shape, or reaches beyond its partition.

    Column order does not matter.

    Raises:
        SchemaMismatchError: Names the table, the column, what is declared and what was found.
    """
    _check_columns(table, frame)
    for column in table.columns:
        _check_column(table, column, frame[column.name])
    for name in table.partitioned_by if partition else ():
        _check_inside(table, name, frame, getattr(partition, name))


def chosen_columns(table: Table, names: Sequence[str] | None) -> tuple[Column, ...]:
    """Return the named columns in the order named, or all of them.

    Raises:
        SchemaMismatchError: If the table declares no such column.
    """
    if names is None:
        return table.columns
    declared = {column.name: column for column in table.columns}
    if unknown := [name for name in names if name not in declared]:
        raise SchemaMismatchError(
            f"{table.key} declares no {_listed(unknown)}; it has {_listed(declared)}"
        )
    return tuple(declared[name] for name in names)


def _check_columns(table: Table, frame: pl.DataFrame) -> None:
    declared = {column.name for column in table.columns}
    found = set(frame.columns)
    if missing := sorted(declared - found):
        raise SchemaMismatchError(
            f"{table.key}: the frame lacks {_listed(missing)}; build every declared column"
        )
    if extra := sorted(found - declared):
        raise SchemaMismatchError(
            f"{table.key}: the frame has {_listed(extra)}, which the table does not declare; "
            "declare it in its layer's tables.py and add a migration, or leave it out"
        )


def _check_column(table: Table, column: Column, values: pl.Series) -> None:
    if values.dtype != column.dtype:
        raise SchemaMismatchError(
            f"{table.key}.{column.name}: declared {column.dtype}, found {values.dtype}; cast it "
            "where the frame is built"
        )
    if not column.nullable and values.null_count():
        raise SchemaMismatchError(
            f"{table.key}.{column.name}: declared without nulls, found {values.null_count()} "
            f"in {values.len()} rows; reject these rows or declare the column nullable"
        )


def _check_inside(table: Table, name: str, frame: pl.DataFrame, expected: object) -> None:
    outside = frame.filter(pl.col(name).ne_missing(pl.lit(expected)))[name]
    if outside.len():
        raise SchemaMismatchError(
            f"{table.key}.{name}: the partition is {expected}, found {outside[0]} in "
            f"{outside.len()} rows; a frame holds rows of its own partition only"
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
