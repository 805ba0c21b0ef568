"""Customers who came, against conversations that were counted."""

from datetime import date

import polars as pl
import pytest

from aggregation_platform.facts.tables import CONVERSATIONS
from aggregation_platform.journeys.tables import JOURNEYS
from aggregation_platform.rollups.journey_days import journey_days
from aggregation_platform.rollups.tables import JOURNEY_DAYS

DAY = date(2026, 1, 5)

JOURNEYS_OF_THE_DAY = """
    journey_id | first_org | orgs         | leg_count | org_count | handled_count | handle_ms
    -----------+-----------+--------------+-----------+-----------+---------------+----------
    us:a       | us        | emea,us      |         2 |         2 |             2 |   400_000
    us:b       | us        | us           |         1 |         1 |             1 |   100_000
    emea:c     | emea      | apac,emea,us |         3 |         3 |             3 |   900_000
"""
BEGUN = """
    org  | conversation_id | started_at
    -----+-----------------+--------------------
    us   | a               | 2026-01-05T10:00:00
    us   | b               | 2026-01-05T11:00:00
    us   | c2              | 2026-01-05T12:10:00
    us   | old             | 2026-01-04T23:59:59
    emea | a2              | 2026-01-05T10:05:00
    emea | c               | 2026-01-05T12:00:00
    apac | only            | 2026-01-05T13:00:00
"""


@pytest.fixture
def built(told):
    started = pl.datetime(2026, 1, 5, 10, time_zone="UTC", time_unit="us")
    journeys = told(JOURNEYS, JOURNEYS_OF_THE_DAY, day=DAY).with_columns(started_at=started)
    rows = journey_days(journeys, told(CONVERSATIONS, BEGUN, day=DAY), day=DAY)
    return JOURNEY_DAYS.schema.validate(rows)


def test_a_contact_counts_once_where_it_began_however_many_conversations_it_had(built):
    columns = ("org", "contact_count", "cross_org_contact_count", "leg_count", "handle_ms")

    assert built.select(columns).rows() == [
        ("apac", 0, 0, 0, 0),
        ("emea", 1, 1, 3, 900_000),
        ("us", 2, 1, 3, 500_000),
    ]


def test_an_orgs_own_conversations_are_those_that_began_on_the_day(built):
    assert built.select("org", "conversation_count").rows() == [("apac", 1), ("emea", 2), ("us", 3)]


def test_the_world_is_the_sum_over_orgs(built):
    world = built.sum()

    assert world["contact_count"].item() == 3
    assert world["handle_ms"].item() == 1_400_000
    assert world["handled_count"].item() == 6
