"""Days, weeks, months, fiscal weeks; what a figure covers and how final it is."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from aggregation_platform.warehouse.reporting_rows import calendar

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
SATURDAY, SUNDAY = date(2026, 1, 31), date(2026, 2, 1)
NINE_ON_SATURDAY, NINE_ON_SUNDAY = (
    datetime(day.year, day.month, day.day, 9, tzinfo=UTC) for day in (SATURDAY, SUNDAY)
)


def test_aht_is_divided_last_and_rounded_half_up(reporting):
    reporting.roll_up(MONDAY, ("us", "09:00", 1, 100), ("us", "10:00", 1, 201))

    assert reporting.ask(
        "select handled_count, handle_ms, aht_ms from reporting.handle_time_by_day"
    ) == [(2, 301, 151)]


AHT = "select {}, aht_ms from reporting.handle_time_by_{} where clock = 'UTC' order by 1"
AHT_IN_UTC = "select {}, aht_ms from reporting.handle_time_by_{} order by 1"


@pytest.mark.parametrize(
    ("grain", "period", "expected"),
    [
        ("hour", "hour_start", [(NINE_ON_SATURDAY, 150), (NINE_ON_SUNDAY, 300)]),
        ("day", "day", [(SATURDAY, 150), (SUNDAY, 300)]),
        ("week", "week_start", [(date(2026, 1, 26), 225)]),
        ("month", "month_start", [(date(2026, 1, 1), 150), (SUNDAY, 300)]),
    ],
)
def test_each_grain_adds_up_and_divides_for_itself(reporting, grain, period, expected):
    reporting.roll_up(SATURDAY, ("us", "09:00", 1, 100), ("us", "09:30", 1, 200))
    reporting.roll_up(SUNDAY, ("us", "09:00", 2, 600))
    local = period.replace("hour_start", "local_hour")

    assert reporting.ask(AHT_IN_UTC.format(period, grain)) == expected
    assert reporting.ask(AHT.format(local, f"local_{grain}")) == expected


SUMS = (
    "select {0}, cast(sum(handled_count) as bigint), cast(sum(handle_ms) as bigint)"
    " from reporting.handle_time_by_{1} group by {0} order by {0}"
)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("org", [("emea", 3, 600), ("us", 3, 500)]),
        ("global_queue", [("Care", 3, 700), ("Sales", 3, 400)]),
        ("global_agent_id", [("ann", 2, 400), ("bob", 4, 700)]),
    ],
)
def test_figures_add_up_over_orgs_queues_and_agents(reporting, member, expected):
    reporting.roll_up(
        MONDAY,
        ("us", "09:00", 1, 100, "Sales", "ann"),
        ("us", "09:00", 2, 400, "Care", "bob"),
        ("emea", "09:00", 1, 300, "Care", "ann"),
        ("emea", "09:30", 2, 300, "Sales", "bob"),
    )

    for grain in ("hour", "day", "week", "month"):
        assert reporting.ask(SUMS.format(member, grain)) == expected, grain


def test_a_week_has_its_iso_and_its_fiscal_number_and_a_month_its_fiscal_one(reporting):
    reporting.roll_up(SATURDAY, ("us", "09:00", 1, 100))

    assert reporting.ask(
        "select week_start, iso_year, iso_week, fiscal_week_year, fiscal_week"
        " from reporting.handle_time_by_week"
    ) == [(date(2026, 1, 26), 2026, 5, 2026, 44)]
    assert reporting.ask(
        "select month_start, fiscal_year, fiscal_month from reporting.handle_time_by_month"
    ) == [(date(2026, 1, 1), 2026, 10)]


COVERED = (
    "select finality, orgs_missing, days_present, days_expected from reporting.handle_time_by_{}"
)


@pytest.mark.parametrize(
    ("grain", "expected"),
    [
        ("hour", ("complete", "emea", 1, 1)),
        ("day", ("complete", "emea", 1, 1)),
        ("week", ("provisional", "emea", 1, 1)),
        ("month", ("provisional", "emea, us", 1, 5)),
    ],
)
def test_every_figure_has_its_finality_and_its_completeness_beside_it(reporting, grain, expected):
    reporting.load("us", MONDAY, finality="complete")
    reporting.roll_up(MONDAY, ("us", "09:00", 1, 100))
    by_clock = COVERED.format(f"local_{grain}") + " where clock = 'UTC'"

    assert reporting.ask(COVERED.format(grain)) == reporting.ask(by_clock) == [expected]


def test_nothing_handled_has_no_aht(reporting):
    reporting.roll_up(MONDAY, ("us", "09:00", 0, 0))

    assert reporting.ask("select aht_ms from reporting.handle_time_by_month") == [(None,)]


def test_a_figure_names_every_org_that_lacks_a_day_of_it(reporting):
    reporting.load("us", MONDAY)
    reporting.roll_up(MONDAY, ("us", "09:00", 1, 100))

    assert reporting.ask(
        "select org, finality, orgs_missing, days_present, days_expected"
        " from reporting.handle_time_by_day where day = '2026-01-05'"
    ) == [("us", "final", "emea", 1, 1)]


def test_a_period_is_as_final_as_its_least_final_day(reporting):
    for day, finality in ((MONDAY, "final"), (TUESDAY, "complete")):
        reporting.load("us", day, finality=finality)
        reporting.load("emea", day)
        reporting.roll_up(day, ("us", "09:00", 1, 100), ("emea", "09:00", 1, 100))
    for day in range(7, 12):
        for org in ("us", "emea"):
            reporting.load(org, date(2026, 1, day))
        reporting.roll_up(date(2026, 1, day))

    found = reporting.ask(
        "select org, finality, orgs_missing from reporting.handle_time_by_week order by org"
    )
    assert found == [("emea", "final", ""), ("us", "complete", "")]


def test_a_period_that_is_not_over_is_provisional(reporting):
    for org in ("us", "emea"):
        reporting.load(org, MONDAY)
    reporting.roll_up(MONDAY, ("us", "09:00", 1, 100))
    finality = "select finality from reporting.handle_time_by_{}"

    assert reporting.ask(finality.format("day")) == [("final",)]
    assert reporting.ask(finality.format("week")) == [("provisional",)]


def test_a_local_day_lacks_what_either_of_its_utc_days_lacks(reporting):
    reporting.load("us", MONDAY)
    reporting.roll_up(MONDAY, ("us", "09:00", 1, 100))
    reporting.roll_up(TUESDAY)

    assert reporting.ask(
        "select day, finality, orgs_missing, days_present, days_expected"
        " from reporting.handle_time_by_local_day where clock = 'org' and org = 'us'"
    ) == [(MONDAY, "provisional", "emea, us", 1, 2)]


def test_facts_newer_than_their_rollup_make_it_provisional(reporting):
    reporting.load("us", MONDAY, after_s=60)
    reporting.roll_up(MONDAY, ("us", "09:00", 1, 100))

    assert reporting.ask(
        "select is_covered, finality from reporting.org_days"
        " where org = 'us' and day = '2026-01-05'"
    ) == [(True, "provisional")]


def test_a_day_before_an_orgs_first_is_missing_from_nothing(reporting):
    for org in ("us", "emea"):
        reporting.load(org, MONDAY)
    reporting.roll_up(MONDAY, ("us", "09:00", 1, 100))

    assert reporting.ask("select distinct org from reporting.org_days order by org") == [
        ("emea",),
        ("us",),
    ]


def test_the_current_version_of_a_conversation_is_its_latest_fetch(reporting):
    reporting.converse("us", TUESDAY, "c1", minutes=0, legs=1)
    reporting.converse("us", MONDAY, "c1", minutes=5, legs=3)

    found = reporting.ask(
        "select conversation_id, participant_count, local_started_at from reporting.conversations"
    )
    assert [(one, legs, local.strftime("%d %H:%M")) for one, legs, local in found] == [
        ("c1", 3, "01 19:30")
    ]


@pytest.mark.parametrize(
    ("day", "month", "iso", "fiscal_week"),
    [
        (date(2026, 1, 1), 1, (2026, 1), (2026, 1)),
        (date(2027, 1, 3), 1, (2026, 53), (2026, 53)),
        (date(2026, 3, 29), 4, (2026, 13), (2026, 52)),
        (date(2026, 3, 30), 4, (2026, 14), (2027, 1)),
        (date(2026, 4, 1), 4, (2026, 14), (2027, 1)),
        (date(2025, 9, 29), 10, (2025, 40), (2026, 1)),
    ],
)
def test_a_fiscal_week_is_an_iso_week_of_another_year(day, month, iso, fiscal_week):
    (row,) = calendar(day, day, fiscal_year_start_month=month).to_dicts()

    assert (row["iso_year"], row["iso_week"]) == iso
    assert (row["fiscal_week_year"], row["fiscal_week"]) == fiscal_week


@pytest.mark.parametrize("month", range(1, 13))
def test_fiscal_weeks_follow_one_another_without_a_hole(month):
    days = calendar(date(2015, 1, 1), date(2049, 12, 31), fiscal_year_start_month=month)
    weeks = days.unique("week_start").sort("week_start").slice(1)
    step = weeks.select(
        begins=pl.col("fiscal_week") == 1,
        follows=pl.col("fiscal_week") == pl.col("fiscal_week").shift() + 1,
        is_last_52=pl.col("fiscal_week").shift() >= 52,
    ).slice(1)

    assert (
        step.select((pl.col("begins") & pl.col("is_last_52")) | pl.col("follows")).to_series().all()
    )
    assert weeks["fiscal_week"].max() == 53
