"""The warehouse of production: Snowflake.

Belongs here: Snowflake's connections and transactions, staging and copying of Parquet, reading as
Arrow. Elsewhere: the order of things in a write (sql_store.py), settings and login
(snowflake_settings.py), errors (snowflake_errors.py).

A transaction holds no DDL, which would commit it: the stage is made and filled before it begins,
and whatever is not DELETE, COPY, INSERT, UPDATE, MERGE or SELECT is refused within.

Snowflake, or an administrator, may end a transaction while its session goes on. So no session
commits by itself: what follows such an end is in a transaction of its own, which only COMMIT would
keep. And the first row of each transaction is a mark: while it is seen, nothing is lost since. It
is looked for before COMMIT, to commit all or nothing, and after it, to know which.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import uuid4

import polars as pl
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from aggregation_platform.clock import Clock
from aggregation_platform.errors import WarehouseBusyError, WarehouseError
from aggregation_platform.warehouse.dialects import SNOWFLAKE
from aggregation_platform.warehouse.migrations import FOLDER
from aggregation_platform.warehouse.outcomes import OutcomeUnknownError
from aggregation_platform.warehouse.snowflake_errors import in_our_words, is_unanswered
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.spool import Spooled, write_part
from aggregation_platform.warehouse.sql_store import SqlWarehouse
from aggregation_platform.warehouse.statements import copy_parquet

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

IDLE_FOR_S = 600.0
"""A connection that was idle for longer is not used again."""

ENDING_S = 10
"""Seconds to reach a session that is to be ended, before that is put off."""

STAGE = '"OPS"."SPOOL"'
"""A temporary stage: each connection has its own, and it goes with the connection."""

MARKS = '"TRANSACTION_MARKS"'
"""A temporary table, in the session's own schema: with these rows a transaction comes and goes."""

_WITHIN = re.compile(r"\s*(DELETE|COPY|INSERT|UPDATE|MERGE|SELECT)\b", re.IGNORECASE)
_LITERALS = re.compile(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"[\s(]*(SELECT|WITH|VALUES)\b", re.IGNORECASE)

_Result = TypeVar("_Result")


