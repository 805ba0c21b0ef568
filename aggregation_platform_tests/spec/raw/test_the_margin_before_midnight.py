"""A job asks from five minutes before midnight; what has nothing on the day is set aside."""

from datetime import UTC, date, datetime, timedelta

from aggregation_platform.extraction.outcome import MARGIN, OrgDay
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.raw.conversations import RawCounts, raw_conversations
from aggregation_platform_tests.records import Record, page, told

DAY = date(2026, 1, 5)


def read(*records: Record) -> tuple[list[str], RawCounts]:
    raw = raw_conversations([page(records)], org="us", day=DAY)
    ids = [row for frame in raw for row in frame["conversation_id"]]
    return ids, raw.counts


def over_at_23_59(conversation_id: str = "c1", **members: str) -> Record:
    return told(
        """
        what     | from        | to          | value
        ---------+-------------+-------------+------
        interact | 04T23:50:00 | 04T23:59:00 |
        tHandle  |             | 04T23:59:00 | 7
        """,
        conversation_id,
        **{"conversationEnd": "2026-01-04T23:59:00.000Z", **members},
    )


def test_a_job_asks_from_the_margin_before_midnight_to_the_end_of_the_day():
    order = OrgDay(org="us", day=DAY)

    assert order.interval.start == datetime(2026, 1, 5, tzinfo=UTC) - MARGIN
    assert order.interval.end == datetime(2026, 1, 6, tzinfo=UTC)


def test_the_margin_costs_less_than_one_percent_of_a_day():
    assert timedelta(minutes=1) <= MARGIN <= 0.01 * timedelta(days=1)


def test_a_call_that_was_over_before_the_day_is_set_aside_and_is_no_orphan():
    ids, counts = read(over_at_23_59())

    assert ids == []
    assert (counts.records, counts.earlier, counts.orphans) == (1, 1, 0)


def test_a_call_that_was_over_before_the_day_and_is_counted_on_it_stays():
    late = over_at_23_59()
    late["participants"][0]["sessions"][0]["metrics"][0]["emitDate"] = "2026-01-05T00:00:00.015Z"

    ids, counts = read(late)

    assert ids == ["c1"]
    assert (counts.kept, counts.earlier) == (1, 0)


def test_the_day_before_still_has_the_call_and_not_its_handle_time():
    late = over_at_23_59()
    late["participants"][0]["sessions"][0]["metrics"][0]["emitDate"] = "2026-01-05T00:00:00.015Z"
    before = date(2026, 1, 4)
    (frame,) = raw_conversations([page([late])], org="us", day=before)

    facts = facts_of(frame, org="us", day=before)

    assert facts.conversations["conversation_id"].to_list() == ["c1"]
    assert facts.session_metrics.is_empty()


def test_a_forgotten_leg_is_an_orphan_with_or_without_an_end():
    leg = told("what | from | to\nhold | 01T10:00:00 |")

    still_open, ended_later = read(leg), read({**leg, "conversationEnd": "2026-01-09T10:00:00Z"})

    assert [counts.orphans for _, counts in (still_open, ended_later)] == [1, 1]


def test_an_end_that_cannot_be_read_makes_an_orphan_of_what_has_nothing_on_the_day():
    _, counts = read(over_at_23_59(conversationEnd="yesterday"))

    assert (counts.earlier, counts.orphans) == (0, 1)
