"""The landing zone: attempts by org and day, and their pages for the layers above.

Belongs here: opening the zone, which attempt is current, adopting one of an older epoch, pages
that verify themselves when read. Elsewhere: one attempt's journal (journal.py), fetching
(extraction/), pages to rows (raw/).

The current attempt of a day is the finished one that comes last by (epoch, begun). Older attempts
are kept until they are removed on purpose.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Self

from aggregation_platform.epochs import Epoch
from aggregation_platform.errors import CorruptPageError
from aggregation_platform.intervals import Interval, day_key, parse_day
from aggregation_platform.landing.inflation import inflated
from aggregation_platform.landing.journal import AttemptJournal
from aggregation_platform.landing.objects import Objects, open_objects
from aggregation_platform.landing.records import Begun, EntryWithIds, Source, from_bytes
from aggregation_platform.landing.state import AttemptState


@dataclass(frozen=True)
class LandedPage:
    """One stored page. Its ids and its body are read when asked for, never kept.

    Args:
        number: From 1, over all jobs of the attempt, in the order of time.
        source: 'job' or 'query'.
        job_id: The details job that gave it; None for a query.
        fetched_at: When its reply came.
        path: Where the object lies.
        sha256: What its bytes must hash to.
        count: Conversations on it.
    """

    objects: Objects
    number: int
    source: Source
    job_id: str | None
    fetched_at: datetime
    path: str
    entry_path: str
    sha256: str
    count: int

    @property
    def conversation_ids(self) -> tuple[str | None, ...]:
        """The id of each conversation in page order; None where a record has none."""
        entry = from_bytes(EntryWithIds, self.objects.get(self.entry_path))
        if entry is None:
            raise CorruptPageError(f"{self.entry_path}: missing or torn. {_REMEDY}")
        return entry.conversation_ids

    def read(self) -> bytes:
        """Return the inflated JSON bytes.

        Raises:
            CorruptPageError: If the object is missing, was changed, or does not inflate.
        """
        stored = self.objects.get(self.path)
        if stored is None:
            raise CorruptPageError(f"{self.path}: missing. {_REMEDY}")
        if hashlib.sha256(stored).hexdigest() != self.sha256:
            raise CorruptPageError(f"{self.path}: does not match its checksum. {_REMEDY}")
        try:
            return inflated(stored)
        except ValueError as error:
            raise CorruptPageError(f"{self.path}: does not inflate: {error}. {_REMEDY}") from error


_REMEDY = "Materialize this org and day again: the page is fetched again, nothing is doubled."


@dataclass(frozen=True)
class LandedDay:
    """What is stored of one org's day: the pages of one attempt, or of several.

    Args:
        asked_at: When the first of the jobs behind the pages was asked for, or the query begun.
        data_available_to: The earliest lake watermark that the job's pages rest on; None for
            pages of a query, or if the org never told.
    """

    org: str
    day: date
    attempt_ids: tuple[str, ...]
    pages: tuple[LandedPage, ...]
    asked_at: datetime
    data_available_to: datetime | None = None

    def __iter__(self) -> Iterator[LandedPage]:
        """Yield the pages in order."""
        return iter(self.pages)

    def __len__(self) -> int:
        """Return the number of pages."""
        return len(self.pages)


@dataclass(frozen=True)
class LandingZone:
    """Every attempt of every org and day. Opening is cheap; nothing is kept in memory."""

    objects: Objects

    @classmethod
    def open(cls, url: str, base: Path) -> Self:
        """Open the zone at a folder (relative to `base`), s3://, az://, gs:// or memory://.

        Raises:
            LandingError: If the address is no such thing or cannot be reached.
        """
        return cls(open_objects(url, base))

    def begin(
        self,
        org: str,
        day: date,
        *,
        interval: Interval,
        page_size: int,
        now: datetime,
        epoch: Epoch,
        source: Source = "job",
    ) -> tuple[AttemptJournal, AttemptState]:
        """Begin a new attempt."""
        begun = Begun(
            org=org,
            day=day,
            source=source,
            start=interval.start,
            end=interval.end,
            epoch=epoch,
            page_size=page_size,
            begun_at=now,
        )
        journal = self._new_journal(begun)
        return journal, journal.begin(begun)

    def attempts(self, org: str, day: date, source: Source = "job") -> tuple[AttemptJournal, ...]:
        """Return the day's attempts, finished or not, oldest first."""
        below = f"{org}/{day_key(day)}"
        names = (name for name in self.objects.children(below) if name.endswith(f"-{source}"))
        return tuple(AttemptJournal(self.objects, f"{below}/{name}") for name in names)

    def current(self, org: str, day: date, source: Source = "job") -> AttemptJournal | None:
        """Return the newest finished attempt."""
        newest_first = reversed(self.attempts(org, day, source))
        return next((journal for journal in newest_first if journal.done() is not None), None)

    def superseded(self, org: str, day: date, source: Source = "job") -> tuple[AttemptJournal, ...]:
        """Return the attempts older than the current one, finished or not: free to be removed."""
        current = self.current(org, day, source)
        found = self.attempts(org, day, source)
        return found[: found.index(current)] if current is not None else ()

    def attempt(self, org: str, day: date, attempt_id: str) -> AttemptJournal:
        """Return an attempt by its name."""
        return AttemptJournal(self.objects, f"{org}/{day_key(day)}/{attempt_id}")

    def adopt(self, older: AttemptJournal, state: AttemptState, *, epoch: Epoch) -> AttemptJournal:
        """Go on with an attempt of an older epoch under a new name.

        So its old writer, should it still run, cannot disturb. The new journal's first object is
        written last: a copy that was cut short counts for nothing.
        """
        begun = Begun(
            org=state.begun.org,
            day=state.begun.day,
            source=state.begun.source,
            start=state.begun.start,
            end=state.begun.end,
            epoch=epoch,
            page_size=state.begun.page_size,
            begun_at=state.begun.begun_at,
            adopted_from=older.attempt_id,
        )
        journal = self._new_journal(begun)
        for stored in sorted(self.objects.listing(older.prefix), key=lambda found: found.path):
            name = stored.path.removeprefix(f"{older.prefix}/")
            if name != "begun.json":
                self.objects.copy(stored.path, f"{journal.prefix}/{name}")
        journal.begin(begun)
        return journal

    def landed(self, journal: AttemptJournal, state: AttemptState | None = None) -> LandedDay:
        """Return an attempt's pages.

        Raises:
            CorruptPageError: If the attempt's journal is no longer whole.
        """
        state = state or journal.read()
        if state is None or not state.is_whole:
            raise CorruptPageError(f"{journal.prefix}: the journal is not whole. {_REMEDY}")
        stored = [
            (journal.page_path(window.name, job, entry), window, job, entry)
            for window, job in state.result_jobs
            for entry in job.entries
        ]
        pages = tuple(
            LandedPage(
                objects=self.objects,
                number=number,
                source=state.begun.source,
                job_id=job.submitted and job.submitted.job_id,
                fetched_at=entry.fetched_at,
                path=path,
                entry_path=journal.entry_path(window.name, job, entry),
                sha256=entry.sha256,
                count=entry.count,
            )
            for number, (path, window, job, entry) in enumerate(stored, start=1)
        )
        return LandedDay(
            org=state.begun.org,
            day=state.begun.day,
            attempt_ids=(journal.attempt_id,),
            pages=pages,
            asked_at=min(job.intent.intended_at for _, job in state.result_jobs),
            data_available_to=state.done.data_available_to if state.done else None,
        )

    def landed_day(self, org: str, day: date) -> LandedDay | None:
        """Return the pages of the day's current job, then those of its tail.

        A tail that the job reaches past is left out: the job has its conversations, settled.
        None if nothing of the day was ever finished.
        """
        job, tail = self.current(org, day, "job"), self.current(org, day, "query")
        if job is None or tail is None:
            found = job or tail
            return self.landed(found) if found is not None else None
        if _replaces(job, tail):
            return self.landed(job)
        return _joined(self.landed(job), self.landed(tail))

    def days(self, org: str) -> tuple[date, ...]:
        """Return the days of an org that anything is stored of, in order."""
        return tuple(parse_day(name) for name in self.objects.children(org))

    def orgs(self) -> tuple[str, ...]:
        """Return the orgs that anything is stored of."""
        return self.objects.children("")

    def remove(self, journal: AttemptJournal) -> int:
        """Remove an attempt and return how many objects it had.

        Its first object goes last, so that a removal that was cut short can be repeated.
        """
        paths = [stored.path for stored in self.objects.listing(journal.prefix)]
        self.objects.delete(sorted(paths, key=lambda path: path.endswith("/begun.json")))
        return len(paths)

    def _new_journal(self, begun: Begun) -> AttemptJournal:
        """Name an attempt e{epoch}-{begun}-{nonce}-{source}: names sort by epoch, then time."""
        stamp = begun.begun_at.strftime("%Y%m%dT%H%M%S%fZ")
        name = f"e{begun.epoch:06d}-{stamp}-{secrets.token_hex(3)}-{begun.source}"
        return AttemptJournal(self.objects, f"{begun.org}/{day_key(begun.day)}/{name}")


def _replaces(job: AttemptJournal, tail: AttemptJournal) -> bool:
    """Whether a job has all that a tail covers, or the tail is of a site that was taken over."""
    done, begun, covered = job.done(), job.begun(), tail.begun()
    if done is None or begun is None or covered is None or covered.epoch < begun.epoch:
        return True
    return done.data_available_to is not None and done.data_available_to >= covered.end


def _joined(job: LandedDay, tail: LandedDay) -> LandedDay:
    renumbered = tuple(
        replace(page, number=number)
        for number, page in enumerate(tail.pages, start=len(job.pages) + 1)
    )
    return replace(
        job, attempt_ids=job.attempt_ids + tail.attempt_ids, pages=job.pages + renumbered
    )
