"""The nightly pipeline changes what is two days old; truth and aggregates follow."""

from datetime import date

import pytest

from aggregation_platform.simulator.rewrites import SHARE
from aggregation_platform.simulator.timestamps import DAY_MS, day_start

DAY = "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z"
AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
FIRST = day_start(date(2026, 1, 5)) // DAY_MS


def _handle_time(us):
    answer = us.post(AGGREGATES, {"interval": DAY, "metrics": ["tHandle"]})
    stats = answer["results"][0]["data"][0]["metrics"][0]["stats"]
    return stats["count"], stats["sum"]


def _from_records(records):
    values = [
        metric["value"]
        for record in records
        for participant in record["participants"]
        for session in participant["sessions"]
        for metric in session["metrics"]
        if metric["name"] == "tHandle" and metric["emitDate"].startswith("2026-01-05")
    ]
    return len(values), sum(values)


@pytest.mark.parametrize("generation", [1, 3])
def test_a_rewrite_changes_some_records_and_truth_and_aggregates_with_them(org, generation):
    us = org(conversations_per_day=300, history_days=2)
    lake, truth = us.simulator.services["us"].lake, us.simulator.truth
    before, first = us.records(), _handle_time(us)
    lake.rewrite(generation, range(FIRST - 2, FIRST + 1))

    after = us.records()

    changed = sum(old != new for old, new in zip(before, after, strict=True))
    assert 0 < changed / len(before) < 3 * SHARE * generation
    assert _handle_time(us) != first
    assert _handle_time(us) == _from_records(after) == truth.handle_time("us", date(2026, 1, 5))


def test_a_rewrite_leaves_what_is_younger_than_two_days(org, clock):
    us = org(first_day=clock.now().date(), days=1, live=True)
    today = day_start(clock.now().date()) // DAY_MS

    assert us.simulator.services["us"].lake.rewrite(1, [today, today - 2, today - 3]) == 1


def test_the_nightly_rewrite_comes_by_itself_at_three(org, clock):
    us = org(first_day=date(2026, 1, 29), days=2, nightly_rewrites=True, conversations_per_day=600)
    interval = "2026-01-30T00:00:00Z/2026-01-31T00:00:00Z"

    def closed():
        """Give what was over by the end of January: the rest still changes by itself."""
        return [r for r in us.records(interval) if r.get("conversationEnd", "9") < "2026-02"]

    before = closed()  # 30 January is 36 hours old
    clock.advance(13 * 3600)  # one in the morning: two days old, not yet rewritten
    assert closed() == before
    clock.advance(3 * 3600)

    assert closed() != before
