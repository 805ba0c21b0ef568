"""A week of contacts over four orgs: numbers in every form, cases over days, lines that coincide.

Each is held against what is true about it (contacts_world.py).
"""

import random
from itertools import combinations

import polars as pl
import pytest

from aggregation_platform.journeys.evidence import Evidence, evidence_of
from aggregation_platform.journeys.linking import (
    all_journeys,
    conversation_handle_times,
    days_around,
    journeys_of_day,
)
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform_tests.contacts_world import COUNTRIES, SPAN_HOURS, ContactsWorld

RULES = LinkingRules(correlation_keys=("CallRef",), max_span_hours=SPAN_HOURS, countries=COUNTRIES)
SEEDS = (20260105, 31337, 4711)
TABLES = ("legs", "journeys", "links", "reviews")


class Week:
    """One world, its evidence by org and day, and the journeys of all of it."""

    def __init__(self, seed: int, *, plainly: bool = False) -> None:
        self.world = ContactsWorld(seed, plainly=plainly)
        self.facts = self.world.facts()
        self.evidence = {
            place: evidence_of(facts.conversations, facts.sessions, facts.attributes, RULES)
            for place, facts in self.facts.items()
        }
        self.handle_times = conversation_handle_times(
            pl.concat([facts.session_metrics for facts in self.facts.values()])
        )
        evidence = Evidence.sum_of(self.evidence.values())
        self.linked = all_journeys(evidence, self.handle_times, RULES)

    def reviewed(self, *reasons):
        """Name the pairs on the review list, for any of the reasons."""
        rows = self.linked.reviews.filter(pl.col("reason").is_in(reasons)).select(
            "org", "conversation_id", "other_org", "other_conversation_id"
        )
        return {tuple(sorted([(a, b), (c, d)])) for a, b, c, d in rows.rows()}


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed {seed}")
def week(request):
    """A week as its orgs write it."""
    return Week(request.param)


def pairs_in(legs):
    """Name every two conversations of one journey."""
    return {
        pair
        for _, of_one in legs.filter(pl.len().over("journey_id") > 1).group_by("journey_id")
        for pair in combinations(sorted(of_one.select("org", "conversation_id").rows()), 2)
    }


def test_every_contact_of_the_week_is_one_journey_and_nothing_else_is_joined(week):
    true, found = week.world.true_pairs(), pairs_in(week.linked.legs)

    assert len(true) > 200
    assert found - true == set()
    assert true - found == set()


def test_what_a_key_would_have_joined_is_on_the_review_list(week):
    far = {tuple(sorted(pair)) for pair in week.world.far_uses}
    constants = week.reviewed("constant_key")

    assert len(far) > 5
    assert far <= week.reviewed("too_far", "too_large")
    assert week.world.constants <= {name for pair in constants for name in pair}


def test_days_built_one_by_one_in_any_order_have_the_journeys_of_the_week(week):
    days = sorted({day for _, day in week.evidence})
    order = random.Random(week.world.seed).sample(days, len(days))  # noqa: S311 - no secret

    for day in order:
        around = set(days_around(day, RULES))
        parts = [part for (_, near), part in week.evidence.items() if near in around]
        alone = journeys_of_day(day, Evidence.sum_of(parts), week.handle_times, RULES)
        for name in TABLES:
            expected = getattr(week.linked, name).filter(pl.col("day") == day)
            assert getattr(alone, name).equals(expected), (name, day)


def test_journeys_do_not_depend_on_how_numbers_are_spelled(week):
    plain = Week(week.world.seed, plainly=True)

    for name in TABLES:
        assert getattr(plain.linked, name).equals(getattr(week.linked, name)), name
