"""The fresh tail: what the data lake does not have yet, by the synchronous query.

Belongs here: which stretches to ask for, paging that tolerates a moving answer, storing.
Elsewhere: the settled part (org_day.py), which of several records of a conversation stays (raw/).

The query matches conversations that *started* on a UTC day its interval touches, so one day is
looked back for those that are still alive. A conversation that started earlier is not in the tail;
the job brings it. Participant attributes are not in the tail either.

Bulk never waits for the tail: it rests between its requests, so that it takes less than half of the
org's budget. It is not stopped by bulk either: a backfill of a week would otherwise leave today's
figures a week old.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from aggregation_platform.clock import Clock
from aggregation_platform.epochs import Epoch
from aggregation_platform.errors import (
    QueryTooLargeError,
    SourceError,
    TransientSourceError,
)
from aggregation_platform.extraction.buckets import Bucket, buckets, ignores_time_of_day
from aggregation_platform.extraction.claims import Claims, HeldClaim, try_claim
from aggregation_platform.extraction.outcome import FIRST_EPOCH
from aggregation_platform.extraction.patience import DEFAULT_PATIENCE, Patience
from aggregation_platform.extraction.quality import counted, difference
from aggregation_platform.extraction.source import QuerySource
from aggregation_platform.genesys.details import DetailsPage
from aggregation_platform.intervals import Interval
from aggregation_platform.landing.inflation import inflated
from aggregation_platform.landing.journal import AttemptJournal
from aggregation_platform.landing.records import Done, EntryWithIds, Intent
from aggregation_platform.landing.state import ROOT_WINDOW, AttemptState
from aggregation_platform.landing.zone import LandedDay, LandingZone

PAGE_SIZE = 100
"""The most that the query gives on one page."""

DEEPEST = 100_000
"""The query pages no deeper than this; an answer that is said to hold more is not begun."""

TOO_LONG = (502, 504)
"""What an org answers to a query that takes it too long, however often it is repeated."""

LOOK_BACK = timedelta(days=1)

SHARE_OF_BUDGET = 0.5
"""Of an org's requests per second: the most that the tail may send, so that bulk keeps the rest."""

REQUESTS_PER_SECOND = 2.0
"""An org's budget where none is told."""

KEPT_TAILS = 2
"""Tails of a day that stay: the new one, and the one that somebody may be reading."""


@dataclass(frozen=True, kw_only=True)
class TailOrder:
    """The fresh tail of one org's day.

    Args:
        org: Our key of the organization.
        day: The UTC day.
        watermark: Where the lake ends; the tail begins there.
        epoch: Of the site that fetches.
        look_back: How far before the tail a conversation may have started.
    """

    org: str
    day: date
    watermark: datetime
    epoch: Epoch = FIRST_EPOCH
    look_back: timedelta = LOOK_BACK

    def interval(self, now: datetime) -> Interval | None:
        """Return what of the day the lake lacks; None if it lacks nothing."""
        whole = Interval.of_day(self.day)
        start, end = max(self.watermark, whole.start), min(now, whole.end)
        return Interval(start, end) if start < end else None


@dataclass(frozen=True)
class Tail:
    """A tail, stored whole: provisional rows, replaced once a job has them.

    Args:
        interval: What of the day it covers; complete as of its end, but for the limits above.
        pages: Pages stored; one that told nothing new is not.
        records: Different conversations on them.
        requests: The client's counts meanwhile.
    """

    org: str
    day: date
    attempt_id: str
    interval: Interval
    landed: LandedDay
    pages: int
    records: int
    requests: dict[str, float]


def extract_tail(
    client: QuerySource,
    landing: LandingZone,
    claims: Claims,
    order: TailOrder,
    *,
    clock: Clock,
    requests_per_second: float = REQUESTS_PER_SECOND,
    patience: Patience = DEFAULT_PATIENCE,
) -> Tail | None:
    """Fetch the tail of an org's day anew and store it beside the jobs' pages.

    `landing.landed_day` then has the job's pages and the tail's. A tail that was cut is not gone
    on with: it would be stale. It takes its share of `requests_per_second`, the org's budget.

    Returns:
        The tail; None if the lake lacks nothing of the day, or another process fetches its tail.

    Raises:
        SourceError: If the org did not give what was asked.
        LandingError: If the landing zone cannot be used.
    """
    now = clock.now()
    interval = order.interval(now)
    if interval is None:
        return None
    claim = try_claim(claims, f"tail:{order.org}/{order.day}", seconds=patience.claim_s)
    if claim is None:
        return None
    try:
        rest_s = 1 / (SHARE_OF_BUDGET * requests_per_second)
        return _TailExtraction(client, landing, order, interval, clock, rest_s, claim).run()
    finally:
        claim.release()


