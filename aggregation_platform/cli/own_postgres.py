"""A PostgreSQL of this machine's own programs, for as long as `dev-production` runs.

Belongs here: finding initdb and pg_ctl, making a cluster, starting and stopping it. It listens on
loopback alone and trusts whoever connects: it is no production server.
Elsewhere: what is stored in it (defs/instance_storage.py, local_state/).
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aggregation_platform.errors import PlatformError

ADMINISTRATORS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root; then it runs as the first of these that exists."""


@contextmanager
def own_postgres(folder: Path, *, port: int) -> Generator[str]:
    """Serve a PostgreSQL, and give its address.

    Args:
        folder: Where its data lies; made when missing. Root's is a temporary folder instead, since
            PostgreSQL's user may not be allowed to look into this one.
        port: On loopback.

    Raises:
        PlatformError: If its programs are not installed, or it does not start.
    """
    binaries = _binaries()
    user = _other_user()
    data = folder if user is None else Path(tempfile.mkdtemp(prefix="dev-production-pg-"))
    data.mkdir(parents=True, exist_ok=True)
    if user is not None:
        shutil.chown(data, user)
    control = [str(binaries / "pg_ctl"), "-D", str(data / "cluster")]
    if not (data / "cluster" / "PG_VERSION").exists():
        made = [str(binaries / "initdb"), "-D", str(data / "cluster"), "-U", "postgres"]
        _run(user, [*made, "-A", "trust", "-E", "UTF8"])
    # a socket's path is short at most, so it lies in the temporary folder
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {tempfile.gettempdir()}"
    log = ["-l", str(data / "cluster" / "server.log")]
    try:
        _run(user, [*control, "start", "-w", "-t", "60", *log, "-o", options])
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(user, [*control, "stop", "-w", "-m", "fast"])
    finally:
        if user is not None:
            shutil.rmtree(data, ignore_errors=True)


def _binaries() -> Path:
    """Return the folder of initdb and pg_ctl: Debian's newest, else what is on the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    on_path = shutil.which("pg_ctl")
    found = packaged[-1] if packaged else Path(on_path).resolve() if on_path else None
    if found is None:
        raise PlatformError(
            "PostgreSQL's server programs are not installed; install them (Debian: apt-get install "
            "postgresql), or use `make demo`, which needs none."
        )
    return found.parent


def _other_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ADMINISTRATORS if name in known), None)


def _run(user: str | None, command: Sequence[str]) -> None:
    whole = ["setpriv", f"--reuid={user}", "--clear-groups", *command] if user else list(command)
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        whole,
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise PlatformError(f"PostgreSQL: {command[0]} failed: {done.stderr.strip()}")
