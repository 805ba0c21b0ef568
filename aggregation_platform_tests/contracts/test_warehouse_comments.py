"""What a BI tool shows beside a table, a view and a column: the meaning that the code declares."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
import sqlglot
from sqlglot import expressions as sql

from aggregation_platform.assembly import TABLES
from aggregation_platform.warehouse.comments import with_comments_within
from aggregation_platform.warehouse.dialects import SNOWFLAKE
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.migrations import FOLDER, load_migrations
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.views import views_beside
from aggregation_platform_tests.warehouse_rig import emulated

Meanings = dict[tuple[str, str, str], str]
_COLUMN_COMMENT = re.compile(
    r"""ALTER TABLE "(\w+)"\."(\w+)" ALTER COLUMN "(\w+)" COMMENT '([^']*)'""", re.DOTALL
)
"""Of each column that has a comment, by schema, table or view, and column; "" is the whole."""


@pytest.fixture(scope="module")
def in_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Meanings:
    path = tmp_path_factory.mktemp("comments") / "warehouse.duckdb"
    open_warehouse(DuckDBSettings(path)).migrate(TABLES)
    with duckdb.connect(path, read_only=True) as connection:
        rows = connection.execute(
            "select schema_name, table_name, '', comment from duckdb_tables()"
            " union all select schema_name, view_name, '', comment from duckdb_views()"
            " where not internal"
            " union all select schema_name, table_name, column_name, comment"
            " from duckdb_columns() where not internal"
        ).fetchall()
    return {(layer, name, column): comment or "" for layer, name, column, comment in rows}


@pytest.fixture(scope="module")
def for_snowflake() -> Meanings:
    """As the statements say that Snowflake is sent; the emulator forgets comments on columns."""
    return {key: comment for text in snowflakes_statements() for key, comment in said(text)}


def test_every_declared_meaning_stands_in_duckdb(in_duckdb: Meanings):
    assert declared() == {key: in_duckdb[key] for key in declared()}


def test_every_declared_meaning_is_sent_to_snowflake(for_snowflake: Meanings):
    assert declared() == {key: for_snowflake.get(key) for key in declared()}


def test_every_table_has_its_meaning_in_the_emulator(emulator_port: int):
    warehouse = open_warehouse(emulated(emulator_port))
    warehouse.migrate(TABLES)
    rows = warehouse.query(
        "select lower(table_schema), lower(table_name), comment from information_schema.tables"
    ).rows()

    found = {f"{layer}.{name}": comment for layer, name, comment in rows}
    assert {table.key: typographic(table.grain) for table in TABLES} == {
        table.key: found[table.key] for table in TABLES
    }


def test_every_view_of_reporting_and_every_column_of_it_has_a_meaning(in_duckdb: Meanings):
    tables = {table.name for table in TABLES if table.layer == "reporting"}
    views = {
        key: comment
        for key, comment in in_duckdb.items()
        if key[0] == "reporting" and key[1] not in tables
    }

    assert len({name for _, name, _ in views}) >= 15
    assert [key for key, comment in views.items() if not comment] == []


def test_a_views_columns_have_the_same_meaning_on_both(
    in_duckdb: Meanings, for_snowflake: Meanings
):
    columns = {
        key for key in for_snowflake if key[0] == "reporting" and key[2] and for_snowflake[key]
    }

    assert len(columns) > 150
    assert {key: for_snowflake[key] for key in columns} == {key: in_duckdb[key] for key in columns}


def declared() -> Meanings:
    """What the layers say of their tables and columns."""
    meanings = {(table.layer, table.name, ""): table.grain for table in TABLES} | {
        (table.layer, table.name, column.name): column.description
        for table in TABLES
        for column in table.columns
    }
    return {key: typographic(text) for key, text in meanings.items() if text}


def typographic(text: str) -> str:
    return text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def snowflakes_statements() -> Iterator[str]:
    for file in (*load_migrations(), *views_beside(FOLDER)):
        yield from SNOWFLAKE.statements(with_comments_within(file.sql))


def said(text: str) -> Iterator[tuple[tuple[str, str, str], str]]:
    """What one statement says of a table, a view and its columns."""
    altered = _COLUMN_COMMENT.fullmatch(text)
    if altered:
        yield (altered[1].lower(), altered[2].lower(), altered[3].lower()), altered[4]
        return
    statement = sqlglot.parse_one(text, dialect="snowflake")
    place = statement.find(sql.Table)
    if place is None:
        return
    layer, name = place.db.lower(), place.name.lower()
    if isinstance(statement, sql.Comment):
        yield (layer, name, ""), statement.expression.name
    for column in statement.find_all(sql.ColumnDef):
        for comment in column.find_all(sql.CommentColumnConstraint):
            yield (layer, name, column.name.lower()), comment.this.name
