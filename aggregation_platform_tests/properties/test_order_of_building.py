"""In whichever order and portions days are loaded and read again, the same contacts are served."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.config.models import FreshnessConfig
from aggregation_platform.extraction.due import due_world_days
from aggregation_platform.extraction.due_journeys import Linked, due_journey_days
from aggregation_platform.journeys.evidence import evidence_of
from aggregation_platform.journeys.linking import (
    Journeys,
    conversation_handle_times,
    days_around,
    journeys_of_day,
)
from aggregation_platform.queries.built_from import DayFacts, linked_version
from aggregation_platform_tests.properties.test_journey_sums import (
    FIRST,
    RULES,
    facts_of,
    told_calls,
)

ORGS = ("us", "emea", "apac")
DAYS = [FIRST.date() + timedelta(days=number) for number in range(2, 5)]
"""Around the midnight at which most calls are; three days reach each other with RULES."""

NOW = datetime(2026, 2, 1, tzinfo=UTC)
FRESHNESS = FreshnessConfig()
NAMES = ("legs", "journeys", "links", "reviews")


@dataclass
class Platform:
    """Facts as they are loaded, and the contacts built from them when the rules say so."""

    all_facts: list[pl.DataFrame]
    now: datetime = NOW
    loaded: dict[tuple[str, date], tuple[datetime, bool]] = field(default_factory=dict)
    contacts: dict[date, tuple[Journeys, str, datetime]] = field(default_factory=dict)

    def load(self, org: str, day: date, *, is_whole: bool = True) -> None:
        """Load an org's day; a first reading may lack some of it."""
        self.now += timedelta(seconds=1)
        self.loaded[org, day] = (self.now, is_whole)

    def tick(self) -> bool:
        """Build what is due now; return whether anything was."""
        facts, now = self.facts(), self.now
        linked = {
            day: Linked(at, version == self.version(day))
            for day, (_, version, at) in self.contacts.items()
        }
        due = {
            *(day for day, _ in self.new_days(facts, now)),
            *due_journey_days(
                linked,
                {day: each.newest_at for day, each in facts.items()},
                around=partial(days_around, rules=RULES),
                being_loaded=(),
                freshness=FRESHNESS,
                now=now,
            ),
        }
        for day in due:
            self.contacts[day] = (self.linked(day), self.version(day), now)
        return bool(due)

    def new_days(self, facts: Mapping[date, DayFacts], now: datetime):
        """Return the days that were never built."""
        return due_world_days(
            {day: each.orgs for day, each in facts.items()},
            dict.fromkeys(self.contacts, now),
            orgs_on={},
            freshness=FRESHNESS,
            now=now,
        )

    def settle(self) -> None:
        """Let time pass until nothing is due any more."""
        for _ in range(20):
            self.now += timedelta(minutes=20)
            if not self.tick():
                return
        raise AssertionError("something is due for ever")

    def facts(self) -> dict[date, DayFacts]:
        found = dict[date, DayFacts]()
        for day in sorted({day for _, day in self.loaded}):
            orgs = {org: at for (org, of), (at, _) in self.loaded.items() if of == day}
            version = hashlib.sha256(repr(sorted(orgs.items())).encode()).hexdigest()
            found[day] = DayFacts(orgs, max(orgs.values()), version, version)
        return found

    def version(self, day: date) -> str:
        return linked_version(self.facts(), days_around(day, RULES), RULES)

    def read(self, frame: pl.DataFrame, org: str, day: date) -> pl.DataFrame:
        """Return what was read of an org's day: all of it, or not the last conversations."""
        rows = frame.filter(pl.col("org") == org, pl.col("day") == day)
        _, is_whole = self.loaded[org, day]
        return rows if is_whole else rows.filter(~pl.col("conversation_id").str.ends_with("1"))

    def linked(self, day: date) -> Journeys:
        near = days_around(day, RULES)
        conversations, sessions, attributes, metrics = (
            pl.concat(
                [
                    frame.clear(),
                    *(self.read(frame, *each) for each in self.loaded if each[1] in near),
                ]
            )
            for frame in self.all_facts
        )
        evidence = evidence_of(conversations, sessions, attributes, RULES)
        return journeys_of_day(day, evidence, conversation_handle_times(metrics), RULES)


org_days = st.permutations([(org, day) for org in ORGS for day in DAYS])


@given(told_calls, org_days, st.data())
def test_the_contacts_served_do_not_show_the_order_in_which_days_were_loaded(calls, order, data):
    at_once, bit_by_bit = Platform(facts_of(calls)), Platform(facts_of(calls))
    for org, day in order:
        at_once.load(org, day)
    at_once.settle()

    cut = data.draw(st.integers(0, len(order)), label="read again")
    portions = [*((*each, False) for each in order[:cut]), *((*each, True) for each in order)]
    for org, day, is_whole in portions:
        bit_by_bit.load(org, day, is_whole=is_whole)
        if data.draw(st.booleans(), label="a tick"):
            bit_by_bit.now += timedelta(minutes=data.draw(st.sampled_from([0, 1, 20, 600])))
            bit_by_bit.tick()
    bit_by_bit.settle()

    assert bit_by_bit.contacts.keys() == at_once.contacts.keys()
    for day in DAYS:
        for name in NAMES:
            served, expected = (
                getattr(each.contacts[day][0], name) for each in (bit_by_bit, at_once)
            )
            assert served.equals(expected), (name, day)
