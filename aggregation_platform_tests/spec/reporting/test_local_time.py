"""Handle time by local time, on the days on which clocks change, and in zones off the hour."""

from __future__ import annotations

from datetime import date, datetime, timedelta

HOURS = (
    "select local_hour, utc_offset_minutes, handled_count from reporting.handle_time_by_local_hour"
    " where clock = '{}' and org = '{}'"
)


def test_when_clocks_are_set_forward_one_local_hour_does_not_exist(reporting):
    reporting.roll_up(date(2026, 3, 29), ("emea", "00:30", 1, 10), ("emea", "01:00", 2, 10))

    assert hours(reporting, "org", "emea") == [("01:00", 60, 1), ("03:00", 120, 2)]


def test_when_clocks_are_set_back_one_local_hour_is_two(reporting):
    reporting.roll_up(
        date(2026, 10, 25),
        ("emea", "00:00", 1, 10),
        ("emea", "00:30", 2, 10),
        ("emea", "01:00", 4, 10),
        ("emea", "02:00", 8, 10),
    )

    assert hours(reporting, "org", "emea") == [
        ("02:00", 120, 3),
        ("02:00", 60, 4),
        ("03:00", 60, 8),
    ]


def test_the_local_day_of_the_change_has_23_or_25_hours(reporting):
    for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)):
        reporting.roll_up(day, *(("emea", f"{hour:02d}:00", 1, 10) for hour in range(24)))

    found = reporting.ask(
        "select day, handled_count from reporting.handle_time_by_local_day"
        " where clock = 'Europe/Berlin' and day in ('2026-03-29', '2026-10-25') order by day"
    )
    assert found == [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)]


def test_each_org_has_its_own_day_and_a_chosen_zone_is_one_for_all(reporting):
    reporting.roll_up(date(2026, 7, 2), ("us", "02:00", 1, 10), ("emea", "02:00", 1, 10))
    days = "select org, day from reporting.handle_time_by_local_day where clock = '{}' order by org"

    assert reporting.ask(days.format("org")) == [
        ("emea", date(2026, 7, 2)),
        ("us", date(2026, 7, 1)),
    ]
    assert reporting.ask(days.format("America/New_York")) == [
        ("emea", date(2026, 7, 1)),
        ("us", date(2026, 7, 1)),
    ]


def test_a_zone_off_by_half_an_hour_keeps_both_halves_of_its_hour_together(reporting):
    reporting.roll_up(date(2026, 1, 5), ("us", "00:30", 1, 10), ("us", "01:00", 2, 10))

    assert hours(reporting, "Asia/Kolkata", "us") == [("06:00", 330, 3)]


def test_utc_hours_know_nothing_of_it(reporting):
    reporting.roll_up(date(2026, 10, 25), ("emea", "00:00", 1, 10), ("emea", "01:30", 4, 10))
    found = reporting.ask(
        "select hour_start, handled_count from reporting.handle_time_by_hour order by hour_start"
    )

    assert [(hour.strftime("%H:%M"), count) for hour, count in found] == [
        ("00:00", 1),
        ("01:00", 4),
    ]


def hours(reporting, clock: str, org: str) -> list[tuple[str, int, int]]:
    found: list[tuple[datetime, int, int]] = reporting.ask(HOURS.format(clock, org))
    in_order = sorted(found, key=lambda row: row[0] - timedelta(minutes=row[1]))
    return [(hour.strftime("%H:%M"), offset, count) for hour, offset, count in in_order]
