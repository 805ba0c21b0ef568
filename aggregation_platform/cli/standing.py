"""How each org stands: fresh or late, how final its days are, what is missing.

Belongs here: judging it, as pure functions of what the warehouse knows and the time.
Elsewhere: reading the warehouse and printing (status.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from aggregation_platform.cli.attempts import Backfill, LastAttempts
from aggregation_platform.cli.ingestion import Ingestion
from aggregation_platform.config.models import FreshnessConfig, OrganizationConfig
from aggregation_platform.intervals import ONE_DAY, days_between

FRESH, DELAYED, STUCK, QUIET = "fresh", "delayed", "stuck", "quiet"
RETIRED = "retired"
FINALITIES = ("provisional", "complete", "final")


@dataclass(frozen=True)
class Mark:
    """How far an org is, as its extractions have left it.

    Args:
        data_available_to: The source's own watermark, as last seen.
        held_to: The newest instant of which data is here.
        last_progress_at: When something was last stored.
    """

    data_available_to: datetime | None = None
    held_to: datetime | None = None
    last_progress_at: datetime | None = None


@dataclass(frozen=True)
class Range:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def count(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Absence:
    """The org asked us to stay away until then, and why: its Retry-After, or a refusal."""

    until: datetime
    reason: str

    def __str__(self) -> str:
        return f"asked to stay away until {self.until:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"


@dataclass(frozen=True)
class Standing:
    """One org, as `status` tells it.

    Args:
        state: fresh, delayed, stuck or quiet; retired, once its last day is over.
        freshness_minutes: Age of the newest instant of which data is here; None: nothing is.
        days: Stored days by finality.
        missing: Days since the first one that are over and not stored.
        match_rates: Per kind (queue, agent): record_rate and volume_rate, 0 to 1 or None.
        ingestion: How the loads of the last days went.
        blocked: Until when it wants no request; None if it takes them.
        attempts: How it was last asked, and what went wrong.
        backfill: How its backfill gets on; None if no day of the past was stored lately.
    """

    org: str
    name: str
    state: str
    mark: Mark
    freshness_minutes: float | None
    days: Mapping[str, int]
    missing: Sequence[Range]
    gaps: Sequence[Mapping[str, object]] = ()
    match_rates: Mapping[str, Mapping[str, float | None]] = field(
        default_factory=dict[str, Mapping[str, float | None]]
    )
    ingestion: Ingestion = field(default_factory=Ingestion)
    blocked: Absence | None = None
    attempts: LastAttempts = field(default_factory=LastAttempts)
    backfill: Backfill | None = None

    @property
    def missing_days(self) -> int:
        """How many days are missing."""
        return sum(part.count for part in self.missing)


def standing(
    organization: OrganizationConfig,
    mark: Mark,
    stored: Mapping[date, str],
    *,
    freshness: FreshnessConfig,
    now: datetime,
    last_day: date | None = None,
) -> Standing:
    """Judge one org; gaps, match rates, ingestion and block are the caller's to add.

    Args:
        organization: Whose first day begins what is expected.
        mark: How far it is.
        stored: Finality by stored day.
        freshness: When late is late.
        now: The present instant.
        last_day: The last day that the org is expected on; None while there is no end.
    """
    yesterday = now.date() - ONE_DAY
    last = yesterday if last_day is None else min(yesterday, last_day)
    expected = days_between(organization.first_day, last)
    has_left = last_day is not None and last_day < now.date()
    return Standing(
        org=organization.org,
        name=organization.name,
        state=RETIRED if has_left else state_of(mark, freshness=freshness, now=now),
        mark=mark,
        freshness_minutes=_minutes(now - mark.held_to) if mark.held_to else None,
        days={name: sum(1 for kind in stored.values() if kind == name) for name in FINALITIES},
        missing=ranges(day for day in expected if day not in stored),
    )


def state_of(mark: Mark, *, freshness: FreshnessConfig, now: datetime) -> str:
    """Say in one word how an org stands.

    fresh: the newest data is at most `delayed_after_minutes` old. quiet: it is older, but all
    that the source had when we last looked is here, and that look is not older than that. stuck:
    nothing was stored for `stuck_after_hours`, or never. delayed: otherwise.
    """
    delayed_after = timedelta(minutes=freshness.delayed_after_minutes)
    if mark.held_to is None or mark.last_progress_at is None:
        return STUCK
    if now - mark.held_to <= delayed_after:
        return FRESH
    if now - mark.last_progress_at >= timedelta(hours=freshness.stuck_after_hours):
        return STUCK
    has_all = mark.data_available_to is not None and mark.held_to >= mark.data_available_to
    return QUIET if has_all and now - mark.last_progress_at <= delayed_after else DELAYED


def ranges(days: Iterable[date]) -> list[Range]:
    """Join days that follow one another; the days come in order."""
    joined: list[Range] = []
    for day in days:
        if joined and day == joined[-1].last + ONE_DAY:
            joined[-1] = Range(joined[-1].first, day)
        else:
            joined.append(Range(day, day))
    return joined


def mode_of(sites: Collection[str]) -> str:
    """Name the mode of operation as far as the warehouse alone knows it."""
    return "STANDALONE" if len(sites) < 2 else "TWO SITES"


def _minutes(age: timedelta) -> float:
    return round(max(0.0, age.total_seconds() / 60), 1)
