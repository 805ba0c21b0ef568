"""Bringing a database to what the code declares.

Belongs here: applying migrations and remembering which, adding declared tables and columns that no
migration brought, making the views, comparing declared with found.
Elsewhere: the files and what is pending (migrations.py, views.py), the statements (ddl.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import cast

from aggregation_platform.tables import Column, Table
from aggregation_platform.warehouse import statements as say
from aggregation_platform.warehouse.comments import with_comments_within
from aggregation_platform.warehouse.ddl import add_column_statements, create_statements
from aggregation_platform.warehouse.dialects import Dialect
from aggregation_platform.warehouse.migrations import Migration, pending
from aggregation_platform.warehouse.ops_tables import MIGRATIONS
from aggregation_platform.warehouse.reporting_tables import VIEWS
from aggregation_platform.warehouse.sessions import Session
from aggregation_platform.warehouse.store import Migrated, SchemaDifference, SchemaStanding
from aggregation_platform.warehouse.views import View

Changing = Callable[[], AbstractContextManager[Session]]
"""Opens a connection for DDL."""


def bring_up_to_date(
    dialect: Dialect,
    changing: Changing,
    known: Sequence[Migration],
    tables: Sequence[Table],
    views: Sequence[View],
    now: datetime,
) -> Migrated:
    """Apply what is pending, one migration at a time, then add what is declared and missing.

    The reporting views are made in the end, all of them when one file has changed.
    """
    with changing() as session:
        _run(session, create_statements([MIGRATIONS], dialect))
        wanted = pending(known, _applied(dialect, session))
    for migration in wanted:
        with changing() as session:
            _apply(dialect, session, migration, now)
    with changing() as session:
        added = _add_missing(dialect, session, tables)
        made = _make_views(dialect, session, views)
    return Migrated(len(known), tuple(one.file_name for one in wanted), added, made)


def schema_standing(
    dialect: Dialect,
    session: Session,
    known: Sequence[Migration],
    tables: Sequence[Table],
    views: Sequence[View],
) -> SchemaStanding:
    """Compare what the code knows with what the database has; nothing is changed."""
    found = _found(dialect, session)
    applied = _applied(dialect, session) if MIGRATIONS.key in found else {}
    made = _made_views(dialect, session) if VIEWS.key in found else {}
    return SchemaStanding(
        version=max(applied, default=0),
        newest=len(known),
        pending=tuple(one.file_name for one in pending(known, applied)),
        outdated_views=tuple(
            view.file_name for view in views if made.get(view.file_name) != view.checksum
        ),
        differences=tuple(each for table in tables for each in _differences(dialect, table, found)),
    )


def schema_differences(
    dialect: Dialect, session: Session, tables: Sequence[Table]
) -> list[SchemaDifference]:
    """Compare declared columns and types with those found; order does not matter."""
    found = _found(dialect, session)
    return [difference for table in tables for difference in _differences(dialect, table, found)]


def _apply(dialect: Dialect, session: Session, migration: Migration, now: datetime) -> None:
    _run(session, _spelled(dialect, migration.sql))
    row = {
        "number": migration.number,
        "title": migration.title,
        "checksum": migration.checksum,
        "applied_at": now,
    }
    for statement in say.insert(dialect, MIGRATIONS, [row]):
        session.execute(statement.sql, statement.values)


def _spelled(dialect: Dialect, sql: str) -> list[str]:
    """Return a file's statements."""
    return dialect.statements(with_comments_within(sql) if dialect.comments_within else sql)


def _make_views(dialect: Dialect, session: Session, views: Sequence[View]) -> tuple[str, ...]:
    """Make all views, unless they are those of these files already."""
    if not views or _made_views(dialect, session) == {one.file_name: one.checksum for one in views}:
        return ()
    for view in views:
        _run(session, _spelled(dialect, view.sql))
    everything = say.delete_partition(dialect, VIEWS, say.EVERYTHING)
    rows = [{"file_name": view.file_name, "checksum": view.checksum} for view in views]
    for statement in (everything, *say.insert(dialect, VIEWS, rows)):
        session.execute(statement.sql, statement.values)
    return tuple(view.file_name for view in views)


def _made_views(dialect: Dialect, session: Session) -> dict[str, str]:
    statement = say.select(dialect, VIEWS, VIEWS.columns, [say.EVERYTHING])
    rows = session.fetch(statement.sql, statement.values)
    return {str(file_name): str(checksum) for file_name, checksum in rows}


def _applied(dialect: Dialect, session: Session) -> dict[int, str]:
    columns = [column for column in MIGRATIONS.columns if column.name in ("number", "checksum")]
    statement = say.select(dialect, MIGRATIONS, columns, [say.EVERYTHING])
    rows = session.fetch(statement.sql, statement.values)
    return {int(cast("int", number)): str(checksum) for number, checksum in rows}


def _add_missing(dialect: Dialect, session: Session, tables: Sequence[Table]) -> tuple[str, ...]:
    found = _found(dialect, session)
    added: list[str] = []
    for table in tables:
        columns = found.get(table.key)
        if columns is None:
            _run(session, create_statements([table], dialect))
            added.append(table.key)
            continue
        for column in table.columns:
            if column.name not in columns:
                _add_column(dialect, session, table, column)
                added.append(f"{table.key}.{column.name}")
    return tuple(added)


def _add_column(dialect: Dialect, session: Session, table: Table, column: Column) -> None:
    for statement in add_column_statements(table, column):
        _run(session, dialect.statements(statement))


def _run(session: Session, statements: Sequence[str]) -> None:
    for statement in statements:
        session.execute(statement)


def _found(dialect: Dialect, session: Session) -> dict[str, dict[str, str]]:
    """Return the reported type of each column of each table, names in lower case."""
    schema, table = dialect.quoted("table_schema"), dialect.quoted("table_name")
    column, kind = dialect.quoted("column_name"), dialect.quoted("data_type")
    sql = f"SELECT {schema}, {table}, {column}, {kind} FROM information_schema.columns"  # noqa: S608 - fixed names
    tables: dict[str, dict[str, str]] = {}
    for row in session.fetch(sql):
        layer, name, column_name, reported = (str(value) for value in row)
        tables.setdefault(f"{layer}.{name}".lower(), {})[column_name.lower()] = reported
    return tables


def _differences(
    dialect: Dialect, table: Table, found: dict[str, dict[str, str]]
) -> list[SchemaDifference]:
    columns = found.get(table.key)
    if columns is None:
        return [SchemaDifference(table.key, None, "a table", None)]
    declared = {column.name: dialect.reported_type_of(table, column) for column in table.columns}
    return [
        SchemaDifference(table.key, name, declared.get(name), columns.get(name))
        for name in sorted({*declared, *columns})
        if declared.get(name) != columns.get(name)
    ]
