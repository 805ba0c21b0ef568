"""A real PostgreSQL for tests: started from nothing, on a socket and a loopback port, thrown away.

Belongs here: finding the binaries, starting, stopping, a fresh database per caller.
Elsewhere: what is tested on it. `apt-get install postgresql` (or any initdb and pg_ctl) is needed.

    @pytest.fixture(scope="session")
    def postgres() -> Iterator[PostgresServer]:
        with running_postgres() as server:
            yield server
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

USERS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root; then it runs as the first of these that exists."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server; every user is trusted, as it listens on loopback alone."""

    port: int
    data: Path
    binaries: Path
    user: str | None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database and return its address."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        connection = psycopg2.connect(self.url())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{name}"')
        finally:
            connection.close()
        return self.url(name)

    def restart(self) -> None:
        """Stop at once, as after a crash, and start again."""
        self.stop("immediate")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.data} -c fsync=off"
        log = str(self.data / "log")
        self._control("start", "-w", "-t", "60", "-l", log, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self._control("stop", "-w", "-m", mode)

    def _control(self, *arguments: str) -> None:
        run_as(self.user, [str(self.binaries / "pg_ctl"), "-D", str(self.data), *arguments])


def postgres_binaries() -> Path | None:
    """Return the folder of initdb and pg_ctl: Debian's newest, else what is on the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    on_path = shutil.which("pg_ctl")
    found = packaged[-1] if packaged else Path(on_path).resolve() if on_path else None
    return found.parent if found else None


def run_as(user: str | None, command: Sequence[str]) -> None:
    """Run a command quietly, as another user if one is given."""
    command = ["setpriv", f"--reuid={user}", "--clear-groups", *command] if user else command
    quiet = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(
        list(command), check=False, env=quiet, cwd="/", stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stderr}"


@contextmanager
def running_postgres() -> Generator[PostgresServer]:
    """Make a cluster in a folder of its own, serve it, and leave nothing behind."""
    binaries = postgres_binaries()
    assert binaries is not None, "these tests need PostgreSQL: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = PostgresServer(_free_port(), folder / "data", binaries, _user(folder))
    initdb = [str(binaries / "initdb"), "-D", str(server.data), "-U", "postgres", "-A", "trust"]
    try:
        run_as(server.user, [*initdb, "--no-sync", "-E", "UTF8"])
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user(folder: Path) -> str | None:
    """Return whom to run as, and give the folder to that user."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in USERS if name in known)
    shutil.chown(folder, user)
    return user


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
