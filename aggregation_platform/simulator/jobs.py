"""Details jobs: submitted, waited for, read page by page.

Belongs here: a job's life and what its pages hold: a snapshot of the lake as it was when the job
ran. Elsewhere: which conversations overlap an interval (world.py), the lake's watermark
(services.py).
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aggregation_platform.simulator.replies import bad_request
from aggregation_platform.simulator.timestamps import DAY_MS, iso
from aggregation_platform.simulator.world import Ref, Span

Json = dict[str, Any]
_CURSOR = "cursor_v2"


@dataclass(slots=True)
class Selection:
    """Conversations chosen by an interval, in the order asked for; never listed unless filtered."""

    span: Span
    hidden: int = 0
    """So many at the beginning are not part of it."""
    descending: bool = False
    limit: int | None = None
    chosen: list[Ref] | None = None
    """The refs that passed the filters; None: there are no filters."""

    def __len__(self) -> int:
        size = len(self.chosen) if self.chosen is not None else len(self.span) - self.hidden
        return size if self.limit is None else min(size, self.limit)

    def refs(self, start: int, stop: int) -> Iterator[Ref]:
        """Give the conversations from one place to another."""
        size = len(self.chosen) if self.chosen is not None else len(self.span) - self.hidden
        for place in range(max(0, start), min(stop, len(self))):
            at = size - 1 - place if self.descending else place
            yield self.chosen[at] if self.chosen is not None else self.span.ref(self.hidden + at)


@dataclass(slots=True)
class Job:
    """One details job. Times are milliseconds."""

    job_id: str
    start: int
    end: int
    submitted_at: int
    takes_ms: int
    expires_at: int
    watermark: int
    generations: dict[tuple[str, int], int]
    select: Callable[[], Selection]
    fate: str | None = None
    cancelled: bool = False
    selection: Selection | None = field(default=None)
    finding: threading.Thread | None = None
    """Looks for what a large job selects; the job pends until it is done."""

    def state(self, now: int) -> str:
        """Give the job's state at a moment."""
        if self.cancelled:
            return "CANCELLED"
        age = now - self.submitted_at
        if age < self.takes_ms * 0.3:
            return "QUEUED"
        if age < self.takes_ms or self.fate == "job_stuck" or self._is_finding():
            return "PENDING"
        if self.fate == "job_failed":
            return "FAILED"
        if self.fate == "job_expired" or now >= self.expires_at:
            return "EXPIRED"
        return "FULFILLED"

    def status(self, now: int) -> Json:
        """Write the job as an `AsyncQueryStatus`."""
        state = self.state(now)
        told: Json = {"state": state, "submissionDate": iso(self.submitted_at)}
        if state in {"FULFILLED", "FAILED", "EXPIRED"}:
            told["completionDate"] = iso(self.submitted_at + self.takes_ms)
        if state in {"FULFILLED", "EXPIRED"}:
            told["expirationDate"] = iso(self.expires_at)
        if state == "FAILED":
            told["errorMessage"] = "The query could not be completed."
        return told

    def _is_finding(self) -> bool:
        return self.finding is not None and self.finding.is_alive()

    def results(self) -> Selection:
        """Give what the job found; found once, at the first page."""
        if self.selection is None:
            self.selection = self.select()
        return self.selection


def hide_earlier_days(span: Span, start: int, start_of: Callable[[Ref], int]) -> int:
    """Count the carried conversations that began before 00:00 UTC of the interval's start date."""
    midnight = start - start % DAY_MS
    return sum(1 for ref in span.carried if start_of(ref) < midnight)


def cursor_at(place: int) -> str:
    """Write a place as an opaque cursor."""
    return base64.b64encode(f"{_CURSOR}{place}".encode()).decode()


def place_of(cursor: str) -> int:
    """Read a cursor.

    Raises:
        RefusalError: the cursor is not one of ours.
    """
    try:
        text = base64.b64decode(cursor, validate=True).decode()
        if text.startswith(_CURSOR):
            return int(text.removeprefix(_CURSOR))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise bad_request("The cursor is invalid.", "invalid.value") from error
    raise bad_request("The cursor is invalid.", "invalid.value")
