"""What one check found.

Belongs here: Finding. Elsewhere: the checks (org_checks.py, store_checks.py), printing (check.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from aggregation_platform.errors import PlatformError


class State(Enum):
    """How a check ended; only FAILED fails the command."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line: what was tried, how it ended, and what was seen or is to be done."""

    state: State
    subject: str
    told: str


def found(subject: str, look: Callable[[], str]) -> Finding:
    """Return what `look` saw; a PlatformError makes it a failure with that error's message."""
    try:
        return Finding(State.OK, subject, look())
    except PlatformError as error:
        return Finding(State.FAILED, subject, str(error))
