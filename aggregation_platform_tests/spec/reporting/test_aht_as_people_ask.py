"""Views at the level that people ask for: nothing is left to add up, to divide or to judge."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from aggregation_platform.identity.tables import AGENTS, FOR_EVER, QUEUES, SINCE_EVER
from aggregation_platform.rollups.sketches import handle_time_sketches
from aggregation_platform.rollups.tables import HANDLE_TIME_SKETCHES
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import WriteStamp
from aggregation_platform_tests.spec.reporting.test_as_is import frame, write
from aggregation_platform_tests.spec.reporting.test_handle_time_distribution import (
    HANDLE_TIMES,
    exact,
    metrics,
)

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
DOCUMENT = Path(__file__).parents[3] / "docs" / "reporting.md"
QUERIES = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def filled(reporting):
    """Monday of both orgs, Tuesday of us alone."""
    reporting.load("us", MONDAY)
    reporting.load("emea", MONDAY, finality="complete")
    reporting.load("us", TUESDAY)
    reporting.roll_up(
        MONDAY,
        ("us", "09:00", 1, 100_000, "Sales", "ann"),
        ("emea", "09:00", 3, 900_000, "Sales", "ann"),
        ("us", "10:00", 2, 3_001, "Care", "bob"),
    )
    reporting.roll_up(TUESDAY, ("us", "09:00", 1, 7_000, "Care", "bob"))
    return reporting


def test_the_world_by_day_is_divided_judged_and_names_who_is_missing(filled):
    assert filled.ask(
        "select day, handled_count, handle_ms, aht_ms, aht_seconds, finality, orgs_missing"
        " from reporting.aht_of_world_by_day where day in ('2026-01-05', '2026-01-06') order by day"
    ) == [
        (MONDAY, 6, 1_003_001, 167_167, 167.167, "complete", ""),
        (TUESDAY, 1, 7_000, 7_000, 7.0, "provisional", "emea"),
    ]


def test_each_org_by_day_has_its_name_its_own_finality_and_is_missing_for_itself_alone(filled):
    assert filled.ask(
        "select day, org_name, aht_ms, finality, orgs_missing from reporting.aht_of_orgs_by_day"
        " where day >= '2026-01-05' order by day, org"
    ) == [
        (MONDAY, "emea", 300_000, "complete", ""),
        (MONDAY, "us", 34_334, "final", ""),
        (TUESDAY, "emea", None, "provisional", "emea"),
        (TUESDAY, "us", 7_000, "final", ""),
    ]


def test_each_global_queue_by_day_is_over_all_orgs(filled):
    assert filled.ask(
        "select day, global_queue, handled_count, aht_ms, finality, orgs_missing"
        " from reporting.aht_of_global_queues_by_day order by day, global_queue"
    ) == [
        (MONDAY, "Care", 2, 1_501, "complete", ""),
        (MONDAY, "Sales", 4, 250_000, "complete", ""),
        (TUESDAY, "Care", 1, 7_000, "provisional", "emea"),
    ]


@pytest.mark.parametrize("level", ["world", "orgs", "global_queues"])
@pytest.mark.parametrize(
    ("grain", "column", "start"),
    [("week", "week_start", MONDAY), ("month", "month_start", date(2026, 1, 1))],
)
def test_weeks_and_months_add_up_to_the_same_and_are_provisional_until_over(
    filled, level, grain, column, start
):
    rows = filled.ask(
        f"select {column}, handled_count, handle_ms, finality from"  # noqa: S608 - names above
        f" reporting.aht_of_{level}_by_{grain} where handled_count > 0"
    )

    assert {row[0] for row in rows} == {start}
    assert sum(int(str(row[1])) for row in rows) == 7
    assert sum(int(str(row[2])) for row in rows) == 1_010_001
    assert {row[3] for row in rows} == {"provisional"}


@pytest.mark.parametrize("level", ["world", "orgs", "global_queues"])
def test_by_a_local_clock_a_day_is_that_clocks(reporting, level):
    reporting.roll_up(TUESDAY, ("us", "02:00", 1, 10), ("emea", "02:00", 1, 10))
    days = (
        f"select day, cast(sum(handled_count) as bigint) from"  # noqa: S608 - a level of above
        f" reporting.aht_of_{level}_by_local_day"
        " where clock = '{}' and handled_count > 0 group by day order by day"
    )

    assert reporting.ask(days.format("org")) == [(MONDAY, 1), (TUESDAY, 1)]
    assert reporting.ask(days.format("Asia/Tokyo")) == [(TUESDAY, 2)]
    assert reporting.ask(days.format("UTC")) == [(TUESDAY, 2)]


def test_percentiles_of_each_org_and_of_the_world_need_no_window(reporting):
    sketches = handle_time_sketches(
        metrics(MONDAY), day=MONDAY, queues=QUEUES.empty(), agents=AGENTS.empty()
    )
    stamp = WriteStamp("test", "final", reporting.assembly.clock.now())
    reporting.assembly.warehouse.replace_partition(
        HANDLE_TIME_SKETCHES, Partition(day=MONDAY), sketches, reporting.assembly.grant, stamp=stamp
    )
    of_us = [ms for (org, _), times in HANDLE_TIMES.items() if org == "us" for ms in times]
    of_all = [ms for times in HANDLE_TIMES.values() for ms in times]

    (us,) = reporting.ask(
        "select handled_count, p50_ms, p90_ms, p95_ms from reporting.percentiles_of_orgs"
        " where grain = 'week' and org = 'us'"
    )
    (world,) = reporting.ask(
        "select period_start, p50_ms, p90_ms, p95_ms from reporting.percentiles_of_world"
        " where grain = 'day'"
    )

    shares = (0.5, 0.9, 0.95)
    near = [pytest.approx(exact(of_us, share), rel=0.02, abs=1) for share in shares]
    assert list(us) == [len(of_us), *near]
    assert world[0] == MONDAY
    assert list(world[1:]) == [
        pytest.approx(exact(of_all, share), rel=0.02, abs=1) for share in shares
    ]


def test_an_agents_latest_name_is_in_identity_where_analysts_do_not_read(reporting):
    rows = [
        ("us", "ann", "Ann Old", "person-1", "rule", SINCE_EVER, MONDAY),
        ("us", "ann", "Ann Lee", "person-1", "rule", MONDAY, FOR_EVER),
        ("emea", "x", None, "emea:x", "own", SINCE_EVER, FOR_EVER),
    ]
    write(reporting, AGENTS, Partition(), frame(AGENTS, rows))

    assert reporting.ask("select global_agent_id, agent_name from identity.agent_names") == [
        ("person-1", "Ann Lee")
    ]


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_of_the_document_runs(filled, query):
    filled.ask(query)


def test_the_document_answers_five_questions_in_a_line_each_without_case_or_sum():
    one_line = [query for query in QUERIES if query.count("\n") == 1]

    plain = [query for query in one_line if "case " not in query and "sum(" not in query]
    assert len(plain) >= 5
