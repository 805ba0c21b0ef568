"""What is due to be fetched, derived from what is stored and the time; nothing is remembered.

Belongs here: the pure decision for one moment. Elsewhere: asking for the runs (defs/sensors.py),
fetching (day_reading.py), the days of a backfill, which a person asks for.

A missed tick, a lost run or a lost backfill heals by itself: what it should have brought is still
due the next time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from aggregation_platform.config.models import FreshnessConfig, OrganizationConfig
from aggregation_platform.extraction.day_reading import Way
from aggregation_platform.intervals import Interval
from aggregation_platform.raw.finality import days_to_reread

TODAY_JOB_EVERY = timedelta(hours=1)
"""A details job of the running day: what the lake has by now, settled and with attributes."""

UNFINISHED_EVERY = timedelta(minutes=30)
"""A day that is over, and of which the lake did not have all."""

UNSETTLED_WITHIN = timedelta(days=30)
"""So long after the re-read window a stored day that is not final is still read again."""

REREAD_FROM = time(4, tzinfo=UTC)
"""By then the source's nightly rewrite is through."""


@dataclass(frozen=True)
class Stored:
    """What is stored of an org's day.

    Args:
        finality: Of the stored rows.
        job_at: When a details job's rows were last committed; None if never.
        any_at: When any rows were last committed, the tail's included.
        facts_at: When the facts made of them were last committed; None if some are missing.
    """

    finality: str
    job_at: datetime | None
    any_at: datetime
    facts_at: datetime | None

    @property
    def lacks_facts(self) -> bool:
        """The rows are there, and the facts are not made of them: a run ended in between."""
        return self.facts_at is None or self.facts_at < self.any_at


@dataclass(frozen=True)
class Due:
    """An org's day to be fetched, and why. Asked for twice in one slot, it is one run."""

    org: str
    day: date
    way: Way
    reason: str
    slot: datetime

    @property
    def run_key(self) -> str:
        """What makes the run one."""
        return f"{self.org}/{self.day}/{self.way}/{self.slot:%Y%m%dT%H%M}"

    def __str__(self) -> str:
        return f"{self.org} {self.day}: {self.reason}"


def due_org_days(
    organization: OrganizationConfig,
    stored: Mapping[date, Stored],
    *,
    freshness: FreshnessConfig,
    now: datetime,
    is_blocked: bool = False,
    retired_from: date | None = None,
) -> list[Due]:
    """Say what of one org is due now; today first, then the newest day first.

    Days before the re-read window that were never stored are not asked for: a backfill is a
    person's decision. One that was stored, and whose last re-reads fell into an outage, is.

    Args:
        organization: Whose first day begins what is expected.
        stored: What is stored, by day.
        freshness: How old the newest record may be, how long days are read again.
        now: The present instant.
        is_blocked: The org has asked to stay away; then nothing is due until it ends.
        retired_from: The first day on which the org no longer counts; nothing is due of it and
            of later days.
    """
    if is_blocked or now.date() < organization.first_day:
        return []

    def counts(day: date) -> bool:
        return retired_from is None or day < retired_from

    window = days_to_reread(
        now, reread_days=freshness.reread_days, first_day=organization.first_day
    )
    days = list(filter(counts, window))
    found = [_today(organization.org, stored.get(now.date()), freshness, now)]
    found = found if counts(now.date()) else []
    found += [_past(organization.org, day, stored.get(day), now) for day in reversed(days)]
    found += [
        _unsettled(organization.org, day, stored[day], now)
        for day in sorted(filter(counts, stored), reverse=True)
        if day < min(days, default=now.date()) and day >= organization.first_day
    ]
    return [due for due in found if due is not None]


def due_when_asked(
    org: str, day: date, stored: Stored | None, *, freshness: FreshnessConfig, now: datetime
) -> Due | None:
    """Say what of an org's day is due when a person asks for it; None: it is here.

    A provisional day is fetched again at once. For any other day the rules are those of the
    automation.
    """
    if stored is None or stored.job_at is None:
        return Due(org, day, Way.JOB, "not stored yet", now)
    if stored.finality == "provisional":
        return Due(org, day, Way.JOB, "its figures are provisional", now)
    if now.date() - day > UNSETTLED_WITHIN + timedelta(days=freshness.reread_days):
        return _without_facts(org, day, stored, now)
    return _unsettled(org, day, stored, now)


