"""Table: a layer's table as every floor above knows it.

Belongs here: the pairing of a declared shape (a dataframely schema, written once in its layer's
tables.py) with its place in the warehouse, and the partition it is replaced by.
Elsewhere: the shapes themselves (<layer>/tables.py), types of a warehouse (warehouse/ddl.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import dataframely as dy
import polars as pl

JSON: Mapping[str, bool] = {"json": True}
"""`metadata=JSON` marks a string column that holds JSON text (VARIANT / JSON in a warehouse)."""

INSTANT = pl.Datetime("us", "UTC")
"""The one type of an instant in a frame."""


def instant(
    *, nullable: bool = False, primary_key: bool = False, description: str = ""
) -> dy.Datetime:
    """Declare an instant column: microseconds, UTC."""
    return dy.Datetime(
        time_unit="us",
        time_zone="UTC",
        nullable=nullable,
        primary_key=primary_key,
        description=description,
    )


def json_text(*, nullable: bool = True, description: str = "") -> dy.String:
    """Declare a column of JSON text, semi-structured in the warehouse."""
    return dy.String(nullable=nullable, metadata=dict(JSON), description=description)


@dataclass(frozen=True)
class Column:
    """One column: its polars type, whether it may be null, whether it is JSON, its meaning."""

    name: str
    dtype: pl.DataType
    nullable: bool
    is_json: bool
    description: str


@dataclass(frozen=True)
class Partition:
    """What one write replaces: an org's day, a day of all orgs, or (neither) a whole table."""

    org: str | None = None
    day: date | None = None

    def __str__(self) -> str:
        named = [part for part in (self.org, self.day and self.day.isoformat()) if part]
        return "/".join(named) or "all"


@dataclass(frozen=True)
class Table:
    """A declared shape and its place: `layer.name`, replaced by `partitioned_by`.

    Args:
        layer: Warehouse schema, Dagster key prefix, package.
        name: Table and asset name.
        schema: The dataframely schema; its docstring is the grain.
        partitioned_by: ("org", "day"), ("day",), ("org",) or () for a table replaced whole.
    """

    layer: str
    name: str
    schema: type[dy.Schema]
    partitioned_by: tuple[str, ...] = ()
    columns: tuple[Column, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        columns = tuple(
            Column(
                name=name,
                dtype=column.dtype,
                nullable=column.nullable,
                is_json=bool((column.metadata or {}).get("json")),
                description=column.description or "",
            )
            for name, column in self.schema.columns().items()
        )
        object.__setattr__(self, "columns", columns)

    @property
    def key(self) -> str:
        """`layer.name`, as in the partition log and in SQL."""
        return f"{self.layer}.{self.name}"

    @property
    def grain(self) -> str:
        """The schema's docstring: what one row is."""
        return inspect.getdoc(self.schema) or ""

    @property
    def frame_schema(self) -> pl.Schema:
        """Names and polars types, in order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """Return a frame of this shape without rows."""
        return pl.DataFrame(schema=self.frame_schema)
