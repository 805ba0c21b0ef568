"""The hash of a partition's rows.

Belongs here: a hash that does not depend on the order of rows or columns, on how the rows were
cut into frames, on the warehouse, or on columns added later that are empty.
Elsewhere: where it is written (ops.partition_log), what is concluded from it (finality).

The rule, version 1: a row's text is, for each column in order of name that is not null,
`name=length:value` for text and JSON (length in bytes of UTF-8), `name=value;` for all others, with
instants as microseconds since 1970, dates as yyyy-mm-dd, booleans as true or false, floats with 17
significant digits. The partition's hash is the number of rows, and the sum modulo 2**64 of the
last eight bytes of the rows' MD5, read as little-endian numbers. Null and empty text differ, since
a null leaves no trace. It finds changes; it is no protection against somebody who wants a
collision.

One call of concat for the whole row and one half of the digest: chained `||` copied the growing
text once per column, and either half computes all of MD5; together they had cost three times as
much.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from aggregation_platform.tables import Column, Table
from aggregation_platform.warehouse.dialects import kind_of
from aggregation_platform.warehouse.statements import READ_PARTS

_MODULUS = 2**64


def content_hash(table: Table, parts: Sequence[Path]) -> str:
    """Hash the rows in spooled Parquet files.

    Returns:
        `v1:rows:digest`, equal exactly when the rows are the same ones, however ordered.
    """
    count, total = _sums(table, parts) if parts else (0, 0)
    return f"v1:{count}:{total % _MODULUS:016x}"


def _sums(table: Table, parts: Sequence[Path]) -> tuple[int, int]:
    columns = sorted(table.columns, key=lambda column: column.name)
    text = ", ".join(_traced(table, column) for column in columns)
    sql = f"SELECT count(*), sum(md5_number_lower(concat({text}))) FROM {READ_PARTS}"  # noqa: S608 - declared names only
    with duckdb.connect() as connection:
        found = connection.execute(sql, [[str(part) for part in parts]]).fetchone()
    count, total = found or (0, 0)
    return int(count), int(total or 0)


def _traced(table: Table, column: Column) -> str:
    """Return arguments of concat; those that are null leave no trace."""
    name, kind = f'"{column.name}"', kind_of(table, column)
    if kind in ("text", "json"):
        return f"'{column.name}=' || strlen({name}) || ':', CAST({name} AS VARCHAR)"
    if kind == "instant":
        return f"'{column.name}=' || epoch_us({name}) || ';'"
    if kind == "float":
        return f"'{column.name}=' || format('{{:.17g}};', CAST({name} AS DOUBLE) + 0.0)"
    return f"'{column.name}=' || {name} || ';'"
