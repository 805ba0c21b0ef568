"""How an org stands, judged from what the warehouse knows and the time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregation_platform.cli.standing import Mark, Range, ranges, standing, state_of
from aggregation_platform.config.deferred import Secret
from aggregation_platform.config.models import FreshnessConfig, OrganizationConfig

NOW = datetime(2026, 1, 8, 12, tzinfo=UTC)
FRESHNESS = FreshnessConfig(delayed_after_minutes=15, stuck_after_hours=8)
US = OrganizationConfig(
    org="us",
    region="us-east-1",
    client_id=Secret("i"),
    client_secret=Secret("s"),
    first_day=date(2026, 1, 5),
)


def ago(**how_long):
    return NOW - timedelta(**how_long)


@pytest.mark.parametrize(
    ("held_to", "available_to", "last_progress_at", "state"),
    [
        (ago(minutes=15), ago(hours=2), ago(minutes=1), "fresh"),
        (ago(minutes=16), ago(hours=2), ago(minutes=1), "quiet"),
        (ago(hours=2), ago(hours=2), ago(minutes=15), "quiet"),
        (ago(hours=2), ago(hours=2), ago(minutes=16), "delayed"),
        (ago(hours=3), ago(hours=2), ago(minutes=1), "delayed"),
        (ago(hours=3), None, ago(minutes=1), "delayed"),
        (ago(hours=9), ago(hours=2), ago(hours=8), "stuck"),
        (ago(hours=9), ago(hours=9), ago(hours=9), "stuck"),
        (None, None, None, "stuck"),
    ],
)
def test_the_state_of_an_org(held_to, available_to, last_progress_at, state):
    mark = Mark(available_to, held_to, last_progress_at)

    assert state_of(mark, freshness=FRESHNESS, now=NOW) == state


def test_missing_are_the_days_since_the_first_that_are_over_and_not_stored():
    stored = {date(2026, 1, 6): "complete"}

    found = standing(US, Mark(), stored, freshness=FRESHNESS, now=NOW)

    assert found.missing == [
        Range(date(2026, 1, 5), date(2026, 1, 5)),
        Range(date(2026, 1, 7), date(2026, 1, 7)),
    ]
    assert found.missing_days == 2
    assert found.days == {"provisional": 0, "complete": 1, "final": 0}


def test_freshness_is_the_age_of_the_newest_instant_of_which_data_is_here():
    found = standing(US, Mark(held_to=ago(minutes=90)), {}, freshness=FRESHNESS, now=NOW)

    assert found.freshness_minutes == 90.0


def test_days_that_follow_one_another_are_one_stretch():
    days = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 3)]

    assert [str(part) for part in ranges(days)] == ["2026-01-30 to 2026-02-01", "2026-02-03"]
