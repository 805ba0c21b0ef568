"""Files that hold personal data are their owner's alone: 0600, their folders 0700.

Belongs here: making them so, and tightening those that are there already. Elsewhere: which files
those are (warehouse/, local_state/, landing/, cli/launch.py).

DuckDB makes its log and its spill files by itself, at any moment while the database is open. Only
the process's umask reaches them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

OTHERS = 0o077
"""The rights of everybody but the owner."""

_lock = threading.Lock()
_users = 0
_umask_before = 0


@contextmanager
def owner_only() -> Generator[None]:
    """Let every file and folder that this process makes meanwhile be its owner's alone.

    The umask is the whole process's: what other threads make meanwhile is the owner's alone too.
    """
    global _users, _umask_before
    with _lock:
        if not _users:
            _umask_before = os.umask(OTHERS)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                os.umask(_umask_before)


def private_folder(folder: Path) -> Path:
    """Return the folder: made for its owner alone, or tightened if it is there and ours."""
    with owner_only():
        folder.mkdir(parents=True, exist_ok=True)
    tighten(folder)
    return folder


def tighten(*paths: Path) -> None:
    """Take every right of others from those of the paths that exist and are ours."""
    for path in paths:
        try:
            found = path.stat()
            if found.st_uid == os.geteuid() and found.st_mode & OTHERS:
                path.chmod(found.st_mode & 0o7777 & ~OTHERS)
        except FileNotFoundError:  # another process may just have removed it
            continue