class _TailExtraction:
    """One tail under way. A page is stored when the one after it is known, since it names it."""

    def __init__(
        self,
        client: QuerySource,
        landing: LandingZone,
        order: TailOrder,
        interval: Interval,
        clock: Clock,
        rest_s: float,
        claim: HeldClaim,
    ) -> None:
        self._client = client
        self._landing = landing
        self._order = order
        self._interval = interval
        self._clock = clock
        self._rest_s = rest_s
        self._claim = claim
        self._before = counted(client)
        self._seen: set[str] = set()
        self._stored = 0
        self._held: tuple[DetailsPage, datetime] | None = None
        self._journal, self._state = self._begin()

    def run(self) -> Tail:
        """Ask for every bucket, newest first, then finish."""
        span = Interval(self._interval.start - self._order.look_back, self._interval.end)
        whole_days: set[date] = set()
        for bucket in buckets(span):
            if bucket.day not in whole_days and self._take_bucket(bucket):
                whole_days.add(bucket.day)
        return self._finish()

    def _take_bucket(self, bucket: Bucket) -> bool:
        """Take every page of a bucket; whether the org answered with the whole UTC day."""
        is_whole_day = False
        try:
            for page in self._pages(bucket):
                is_whole_day = self._take(page, bucket) or is_whole_day
        except (QueryTooLargeError, TransientSourceError) as error:
            if not _asks_for_less(error):
                raise
            halves = None if is_whole_day else bucket.halves()
            if halves is None:
                raise self._too_much(bucket, error) from error
            earlier, later = halves
            return self._take_bucket(later) or self._take_bucket(earlier)
        return is_whole_day

    def _too_much(self, bucket: Bucket, error: SourceError) -> QueryTooLargeError:
        text = (
            f"{self._order.day}: the fresh tail cannot be fetched, for the org answers with too"
            f" much for {bucket.interval}, and a shorter stretch would not help ({error})."
            " Nothing is to be done: the details job brings these conversations once the lake"
            " has them."
        )
        return QueryTooLargeError(self._order.org, text, status=error.status, code=error.code)

    def _pages(self, bucket: Bucket) -> Iterator[DetailsPage]:
        """Yield pages until one is empty; the number of hits moves and is not trusted.

        Raises:
            QueryTooLargeError: After the first page, if the org cannot give them all.
        """
        number = 1
        while True:
            page = self._client.query_details(
                bucket.interval, page_number=number, page_size=PAGE_SIZE
            )
            self._clock.sleep(self._rest_s)
            yield page
            if not page.conversation_ids:
                return
            if number == 1 and (page.total_hits or 0) > DEEPEST:
                raise QueryTooLargeError(
                    self._order.org, f"{page.total_hits} conversations exceed {DEEPEST}"
                )
            number += 1

    def _take(self, page: DetailsPage, bucket: Bucket) -> bool:
        ids = {known for known in page.conversation_ids if known is not None}
        is_new = not ids <= self._seen or None in page.conversation_ids
        if is_new or self._held is None:
            self._store_held(is_last=False)
            self._held = (page, self._clock.now())
            self._seen |= ids
        return ignores_time_of_day(_body_of(page), bucket)

    def _store_held(self, *, is_last: bool) -> None:
        if self._held is None:
            return
        self._claim.keep()
        page, fetched_at = self._held
        self._stored += 1
        number = self._stored
        entry = EntryWithIds(
            number=number,
            cursor=str(number) if number > 1 else None,
            next_cursor=None if is_last else str(number + 1),
            object="",
            sha256="",
            bytes=0,
            count=len(page.conversation_ids),
            page_size=PAGE_SIZE,
            fetched_at=fetched_at,
            data_available_to=None,
            encoding=page.encoding,
            correlation_id=page.correlation_id,
            conversation_ids=page.conversation_ids,
        )
        window = self._state.window(ROOT_WINDOW)
        job = self._journal.store_page(ROOT_WINDOW, window.jobs[0], page.body, entry)
        self._state = self._state.with_window(window.with_job(job))

    def _begin(self) -> tuple[AttemptJournal, AttemptState]:
        now = self._clock.now()
        journal, state = self._landing.begin(
            self._order.org,
            self._order.day,
            interval=self._interval,
            page_size=PAGE_SIZE,
            now=now,
            epoch=self._order.epoch,
            source="query",
        )
        intent = Intent(start=self._interval.start, end=self._interval.end, intended_at=now)
        job = journal.intend(ROOT_WINDOW, 1, intent)
        return journal, state.with_window(state.window(ROOT_WINDOW).with_job(job))

    def _finish(self) -> Tail:
        self._store_held(is_last=True)
        entries = self._state.window(ROOT_WINDOW).jobs[0].entries
        requests = difference(self._before, counted(self._client))
        done = Done(
            pages=len(entries),
            records=len(self._seen),
            bytes=sum(entry.bytes for entry in entries),
            data_available_to=None,
            jobs_submitted=0,
            done_at=self._clock.now(),
            requests=requests,
        )
        self._journal.finish(done)
        self._remove_older()
        return Tail(
            org=self._order.org,
            day=self._order.day,
            attempt_id=self._journal.attempt_id,
            interval=self._interval,
            landed=self._landing.landed(self._journal, replace(self._state, done=done)),
            pages=done.pages,
            records=done.records,
            requests=dict(requests),
        )

    def _remove_older(self) -> None:
        tails = self._landing.attempts(self._order.org, self._order.day, "query")
        for older in tails[:-KEPT_TAILS]:
            self._landing.remove(older)


def _asks_for_less(error: SourceError) -> bool:
    return isinstance(error, QueryTooLargeError) or error.status in TOO_LONG


def _body_of(page: DetailsPage) -> bytes:
    return inflated(page.body) if page.encoding == "gzip" else page.body
