"""Which days' contacts are due to be linked again, and when; derived, nothing is remembered.

Belongs here: the pure decision for one moment. Elsewhere: whether a day's contacts are made of the
facts of now (defs/built_from.py), asking for the runs (defs/sensors.py), days whose own facts
changed (due.py).

A day's contacts are made of the facts of the days around it. So each day that is loaded or read
again outdates its neighbours. A neighbour waits until the days around it are quiet: else a backfill
would link each day once for each day around it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aggregation_platform.config.models import FreshnessConfig

QUIET = timedelta(minutes=15)
"""So long after the last change around a day its contacts are linked again, once for all of it."""

RUNNING_DAY_EVERY = timedelta(hours=1)
"""The running day changes every few minutes; the days before it follow it once an hour."""


AT_LATEST = timedelta(hours=36)
"""No outdated contacts are older, however busy the days around are."""


@dataclass(frozen=True)
class Linked:
    """The contacts of a day.

    Args:
        at: When they were linked.
        is_current: They are made of the facts, and by the rules, of now.
    """

    at: datetime
    is_current: bool


def due_journey_days(
    linked: Mapping[date, Linked],
    facts_at: Mapping[date, datetime],
    *,
    around: Callable[[date], Sequence[date]],
    being_loaded: Collection[date],
    freshness: FreshnessConfig,
    now: datetime,
) -> Iterator[date]:
    """Yield the days whose contacts are to be linked again now, newest first.

    A day waits while a day around it is being loaded, or was changed within QUIET. It waits no more
    once the earliest of these changes is `stuck_after_hours` old, or its contacts are AT_LATEST
    old. Changes of the running day alone are followed once an hour.

    Args:
        linked: The days that have contacts.
        facts_at: When facts of a day were last written.
        around: The days whose facts decide the contacts of a day.
        being_loaded: Days of which runs in hand will write facts.
        freshness: How long a day waits.
        now: The present instant.
    """
    patience = timedelta(hours=freshness.stuck_after_hours)
    for day in sorted(linked, reverse=True):
        if linked[day].is_current:
            continue
        at = linked[day].at
        past = [each for each in around(day) if each < now.date()]
        changed = [facts_at[each] for each in past if each in facts_at and facts_at[each] >= at]
        if _is_unquiet(changed, now) or any(each in being_loaded for each in past):
            is_due = now - min(changed, default=now) >= patience or now - at >= AT_LATEST
        else:
            is_due = bool(changed) or now - at >= RUNNING_DAY_EVERY
        if is_due:
            yield day


def _is_unquiet(changed: Sequence[datetime], now: datetime) -> bool:
    return any(now - each < QUIET for each in changed)
