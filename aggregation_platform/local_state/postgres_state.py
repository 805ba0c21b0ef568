"""Production's state: the PostgreSQL that the site's Dagster already has.

Belongs here: permits, blocks, values and claims in the schema local_state, by the server's clock.
Elsewhere: what they mean (state.py). No process is declared dead here: a broken connection does
not tell a dead process from a restarted server, so permits and claims end by their time alone.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import psycopg2
import psycopg2.extensions

from aggregation_platform.errors import LocalStateBusyError, LocalStateError
from aggregation_platform.local_state.state import (
    Block,
    Permit,
    Wait,
    permits_to_use,
)

_BOUNDS = "-c lock_timeout=20s -c statement_timeout=25s -c idle_in_transaction_session_timeout=30s"
_SCHEMA_LOCK = 7_305_518_221

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS local_state;
CREATE TABLE IF NOT EXISTS local_state.permits (
    permit_id text PRIMARY KEY, org text NOT NULL, free_at timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS permits_of_org ON local_state.permits (org);
CREATE TABLE IF NOT EXISTS local_state.blocks (
    org text PRIMARY KEY, until_at timestamptz NOT NULL, reason text NOT NULL);
CREATE TABLE IF NOT EXISTS local_state.shared_values (
    name text PRIMARY KEY, value bytea NOT NULL, until_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS local_state.claims (
    name text PRIMARY KEY, owner text NOT NULL, until_at timestamptz NOT NULL);
"""

_IN = "clock_timestamp() + make_interval(secs => %s)"


