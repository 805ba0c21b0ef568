"""The attempt in hand: its journal and its state, which change together.

Belongs here: writing a change to the journal and then knowing it. Elsewhere: which change
(org_day.py), the journal itself (landing/).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregation_platform.extraction.windows import window_interval
from aggregation_platform.intervals import Interval
from aggregation_platform.landing.journal import AttemptJournal
from aggregation_platform.landing.records import (
    Ended,
    EntryWithIds,
    Intent,
    Split,
    Submitted,
)
from aggregation_platform.landing.state import AttemptState, JobState, WindowState


@dataclass
class AttemptInHand:
    """Journal first, state after: a step that is cut leaves nothing known but unwritten."""

    journal: AttemptJournal
    state: AttemptState

    def window(self, name: str) -> WindowState:
        """Return a window as it is by now."""
        return self.state.window(name)

    def interval(self, name: str) -> Interval:
        """Return what a window's job is asked for."""
        return window_interval(name, Interval(self.state.begun.start, self.state.begun.end))

    def intend(self, name: str, *, now: datetime, available_before: datetime | None) -> JobState:
        """Write that a job is about to be asked for."""
        interval = self.interval(name)
        intent = Intent(
            start=interval.start,
            end=interval.end,
            intended_at=now,
            available_before=available_before,
        )
        number = len(self.window(name).jobs) + 1
        return self._with_job(name, self.journal.intend(name, number, intent))

    def submitted(self, name: str, job: JobState, *, job_id: str, now: datetime) -> None:
        """Write a job's id."""
        submitted = Submitted(job_id=job_id, submitted_at=now)
        self._with_job(name, self.journal.submitted(name, job, submitted))

    def give_up(self, name: str, job: JobState, *, state: str, message: str, now: datetime) -> None:
        """Write that a job will give no more pages."""
        ended = Ended(state=state, message=message, ended_at=now)
        self._with_job(name, self.journal.ended(name, job, ended))

    def store_page(self, name: str, job: JobState, body: bytes, entry: EntryWithIds) -> None:
        """Store a page and its entry."""
        self._with_job(name, self.journal.store_page(name, job, body, entry))

    def split(self, name: str, *, reason: str, now: datetime) -> None:
        """Write that a window is fetched as its halves."""
        split = self.journal.split(self.window(name), Split(reason=reason, split_at=now))
        self.state = self.state.with_window(split)

    def _with_job(self, name: str, job: JobState) -> JobState:
        self.state = self.state.with_window(self.window(name).with_job(job))
        return job
