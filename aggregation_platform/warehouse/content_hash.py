"""The hash of a partition's rows.

Belongs here: a hash that does not depend on the order of rows or columns, on how the rows were
cut into frames, on the warehouse, or on columns added later that are empty.
Elsewhere: where it is written (ops.partition_log), what is concluded from it (finality).

The rule, version 1: a row's text is, for each column in order of name that is not null,
`name=length:value;`, with instants as microseconds since 1970, dates as yyyy-mm-dd, booleans as
true or false, floats with 17 significant digits. The partition's hash is the number of rows and
the sum of the rows' MD5 numbers: the last eight bytes of each digest, then the first eight, read
as little-endian numbers, each sum modulo 2**64. Null and empty text differ, since a null
leaves no trace. It finds changes; it is no protection against somebody who wants a collision.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from aggregation_platform.tables import Column, Table
from aggregation_platform.warehouse.dialects import kind_of

_HALF = 2**64


def content_hash(table: Table, parts: Sequence[Path]) -> str:
    """Hash the rows in spooled Parquet files.

    Returns:
        `v1:rows:digest`, equal exactly when the rows are the same ones, however ordered.
    """
    count, lower, upper = (0, 0, 0)
    if parts:
        count, lower, upper = _sums(table, parts)
    return f"v1:{count}:{lower % _HALF:016x}{upper % _HALF:016x}"


def _sums(table: Table, parts: Sequence[Path]) -> tuple[int, int, int]:
    text = " || ".join(_traced(table, column) for column in _ordered(table))
    rows = f"SELECT {text} AS row_text FROM read_parquet(?)"  # noqa: S608 - declared names only
    lower, upper = "sum(md5_number_lower(row_text))", "sum(md5_number_upper(row_text))"
    sql = f"WITH hashed AS ({rows}) SELECT count(*), {lower}, {upper} FROM hashed"  # noqa: S608 - as above
    with duckdb.connect() as connection:
        found = connection.execute(sql, [[str(part) for part in parts]]).fetchone()
    count, lower_sum, upper_sum = found or (0, 0, 0)
    return int(count), int(lower_sum or 0), int(upper_sum or 0)


def _ordered(table: Table) -> list[Column]:
    return sorted(table.columns, key=lambda column: column.name)


def _traced(table: Table, column: Column) -> str:
    value = _canonical(table, column)
    return f"coalesce('{column.name}=' || strlen({value}) || ':' || {value} || ';', '')"


def _canonical(table: Table, column: Column) -> str:
    name = f'"{column.name}"'
    kind = kind_of(table, column)
    if kind == "instant":
        return f"CAST(epoch_us({name}) AS VARCHAR)"
    if kind == "float":
        return f"format('{{:.17g}}', CAST({name} AS DOUBLE) + 0.0)"
    return f"CAST({name} AS VARCHAR)"
