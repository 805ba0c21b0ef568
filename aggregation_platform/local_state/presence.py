"""Presence: whether the process that left a row behind is still alive, on one machine.

Belongs here: a locked file per process; the kernel unlocks it at death, however sudden.
Elsewhere: the rows that name a presence (sqlite_state.py). POSIX only.

A process id would not do: it is reused, and means another process in another container.
"""

from __future__ import annotations

import fcntl
import os
import threading
import uuid
from pathlib import Path

from aggregation_platform.private_files import private_folder

_PASSING = "new-"
_SWEPT = 200
"""Files looked at when a process appears; more than ever appear between two."""


class Presences:
    """The locked files of one state, and this process's own. Safe over threads and forks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._own: tuple[int, str, int] | None = None  # process id, presence, open file

    def own(self) -> str:
        """Return this process's presence; the file is locked before the name is known."""
        with self._lock:
            if self._own is None or self._own[0] != os.getpid():
                self._own = self._appear()
            return self._own[1]

    def is_dead(self, presence: str) -> bool:
        """Whether the process behind a presence is gone. Never true of one that lives."""
        if self._own is not None and self._own[:2] == (os.getpid(), presence):
            return False
        path = self._folder / presence
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except PermissionError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            path.unlink(missing_ok=True)
            return True
        finally:
            os.close(descriptor)

    def leave(self) -> None:
        """Let go of this process's presence."""
        with self._lock:
            if self._own is not None and self._own[0] == os.getpid():
                (self._folder / self._own[1]).unlink(missing_ok=True)
                os.close(self._own[2])
            self._own = None

    def _appear(self) -> tuple[int, str, int]:
        """Make and lock the file under a passing name, so that no sweep can take it for dead."""
        private_folder(self._folder)
        self._sweep()
        presence = uuid.uuid4().hex
        passing = self._folder / f"{_PASSING}{presence}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(passing, flags, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        passing.rename(self._folder / presence)
        return os.getpid(), presence, descriptor

    def _sweep(self) -> None:
        """Remove what processes that ended left behind."""
        for path in list(self._folder.iterdir())[:_SWEPT]:
            if not path.name.startswith(_PASSING):
                self.is_dead(path.name)
