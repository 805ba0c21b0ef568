"""Ten thousand calls of one number that says nothing."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from aggregation_platform.facts.tables import ATTRIBUTES, CONVERSATIONS, SESSION_METRICS, SESSIONS
from aggregation_platform.journeys.evidence import evidence_of
from aggregation_platform.journeys.linking import all_journeys, conversation_handle_times
from aggregation_platform.journeys.rules import LinkingRules

COUNT = 10_000
RULES = LinkingRules()


def calls_of(ani: str, per_day: int) -> list[pl.DataFrame]:
    """That many calls to three orgs, evenly over the days, each of three minutes."""
    first = datetime(2026, 1, 5, tzinfo=UTC)
    starts = [first + timedelta(days=1) / per_day * number for number in range(COUNT)]
    shared = pl.DataFrame(
        {
            "org": [("us", "emea", "apac")[number % 3] for number in range(COUNT)],
            "day": [start.date() for start in starts],
            "conversation_id": [f"c{number}" for number in range(COUNT)],
            "started_at": starts,
            "ended_at": [start + timedelta(minutes=3) for start in starts],
            "originating_direction": ["inbound"] * COUNT,
            "session_number": [1] * COUNT,
            "purpose": ["customer"] * COUNT,
            "media_type": ["voice"] * COUNT,
            "direction": ["inbound"] * COUNT,
            "ani": [ani] * COUNT,
        }
    )
    return [
        pl.concat(
            [table.empty(), shared.select(names).cast({n: table.frame_schema[n] for n in names})],
            how="diagonal",
        )
        for table in (CONVERSATIONS, SESSIONS)
        for names in [[name for name in shared.columns if name in table.frame_schema]]
    ]


@pytest.mark.parametrize(
    ("ani", "per_day"),
    [
        ("tel:anonymous", 10_000),
        ("sip:anonymous@anonymous.invalid", 500),
        ("tel:+266696687", 500),
        ("tel:+15550000000", 10_000),
        ("tel:+15550000000", 500),
        ("", 10_000),
    ],
)
def test_none_of_ten_thousand_calls_from_one_withheld_number_is_linked_by_it(ani, per_day):
    conversations, sessions = calls_of(ani, per_day)
    evidence = evidence_of(conversations, sessions, ATTRIBUTES.empty(), RULES)
    linked = all_journeys(evidence, conversation_handle_times(SESSION_METRICS.empty()), RULES)

    assert linked.journeys.height == COUNT
    assert linked.links.is_empty()
    assert linked.reviews.is_empty()


def test_a_personal_number_that_calls_now_and_then_is_linked_by_it():
    conversations, sessions = calls_of("tel:+15551234567", 500)
    two = pl.col("conversation_id").is_in(["c1", "c2"])
    evidence = evidence_of(
        conversations.filter(two), sessions.filter(two), ATTRIBUTES.empty(), RULES
    )
    linked = all_journeys(evidence, conversation_handle_times(SESSION_METRICS.empty()), RULES)

    assert linked.links["link"].to_list() == ["ani_window"]
