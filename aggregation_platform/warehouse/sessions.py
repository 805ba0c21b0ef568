"""What both warehouses offer to the code that sends statements.

Belongs here: the Session protocol. Elsewhere: the sessions themselves (duckdb_store.py,
snowflake_store.py), who uses them (sql_store.py, schema_changes.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from aggregation_platform.warehouse.spool import Spooled


class Session(Protocol):
    """One connection, within or without a transaction."""

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Send one statement, forget its result."""
        ...

    def fetch(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Send one statement and return its rows. For a few rows."""
        ...

    def frame(self, sql: str, values: Sequence[object] = ()) -> pl.DataFrame:
        """Send one statement and return its rows as a frame, names in lower case."""
        ...

    def load(self, spooled: Spooled) -> None:
        """Add all rows of the part files to their table."""
        ...

    def export(self, sql: str, values: Sequence[object], folder: Path) -> Sequence[Path]:
        """Send one SELECT and put its rows into part files."""
        ...

    @property
    def query_ids(self) -> tuple[str, ...]:
        """The warehouse's names of the statements sent so far, where it has such names."""
        ...
