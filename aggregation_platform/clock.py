"""Time: the only reader of the wall clock and the only sleeper.

Belongs here: the Clock seam, the system's clock, and one that tests move by hand.
Elsewhere: half-open intervals and days (intervals.py).
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What code that waits or stamps is given."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait that long (nothing for zero or less)."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        if seconds > 0:
            time.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is moved; sleeping moves it. Safe over threads."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the start plus what was slept or advanced."""
        with self._lock:
            return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Return the seconds slept or advanced so far."""
        with self._lock:
            return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Advance by that much and remember it."""
        if seconds > 0:
            with self._lock:
                self._elapsed_s += seconds
                self.slept.append(seconds)

    def advance(self, seconds: float) -> None:
        """Move time on without counting it as sleep."""
        with self._lock:
            self._elapsed_s += seconds
