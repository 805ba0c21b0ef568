"""Conversation details jobs: submit, look, page through the results, cancel.

Belongs here: the job's life as the API tells it, and its pages, of which only the head is read.
Elsewhere: reading the head (page_heads.py), resuming and storing (extraction/), records (raw/).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from urllib.parse import quote

import msgspec
import structlog

from aggregation_platform.clock import Clock
from aggregation_platform.errors import DetailsJobError, SourceError, UnexpectedReplyError
from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.page_heads import NoPageError, TornPageError, read_head
from aggregation_platform.genesys.replies import decoded, encoding_of, inflated, quoted, torn
from aggregation_platform.genesys.retries import OutcomeUnknownError
from aggregation_platform.genesys.transport import Reply, Request
from aggregation_platform.intervals import Interval, parsed

JOBS = "/api/v2/analytics/conversations/details/jobs"

_log = structlog.get_logger()


class DetailsJobState(StrEnum):
    """A job's state; UNKNOWN stands for one that the API did not have when this was written."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    FULFILLED = "FULFILLED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_over(self) -> bool:
        """Whether the job will never change to FULFILLED any more; an unknown state may."""
        return self in (self.FAILED, self.CANCELLED, self.FULFILLED, self.EXPIRED)


@dataclass(frozen=True)
class DetailsJob:
    """What the API says of a job. Each instant may be missing, in any state."""

    job_id: str
    state: DetailsJobState
    submitted_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class DetailsPage:
    """One page of conversations, of a job or of a query.

    Args:
        body: The HTTP body exactly as it came.
        encoding: How it is packed.
        conversation_ids: In page order; None for a record without a readable id.
        cursor: What fetches the next page; None on the last.
        data_available_to: The data lake's watermark, jobs only.
        correlation_id: For the vendor's support.
        total_hits: Queries only; approximate and moving.
    """

    body: bytes = field(repr=False)
    encoding: Literal["gzip", "identity"]
    conversation_ids: tuple[str | None, ...] = field(repr=False)
    cursor: str | None = None
    data_available_to: datetime | None = None
    correlation_id: str = ""
    total_hits: int | None = None


class _Submitted(msgspec.Struct):
    jobId: str  # noqa: N815 - the API's own spelling


class _Status(msgspec.Struct):
    state: str
    submissionDate: str | None = None  # noqa: N815 - the API's own spelling
    completionDate: str | None = None  # noqa: N815
    expirationDate: str | None = None  # noqa: N815
    errorMessage: str | None = None  # noqa: N815


class _Availability(msgspec.Struct):
    dataAvailabilityDate: str  # noqa: N815 - the API's own spelling


def submit(api: Api, interval: Interval) -> str:
    """Ask for all conversations with activity in the interval; return the job's id.

    Raises:
        OutcomeUnknownError: If a job may have been made without our learning its id.
    """
    call = Call("POST", JOBS, body={"interval": str(interval)}, may_be_doubled=False)
    try:
        job_id = api.call(call, _submitted)
    except OutcomeUnknownError:
        api.tally.submitted_job()
        raise
    api.tally.submitted_job()
    return job_id


def status(api: Api, job_id: str) -> DetailsJob:
    """Ask for a job's state; 200 and 202 mean the same.

    Raises:
        DetailsJobError: If the organization does not know the job.
    """
    call = Call("GET", f"{JOBS}/{quote(job_id, safe='')}")
    try:
        said = api.call(call, lambda request, reply: decoded(request, reply, _Status))
    except SourceError as error:
        raise _gone(error, job_id) from error
    return DetailsJob(
        job_id=job_id,
        state=_state(api.org, job_id, said.state),
        submitted_at=_instant(said.submissionDate),
        completed_at=_instant(said.completionDate),
        expires_at=_instant(said.expirationDate),
        error_message=quoted(said.errorMessage) if said.errorMessage else None,
    )


def page(api: Api, job_id: str, *, cursor: str | None, page_size: int) -> DetailsPage:
    """Fetch one page; the organization may give fewer records than asked for.

    Raises:
        DetailsJobError: If the job or the cursor is no longer known.
        QueryTooLargeError: If the page is too large.
        UnexpectedReplyError: If the cursor does not move.
    """
    parameters: dict[str, str | int] = {"pageSize": page_size}
    if cursor is not None:
        parameters["cursor"] = cursor
    call = Call("GET", f"{JOBS}/{quote(job_id, safe='')}/results", parameters)
    try:
        got = api.call(call, read_page)
    except SourceError as error:
        raise _gone(error, job_id, cursor=cursor) from error
    if cursor is not None and got.cursor == cursor:
        raise UnexpectedReplyError(
            api.org, f"job {job_id}: the cursor did not move. Submit the job again."
        )
    return got


