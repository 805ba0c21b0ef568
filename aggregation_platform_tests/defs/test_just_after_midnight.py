"""Handle time that is emitted just after midnight counts once, on the day of its emit time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from aggregation_platform.comparison.org_day import compare_org_day
from aggregation_platform.extraction.outcome import MARGIN, OrgDay
from aggregation_platform.intervals import Interval
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform

pytestmark = pytest.mark.xdist_group("just_after_midnight")

_LATE = """
    select count(*) as handled from facts.session_metrics m
    join facts.conversations c using (org, day, conversation_id)
    where m.metric = 'tHandle' and cast(c.ended_at as date) < m.day
"""
_AT_MIDNIGHT = """
    select count(*) as handled from facts.session_metrics
    where metric = 'tHandle' and emitted_at = cast(day as timestamp)
"""
_LEDGER = """
    select org, cast(interval_from as date) as day, interval_from, interval_to, records, rows,
        duplicates, orphans, earlier
    from ops.extraction_ledger where source_job_id is not null order by org, day
"""


# Filling four partitions takes more than 30 s on a busy machine; the property in
# properties/test_around_midnight.py has the source that returns what ended at the start, too.
@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    """One organization, two days; its jobs leave out what ended at the interval's start."""
    with simulated_platform(
        tmp_path_factory.mktemp("midnight"),
        orgs=("us",),
        days=2,
        conversations_per_day=20,
        agents_per_org=10,
        history_days=1,
        late_midnight_metrics=True,
        exclusive_interval_start=True,
    ) as platform:
        platform.fill()
        yield platform


def test_the_world_has_both_kinds_of_late_handle_time(platform: SimulatedPlatform):
    warehouse = platform.assembly.warehouse

    assert warehouse.query(_LATE)["handled"].to_list() != [0]
    assert warehouse.query(_AT_MIDNIGHT)["handled"].to_list() != [0]


def test_every_day_has_the_handle_time_that_the_org_emitted_on_it(platform: SimulatedPlatform):
    for org in platform.config.orgs:
        for day in platform.days:
            found = compare_org_day(platform.assembly, org, day)

            assert found is not None
            assert found.report is not None
            assert found.agrees, f"{org} {day}: {found.report}"
            assert (found.report.handled_count, found.report.handle_ms) == (
                platform.simulator.truth.handle_time(org, day)
            )


def test_the_ledger_says_the_day_and_sets_the_margin_apart(platform: SimulatedPlatform):
    rows = platform.assembly.warehouse.query(_LEDGER).to_dicts()

    for row in rows:
        whole = Interval.of_day(row["day"])
        assert (row["interval_from"], row["interval_to"]) == (whole.start, whole.end)
        left_out = row["duplicates"] + row["orphans"] + row["earlier"]
        assert row["records"] == row["rows"] + left_out
    assert len(rows) == len(platform.config.orgs) * len(platform.days)


def test_what_only_rode_along_is_no_conversation_of_the_day(platform: SimulatedPlatform):
    landing, warehouse = platform.assembly.landing, platform.assembly.warehouse
    day: date = platform.days[1]
    order = OrgDay(org="us", day=day)

    current = landing.current("us", day)

    assert current is not None
    begun = current.begun()
    assert begun is not None
    assert begun.start == order.whole_day.start - MARGIN
    began_before = warehouse.query(
        "select count(*) as n from facts.conversations where org = 'us' and day = ? "
        "and started_at < ? and ended_at < ? and conversation_id not in "
        "(select conversation_id from facts.session_metrics where org = 'us' and day = ?)",
        [day, order.whole_day.start, order.whole_day.start - timedelta(milliseconds=1), day],
    )
    assert began_before["n"].to_list() == [0]