class PostgresState:
    """LocalState in PostgreSQL; one connection per process, made again when it breaks.

    Args:
        url: postgresql://user:password@host/database. The user may create a schema, or the
            schema local_state exists and is the user's.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.RLock()
        self._connection: psycopg2.extensions.connection | None = None
        self._process_id = 0

    def take_permit(
        self, org: str, *, permits: int, hold_s: float, keep_free: int = 0
    ) -> Permit | Wait | Block:
        """Take a permit, or say how long to wait, or why not at all now."""
        with self._transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (org,))
            block = _block_of(cursor, org)
            if block:
                return block
            waits = _waits(cursor, org)
            usable = permits_to_use(permits, keep_free)
            if len(waits) >= usable:
                return Wait(waits[len(waits) - usable])
            permit = Permit(org, uuid.uuid4().hex)
            cursor.execute(
                f"INSERT INTO local_state.permits VALUES (%s, %s, {_IN})",  # noqa: S608 - constant
                (permit.permit_id, org, hold_s),
            )
            return permit

    def settle_permit(self, permit: Permit, *, free_after_s: float) -> None:
        """Let the permit be free again in so many seconds."""
        self._execute(
            f"UPDATE local_state.permits SET free_at = {_IN} WHERE permit_id = %s",  # noqa: S608 - constant
            (free_after_s, permit.permit_id),
        )

    def block(self, org: str, *, seconds: float, reason: str) -> None:
        """Block the org; a longer block in force stays."""
        self._execute(
            f"INSERT INTO local_state.blocks AS was VALUES (%s, {_IN}, %s)"  # noqa: S608 - constant
            " ON CONFLICT (org) DO UPDATE SET until_at = excluded.until_at,"
            " reason = excluded.reason WHERE excluded.until_at > was.until_at",
            (org, seconds, reason),
        )

    def blocked(self, org: str) -> Block | None:
        """Return the org's block, if one is in force."""
        with self._transaction() as cursor:
            return _block_of(cursor, org)

    def lift_block(self, org: str) -> None:
        """Forget the org's block."""
        self._execute("DELETE FROM local_state.blocks WHERE org = %s", (org,))

    def put_value(self, name: str, value: bytes, *, seconds: float) -> None:
        """Share a value."""
        self._execute(
            f"INSERT INTO local_state.shared_values VALUES (%s, %s, {_IN})"  # noqa: S608 - constant
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value,"
            " until_at = excluded.until_at",
            (name, psycopg2.Binary(value), seconds),
        )

    def value(self, name: str) -> bytes | None:
        """Return the shared value while it is good."""
        with self._transaction() as cursor:
            cursor.execute(
                "SELECT value FROM local_state.shared_values"
                " WHERE name = %s AND until_at > clock_timestamp()",
                (name,),
            )
            row = cursor.fetchone()
            return bytes(row[0]) if row else None

    def drop_value(self, name: str) -> None:
        """Forget a value."""
        self._execute("DELETE FROM local_state.shared_values WHERE name = %s", (name,))

    def claim(self, name: str, *, owner: str, seconds: float) -> bool:
        """Claim the name unless another owner's claim is still good."""
        return self._execute(
            f"INSERT INTO local_state.claims AS was VALUES (%s, %s, {_IN})"  # noqa: S608 - constant
            " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner,"
            " until_at = excluded.until_at"
            " WHERE was.owner = excluded.owner OR was.until_at <= clock_timestamp()",
            (name, owner, seconds),
        )

    def renew(self, name: str, *, owner: str, seconds: float) -> bool:
        """Hold on, unless the claim was lost."""
        return self._execute(
            f"UPDATE local_state.claims SET until_at = {_IN}"  # noqa: S608 - constant
            " WHERE name = %s AND owner = %s AND until_at > clock_timestamp()",
            (seconds, name, owner),
        )

    def release(self, name: str, *, owner: str) -> None:
        """Give the claim up if it is the owner's."""
        self._execute(
            "DELETE FROM local_state.claims WHERE name = %s AND owner = %s", (name, owner)
        )

    def holder(self, name: str) -> str | None:
        """Return the owner of an unexpired claim."""
        with self._transaction() as cursor:
            cursor.execute(
                "SELECT owner FROM local_state.claims"
                " WHERE name = %s AND until_at > clock_timestamp()",
                (name,),
            )
            row = cursor.fetchone()
            return str(row[0]) if row else None

    def close(self) -> None:
        """Close this process's connection."""
        with self._lock:
            if self._connection is not None and self._process_id == os.getpid():
                self._connection.close()
            self._connection = None

    def _execute(self, statement: str, parameters: Sequence[object]) -> bool:
        """Run one statement; whether it changed a row."""
        with self._transaction() as cursor:
            cursor.execute(statement, parameters)
            return cursor.rowcount > 0

    @contextmanager
    def _transaction(self) -> Generator[psycopg2.extensions.cursor]:
        with self._lock:
            try:
                connection = self._connected()
                with connection, connection.cursor() as cursor:
                    yield cursor
            except psycopg2.errors.LockNotAvailable as error:
                raise LocalStateBusyError(
                    f"{self._where()}: others held it for 20 s. Repeat the run."
                ) from error
            except psycopg2.Error as error:
                self._forget()
                reason = " ".join(str(error).split()).replace(self._url, "(the address)")
                raise LocalStateError(
                    f"{self._where()} cannot be used: {reason}. Look at the PostgreSQL server and"
                    " at its address in the configuration, then repeat the run."
                ) from error

    def _connected(self) -> psycopg2.extensions.connection:
        """Return this process's connection; a broken one, or a parent's, is not used."""
        if self._process_id != os.getpid():
            self._connection = None
        if self._connection is not None and not self._answers(self._connection):
            self._forget()
        if self._connection is None:
            self._connection = self._opened()
            self._process_id = os.getpid()
        return self._connection

    def _answers(self, connection: psycopg2.extensions.connection) -> bool:
        """Whether the connection still works: it may have been cut since the last use."""
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            return False
        return True

    def _opened(self) -> psycopg2.extensions.connection:
        connection = psycopg2.connect(
            self._url,
            connect_timeout=10,
            options=_BOUNDS,
            application_name="aggregation-platform local_state",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('local_state.claims')")
            found = cursor.fetchone()
            if not found or found[0] is None:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
                cursor.execute(_SCHEMA)
        return connection

    def _forget(self) -> None:
        if self._connection is not None and self._process_id == os.getpid():
            self._connection.close()
        self._connection = None

    def _where(self) -> str:
        """Name the server and database; never the user's password."""
        try:
            named = psycopg2.extensions.parse_dsn(self._url)
        except psycopg2.ProgrammingError:
            return "the shared state in PostgreSQL"
        return f"the shared state in PostgreSQL at {named.get('host')}/{named.get('dbname')}"


def _block_of(cursor: psycopg2.extensions.cursor, org: str) -> Block | None:
    cursor.execute(
        "SELECT extract(epoch FROM until_at - clock_timestamp())::float8, reason"
        " FROM local_state.blocks WHERE org = %s AND until_at > clock_timestamp()",
        (org,),
    )
    row = cursor.fetchone()
    return Block(row[0], row[1]) if row and row[0] > 0 else None


def _waits(cursor: psycopg2.extensions.cursor, org: str) -> list[float]:
    """Return in how many seconds each permit that is out will be free, soonest first."""
    cursor.execute(
        "DELETE FROM local_state.permits WHERE org = %s AND free_at <= clock_timestamp()", (org,)
    )
    cursor.execute(
        "SELECT extract(epoch FROM free_at - clock_timestamp())::float8"
        " FROM local_state.permits WHERE org = %s ORDER BY free_at",
        (org,),
    )
    return [max(0.0, row[0]) for row in cursor.fetchall()]
