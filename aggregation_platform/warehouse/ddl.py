"""Statements that create what the layers declare.

Belongs here: from a declared Table to CREATE, ALTER and COMMENT, in the spelling that migration
files use (dialects.py turns it into either warehouse's).
Elsewhere: types and quoting (dialects.py), numbered files and what was applied (migrations.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aggregation_platform.tables import Column, Table
from aggregation_platform.warehouse.dialects import Dialect, kind_of


def create_statements(tables: Iterable[Table], dialect: Dialect | None = None) -> list[str]:
    """Return repeatable statements that create these tables, with their comments.

    Args:
        tables: What to create; their schemas are created first.
        dialect: A warehouse's own spelling; without one, that of migration files.
    """
    tables = tuple(tables)
    layers = dict.fromkeys(table.layer for table in tables)
    written = [f'create schema if not exists "{layer}"' for layer in layers]
    for table in tables:
        written.append(_create(table))
        written.extend(comment_statements(table))
    if dialect is None:
        return written
    return [spelled for statement in written for spelled in dialect.statements(statement)]


def migration_text(tables: Iterable[Table]) -> str:
    """Return the text of a migration file that creates these tables."""
    return "".join(f"{statement};\n" for statement in create_statements(tables))


def add_column_statements(table: Table, column: Column) -> list[str]:
    """Return the statements that add a column to a table that lacks it, spelled as in files."""
    kind = kind_of(table, column)
    place = f'"{table.layer}"."{table.name}"'
    added = f'alter table {place} add column if not exists "{column.name}" {{{kind}}}'
    return [added, *_column_comments(table, (column,))]


def comment_statements(table: Table) -> list[str]:
    """Return the statements that say in the warehouse what a table and its columns mean."""
    place = f'"{table.layer}"."{table.name}"'
    grain = [f"comment on table {place} is {_text(table.grain)}"] if table.grain else []
    return [*grain, *_column_comments(table, table.columns)]


def _create(table: Table) -> str:
    columns = ",\n".join(
        f'    "{column.name}" {{{kind_of(table, column)}}}' for column in table.columns
    )
    cluster = " {cluster day, org}" if set(table.partitioned_by) == {"org", "day"} else ""
    place = f'"{table.layer}"."{table.name}"'
    return f"create table if not exists {place} (\n{columns}\n){cluster}"


def _column_comments(table: Table, columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        if column.description:
            place = f'"{table.layer}"."{table.name}"."{column.name}"'
            yield f"comment on column {place} is {_text(column.description)}"


def _text(value: str) -> str:
    """Return a text literal, with typographic apostrophes, so that nothing needs doubling."""
    return "'" + value.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}") + "'"
