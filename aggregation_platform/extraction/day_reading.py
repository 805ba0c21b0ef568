"""An org's day as it is to be loaded: the job's pages, and the fresh tail beyond the lake.

Belongs here: which of the three ways to take, and what the pages rest on. Elsewhere: the job
(org_day.py), the tail (tail.py), which records of the pages belong to the day (raw/).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import structlog

from aggregation_platform.clock import Clock
from aggregation_platform.errors import LandingError, SourceError
from aggregation_platform.extraction.attempts import (
    AttemptListener,
    FailedAttempt,
    unrecorded,
)
from aggregation_platform.extraction.claims import Claims
from aggregation_platform.extraction.org_day import extract_org_day
from aggregation_platform.extraction.outcome import Extracted, Listener, OrgDay, unheard
from aggregation_platform.extraction.patience import DEFAULT_PATIENCE, Patience
from aggregation_platform.extraction.quality import counted, difference
from aggregation_platform.extraction.source import DetailsSource, QuerySource
from aggregation_platform.extraction.tail import (
    REQUESTS_PER_SECOND,
    Tail,
    TailOrder,
    extract_tail,
)
from aggregation_platform.intervals import Interval
from aggregation_platform.landing.zone import LandedDay, LandingZone

log = structlog.get_logger()


class Way(StrEnum):
    """Where the pages come from."""

    JOB = "job"
    """A details job; beyond the lake's watermark the synchronous query."""
    TAIL = "tail"
    """The job's pages as they are stored, and the tail anew."""
    LANDING = "landing"
    """Everything as it is stored; the org is asked for nothing."""


class OrgApi(DetailsSource, QuerySource, Protocol):
    """One org's details jobs and its synchronous query."""


@dataclass(frozen=True)
class DayReading:
    """An org's day, stored whole and ready to be loaded.

    Args:
        order: What was asked for.
        landed: All pages, the tail's included.
        data_available_to: The watermark that the job's pages rest on; None if there are none.
        read_at: As of when the org answered: when the earliest of the jobs behind the pages was
            asked for, since a job shows the lake as it was then, however late its pages are read.
        job: The job's extraction, where it was made or gone on with by this reading.
        tail: The tail, where this reading fetched one.
        tail_trouble: Why it fetched none, although the lake lacks some of the day.
    """

    order: OrgDay
    landed: LandedDay
    data_available_to: datetime | None
    read_at: datetime
    job: Extracted | None = field(default=None)
    tail: Tail | None = field(default=None)
    tail_trouble: SourceError | None = field(default=None)


def read_org_day(
    client: OrgApi,
    landing: LandingZone,
    claims: Claims,
    order: OrgDay,
    *,
    clock: Clock,
    way: Way = Way.JOB,
    patience: Patience = DEFAULT_PATIENCE,
    progress: Listener = unheard,
    failed: AttemptListener = unrecorded,
    requests_per_second: float = REQUESTS_PER_SECOND,
) -> DayReading:
    """Bring an org's day into the landing zone as far as the org has it, and return it.

    Asking for the tail alone fetches the job too if no job of the day was ever stored. What a job
    brought is never held up by the tail: a tail that cannot be fetched is then noted and left out.

    Args:
        client: The org's API.
        landing: Where pages are kept.
        claims: The site's shared state.
        order: What to fetch.
        clock: For stamps, bounds and sleep.
        way: Where the pages come from.
        patience: The bounds of the job.
        progress: Told of each step of the job.
        failed: Told of an attempt at the job or at the tail that failed.
        requests_per_second: The org's budget, of which the tail takes its share.

    Raises:
        SourceError: If the org did not give what was asked.
        LandingError: If the landing zone cannot be used, or holds nothing of the day that was to
            be taken from it.
    """
    job = None
    has_job = landing.current(order.org, order.day, "job") is not None
    if way is Way.JOB or (way is Way.TAIL and not has_job):
        job = extract_org_day(
            client,
            landing,
            claims,
            order,
            clock=clock,
            patience=patience,
            progress=progress,
            failed=failed,
        )
    tail, trouble, before = None, None, counted(client)
    try:
        if way is not Way.LANDING:
            tail = _tail(client, landing, claims, order, clock, requests_per_second)
    except SourceError as error:
        counts = difference(before, counted(client))
        failed(FailedAttempt(order.org, order.day, error, clock.now(), counts))
        if job is None:
            raise
        trouble = error
        log.warning("tail_left_out", org=order.org, day=str(order.day), reason=str(error))
    landed = landing.landed_day(order.org, order.day)
    if landed is None:
        raise LandingError(
            f"{order}: nothing of this day is in the landing zone. Materialize it without "
            "--from-landing; then it is fetched."
        )
    return DayReading(
        order=order,
        landed=landed,
        data_available_to=landed.data_available_to,
        read_at=landed.asked_at,
        job=job,
        tail=tail,
        tail_trouble=trouble,
    )


def _tail(
    client: QuerySource,
    landing: LandingZone,
    claims: Claims,
    order: OrgDay,
    clock: Clock,
    requests_per_second: float,
) -> Tail | None:
    """Fetch what the lake does not have of the day yet."""
    current = landing.current(order.org, order.day, "job")
    reaches_to = landing.landed(current).data_available_to if current is not None else None
    wanted = TailOrder(
        org=order.org,
        day=order.day,
        watermark=reaches_to or Interval.of_day(order.day).start,
        epoch=order.epoch,
    )
    return extract_tail(
        client, landing, claims, wanted, clock=clock, requests_per_second=requests_per_second
    )
