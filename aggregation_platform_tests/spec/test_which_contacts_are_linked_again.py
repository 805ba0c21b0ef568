"""When a day's contacts are linked again because days around it changed. Now: Wednesday, 10:07."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from aggregation_platform.config.models import FreshnessConfig
from aggregation_platform.extraction.due_journeys import Linked, due_journey_days
from aggregation_platform.journeys.linking import days_around
from aggregation_platform.journeys.rules import LinkingRules

NOW = datetime(2026, 1, 14, 10, 7, tzinfo=UTC)
FRESHNESS = FreshnessConfig(stuck_after_hours=8)
LONG_AGO = NOW - timedelta(days=20)


def ago(text: str) -> datetime:
    """Read `3h`, `20m`."""
    return NOW - timedelta(**{{"h": "hours", "m": "minutes"}[text[-1]]: int(text[:-1])})


def due(linked_at: str, changes: dict[int, str], *, loading: tuple[int, ...] = ()) -> list[int]:
    """Return which days of January are due, of the 12th linked then; changes: day, when."""
    facts_at = {date(2026, 1, day): LONG_AGO for day in range(8, 15)}
    facts_at |= {date(2026, 1, day): ago(at) for day, at in changes.items()}
    found = due_journey_days(
        {date(2026, 1, 12): Linked(ago(linked_at), is_current=False)},
        facts_at,
        around=partial(days_around, rules=LinkingRules()),
        being_loaded={date(2026, 1, day) for day in loading},
        freshness=FRESHNESS,
        now=NOW,
    )
    return [day.day for day in found]


@pytest.mark.parametrize(
    ("linked_at", "changes", "loading", "is_due", "why"),
    [
        ("30m", {13: "16m"}, (), True, "a day after it changed, and all is quiet since"),
        ("30m", {10: "16m"}, (), True, "a day before it changed"),
        ("30m", {13: "14m"}, (), False, "the change is recent: more may follow"),
        ("30m", {13: "16m"}, (11,), False, "a run in hand will load a day around"),
        ("9h", {13: "8h"}, (11,), True, "it has waited for eight hours"),
        ("37h", {13: "2m"}, (11,), True, "its contacts are a day and a half old"),
        ("59m", {14: "2m"}, (), False, "only the running day changed: once an hour"),
        ("61m", {14: "2m"}, (), True, "only the running day changed, an hour ago"),
        ("61m", {14: "2m"}, (14,), True, "the running day is always being loaded: no reason"),
        ("61m", {13: "2m", 14: "2m"}, (), False, "a day that is over changed: it will be quiet"),
    ],
)
def test_a_day_around_which_facts_changed(
    linked_at: str, changes: dict[int, str], loading: tuple[int, ...], is_due: bool, why: str
):
    assert due(linked_at, changes, loading=loading) == ([12] if is_due else []), why


def test_contacts_made_of_the_facts_of_now_are_left_alone():
    found = due_journey_days(
        {date(2026, 1, 12): Linked(LONG_AGO, is_current=True)},
        {date(2026, 1, 13): ago("3h")},
        around=partial(days_around, rules=LinkingRules()),
        being_loaded=(),
        freshness=FRESHNESS,
        now=NOW,
    )

    assert list(found) == []


def test_a_year_loaded_in_order_links_each_day_at_most_once_more():
    """A day is loaded each ten minutes; each is linked when it comes, and once its days are in."""
    rules, days = LinkingRules(), [date(2025, 1, 1) + timedelta(n) for n in range(60)]
    facts_at, linked, times = dict[date, datetime](), dict[date, Linked](), dict[date, int]()
    for minute in range(10 * len(days) + 60):
        now = NOW + timedelta(minutes=minute)
        loaded = [day for number, day in enumerate(days) if 10 * number <= minute]
        if minute % 10 == 0 and len(loaded) > len(facts_at):
            facts_at[loaded[-1]] = now
            linked[loaded[-1]], times[loaded[-1]] = Linked(now, is_current=True), 1
            for near in days_around(loaded[-1], rules)[:-3]:
                if near in linked:
                    linked[near] = Linked(linked[near].at, is_current=False)
        for day in due_journey_days(
            linked,
            facts_at,
            around=partial(days_around, rules=rules),
            being_loaded=set(days) - set(loaded),
            freshness=FRESHNESS,
            now=now,
        ):
            linked[day], times[day] = Linked(now, is_current=True), times[day] + 1

    assert max(times.values()) == 2
    assert all(each.is_current for each in linked.values())
