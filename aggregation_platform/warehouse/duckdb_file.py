"""One DuckDB file, shared by the threads of this process, held as briefly as possible.

Belongs here: opening late, waiting a bounded time for another process, one instance per file and
process, closing when nobody uses it. Elsewhere: what is sent over it (duckdb_store.py).

DuckDB locks the file for a process: one that writes excludes all others, several that only read
exclude one that writes. Inside a process all connections must be opened alike, so the threads
share one instance. It is closed when its last user leaves, and takes no new users when it has been
open for a while, so that threads that relieve one another do not keep other processes out.
Nothing else in the process may open the file: closing it would drop the lock.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from aggregation_platform.clock import Clock
from aggregation_platform.errors import SchemaMismatchError, WarehouseBusyError, WarehouseError
from aggregation_platform.private_files import owner_only, tighten

LONGEST_STAY_S = 2.0
"""An instance open for longer than this takes no new users."""

_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.25
_HOLDER = re.compile(
    r"(?:held in (?P<program>.*?))?\(?\bPID\W{0,2}(?P<pid>\d+)", re.DOTALL | re.IGNORECASE
)
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "preserve_insertion_order": "false",
    "autoinstall_known_extensions": "false",
    "memory_limit": "768MiB",  # beyond it DuckDB spills beside the file; a large raw day does
}

_files: dict[Path, DuckDBFile] = {}
_files_lock = threading.Lock()


def shared_file(path: Path) -> DuckDBFile:
    """Return this process's one DuckDBFile for a path."""
    with _files_lock:
        return _files.setdefault(path.resolve(), DuckDBFile(path.resolve()))


