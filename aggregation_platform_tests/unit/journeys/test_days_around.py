"""How many days around a day decide its journeys: as many as the span needs, in one place."""

from datetime import date, timedelta

import pytest

from aggregation_platform.journeys.linking import days_around
from aggregation_platform.journeys.rules import LinkingRules

DAY = date(2026, 1, 15)


@pytest.mark.parametrize(("span", "days"), [(1, 1), (10, 1), (22, 2), (24, 3), (72, 7), (168, 15)])
def test_twice_the_span_and_some_hours_are_read_to_each_side_of_a_day(span, days):
    around = days_around(DAY, LinkingRules(max_span_hours=span))

    assert around[0] == DAY - timedelta(days=days)
    assert around[-1] == DAY + timedelta(days=days)
    assert len(around) == 2 * days + 1