def cancel(api: Api, job_id: str) -> None:
    """Cancel a job; one that is already gone is fine."""
    try:
        api.call(Call("DELETE", f"{JOBS}/{quote(job_id, safe='')}"), _nothing)
    except SourceError as error:
        if error.status not in (404, 410):
            raise


def data_available_to(api: Api) -> datetime:
    """Ask for the data lake's watermark."""
    call = Call("GET", f"{JOBS}/availability")
    said = api.call(call, lambda request, reply: decoded(request, reply, _Availability))
    instant = _instant(said.dataAvailabilityDate)
    if instant is None:
        raise UnexpectedReplyError(
            api.org, f"GET {call.path}: {said.dataAvailabilityDate!r} is no instant. Report a bug."
        )
    return instant


def wait_for(api: Api, job_id: str, *, patience_s: float, clock: Clock) -> DetailsJob:
    """Look at a job, ever less often (1 to 15 s), until it is fulfilled.

    Raises:
        DetailsJobError: If it ended otherwise, or did not end within `patience_s` (STUCK).
    """
    began = clock.monotonic()
    wait_s = 1.0
    while True:
        job = status(api, job_id)
        if job.state is DetailsJobState.FULFILLED:
            return job
        waited_s = clock.monotonic() - began
        if job.state.is_over or waited_s >= patience_s:
            raise _ended(api.org, job, waited_s)
        pause_s = min(wait_s, max(0.0, patience_s - waited_s))
        api.tally.waited(pause_s)
        clock.sleep(pause_s)
        wait_s = min(15.0, wait_s * 1.5)


def read_page(request: Request, reply: Reply) -> DetailsPage:
    """Read the head of a page; a malformed record keeps its place, without an id.

    Raises:
        LostReplyError: If the body does not inflate or is no whole JSON.
        UnexpectedReplyError: If it is JSON, but no page.
    """
    text = inflated(request, reply)
    try:
        head = read_head(text)
    except NoPageError as error:
        raise UnexpectedReplyError(
            request.org,
            f"{request.method} {request.path}: {error} (correlation id"
            f" {reply.correlation_id or 'none'}). Report a bug with this line.",
            status=reply.status,
        ) from error
    except TornPageError as error:
        raise torn(request, reply, f"is no whole JSON ({error})") from error
    return DetailsPage(
        body=reply.body,
        encoding="gzip" if encoding_of(reply.body) == "gzip" else "identity",
        conversation_ids=head.conversation_ids,
        cursor=head.cursor,
        data_available_to=_instant(head.data_available_to),
        correlation_id=reply.correlation_id,
        total_hits=head.total_hits,
    )


def _nothing(_request: Request, _reply: Reply) -> None:
    """Read nothing."""


def _submitted(request: Request, reply: Reply) -> str:
    return decoded(request, reply, _Submitted).jobId


def _state(org: str, job_id: str, text: str) -> DetailsJobState:
    try:
        return DetailsJobState(text.upper())
    except ValueError:
        _log.warning("details_job_state_unknown", org=org, job_id=job_id, state=text)
        return DetailsJobState.UNKNOWN


def _instant(text: str | None) -> datetime | None:
    """Read an instant; one that cannot be read is as good as none."""
    try:
        return parsed(text) if text else None
    except ValueError:
        return None


def _gone(error: SourceError, job_id: str, *, cursor: str | None = None) -> SourceError:
    """Turn "not found" into the job's error; a refused cursor likewise."""
    if error.status in (404, 410):
        state, what = "NOT_FOUND", "is not known (any more)"
    elif error.status == 400 and cursor is not None and "cursor" in str(error).lower():
        state, what = "CURSOR_REFUSED", "does not take the cursor (any more)"
    else:
        return error
    return DetailsJobError(
        error.org,
        f"details job {job_id} {what}: {error}. Submit a new job.",
        job_id=job_id,
        state=state,
    )


def _ended(org: str, job: DetailsJob, waited_s: float) -> DetailsJobError:
    if job.state.is_over:
        why = f" ({job.error_message})" if job.error_message else ""
        message = f"details job {job.job_id} ended as {job.state}{why}. Submit a new job."
        return DetailsJobError(org, message, job_id=job.job_id, state=job.state)
    return DetailsJobError(
        org,
        f"details job {job.job_id} is still {job.state} after {waited_s:.0f} s. Cancel it and ask"
        " for a shorter interval.",
        job_id=job.job_id,
        state="STUCK",
    )
