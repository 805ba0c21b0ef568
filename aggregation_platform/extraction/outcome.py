"""What an extraction is asked, tells on its way, and comes to.

Belongs here: the order, the progress event, the result. Elsewhere: getting there (org_day.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from aggregation_platform.epochs import Epoch
from aggregation_platform.intervals import Interval
from aggregation_platform.landing.journal import AttemptJournal
from aggregation_platform.landing.records import Done, Loaded
from aggregation_platform.landing.zone import LandedDay

ExtractionState = Literal["waiting", "submitted", "paging", "landed", "loaded", "failed"]
"""Waiting for another process, a job is running, pages come in, all stored, rows committed."""

FIRST_EPOCH = Epoch(1)
"""Of a site that has never been taken over."""

MARGIN = timedelta(minutes=5)
"""How long before midnight the job of a day begins to ask.

A job returns what lived in its interval, but a metric counts on the day of its own emit time. A
record that ended at 23:59:59.990 can emit its handle time at 00:00:00.015, and a source may leave
out what ended exactly at the interval's start. Both are in the job that asks from earlier. Metrics
follow their record's end within seconds, so five minutes are ample; they add less than 1 % of a
day's records. What has nothing on the day is set aside (raw/activity.py), so no count changes.
"""


@dataclass(frozen=True, kw_only=True)
class OrgDay:
    """One org's UTC day to be fetched.

    Args:
        org: Our key of the organization.
        day: The UTC day.
        page_size: Conversations to ask for on one page.
        epoch: Of the site that fetches; an attempt of an older one is gone on from under a new
            name, one of a newer one is left alone.
        fresh: Fetch again even what is stored and not yet loaded.
    """

    org: str
    day: date
    page_size: int = 1000
    epoch: Epoch = FIRST_EPOCH
    fresh: bool = False

    @property
    def whole_day(self) -> Interval:
        """What the rows are of: the UTC day."""
        return Interval.of_day(self.day)

    @property
    def interval(self) -> Interval:
        """What the job is asked for: the UTC day, and the margin before it."""
        return Interval(self.whole_day.start - MARGIN, self.whole_day.end)

    def __str__(self) -> str:
        return f"{self.org}/{self.day}"


@dataclass(frozen=True)
class Progress:
    """How far an org's day is; `pages` and `conversations` are those stored."""

    org: str
    day: date
    state: ExtractionState
    pages: int
    conversations: int


Listener = Callable[[Progress], None]


def unheard(progress: Progress) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Extracted:
    """An org's day, stored whole.

    Args:
        landed: Its pages.
        pages: How many pages.
        records: Conversations on them, repeated ones included.
        bytes: As stored, which is as sent unless the server sent it unpacked.
        data_available_to: The earliest watermark that any part rests on.
        jobs_submitted: Jobs that were, or may have been, accepted for this attempt, over all
            the processes that worked on it. One per window is needed.
        job_ids: The jobs whose pages these are.
        requests: The tally of those processes, by outcome.
        fetched_at: When the last page was stored.
        was_reused: It was stored before this call, which asked the org for nothing.
    """

    org: str
    day: date
    attempt_id: str
    landed: LandedDay
    pages: int
    records: int
    bytes: int
    data_available_to: datetime | None
    jobs_submitted: int
    job_ids: tuple[str, ...]
    fetched_at: datetime
    was_reused: bool
    journal: AttemptJournal = field(repr=False)
    requests: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def is_complete(self) -> bool:
        """The source's watermark had passed the end of the day (design 3.4)."""
        end = Interval.of_day(self.day).end
        return self.data_available_to is not None and end <= self.data_available_to

    def mark_loaded(self, *, run_id: str, now: datetime) -> None:
        """Remember that the rows are committed: asked again, the day is fetched again."""
        self.journal.mark_loaded(Loaded(loaded_at=now, run_id=run_id))


def extracted(
    order: OrgDay, journal: AttemptJournal, landed: LandedDay, done: Done, *, was_reused: bool
) -> Extracted:
    """Put the result together from what was stored."""
    return Extracted(
        org=order.org,
        day=order.day,
        attempt_id=journal.attempt_id,
        landed=landed,
        pages=done.pages,
        records=done.records,
        bytes=done.bytes,
        data_available_to=done.data_available_to,
        jobs_submitted=done.jobs_submitted,
        job_ids=tuple(dict.fromkeys(page.job_id for page in landed if page.job_id)),
        fetched_at=done.done_at,
        was_reused=was_reused,
        journal=journal,
        requests=done.requests,
    )
