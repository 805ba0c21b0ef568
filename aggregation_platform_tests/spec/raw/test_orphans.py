"""A record with nothing on the day is an orphan of a forgotten leg: counted, and left out."""

from datetime import date
from typing import Any

import pytest

from aggregation_platform.raw.conversations import raw_conversations
from aggregation_platform_tests.records import page, told

DAY = date(2026, 1, 5)


def stays(record: dict[str, Any]) -> bool:
    raw = raw_conversations([page([record])], org="us", day=DAY)
    rows = sum(frame.height for frame in raw)
    assert (raw.counts.kept, raw.counts.orphans) == (rows, 1 - rows)
    return rows == 1


@pytest.mark.parametrize(
    ("what", "begins", "ends", "is_kept"),
    [
        ("a leg over the whole day", "04T10:00:00", "06T10:00:00", False),
        ("a leg still open since the day before", "04T10:00:00", "", False),
        ("a leg that ends on the day", "04T10:00:00", "05T00:00:00", True),
        ("a leg that begins on the day", "05T23:59:59", "", True),
        ("a leg that ends as the next day begins", "04T10:00:00", "06T00:00:00", False),
    ],
)
def test_a_segment_boundary_on_the_day_keeps_a_record(what, begins, ends, is_kept):
    record = told(f"what | from | to\nhold | {begins} | {ends}")
    record["conversationStart"] = "2025-12-01T10:00:00.000Z"

    assert stays(record) == is_kept, what


def test_a_metric_on_the_day_keeps_a_record():
    record = told("""
        what    | from        | to          | value
        --------+-------------+-------------+------
        hold    | 04T10:00:00 | 04T11:00:00 |
        tHandle |             | 05T12:00:00 | 1
    """)

    assert stays(record)


def test_a_start_on_the_day_keeps_a_record_whatever_its_segments_say():
    record = told("what | from | to\nhold | 01T10:00:00 | 01T11:00:00")

    assert not stays(record)
    assert stays({**record, "conversationStart": "2026-01-05T00:00:00Z"})


def test_an_offset_decides_the_day():
    record = told("what | from | to\nhold | 01T10:00:00 | 01T11:00:00")

    assert stays({**record, "conversationStart": "2026-01-06T01:00:00+02:00"})
    assert not stays({**record, "conversationStart": "2026-01-05T01:00:00+02:00"})


def test_the_days_date_in_a_text_is_no_activity():
    record = told(
        "what | from | to\nhold | 01T10:00:00 | 01T11:00:00", externalTag="2026-01-05T10:00:00.000Z"
    )
    record["participants"][0]["attributes"] = {"segmentStart": "2026-01-05T10:00:00.000Z"}

    assert not stays(record)


def test_an_end_on_the_day_alone_keeps_nothing():
    record = told("what | from | to\nhold | 01T10:00:00 | 01T11:00:00")

    assert not stays({**record, "conversationEnd": "2026-01-05T10:00:00.000Z"})


@pytest.mark.parametrize(
    "broken",
    [
        {"conversationStart": "2026-01-0T10:00:00Z"},
        {"participants": "none"},
        {"participants": [{"sessions": [{"metrics": [{"emitDate": "soon"}]}]}]},
        {"conversationStart": None, "participants": []},
    ],
)
def test_what_cannot_be_placed_in_time_is_no_orphan_so_that_facts_can_say_why(broken):
    record = told("what | from | to\nhold | 01T10:00:00 | 01T11:00:00")

    assert stays({**record, **broken})


def test_an_orphan_with_half_a_character_is_an_orphan_all_the_same():
    record = told("what | from | to\nhold | 01T10:00:00 | 01T11:00:00", externalTag="\ud83d")

    assert not stays(record)