class DuckDBFile:
    """A database file and, while somebody uses it, this process's instance of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.Condition()
        self._one_writer = threading.Lock()
        self._instance: duckdb.DuckDBPyConnection | None = None
        self._writable = False
        self._opened_at = 0.0
        self._users = 0
        self._writers_waiting = 0
        self._private = ExitStack()
        self._held_elsewhere = ""

    @contextmanager
    def reading(self, *, clock: Clock, wait_s: float) -> Generator[duckdb.DuckDBPyConnection]:
        """Give a connection of one's own that must only read.

        Raises:
            WarehouseBusyError: Somebody else held the file for longer than `wait_s`.
            SchemaMismatchError: There is no such file.
        """
        deadline = clock.monotonic() + wait_s
        with self._connection(clock, deadline, write=False) as connection:
            yield connection

    @contextmanager
    def writing(self, *, clock: Clock, wait_s: float) -> Generator[duckdb.DuckDBPyConnection]:
        """Give the only connection of this process that may write.

        Raises:
            WarehouseBusyError: Somebody else held the file for longer than `wait_s`.
        """
        deadline = clock.monotonic() + wait_s
        if not self._one_writer.acquire(timeout=max(0.0, wait_s)):
            raise self._busy_here(wait_s)
        try:
            with self._connection(clock, deadline, write=True) as connection:
                yield connection
        finally:
            self._one_writer.release()

    @contextmanager
    def _connection(
        self, clock: Clock, deadline: float, *, write: bool
    ) -> Generator[duckdb.DuckDBPyConnection]:
        connection = self._enter(clock, deadline, write=write)
        try:
            yield connection
        finally:
            self._leave(connection)

    def _enter(self, clock: Clock, deadline: float, *, write: bool) -> duckdb.DuckDBPyConnection:
        with self._turn:
            self._writers_waiting += write
            try:
                self._await_turn(clock, deadline, write=write)
                if self._instance is None:
                    self._instance = self._opened(clock, deadline, write=write)
                    self._writable = write
                    self._opened_at = clock.monotonic()
                self._users += 1
                return self._instance.cursor()
            finally:
                self._writers_waiting -= write
                self._turn.notify_all()

    def _leave(self, connection: duckdb.DuckDBPyConnection) -> None:
        with self._turn:
            connection.close()
            self._users -= 1
            if not self._users and self._instance is not None:
                self._instance.close()
                self._instance = None
                self._private.close()
            self._turn.notify_all()

    def _await_turn(self, clock: Clock, deadline: float, *, write: bool) -> None:
        started = clock.monotonic()
        while not self._may_enter(clock, write=write):
            if not self._turn.wait(timeout=max(0.0, deadline - clock.monotonic())):
                raise self._busy_here(clock.monotonic() - started)

    def _may_enter(self, clock: Clock, *, write: bool) -> bool:
        if self._instance is None:
            return True
        if clock.monotonic() - self._opened_at > LONGEST_STAY_S:
            return False
        return self._writable or not (write or self._writers_waiting)

    def _opened(self, clock: Clock, deadline: float, *, write: bool) -> duckdb.DuckDBPyConnection:
        started = clock.monotonic()
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                instance = self._open(write=write)
            except duckdb.Error as error:
                self._refuse_unless_held(error, write=write)
                self._held_elsewhere = holder_named_in(str(error))
                if clock.monotonic() >= deadline:
                    raise self._busy(self._held_elsewhere, clock.monotonic() - started) from error
            else:
                self._held_elsewhere = ""
                return instance
            clock.sleep(pause_s * (0.5 + secrets.randbelow(1000) / 1000))
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    def _open(self, *, write: bool) -> duckdb.DuckDBPyConnection:
        """Open the file; what DuckDB makes until it is closed is its owner's alone."""
        with ExitStack() as private:
            private.enter_context(owner_only())
            if write:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            tighten(self.path, *self._beside())
            instance = duckdb.connect(str(self.path), read_only=not write, config=_CONFIG)
            instance.execute("SET GLOBAL TimeZone = 'UTC'")
            self._private = private.pop_all()
        return instance

    def _beside(self) -> list[Path]:
        """Return DuckDB's log, and the folder into which it spills."""
        return [self.path.with_name(self.path.name + end) for end in (".wal", ".tmp")]

    def _refuse_unless_held(self, error: duckdb.Error, *, write: bool) -> None:
        text = str(error)
        if "lock" in text.lower() or "different configuration" in text:
            return
        if not write and not self.path.exists():
            raise SchemaMismatchError(
                f"warehouse {self.path} does not exist yet; run `aggregation-platform warehouse "
                "migrate` or materialize something first"
            ) from error
        raise WarehouseError(f"warehouse {self.path} cannot be opened: {text}") from error

    def _busy_here(self, waited_s: float) -> WarehouseBusyError:
        """Name who keeps us waiting: another process, if a thread of ours waits for it."""
        if self._held_elsewhere:
            return self._busy(self._held_elsewhere, waited_s)
        return WarehouseBusyError(
            f"warehouse {self.path} is in use by another thread of this process; waited "
            f"{waited_s:.0f} s. Try again, or let fewer threads write at once"
        )

    def _busy(self, holder: str, waited_s: float) -> WarehouseBusyError:
        return WarehouseBusyError(
            f"warehouse {self.path} is held by {holder}, waited {waited_s:.0f} s; nothing was "
            "written. DuckDB admits one writing process: close it, or give it a copy of its own "
            "(`aggregation-platform warehouse copy --to copy.duckdb`), and try again"
        )


def holder_named_in(message: str) -> str:
    """Return who holds the file, as DuckDB's message names it: process 4711 (python3.11).

    The process's own short name comes from /proc where there is one; DuckDB gives the whole path
    of the program. A lock of another container or machine has no process that we could name.
    """
    found = _HOLDER.search(message)
    if found is None:
        return "another process"
    pid = found["pid"]
    try:
        name = Path("/proc", pid, "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = ""
    program = (found["program"] or "").strip().rsplit("/", 1)[-1]
    named = name or program
    return f"process {pid} ({named})" if named else f"process {pid}"
