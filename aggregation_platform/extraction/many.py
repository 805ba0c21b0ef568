"""Several orgs and days at once.

Belongs here: a thread per org, a few jobs under way in each, one org's trouble kept from the
others. Elsewhere: one org's day (steps.py), the budget over processes (genesys/, local_state/).

Jobs are asked for ahead: while one day's pages come in, the next day's job already runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from aggregation_platform.clock import Clock
from aggregation_platform.errors import (
    DetailsJobError,
    FencedError,
    PlatformError,
    QueryTooLargeError,
    RateLimitedError,
    SourceError,
    UnexpectedReplyError,
)
from aggregation_platform.extraction.attempts import (
    AttemptListener,
    FailedAttempt,
    unrecorded,
)
from aggregation_platform.extraction.claims import Claims
from aggregation_platform.extraction.outcome import (
    Extracted,
    Listener,
    OrgDay,
    Progress,
    unheard,
)
from aggregation_platform.extraction.patience import DEFAULT_PATIENCE, Patience
from aggregation_platform.extraction.source import DetailsSource
from aggregation_platform.extraction.steps import OrgDayExtraction
from aggregation_platform.landing.zone import LandingZone

JOBS_PER_ORG = 2
"""Details jobs under way at one org; how many it allows is not documented, one or two is safe."""

OF_THE_DAY = (DetailsJobError, QueryTooLargeError, UnexpectedReplyError)
"""Troubles of one day's data; any other trouble of a source is the org's, and stops its days."""


@dataclass(frozen=True)
class Failure:
    """An org's day that was not fetched.

    Args:
        error: Why; its last sentence is the remedy.
        was_tried: False if an earlier day's trouble spoke against trying.
    """

    org: str
    day: date
    error: PlatformError
    was_tried: bool = True

    @property
    def retry_after_s(self) -> float | None:
        """When to run again, where the org said so."""
        return self.error.retry_after_s if isinstance(self.error, RateLimitedError) else None


@dataclass
class Extraction:
    """What came of many org-days: each is in exactly one of the two, in the order of ending."""

    extracted: list[Extracted] = field(default_factory=list[Extracted])
    failures: list[Failure] = field(default_factory=list[Failure])


@dataclass(frozen=True)
class _Surroundings:
    landing: LandingZone
    claims: Claims
    clock: Clock
    patience: Patience
    progress: Listener
    extracted: Callable[[Extracted], None]
    failed: AttemptListener


@dataclass
class _Running:
    extraction: OrgDayExtraction
    order: OrgDay
    due_s: float


def extract_many(
    clients: Mapping[str, DetailsSource],
    landing: LandingZone,
    claims: Claims,
    orders: Sequence[OrgDay],
    *,
    clock: Clock,
    patience: Patience = DEFAULT_PATIENCE,
    progress: Listener = unheard,
    extracted: Callable[[Extracted], None] = lambda _: None,
    failed: AttemptListener = unrecorded,
    jobs_per_org: int = JOBS_PER_ORG,
) -> Extraction:
    """Fetch many org-days; the orgs at once, each org's days in the order given.

    Args:
        clients: By org.
        landing: Where pages and journals are kept.
        claims: The site's shared state.
        orders: What to fetch.
        clock: For stamps, bounds and sleep.
        patience: The bounds.
        progress: Told of each step, from the org's thread.
        extracted: Told of each day as soon as it is stored whole, from the org's thread.
        failed: Told of each attempt that failed, from the org's thread.
        jobs_per_org: Days of one org under way at once.

    Returns:
        Results and failures. Nothing that one org does or does not do stops another.
    """
    surroundings = _Surroundings(landing, claims, clock, patience, progress, extracted, failed)
    by_org: dict[str, list[OrgDay]] = {}
    for order in orders:
        by_org.setdefault(order.org, []).append(order)
    outcome = Extraction()
    with ThreadPoolExecutor(max(1, len(by_org)), thread_name_prefix="extract") as threads:
        running = [
            threads.submit(_extract_org, clients[org], days, surroundings, jobs_per_org)
            for org, days in by_org.items()
        ]
        for org_outcome in (future.result() for future in running):
            outcome.extracted += org_outcome.extracted
            outcome.failures += org_outcome.failures
    return outcome


def _extract_org(
    client: DetailsSource, days: Sequence[OrgDay], around: _Surroundings, jobs_per_org: int
) -> Extraction:
    """Step an org's days in turn, whichever is due first; stop them all at the org's trouble."""
    outcome = Extraction()
    waiting, running = deque(days), list[_Running]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs_per_org:
                running.append(_started(client, waiting.popleft(), around))
            first = min(running, key=lambda one: one.due_s)
            around.clock.sleep(first.due_s - around.clock.monotonic())
            error = _stepped(first, outcome, around)
            if first.extraction.result is not None or error is not None:
                running.remove(first)
            if error is not None:
                _fail(outcome, first.order, error, around, was_tried=True)
                if _is_of_the_org(error):
                    for order in [one.order for one in running] + list(waiting):
                        _fail(outcome, order, error, around, was_tried=False)
                    return outcome
    finally:
        for one in running:
            one.extraction.close()
    return outcome


def _started(client: DetailsSource, order: OrgDay, around: _Surroundings) -> _Running:
    extraction = OrgDayExtraction(
        client,
        around.landing,
        around.claims,
        order,
        clock=around.clock,
        patience=around.patience,
        progress=around.progress,
    )
    return _Running(extraction, order, around.clock.monotonic())


def _stepped(one: _Running, outcome: Extraction, around: _Surroundings) -> PlatformError | None:
    """Do one step; close what has ended, and tell of what is stored whole."""
    try:
        wait_s = one.extraction.step()
        one.due_s = around.clock.monotonic() + (wait_s or 0.0)
    except PlatformError as error:
        counts = one.extraction.counted_since()
        one.extraction.close()
        around.failed(
            FailedAttempt(one.order.org, one.order.day, error, around.clock.now(), counts)
        )
        return error
    if one.extraction.result is not None:
        one.extraction.close()
        outcome.extracted.append(one.extraction.result)
        around.extracted(one.extraction.result)
    return None


def _fail(
    outcome: Extraction,
    order: OrgDay,
    error: PlatformError,
    around: _Surroundings,
    *,
    was_tried: bool,
) -> None:
    outcome.failures.append(Failure(order.org, order.day, error, was_tried))
    around.progress(Progress(order.org, order.day, "failed", 0, 0))


def _is_of_the_org(error: PlatformError) -> bool:
    """Whether the org's other days would meet the same trouble."""
    if isinstance(error, SourceError):
        return not isinstance(error, OF_THE_DAY)
    return isinstance(error, FencedError)
