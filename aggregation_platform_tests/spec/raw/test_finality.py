"""How final a day is: by the lake's watermark and by when it was read last."""

from datetime import UTC, date, datetime

import pytest

from aggregation_platform.intervals import Interval
from aggregation_platform.raw.finality import Finality, days_to_reread, finality_of, slowest


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("watermark", "read_at", "finality"),
    [
        (None, "06 03:00", "provisional"),
        ("05 23:59", "06 03:00", "provisional"),
        ("05 23:59", "20 03:00", "provisional"),
        ("06 00:00", "06 03:00", "complete"),
        ("09 00:00", "09 00:00", "complete"),
        ("09 23:00", "09 23:59", "complete"),
        ("10 00:00", "10 00:00", "final"),
    ],
)
def test_the_5th_of_january_with_a_re_read_window_of_four_days(watermark, read_at, finality):
    found = finality_of(
        Interval.of_day(date(2026, 1, 5)),
        data_available_to=at(watermark) if watermark else None,
        read_at=at(read_at),
        reread_days=4,
    )

    assert found == finality


def test_a_figure_is_only_as_final_as_its_slowest_part():
    assert slowest([Finality.FINAL, Finality.PROVISIONAL, Finality.COMPLETE]) == "provisional"
    assert slowest([Finality.FINAL, Finality.COMPLETE]) == "complete"
    assert slowest([Finality.FINAL]) == "final"
    assert slowest([]) == "provisional"


def test_the_last_days_are_read_again_and_once_more_after_the_window():
    due = days_to_reread(at("10 08:00"), reread_days=4, first_day=date(2025, 1, 1))

    assert [day.day for day in due] == [5, 6, 7, 8, 9]


def test_no_day_before_an_orgs_first_is_read_again():
    due = days_to_reread(at("10 08:00"), reread_days=4, first_day=date(2026, 1, 8))

    assert [day.day for day in due] == [8, 9]


def test_each_day_is_final_at_the_latest_with_its_last_re_read():
    """A day read again by the schedule for the last time is final even if it changed."""
    last = max(
        at(f"{today:02d} 00:00")
        for today in range(6, 20)
        if date(2026, 1, 5)
        in days_to_reread(at(f"{today:02d} 00:00"), reread_days=4, first_day=date(2026, 1, 1))
    )

    found = finality_of(
        Interval.of_day(date(2026, 1, 5)), data_available_to=last, read_at=last, reread_days=4
    )

    assert found == "final"