def _today(
    org: str, stored: Stored | None, freshness: FreshnessConfig, now: datetime
) -> Due | None:
    day = now.date()
    if stored is None or stored.job_at is None or now - stored.job_at >= TODAY_JOB_EVERY:
        return Due(org, day, Way.JOB, "the running day, hourly", _slot(now, TODAY_JOB_EVERY))
    every = timedelta(minutes=freshness.delayed_after_minutes) * 2 / 3
    if now - stored.any_at >= every:
        return Due(org, day, Way.TAIL, "the fresh tail", _slot(now, every))
    return _without_facts(org, day, stored, now)


def _past(org: str, day: date, stored: Stored | None, now: datetime) -> Due | None:
    if stored is None or stored.job_at is None:
        return Due(org, day, Way.JOB, "not stored yet", _slot(now, UNFINISHED_EVERY))
    if stored.finality == "provisional":
        if now - stored.job_at >= UNFINISHED_EVERY:
            return Due(org, day, Way.JOB, "the lake lacked its end", _slot(now, UNFINISHED_EVERY))
        if stored.any_at < Interval.of_day(day).end:
            return Due(org, day, Way.TAIL, "its last minutes", _slot(now, UNFINISHED_EVERY))
        return _without_facts(org, day, stored, now)
    return _reread(org, day, stored, now) or _without_facts(org, day, stored, now)


def _reread(org: str, day: date, stored: Stored, now: datetime) -> Due | None:
    reread_from = datetime.combine(now.date(), REREAD_FROM)
    was_read = stored.job_at is not None and stored.job_at >= reread_from
    if stored.finality == "final" or now < reread_from or was_read:
        return None
    return Due(org, day, Way.JOB, "the source may have rewritten it", reread_from)


def _unsettled(org: str, day: date, stored: Stored, now: datetime) -> Due | None:
    """Ask once a day for what is beyond the re-read window and should be final by now."""
    return _reread(org, day, stored, now) or _without_facts(org, day, stored, now)


def _without_facts(org: str, day: date, stored: Stored, now: datetime) -> Due | None:
    if not stored.lacks_facts:
        return None
    return Due(org, day, Way.LANDING, "its facts were not made", _slot(now, UNFINISHED_EVERY))


def _slot(now: datetime, every: timedelta) -> datetime:
    """Cut time into slots, so that one slot asks for one run."""
    start = Interval.of_day(now.date()).start
    return start + (now - start) // every * every


def due_world_days(
    facts: Mapping[date, Mapping[str, datetime]],
    world: Mapping[date, datetime],
    *,
    orgs_on: Mapping[date, Collection[str]],
    freshness: FreshnessConfig,
    now: datetime,
    being_loaded: Collection[date] = (),
) -> Iterator[tuple[date, datetime]]:
    """Yield the days to be added up anew, newest first, with the instant of their newest facts.

    A day that is over waits for all orgs until `stuck_after_hours` after its end; then it is
    added up without those that are missing, and again when they come. It also waits for runs in
    hand that load it, at most as long after the last of its facts: else a backfill would add it up
    once for each org. The running day never waits.

    Args:
        facts: When each org's facts of a day were last written.
        world: When the day was last added up.
        orgs_on: The orgs expected on each day.
        freshness: How long a day waits.
        now: The present instant.
        being_loaded: Days of which runs in hand will write facts.
    """
    patience = timedelta(hours=freshness.stuck_after_hours)
    for day in sorted(facts, reverse=True):
        newest = max(facts[day].values())
        if day in world and world[day] >= newest:
            continue
        end = Interval.of_day(day).end
        if day in being_loaded and end <= now and now - newest < patience:
            continue
        is_whole = set(orgs_on.get(day, ())) <= set(facts[day])
        if is_whole or now < end or now - end >= patience:
            yield day, newest


def days_of_other_members(
    world: Collection[date],
    *,
    built_of: Mapping[date, Collection[str]],
    counted: Mapping[date, Collection[str]],
) -> list[date]:
    """Return the built days that would count other orgs if they were built now, newest first.

    Args:
        world: The days that were added up.
        built_of: The orgs that each day counts, as stored with the day.
        counted: The orgs that each day would count now.
    """
    return sorted(
        (day for day in world if set(built_of.get(day, ())) != set(counted.get(day, ()))),
        reverse=True,
    )
