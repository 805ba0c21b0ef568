"""The embedded state: one SQLite file on one machine.

Belongs here: permits, blocks, values and claims in SQLite, safe when any process is killed.
Elsewhere: what they mean (state.py), telling the dead from the living (presence.py).

Permits and claims run on the machine's monotonic clock, which all its processes share and nobody
sets: a clock step can neither free a permit early nor hand a claim to two. A row stamped later
than "now" is from before a reboot, so its owner is gone. Blocks and values, which must survive a
reboot, run on the wall clock.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aggregation_platform.clock import Clock
from aggregation_platform.errors import LocalStateBusyError, LocalStateError
from aggregation_platform.local_state.presence import Presences
from aggregation_platform.local_state.state import (
    Block,
    Permit,
    Wait,
    permits_to_use,
)
from aggregation_platform.private_files import owner_only, tighten

DEAD_GRACE_S = 3.0
"""A request that a killed process had sent has reached its server after this long."""
BUSY_TRIES = 20

_SCHEMA = """
CREATE TABLE IF NOT EXISTS permits (
    permit_id TEXT PRIMARY KEY, org TEXT NOT NULL, presence TEXT NOT NULL,
    taken_at REAL NOT NULL, free_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS permits_of_org ON permits (org);
CREATE TABLE IF NOT EXISTS blocks (
    org TEXT PRIMARY KEY, until_s REAL NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shared_values (
    name TEXT PRIMARY KEY, value BLOB NOT NULL, until_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS claims (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, presence TEXT NOT NULL,
    renewed_at REAL NOT NULL, seconds REAL NOT NULL);
"""


class SqliteState:
    """LocalState in one file, mode 0600, in WAL mode.

    Args:
        path: The database file; its folder is made if it is missing. Not on a network drive.
        clock: Its monotonic seconds must be the machine's, shared by all processes.
        patience_s: How long to wait while other processes hold the file.
    """

    def __init__(self, path: Path, *, clock: Clock, patience_s: float = 20.0) -> None:
        self._connection: sqlite3.Connection | None = None
        self._process_id = 0
        self._path = path
        self._patience_s = patience_s
        self._clock = clock
        self._presences = Presences(path.with_name(path.name + ".presences"))
        self._lock = threading.RLock()

    def take_permit(
        self, org: str, *, permits: int, hold_s: float, keep_free: int = 0
    ) -> Permit | Wait | Block:
        """Take a permit, or say how long to wait, or why not at all now."""
        presence = self._presence()
        with self._transaction() as connection:
            block = self._block_of(connection, org)
            if block:
                return block
            now = self._clock.monotonic()
            out = self._permits_out(connection, org, now)
            usable = permits_to_use(permits, keep_free)
            if len(out) >= usable:
                self._bury_the_dead(connection, org, now)
                return Wait(out[len(out) - usable] - now)
            permit = Permit(org, uuid.uuid4().hex)
            row = (permit.permit_id, org, presence, now, now + hold_s)
            connection.execute("INSERT INTO permits VALUES (?, ?, ?, ?, ?)", row)
            return permit

    def settle_permit(self, permit: Permit, *, free_after_s: float) -> None:
        """Let the permit be free again in so many seconds."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE permits SET free_at = ? WHERE permit_id = ?",
                (self._clock.monotonic() + free_after_s, permit.permit_id),
            )

    def block(self, org: str, *, seconds: float, reason: str) -> None:
        """Block the org; a longer block in force stays."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT (org) DO UPDATE"
                " SET until_s = excluded.until_s, reason = excluded.reason"
                " WHERE excluded.until_s > blocks.until_s",
                (org, self._unix_s() + seconds, reason),
            )

    def blocked(self, org: str) -> Block | None:
        """Return the org's block, if one is in force.

        Where nothing was ever shared, no file is made: it would belong to whoever only looked.
        """
        if not self._path.exists():
            return None
        with self._transaction() as connection:
            return self._block_of(connection, org)

    def lift_block(self, org: str) -> None:
        """Forget the org's block."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM blocks WHERE org = ?", (org,))

    def put_value(self, name: str, value: bytes, *, seconds: float) -> None:
        """Share a value."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO shared_values VALUES (?, ?, ?)",
                (name, value, self._unix_s() + seconds),
            )

    def value(self, name: str) -> bytes | None:
        """Return the shared value while it is good."""
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT value FROM shared_values WHERE name = ? AND until_s > ?",
                (name, self._unix_s()),
            ).fetchone()
            return bytes(found[0]) if found else None

    def drop_value(self, name: str) -> None:
        """Forget a value."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM shared_values WHERE name = ?", (name,))

    def claim(self, name: str, *, owner: str, seconds: float) -> bool:
        """Claim the name unless another living owner holds it."""
        presence = self._presence()
        with self._transaction() as connection:
            if self._holder(connection, name) not in (None, owner):
                return False
            row = (name, owner, presence, self._clock.monotonic(), seconds)
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", row)
            return True

    def renew(self, name: str, *, owner: str, seconds: float) -> bool:
        """Hold on, unless the claim was lost."""
        presence = self._presence()
        with self._transaction() as connection:
            if self._holder(connection, name) != owner:
                return False
            connection.execute(
                "UPDATE claims SET presence = ?, renewed_at = ?, seconds = ? WHERE name = ?",
                (presence, self._clock.monotonic(), seconds, name),
            )
            return True

    def release(self, name: str, *, owner: str) -> None:
        """Give the claim up if it is the owner's."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM claims WHERE name = ? AND owner = ?", (name, owner))

    def holder(self, name: str) -> str | None:
        """Return the living owner of an unexpired claim."""
        with self._transaction() as connection:
            return self._holder(connection, name)

    def close(self) -> None:
        """Close the connection and let go of this process's presence."""
        with self._lock:
            if self._connection is not None and self._process_id == os.getpid():
                self._connection.close()
            self._connection = None
        self._presences.leave()

    def __del__(self) -> None:
        """Close the connection of a state that was let go; its claims last as long as we live."""
        if self._connection is not None and self._process_id == os.getpid():
            self._connection.close()

    def _presence(self) -> str:
        try:
            return self._presences.own()
        except OSError as error:
            raise LocalStateError(self._unwritable(error)) from error

    def _unix_s(self) -> float:
        return self._clock.now().timestamp()

    def _block_of(self, connection: sqlite3.Connection, org: str) -> Block | None:
        row = connection.execute(
            "SELECT until_s, reason FROM blocks WHERE org = ?", (org,)
        ).fetchone()
        left = row[0] - self._unix_s() if row else 0.0
        return Block(left, row[1]) if left > 0 else None

    def _permits_out(self, connection: sqlite3.Connection, org: str, now: float) -> list[float]:
        """Return when each permit that is out will be free, soonest first."""
        connection.execute(
            "DELETE FROM permits WHERE org = ? AND (free_at <= ? OR taken_at > ?)", (org, now, now)
        )
        rows: list[Any] = connection.execute(
            "SELECT free_at FROM permits WHERE org = ? ORDER BY free_at", (org,)
        ).fetchall()
        return [row[0] for row in rows]

    def _bury_the_dead(self, connection: sqlite3.Connection, org: str, now: float) -> None:
        """Shorten the permits of killed processes to the grace that their last request needs."""
        rows: list[Any] = connection.execute(
            "SELECT DISTINCT presence FROM permits WHERE org = ? AND free_at > ?",
            (org, now + DEAD_GRACE_S),
        ).fetchall()
        for (presence,) in rows:
            if self._presences.is_dead(presence):
                connection.execute(
                    "UPDATE permits SET free_at = min(free_at, ?) WHERE presence = ?",
                    (now + DEAD_GRACE_S, presence),
                )

    def _holder(self, connection: sqlite3.Connection, name: str) -> str | None:
        row = connection.execute(
            "SELECT owner, presence, renewed_at, seconds FROM claims WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            return None
        age = self._clock.monotonic() - row[2]
        if not 0 <= age < row[3] or self._presences.is_dead(row[1]):
            return None
        return str(row[0])

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """Hold the file's write lock; wait for it within bounds; all or nothing."""
        with self._lock:
            connection = self._begun()
            try:
                yield connection
                connection.commit()
            except sqlite3.Error as error:
                self._forget(connection)
                raise LocalStateError(self._unusable(error)) from error
            except BaseException:
                connection.rollback()
                raise

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Drop a connection that failed; closing it rolls back what it had begun."""
        self._connection = None
        connection.close()

    def _begun(self) -> sqlite3.Connection:
        for _ in range(BUSY_TRIES):
            try:
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise LocalStateError(self._unusable(error)) from error
                self._clock.sleep(random.uniform(0, 0.05))  # noqa: S311 - jitter, no secret
            except sqlite3.DatabaseError as error:
                raise LocalStateError(self._unusable(error)) from error
            else:
                return connection
        raise LocalStateBusyError(
            f"{self._path} was held by other processes for {self._patience_s:.0f} s."
            " Repeat the run; if it stays so, look for a process that hangs on this file."
        )

    def _unusable(self, error: sqlite3.Error) -> str:
        return (
            f"{self._path} cannot be used: {error}. It holds only permits, tokens and claims:"
            " stop this site's processes, delete the file, and start them again."
        )

    def _unwritable(self, error: OSError) -> str:
        return f"{self._path} cannot be opened: {error}. Let this site's user write there."

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None or self._process_id != os.getpid():
            self._connection = self._opened()
            self._process_id = os.getpid()
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        """Open the file, made with mode 0600 first so that nobody else can read the tokens."""
        try:
            with owner_only():
                self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            tighten(*(self._path.with_name(self._path.name + end) for end in ("", "-wal", "-shm")))
        except OSError as error:
            raise LocalStateError(self._unwritable(error)) from error
        connection = sqlite3.connect(
            self._path,
            timeout=self._patience_s / BUSY_TRIES,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
        except sqlite3.Error:
            connection.close()
            raise
        return connection
