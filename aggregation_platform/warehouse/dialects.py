"""How each warehouse spells types and names.

Belongs here: the one place that quotes a name, the types of either warehouse, and turning SQL that
is written once (quoted lower-case names, types in braces) into one dialect.
Elsewhere: statements made from declared tables (ddl.py), the migration files (migrations.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.tables import Column, Table

ColumnKind = Literal["text", "integer", "float", "boolean", "date", "instant", "json"]

_TOKENS = re.compile(
    r"""(?P<text>'(?:[^']|'')*')     # a string: left as it is
      | (?P<comment>--[^\n]*)        # a comment: left out
      | "(?P<name>(?:[^"]|"")*)"     # a quoted name
      | \{cluster\ (?P<cluster>[a-z_, ]+)\}
      | \{local\ (?P<zone>[a-z_.]+),\ (?P<moment>[a-z_.]+)\}
      | \{listed\ (?P<listed>[a-z_.]+)\}
      | \{(?P<kind>[a-z]+)\}
      | (?P<end>;)
      | (?P<other>[^'"{;\-]+|.)""",
    re.VERBOSE | re.DOTALL,
)

_COLUMN_COMMENT = re.compile(
    r"""comment\ on\ column\ (?P<place>"[^"]+"\."[^"]+")\.(?P<column>"[^"]+")\ is\ """, re.VERBOSE
)


def kind_of(table: Table, column: Column) -> ColumnKind:
    """Return which of the few kinds of column this is.

    Raises:
        SchemaMismatchError: If the warehouse has no place for the type.
    """
    if column.is_json:
        return "json"
    kind = _KINDS.get(column.dtype.base_type())
    if kind is None or (kind == "instant" and column.dtype != pl.Datetime("us", "UTC")):
        raise SchemaMismatchError(
            f"{table.key}.{column.name}: the warehouse has no place for {column.dtype}; declare "
            "it as text, number, date, instant() or json_text()"
        )
    return kind


_KINDS: Mapping[type[pl.DataType], ColumnKind] = {
    pl.String: "text",
    pl.Categorical: "text",
    pl.Enum: "text",
    pl.Int8: "integer",
    pl.Int16: "integer",
    pl.Int32: "integer",
    pl.Int64: "integer",
    pl.UInt8: "integer",
    pl.UInt16: "integer",
    pl.UInt32: "integer",
    pl.Float32: "float",
    pl.Float64: "float",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "instant",
}


@dataclass(frozen=True)
class Dialect:
    """One warehouse's spelling.

    Args:
        name: As configuration spells it.
        types: The type of each kind of column, as written in DDL.
        reported: The same types as information_schema names them.
        upper_case: Whether unquoted names are upper case there; ours must be found unquoted.
        clusters: Whether a table can be clustered.
        parse_json: The expression that makes JSON of text.
        json_as_text: The expression that makes text of JSON.
        instant_as_number: The expression that makes microseconds since 1970 of an instant, where
            the driver does not bring every instant over whole.
        column_comment: The statement that comments on a column.
        local_time: The expression that makes a zone's wall clock of an instant.
        listed: The aggregate that puts texts in order, with commas between them.
        comments_within: Whether columns are commented on where they are created.
    """

    name: Literal["duckdb", "snowflake"]
    types: Mapping[ColumnKind, str]
    reported: Mapping[ColumnKind, str]
    upper_case: bool
    clusters: bool
    parse_json: str
    json_as_text: str
    instant_as_number: str | None
    column_comment: str
    local_time: str
    listed: str
    comments_within: bool

    def quoted(self, name: str) -> str:
        """Return a name as it stands in a statement."""
        spelled = name.upper() if self.upper_case else name
        return '"' + spelled.replace('"', '""') + '"'

    def names(self, names: Iterable[str]) -> str:
        """Return several names, with commas between them."""
        return ", ".join(self.quoted(name) for name in names)

    def place(self, table: Table) -> str:
        """Return a table's name with its schema."""
        return f"{self.quoted(table.layer)}.{self.quoted(table.name)}"

    def type_of(self, table: Table, column: Column) -> str:
        """Return a column's type in DDL."""
        return self.types[kind_of(table, column)]

    def reported_type_of(self, table: Table, column: Column) -> str:
        """Return a column's type as information_schema names it."""
        return self.reported[kind_of(table, column)]

    def stored(self, table: Table, column: Column, expression: str) -> str:
        """Return the expression that makes a column's value of a parameter or a file's value."""
        kind = kind_of(table, column)
        if kind == "json":
            return self.parse_json.format(expression)
        return f"CAST({expression} AS {self.types[kind]})"

    def shown(self, column: Column) -> str:
        """Return the expression that reads a column, JSON as text."""
        name = self.quoted(column.name)
        if column.is_json:
            return f"{self.json_as_text.format(name)} AS {name}"
        if self.instant_as_number and isinstance(column.dtype, pl.Datetime):
            return f"{self.instant_as_number.format(name)} AS {name}"
        return name

    def statements(self, sql: str) -> list[str]:
        """Split SQL at its semicolons and spell each statement in this dialect.

        Names in double quotes take the dialect's case, `{text}`, `{integer}`, … become its types,
        `{cluster day, org}` becomes its clustering or nothing, `{local time_zone, started_at}` the
        zone's wall clock at that instant, `{listed org}` the texts of a group. Comments go.

        Raises:
            KeyError: If braces hold no kind of column.
        """
        statements = [""]
        for token in _TOKENS.finditer(sql):
            if token["end"]:
                statements.append("")
            elif not token["comment"]:
                statements[-1] += self._spelled(token)
        return [
            _COLUMN_COMMENT.sub(self.column_comment, statement.strip())
            for statement in statements
            if statement.strip()
        ]

    def _spelled(self, token: re.Match[str]) -> str:
        if token["name"] is not None:
            return self.quoted(token["name"].replace('""', '"'))
        if token["cluster"]:
            return self._clustered(token["cluster"]) if self.clusters else ""
        if token["zone"]:
            return self.local_time.format(zone=token["zone"], moment=token["moment"])
        if token["listed"]:
            return self.listed.format(token["listed"])
        if token["kind"]:
            return self.types[_kind_named(token["kind"])]
        return token[0]

    def _clustered(self, columns: str) -> str:
        return f"CLUSTER BY ({self.names(name.strip() for name in columns.split(','))})"


def _kind_named(name: str) -> ColumnKind:
    for kind in DUCKDB.types:
        if kind == name:
            return kind
    raise KeyError(f"{{{name}}} is no kind of column; these are: {', '.join(DUCKDB.types)}")


DUCKDB = Dialect(
    name="duckdb",
    types={
        "text": "VARCHAR",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "instant": "TIMESTAMP",
        "json": "JSON",
    },
    reported={
        "text": "VARCHAR",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "instant": "TIMESTAMP",
        "json": "JSON",
    },
    upper_case=False,
    clusters=False,
    parse_json="CAST({} AS JSON)",
    json_as_text="CAST({} AS VARCHAR)",
    instant_as_number=None,
    column_comment=r"COMMENT ON COLUMN \g<place>.\g<column> IS ",
    local_time="timezone({zone}, timezone('UTC', {moment}))",
    listed="string_agg({0}, ', ' ORDER BY {0})",
    comments_within=False,
)

SNOWFLAKE = Dialect(
    name="snowflake",
    types={
        "text": "VARCHAR",
        "integer": "NUMBER(19,0)",
        "float": "FLOAT",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "instant": "TIMESTAMP_NTZ(6)",
        "json": "VARIANT",
    },
    reported={
        "text": "TEXT",
        "integer": "NUMBER",
        "float": "FLOAT",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "instant": "TIMESTAMP_NTZ",
        "json": "VARIANT",
    },
    upper_case=True,
    clusters=True,
    parse_json="PARSE_JSON({})",
    json_as_text="TO_JSON({})",
    instant_as_number="DATE_PART(EPOCH_MICROSECOND, {})",
    column_comment=r"ALTER TABLE \g<place> ALTER COLUMN \g<column> COMMENT ",
    local_time="CONVERT_TIMEZONE('UTC', {zone}, {moment})",
    listed="LISTAGG({0}, ', ') WITHIN GROUP (ORDER BY {0})",
    comments_within=True,
)
