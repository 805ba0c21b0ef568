"""One org's day, fetched whole.

Belongs here: the call that steps an extraction to its end. Elsewhere: the steps (steps.py),
several orgs and days at once (many.py).
"""

from __future__ import annotations

from aggregation_platform.clock import Clock
from aggregation_platform.errors import LandingError, PlatformError
from aggregation_platform.extraction.attempts import (
    AttemptListener,
    FailedAttempt,
    unrecorded,
)
from aggregation_platform.extraction.claims import Claims
from aggregation_platform.extraction.outcome import Extracted, Listener, OrgDay, unheard
from aggregation_platform.extraction.patience import DEFAULT_PATIENCE, Patience
from aggregation_platform.extraction.source import DetailsSource
from aggregation_platform.extraction.steps import OrgDayExtraction
from aggregation_platform.landing.zone import LandingZone


def extract_org_day(
    client: DetailsSource,
    landing: LandingZone,
    claims: Claims,
    order: OrgDay,
    *,
    clock: Clock,
    patience: Patience = DEFAULT_PATIENCE,
    progress: Listener = unheard,
    failed: AttemptListener = unrecorded,
) -> Extracted:
    """Fetch an org's day whole, going on from what is stored.

    An attempt that is stored whole and not yet loaded is used as it is, one that was cut is gone
    on with, and after one that was loaded a new one is made. Every stored page that is used is
    checked first; a damaged one is fetched again. A second process that asks for the same org and
    day waits, then uses what the first has stored.

    Args:
        client: The org's API.
        landing: Where pages and journal are kept.
        claims: The site's shared state, so that one process at a time works on an org's day.
        order: Which org and day, and how.
        clock: For stamps, bounds and sleep.
        patience: The bounds.
        progress: Told after each step that changed something.
        failed: Told of the attempt if it fails, before the error is raised.

    Raises:
        RateLimitedError: If the org asks to stay away for longer than a run may sleep. The client
            has told the site's other processes who, until when and why. Run again after
            `retry_after_s`.
        DetailsJobError: If jobs failed, were stuck or vanished more often than patience allows.
        SourceError: If the org did not give what was asked.
        LandingError: If the landing zone cannot be used.
        FencedError: If a site with a newer epoch has fetched this day.
    """
    extraction = OrgDayExtraction(
        client, landing, claims, order, clock=clock, patience=patience, progress=progress
    )
    try:
        while (wait_s := extraction.step()) is not None:
            clock.sleep(wait_s)
    except PlatformError as error:
        counts = extraction.counted_since()
        failed(FailedAttempt(order.org, order.day, error, clock.now(), counts))
        raise
    finally:
        extraction.close()
    if extraction.result is None:
        raise LandingError(f"{order}: ended without a result. This is a defect; report it.")
    return extraction.result