class SnowflakeWarehouse(SqlWarehouse):
    """Many writers at once; those of one partition wait for one another, others meet at the fence.

    A session outlives its connection, and so do its transaction and its locks. What could not be
    ended when the connection broke is ended before anything else is sent.
    """

    dialect = SNOWFLAKE

    def __init__(
        self, settings: SnowflakeSettings, *, clock: Clock, migrations: Path = FOLDER
    ) -> None:
        spool = settings.spool or Path(tempfile.gettempdir()) / "aggregation-platform.spool"
        super().__init__(spool=spool, clock=clock, migrations=migrations)
        self._settings = settings
        self._connections = _Connections(settings, clock)

    def close(self) -> None:
        """End the idle connections."""
        self._connections.close()

    @contextmanager
    def _reading(self) -> Generator[SnowflakeSession]:
        with in_our_words(self._settings.account), self._connections.one() as connection:
            yield SnowflakeSession(connection)

    @contextmanager
    def _writing(self, spooled: Sequence[Spooled], tag: str) -> Generator[SnowflakeSession]:
        with in_our_words(self._settings.account), self._connections.one() as connection:
            session = SnowflakeSession(connection, tag=tag)
            session.stage(spooled)
            with self._transaction(session):
                yield session
            session.unstage()

    @contextmanager
    def _changing_schema(self) -> Generator[SnowflakeSession]:
        with self._reading() as session:
            yield session
            session.execute("COMMIT")

    @contextmanager
    def _transaction(self, session: SnowflakeSession) -> Generator[None]:
        session.begin()
        try:
            yield
            self._check_is_marked(session)
        finally:
            session.within_transaction = False
        self._commit(session)

    def _check_is_marked(self, session: SnowflakeSession) -> None:
        """Raise WarehouseBusyError unless everything sent since the mark is still there."""
        if not session.is_marked():
            raise WarehouseBusyError(
                f"Snowflake account {self._settings.account}: the transaction was ended by "
                "Snowflake, idle in another's way, or by an administrator; nothing was written, "
                "try again"
            )

    def _commit(self, session: SnowflakeSession) -> None:
        """Commit, and see that there still was something to commit.

        Raises:
            WarehouseBusyError: If there was not.
            OutcomeUnknownError: If that is not known.
        """
        from snowflake.connector.errors import Error

        is_answered = False
        try:
            session.execute("COMMIT")
            is_answered = True
            self._check_is_marked(session)
        except Error as error:
            if not (is_answered or is_unanswered(error)):
                raise
            raise OutcomeUnknownError(
                f"Snowflake account {self._settings.account}: it is not known whether it "
                f"committed: {error}"
            ) from error

    def _check_is_one_select(self, sql: str) -> None:
        bare = _LITERALS.sub("''", sql).strip().removesuffix(";")
        if ";" in bare or not _READS.match(bare):
            raise WarehouseError(
                "query() takes one SELECT and nothing else; write through replace_partition()"
            )

    def _repeated(self, write: Callable[[], _Result]) -> _Result:
        """Repeat a transaction that was undone: too many waited, or the connection broke."""
        attempts = Retrying(
            retry=retry_if_exception_type(WarehouseBusyError),
            stop=stop_after_attempt(self._settings.attempts),
            wait=wait_random_exponential(multiplier=0.5, max=20),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return attempts(write)


class SnowflakeSession:
    """One connection's statements, for one operation."""

    def __init__(self, connection: SnowflakeConnection, *, tag: str = "") -> None:
        self.within_transaction = False
        self._connection = connection
        self._tag = tag
        self._id = uuid4().hex
        self._query_ids: list[str] = []

    @property
    def query_ids(self) -> tuple[str, ...]:
        """Snowflake's ids of the statements sent so far."""
        return tuple(self._query_ids)

    def begin(self) -> None:
        """Begin a transaction, and mark it by a row that only this one has."""
        self.execute(f'CREATE TEMPORARY TABLE IF NOT EXISTS {MARKS} ("ID" VARCHAR)')
        self.execute("BEGIN")
        self.within_transaction = True
        self.execute(f"INSERT INTO {MARKS} VALUES (?)", [self._id])  # noqa: S608 - a fixed name

    def is_marked(self) -> bool:
        """Whether the mark is there: in this transaction, or committed with it."""
        return bool(self.fetch(f'SELECT 1 FROM {MARKS} WHERE "ID" = ?', [self._id]))  # noqa: S608 - a fixed name

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Send one statement, forget its result."""
        self._sent(sql, values).close()

    def fetch(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Send one statement and return its rows."""
        with self._sent(sql, values) as cursor:
            return cursor.fetchall()

    def frame(self, sql: str, values: Sequence[object] = ()) -> pl.DataFrame:
        """Send one SELECT and return its rows as a frame, names in lower case."""
        with self._sent(sql, values) as cursor:
            batches = list(_batches(cursor))
            return pl.concat(batches, how="vertical_relaxed") if batches else _described(cursor)

    def load(self, spooled: Spooled) -> None:
        """Copy all rows of the staged files into their table, and count them.

        Raises:
            WarehouseBusyError: If the files had been loaded before, by a COPY whose reply was lost.
            WarehouseError: If Snowflake loaded another number of rows.
        """
        if not spooled.parts:
            return
        rows = self.fetch(copy_parquet(SNOWFLAKE, spooled.table, self._place(spooled)))
        loaded = sum(int(cast("int", row[3])) for row in rows if len(row) > 1)
        if loaded == spooled.rows:
            return
        found = f"{spooled.table.key}: {spooled.rows} rows were staged, {loaded} loaded; nothing"
        if not loaded:
            raise WarehouseBusyError(f"{found} was written, try again")
        raise WarehouseError(f"{found} was written. Look at the copy in Snowflake's query history")

    def export(self, sql: str, values: Sequence[object], folder: Path) -> Sequence[Path]:
        """Send one SELECT and put its rows into part files, batch by batch."""
        parts: list[Path] = []
        with self._sent(sql, values) as cursor:
            for batch in _batches(cursor):
                parts.append(folder / f"{len(parts) + 1:05d}.parquet")
                write_part(batch, parts[-1])
        return parts

    def stage(self, spooled: Sequence[Spooled]) -> None:
        """Upload files, before the transaction begins."""
        if any(one.parts for one in spooled):
            self.execute(f"CREATE TEMPORARY STAGE IF NOT EXISTS {STAGE}")
        for one in spooled:
            for part in one.parts:
                source = str(part.absolute()).replace("\\", "\\\\").replace("'", "\\'")
                options = "AUTO_COMPRESS = FALSE OVERWRITE = TRUE"
                self.execute(f"PUT 'file://{source}' {self._place(one)} {options}")

    def unstage(self) -> None:
        """Remove the uploaded files, after the commit; what stays goes with the connection."""
        from snowflake.connector.errors import Error

        with suppress(Error):
            self.execute(f"REMOVE @{STAGE}/{self._id}")

    def _place(self, spooled: Spooled) -> str:
        return f"@{STAGE}/{self._id}/{spooled.name}"

    def _sent(self, sql: str, values: Sequence[object]) -> Any:  # noqa: ANN401 - the connector's cursor is not typed
        if self.within_transaction and not _WITHIN.match(sql):
            raise WarehouseError(f"refused within a transaction, it would commit it: {sql[:80]}")
        cursor = self._connection.cursor()
        tagged = {"QUERY_TAG": self._tag} if self._tag else None
        cursor.execute(sql, tuple(values), _statement_params=tagged)
        if cursor.sfqid:
            self._query_ids.append(str(cursor.sfqid))
        return cursor


class _Connections:
    """Connections that wait to be used again, last used first, and lost ones. Shared by threads."""

    def __init__(self, settings: SnowflakeSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        self._idle: list[tuple[float, SnowflakeConnection]] = []
        self._lost: list[tuple[float, SnowflakeConnection]] = []

    @contextmanager
    def one(self) -> Generator[SnowflakeConnection]:
        """Give a connection to one thread; after an error it is ended, not kept."""
        self._end_lost()
        connection = self._waiting() or self._opened()
        try:
            yield connection
        except BaseException:
            self._end(connection, self._clock.monotonic())
            raise
        with self._lock:
            self._idle.append((self._clock.monotonic(), connection))

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            idle, self._idle = [*self._idle, *self._lost], []
            self._lost = []
        for _, connection in idle:
            connection.close(retry=False)

    def _end_lost(self) -> None:
        """End the sessions that could not be reached when their connection broke.

        Whoever goes on after this knows that they do nothing any more. Snowflake itself ends an
        idle transaction that is in somebody's way after five minutes.

        Raises:
            Error: The connector's, if one still cannot be reached.
        """
        with self._ending:
            with self._lock:
                lost, self._lost = self._lost, []
            errors = [self._end(connection, since) for since, connection in lost]
        for error in filter(None, errors):
            raise error

    def _end(self, connection: SnowflakeConnection, since: float) -> Exception | None:
        """Undo and close, or keep it for later if it cannot be reached; tell why not."""
        from snowflake.connector.errors import Error

        try:
            timeout_s = min(ENDING_S, self._settings.network_timeout_s)
            connection.cursor().execute("ROLLBACK", timeout=timeout_s)
        except Error as error:
            if is_unanswered(error) and self._clock.monotonic() - since < IDLE_FOR_S:
                with self._lock:
                    self._lost.append((since, connection))
                return error
        connection.close(retry=False)
        return None

    def _waiting(self) -> SnowflakeConnection | None:
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if self._clock.monotonic() - since < IDLE_FOR_S:
                    return connection
                connection.close(retry=False)
        return None

    def _opened(self) -> SnowflakeConnection:
        import snowflake.connector

        arguments = self._settings.connector_arguments()
        return cast("Any", snowflake.connector).connect(**arguments, autocommit=False)


def _batches(cursor: Any) -> Iterator[pl.DataFrame]:  # noqa: ANN401 - not typed by the connector
    for batch in cursor.fetch_arrow_batches():
        yield pl.DataFrame(batch).rename(str.lower)


def _described(cursor: Any) -> pl.DataFrame:  # noqa: ANN401 - not typed by the connector
    """Return a frame without rows, of the result's columns; an empty result has no batches."""
    from snowflake.connector.constants import FIELD_ID_TO_NAME

    return pl.DataFrame(
        schema={
            column.name.lower(): _DTYPES.get(FIELD_ID_TO_NAME[column.type_code], pl.String())
            for column in cursor.description
        }
    )


_DTYPES: dict[str, pl.DataType] = {
    "FIXED": pl.Int64(),
    "REAL": pl.Float64(),
    "DATE": pl.Date(),
    "TIMESTAMP_NTZ": pl.Datetime("ns"),
    "BOOLEAN": pl.Boolean(),
}
