"""A metric counts on the UTC day on which it was emitted, and on that day only."""

from datetime import date, timedelta

import pytest

from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform_tests.records import Record, raw_frame, told


def facts_on(day: int, *records: Record) -> Facts:
    on = date(2026, 1, day)
    return facts_of(raw_frame(records, day=on), org="us", day=on)


def metrics_on(day: int, *records: Record) -> list[tuple[str, int]]:
    return facts_on(day, *records).session_metrics.select("metric", "value_ms").rows()


def test_a_call_at_23_50_whose_after_call_work_ends_at_00_05_books_its_handle_time_on_day_two():
    call = told("""
        what     | from        | to          | value
        ---------+-------------+-------------+---------
        interact | 05T23:50:00 | 05T23:58:00 |
        wrapup   | 05T23:58:00 | 06T00:05:00 |
        tTalk    |             | 05T23:58:00 | 480_000
        tAcw     |             | 06T00:05:00 | 420_000
        tHandle  |             | 06T00:05:00 | 900_000
    """)

    assert metrics_on(5, call) == [("tTalk", 480_000)]
    assert metrics_on(6, call) == [("tAcw", 420_000), ("tHandle", 900_000)]


def test_midnight_belongs_to_the_day_that_begins():
    call = told("""
        what    | to          | value
        --------+-------------+------
        tTalk   | 05T23:59:59 |     1
        tHandle | 06T00:00:00 |     2
    """)

    assert metrics_on(5, call) == [("tTalk", 1)]
    assert metrics_on(6, call) == [("tHandle", 2)]


def test_a_record_of_four_days_is_seen_on_each_and_its_metrics_are_counted_once():
    message = told("""
        session | what    | from        | to          | value
        --------+---------+-------------+-------------+-------
        s1      | hold    | 05T10:00:00 | 08T09:00:00 |
        s1      | tHandle |             | 06T09:00:00 | 1_000
        s2      | tHandle |             | 08T09:00:00 | 2_000
    """)
    seen = [facts_on(day, message) for day in (5, 6, 7, 8)]

    assert [each.conversations.height for each in seen] == [1, 1, 1, 1]
    assert [each.segments.height for each in seen] == [1, 1, 1, 1]
    assert [each.session_metrics["value_ms"].to_list() for each in seen] == [[], [1000], [], [2000]]


@pytest.mark.parametrize(
    ("written", "in_utc"),
    [
        ("2026-01-06T01:30:00.000+02:00", "2026-01-05T23:30:00.000"),
        ("2026-01-05T23:30:00Z", "2026-01-05T23:30:00.000"),
        ("2026-01-05T18:30:00.250-05:00", "2026-01-05T23:30:00.250"),
    ],
)
def test_an_instant_is_read_into_utc_whatever_its_offset_and_precision(written, in_utc):
    call = told("what | to | value\ntHandle | 05T10:00:00 | 7")
    call["participants"][0]["sessions"][0]["metrics"][0]["emitDate"] = written

    emitted = facts_on(5, call).session_metrics["emitted_at"]

    assert emitted.dt.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_list() == [in_utc]


def test_a_metric_named_twice_in_a_session_counts_twice():
    call = told("""
        what  | to          | value
        ------+-------------+------
        tTalk | 05T10:00:00 |    10
        tTalk | 05T10:05:00 |    20
    """)

    assert metrics_on(5, call) == [("tTalk", 10), ("tTalk", 20)]


def test_a_leg_that_closes_sixty_days_later_has_a_value_beyond_32_bits():
    begun = date(2026, 1, 5)
    closed = begun + timedelta(days=60)
    leg = told("what | to | value\ntConnected | 05T10:00:00 | 5_184_000_000")
    leg["participants"][0]["sessions"][0]["metrics"][0]["emitDate"] = f"{closed}T10:00:00.000Z"

    on_that_day = facts_of(raw_frame([leg], day=closed), org="us", day=closed)

    assert on_that_day.session_metrics["value_ms"].to_list() == [5_184_000_000]
    assert metrics_on(5, leg) == []
