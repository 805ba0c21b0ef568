"""The steps of one org's day; each may be cut anywhere.

Belongs here: doing the moves, and what an error makes of a job, a window or a page size.
Elsewhere: deciding the move (moves.py), which attempt (opening.py), stepping (org_day.py, many.py).

Each step ends with what it did written in the journal. Killed at any instant, the next process
goes on with the same job at the next page. A kill between asking for a job and writing its id
costs one job more, and is counted. Pages of a job that is given up are left aside whole, so
nothing is doubled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from aggregation_platform.clock import Clock
from aggregation_platform.errors import (
    DetailsJobError,
    QueryTooLargeError,
    RefusedError,
    SourceError,
    TransientSourceError,
    UnexpectedReplyError,
)
from aggregation_platform.extraction.claims import Claims, HeldClaim, try_claim
from aggregation_platform.extraction.in_hand import AttemptInHand
from aggregation_platform.extraction.moves import (
    FetchPage,
    Finish,
    GiveUpUnknown,
    Poll,
    Submit,
    next_move,
)
from aggregation_platform.extraction.opening import open_attempt
from aggregation_platform.extraction.outcome import (
    Extracted,
    ExtractionState,
    Listener,
    OrgDay,
    Progress,
    extracted,
    unheard,
)
from aggregation_platform.extraction.patience import DEFAULT_PATIENCE, Patience
from aggregation_platform.extraction.quality import counted, difference
from aggregation_platform.extraction.source import DetailsSource
from aggregation_platform.extraction.totals import cursors_before, stored_entries, totals
from aggregation_platform.extraction.windows import overlapping_halves
from aggregation_platform.genesys.details import DetailsJobState, DetailsPage
from aggregation_platform.genesys.retries import OutcomeUnknownError
from aggregation_platform.landing.records import Done, EntryWithIds
from aggregation_platform.landing.state import JobState, NextPage, WindowState
from aggregation_platform.landing.zone import LandingZone

log = structlog.get_logger()

PAGE_TOO_LARGE = "response.entity.too.large"
"""The code that asks for a smaller page; any other too large asks for a shorter interval."""

PAYLOAD_TOO_LARGE = 413
"""The status that says the same."""

RESULT_CAP = "may not exceed"
"""In the message of a job that failed because its interval holds too much."""

FAILED = ("FAILED", "CANCELLED", "ODD")
"""Ends that speak against asking often: the job, or its answer, is ill."""

GONE = (DetailsJobState.FAILED, DetailsJobState.CANCELLED, DetailsJobState.EXPIRED)
"""States of a job that will give no page any more."""


class OrgDayExtraction:
    """One org's day under way. `step` until it returns None, then take `result`; `close` always.

    Args:
        source: The org's API.
        landing: Where pages and journal are kept.
        claims: Keeps other processes away from this org and day.
        order: What to fetch.
        clock: For stamps and bounds; nothing here sleeps.
        patience: The bounds.
        progress: Told after each step that changed something.
    """

    def __init__(
        self,
        source: DetailsSource,
        landing: LandingZone,
        claims: Claims,
        order: OrgDay,
        *,
        clock: Clock,
        patience: Patience = DEFAULT_PATIENCE,
        progress: Listener = unheard,
    ) -> None:
        self._source = source
        self._landing = landing
        self._claims = claims
        self._order = order
        self._clock = clock
        self._patience = patience
        self._progress = progress
        self._counted = counted(source)
        self._asked_at = clock.now()
        self._claim: HeldClaim | None = None
        self._work: AttemptInHand | None = None
        self._page_size = order.page_size
        self._polls = 0
        self._fulfilled: set[str] = set()
        self._given_up: Counter[tuple[str, str]] = Counter()
        self._refusals: Counter[str] = Counter()
        self.result: Extracted | None = None

    def step(self) -> float | None:
        """Do the next thing; return how many seconds to wait before the next, None if done.

        Raises:
            SourceError: If the org did not give what was asked; what is stored stays, and the
                next call goes on from there.
            LandingError: If the landing zone cannot be used, or the claim was lost.
        """
        if self._claim is None:
            return self._take_claim()
        self._claim.keep()
        work = self._opened()
        if work.state.done is not None:
            return self._hand_over(work.state.done, was_reused=True)
        match next_move(work.state, page_size=self._page_size, fulfilled=self._fulfilled):
            case GiveUpUnknown(window, job):
                return self._give_up(window, job, "UNKNOWN", "killed before its id was written")
            case Submit(window):
                return self._submit(window)
            case Poll(window, job):
                return self._poll(window, job)
            case FetchPage(window, job, page):
                return self._fetch(window, job, page)
            case Finish():
                return self._finish()

    def close(self) -> None:
        """Give the claim up; what is stored stays."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def counted_since(self) -> Mapping[str, float]:
        """Return what the client has counted since the journal was last told."""
        before, self._counted = self._counted, counted(self._source)
        return difference(before, self._counted)

    def _take_claim(self) -> float:
        name = f"extract:{self._order}"
        self._claim = try_claim(self._claims, name, seconds=self._patience.claim_s)
        if self._claim is not None:
            return 0.0
        waited_s = (self._clock.now() - self._asked_at).total_seconds()
        if waited_s > self._patience.claim_wait_s:
            raise TransientSourceError(
                self._order.org,
                f"{self._order.day}: another process of this site has been fetching this day for "
                f"more than {waited_s / 60:.0f} minutes. Wait for it to end, then repeat the run.",
            )
        self._tell("waiting")
        return self._patience.claim_poll_s

    def _opened(self) -> AttemptInHand:
        if self._work is None:
            self._work = open_attempt(
                self._landing, self._order, asked_at=self._asked_at, now=self._clock.now()
            )
        return self._work

    # asking for a job

    def _submit(self, window: WindowState) -> float:
        work = self._opened()
        available = self._available()
        job = work.intend(window.name, now=self._clock.now(), available_before=available)
        interval = work.interval(window.name)
        try:
            job_id = self._source.submit_details_job(interval)
        except SourceError as error:
            return self._not_submitted(window, job, error)
        work.submitted(window.name, job, job_id=job_id, now=self._clock.now())
        self._polls = 0
        log.info("details_job_submitted", org=self._order.org, interval=str(interval), job=job_id)
        self._tell("submitted")
        return self._patience.poll_wait_s(0)

    def _available(self) -> datetime | None:
        """Ask for the watermark; a client that may not see it leaves the pages to tell it."""
        try:
            return self._source.data_available_to()
        except RefusedError as error:
            log.warning("watermark_refused", org=self._order.org, reason=str(error))
            return None

    def _not_submitted(self, window: WindowState, job: JobState, error: SourceError) -> float:
        """A lost reply may have left a job behind; a refusal has not."""
        if isinstance(error, QueryTooLargeError):
            self._split(window, error, self._patience.shortest_window)
            return self._give_up(window, job, "REFUSED", str(error))
        is_lost = isinstance(error, OutcomeUnknownError)
        self._give_up(window, job, "LOST" if is_lost else "REFUSED", str(error))
        lost = self._given_up[window.name, "LOST"]
        if not is_lost or lost >= self._patience.lost_submissions:
            raise error
        return self._patience.poll_wait_s(lost)

    # waiting for it

    def _poll(self, window: WindowState, job: JobState) -> float:
        job_id = _id_of(job)
        try:
            status = self._source.details_job(job_id)
        except DetailsJobError as error:
            return self._lose(window, job, error)
        self._polls += 1
        match status.state:
            case DetailsJobState.FULFILLED:
                self._fulfilled.add(job_id)
                return 0.0
            case DetailsJobState.QUEUED | DetailsJobState.PENDING | DetailsJobState.UNKNOWN:
                return self._wait_for(window, job)
            case state:
                message = status.error_message or "no reason was given"
                if RESULT_CAP in message:
                    return self._too_large(window, job, message)
                return self._lose(window, job, self._job_error(job, state, message))

    def _wait_for(self, window: WindowState, job: JobState) -> float:
        submitted_at = job.submitted.submitted_at if job.submitted else job.intent.intended_at
        waited_s = (self._clock.now() - submitted_at).total_seconds()
        if waited_s <= self._patience.job_s:
            return self._patience.poll_wait_s(self._polls)
        message = f"did not end within {waited_s / 60:.0f} minutes"
        error = self._job_error(job, "STUCK", message)
        try:
            self._split(window, error, self._patience.shortest_stuck_window)
        finally:
            self._cancel(job)
            self._give_up(window, job, "STUCK", message)
        return 0.0

    def _cancel(self, job: JobState) -> None:
        """Cancel a job, so that it does not use up the org's few; if that fails, so be it."""
        try:
            self._source.cancel_details_job(_id_of(job))
        except SourceError as error:
            log.warning("details_job_not_cancelled", org=self._order.org, reason=str(error))

    # its pages

    def _fetch(self, window: WindowState, job: JobState, page: NextPage) -> float:
        size = min(page.page_size, self._page_size)
        try:
            came = self._source.details_page(_id_of(job), cursor=page.cursor, page_size=size)
        except QueryTooLargeError as error:
            return self._answer_too_large(window, job, error, size)
        except DetailsJobError as error:
            return self._page_refused(window, job, error)
        except UnexpectedReplyError as error:
            return self._lose(window, job, self._job_error(job, "ODD", str(error)))
        if came.cursor is not None and came.cursor in cursors_before(job, page):
            return self._lose(window, job, self._job_error(job, "ODD", "its cursor repeats"))
        self._refusals.pop(_id_of(job), None)
        self._keep_claim()
        self._opened().store_page(window.name, job, came.body, self._entry(page, came, size))
        self._tell("paging")
        return 0.0

    def _page_refused(self, window: WindowState, job: JobState, error: DetailsJobError) -> float:
        """A page that is not found is asked for again while the job itself still stands."""
        job_id = _id_of(job)
        self._refusals[job_id] += 1
        if error.state != "NOT_FOUND" or self._refusals[job_id] > self._patience.page_refusals:
            return self._lose(window, job, error)
        try:
            status = self._source.details_job(job_id)
        except DetailsJobError as gone:
            return self._lose(window, job, gone)
        if status.state in GONE:
            return self._lose(window, job, error)
        return self._patience.poll_wait_s(self._refusals[job_id])

    def _answer_too_large(
        self, window: WindowState, job: JobState, error: QueryTooLargeError, size: int
    ) -> float:
        if error.code != PAGE_TOO_LARGE and error.status != PAYLOAD_TOO_LARGE:
            return self._too_large(window, job, str(error))
        if size <= 1:
            raise error
        self._page_size = size // 2
        log.info("page_size_halved", org=self._order.org, page_size=self._page_size)
        return 0.0

    def _entry(self, page: NextPage, came: DetailsPage, size: int) -> EntryWithIds:
        return EntryWithIds(
            number=page.number,
            cursor=page.cursor,
            next_cursor=came.cursor,
            object="",
            sha256="",
            bytes=0,
            count=len(came.conversation_ids),
            page_size=size,
            fetched_at=self._clock.now(),
            data_available_to=came.data_available_to,
            encoding=came.encoding,
            correlation_id=came.correlation_id,
            requests=self.counted_since(),
            conversation_ids=came.conversation_ids,
        )

    # giving up a job, halving a window

    def _lose(self, window: WindowState, job: JobState, error: DetailsJobError) -> float:
        """Ask for another job, unless this window has lost too many in this run."""
        self._give_up(window, job, error.state, str(error))
        kind = "failed" if error.state in FAILED else "gone"
        self._given_up[window.name, kind] += 1
        bound = self._patience.failed_jobs if kind == "failed" else self._patience.gone_jobs
        if self._given_up[window.name, kind] >= bound:
            raise error
        return 0.0

    def _too_large(self, window: WindowState, job: JobState, message: str) -> float:
        error = self._job_error(job, "TOO_LARGE", message)
        self._split(window, error, self._patience.shortest_window)
        return self._give_up(window, job, "TOO_LARGE", message)

    def _give_up(self, window: WindowState, job: JobState, state: str, message: str) -> float:
        now = self._clock.now()
        self._opened().give_up(window.name, job, state=state, message=message, now=now)
        self._given_up[window.name, state] += 1
        log.warning("details_job_given_up", org=self._order.org, state=state, reason=message)
        return 0.0

    def _split(self, window: WindowState, error: SourceError, shortest: timedelta) -> None:
        """Halve a window.

        This is written before its job is given up, so that a kill in between does not ask for the
        whole window once more.
        """
        interval = self._opened().interval(window.name)
        if overlapping_halves(interval)[0].duration < shortest:
            raise error
        self._opened().split(window.name, reason=str(error), now=self._clock.now())
        log.info("window_halved", org=self._order.org, interval=str(interval), reason=str(error))

    def _job_error(self, job: JobState, state: str, message: str) -> DetailsJobError:
        text = f"{self._order.day}: details job {_id_of(job)} is {state}: {message}."
        return DetailsJobError(
            self._order.org,
            f"{text} Repeat the run later; if it happens again, ask the vendor about the job.",
            job_id=_id_of(job),
            state=state,
        )

    # the end

    def _finish(self) -> None:
        self._keep_claim()
        work = self._opened()
        done = totals(work.state, self._clock.now(), self.counted_since())
        work.journal.finish(done)
        self._hand_over(done, was_reused=False)

    def _hand_over(self, done: Done, *, was_reused: bool) -> None:
        work = self._opened()
        landed = self._landing.landed(work.journal, replace(work.state, done=done))
        self.result = extracted(self._order, work.journal, landed, done, was_reused=was_reused)
        self._tell("landed")

    def _keep_claim(self) -> None:
        if self._claim is not None:
            self._claim.keep()

    def _tell(self, state: ExtractionState) -> None:
        entries = stored_entries(self._work.state) if self._work else ()
        conversations = sum(entry.count for entry in entries)
        self._progress(
            Progress(self._order.org, self._order.day, state, len(entries), conversations)
        )


def _id_of(job: JobState) -> str:
    return job.submitted.job_id if job.submitted else "(unknown)"
