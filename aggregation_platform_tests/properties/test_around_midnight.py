"""Whenever a metric is emitted around midnight, it counts once, whatever the source leaves out."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.extraction.outcome import OrgDay
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.intervals import Interval, spelled
from aggregation_platform.raw.conversations import raw_conversations
from aggregation_platform_tests.records import Record, page

MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
DAYS = [date(2026, 1, day) for day in (4, 5, 6, 7)]
SECOND_MS = 1000
LATEST_MS = 5 * 60 * SECOND_MS

# How long before or after midnight a record ends, in milliseconds; at it more often than elsewhere.
ends = st.one_of(st.integers(-3600 * SECOND_MS, 3600 * SECOND_MS), st.integers(-20, 20))
lags = st.one_of(st.integers(0, LATEST_MS - 1), st.integers(0, 40))
lengths = st.integers(0, 24 * 3600 * SECOND_MS)
records = st.lists(st.tuples(lengths, ends, st.lists(lags, max_size=3)), min_size=1, max_size=6)


def told(number: int, length: int, end: int, emitted_after: list[int]) -> Record:
    """A record that ends at a moment and emits its handle times later."""
    ended = MIDNIGHT + timedelta(milliseconds=end)
    started = ended - timedelta(milliseconds=length)
    return {
        "conversationId": f"c{number}",
        "conversationStart": spelled(started),
        "conversationEnd": spelled(ended),
        "participants": [
            {
                "userId": "ann",
                "sessions": [
                    {
                        "sessionId": f"s{number}",
                        "segments": [
                            {
                                "segmentType": "interact",
                                "segmentStart": spelled(started),
                                "segmentEnd": spelled(ended),
                            }
                        ],
                        "metrics": [
                            {
                                "name": "tHandle",
                                "value": 1 + number,
                                "emitDate": spelled(ended + timedelta(milliseconds=lag)),
                            }
                            for lag in emitted_after
                        ],
                    }
                ],
            }
        ],
    }


def returned(record: Record, asked: Interval, *, is_exclusive: bool) -> bool:
    """Whether a source returns a record to a job; one kind leaves out what ended at the start."""
    start, end = (
        datetime.fromisoformat(record[name]) for name in ("conversationStart", "conversationEnd")
    )
    lives_on = end > asked.start if is_exclusive else end >= asked.start
    return start < asked.end and lives_on


@pytest.mark.parametrize("is_exclusive", [False, True])
@given(world=records)
def test_each_handle_time_counts_on_one_day_and_that_is_its_own(world, is_exclusive):
    told_records = [told(number, *record) for number, record in enumerate(world)]
    emitted = Counter(
        (metric["emitDate"], metric["value"])
        for record in told_records
        for metric in record["participants"][0]["sessions"][0]["metrics"]
    )
    counted: Counter[tuple[str, int]] = Counter()
    for day in DAYS:
        asked = OrgDay(org="us", day=day).interval
        found = [each for each in told_records if returned(each, asked, is_exclusive=is_exclusive)]
        raw = raw_conversations([page(found)], org="us", day=day)
        for frame in raw:
            metrics = facts_of(frame, org="us", day=day).session_metrics
            assert set(metrics["emitted_at"].dt.date()) <= {day}
            counted.update(
                (spelled(at), value)
                for at, value in metrics.select("emitted_at", "value_ms").iter_rows()
            )
        assert raw.counts.records == raw.counts.kept + raw.counts.earlier + raw.counts.orphans

    assert counted == emitted


CASE = Path(__file__).parents[3] / "shared/cases/booked-just-after-midnight/world.json"


@pytest.mark.skipif(not CASE.exists(), reason="the field's cases are not beside this checkout")
@pytest.mark.parametrize("is_exclusive", [False, True])
def test_the_case_from_the_field_counts_on_the_day_of_its_emit_time(is_exclusive):
    world = json.loads(CASE.read_text(encoding="utf-8"))["orgs"]["na"]["conversations"]
    day = date(2026, 11, 3)
    asked = OrgDay(org="na", day=day).interval
    found = [each for each in world if returned(each, asked, is_exclusive=is_exclusive)]

    (frame,) = raw_conversations([page(found)], org="na", day=day)
    metrics = facts_of(frame, org="na", day=day).session_metrics

    assert metrics.filter(metric="tHandle")["value_ms"].to_list() == [60_000, 1_000]
