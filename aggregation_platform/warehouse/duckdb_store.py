"""The embedded warehouse: one DuckDB file.

Belongs here: DuckDB's transactions, its loading and exporting of Parquet, its errors in our words.
Elsewhere: who may hold the file when (duckdb_file.py), the order of things in a write
(sql_store.py).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
from arro3.core import Table as Arrow

from aggregation_platform.clock import Clock
from aggregation_platform.errors import (
    PlatformError,
    SchemaMismatchError,
    WarehouseBusyError,
    WarehouseError,
)
from aggregation_platform.warehouse.dialects import DUCKDB
from aggregation_platform.warehouse.duckdb_file import shared_file
from aggregation_platform.warehouse.migrations import FOLDER
from aggregation_platform.warehouse.spool import Spooled
from aggregation_platform.warehouse.sql_store import SqlWarehouse
from aggregation_platform.warehouse.statements import READ_PARTS, load_parquet

_EXPORTED = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
    "ROW_GROUP_SIZE_BYTES '32MB', FILE_SIZE_BYTES '32MB'"
)

_NOT_WRITTEN = "Could not write file"
"""What DuckDB says of a full disk, also as the reason why a commit failed."""

MIGRATE = "run `aggregation-platform warehouse migrate`"


@dataclass(frozen=True)
class DuckDBSettings:
    """Where the file is and how long to wait for it.

    Args:
        path: The database file; its folder is made when something is written.
        wait_s: Seconds to wait for whoever holds the file.
        spool: Folder for rows on their way; by default beside the file, `<file>.spool`.
    """

    path: Path
    wait_s: float = 60.0
    spool: Path | None = None


class DuckDBWarehouse(SqlWarehouse):
    """One file on one host: one writing process at a time, held for as long as a write takes."""

    dialect = DUCKDB

    def __init__(
        self, settings: DuckDBSettings, *, clock: Clock, migrations: Path = FOLDER
    ) -> None:
        spool = settings.spool or settings.path.with_name(settings.path.name + ".spool")
        super().__init__(spool=spool, clock=clock, migrations=migrations)
        self._file = shared_file(settings.path)
        self._wait_s = settings.wait_s

    @contextmanager
    def _reading(self) -> Generator[DuckDBSession]:
        with (
            self._file.reading(clock=self._clock, wait_s=self._wait_s) as connection,
            in_our_words(self._file.path),
        ):
            yield DuckDBSession(connection)

    @contextmanager
    def _writing(self, spooled: Sequence[Spooled], tag: str) -> Generator[DuckDBSession]:  # noqa: ARG002 - files are read where they lie; DuckDB keeps no record of statements
        with (
            self._file.writing(clock=self._clock, wait_s=self._wait_s) as connection,
            in_our_words(self._file.path),
            _transaction(connection),
        ):
            yield DuckDBSession(connection)

    @contextmanager
    def _changing_schema(self) -> Generator[DuckDBSession]:
        with self._writing([], "migrate") as session:
            yield session

    def _check_is_one_select(self, sql: str) -> None:
        with duckdb.connect() as parser, in_our_words(self._file.path):
            found = [statement.type for statement in parser.extract_statements(sql)]
        if found != [duckdb.StatementType.SELECT]:
            raise WarehouseError(
                "query() takes one SELECT and nothing else; write through replace_partition()"
            )


class DuckDBSession:
    """One connection's statements."""

    query_ids: tuple[str, ...] = ()

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Send one statement, forget its result."""
        self._connection.execute(sql, list(values)).fetchall()

    def fetch(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Send one statement and return its rows."""
        return self._connection.execute(sql, list(values)).fetchall()

    def frame(self, sql: str, values: Sequence[object] = ()) -> pl.DataFrame:
        """Send one SELECT and return its rows as a frame, names in lower case."""
        relation = self._connection.sql(sql, params=list(values))
        return pl.DataFrame(Arrow.from_arrow(relation)).rename(str.lower)

    def load(self, spooled: Spooled) -> None:
        """Add all rows of the part files to their table."""
        if spooled.parts:
            parts = [str(part) for part in spooled.parts]
            self.execute(load_parquet(DUCKDB, spooled.table, READ_PARTS), [parts])

    def export(self, sql: str, values: Sequence[object], folder: Path) -> Sequence[Path]:
        """Send one SELECT and put its rows into part files.

        Bounded by bytes: a row group of DuckDB's usual 122,880 raw records is a gigabyte.
        """
        target = str(folder / "rows").replace("'", "''")
        self.execute(f"COPY ({sql}) TO '{target}' ({_EXPORTED})", values)
        return sorted((folder / "rows").glob("*.parquet"))


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Generator[None]:
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.TransactionException:
        return  # a failed commit has rolled back already


@contextmanager
def in_our_words(path: Path) -> Generator[None]:
    """Turn DuckDB's errors into the platform's, with the advice that belongs to each."""
    try:
        yield
    except duckdb.Error as error:
        raise _translated(path, error) from error


def _translated(path: Path, error: duckdb.Error) -> PlatformError:
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        return SchemaMismatchError(
            f"warehouse {path}: {error}; if a table or column lacks, {MIGRATE}"
        )
    if isinstance(error, duckdb.IOException) or _NOT_WRITTEN in str(error):
        return WarehouseError(
            f"warehouse {path}: {error}; nothing was written. Make room on its disk, or look what "
            "else is wrong with it, and try again"
        )
    if isinstance(error, duckdb.TransactionException):
        return WarehouseBusyError(f"warehouse {path}: {error}; nothing was written, try again")
    return WarehouseError(f"warehouse {path}: {error}; nothing was written")
