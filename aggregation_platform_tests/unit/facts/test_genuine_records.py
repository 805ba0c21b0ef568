"""Real records, captured by others: nothing of them is lost, against a count in plain Python."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from aggregation_platform.facts.facts import Facts, exact_facts_of, facts_of
from aggregation_platform_tests.records import Record, raw_frame

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "genesys-samples"
FILES = {
    "01": "01-job-results-page-voice-10-conversations.json",
    "02": "02-voice-ivr-queue-agent-not-responding-second-agent.json",
    "03": "03-webmessaging-workflow-six-agent-sessions-blind-transfers.json",
    "04": "04-chat-hold-timeout.json",
    "05": "05-chat-still-open.json",
    "07": "07-query-page-voice-ivr-queue-agent-acw-skipped.templated.json",
}
WHOLE = [key for key in FILES if key != "05"]

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured records are not here")


def records(key: str) -> list[Record]:
    content: Any = json.loads((SAMPLES / FILES[key]).read_text())
    if isinstance(content, list):
        return content
    return content.get("conversations", [content])


def sessions_in(record: Record) -> Iterator[Any]:
    for participant in record["participants"]:
        yield from participant["sessions"]


def metrics_in(found: list[Record]) -> list[Any]:
    sessions = [session for record in found for session in sessions_in(record)]
    return [metric for session in sessions for metric in session.get("metrics", [])]


def facts_of_all_days(found: list[Record]) -> dict[date, Facts]:
    """Facts of every day between the first and the last metric."""
    days = sorted(date.fromisoformat(metric["emitDate"][:10]) for metric in metrics_in(found))
    span = range((days[-1] - days[0]).days + 1)
    wanted = [days[0] + timedelta(days=offset) for offset in span]
    return {day: facts_of(raw_frame(found, day=day), org="us", day=day) for day in wanted}


@pytest.mark.parametrize("key", WHOLE)
def test_every_metric_of_a_real_record_is_booked_once_on_one_day(key):
    found = records(key)
    booked = pl.concat([facts.session_metrics for facts in facts_of_all_days(found).values()])

    rows = booked.select("metric", "value_ms", booked["emitted_at"].dt.epoch("ms")).rows()
    told = [
        (m["name"], m["value"], pl.Series([m["emitDate"]]).str.to_datetime().dt.epoch("ms")[0])
        for m in metrics_in(found)
    ]
    assert Counter(rows) == Counter(told)


@pytest.mark.parametrize("key", WHOLE)
def test_handle_time_of_real_records_is_whole_over_all_days(key):
    found = records(key)
    handled = pl.concat(
        [
            facts.session_metrics.filter(metric="tHandle")
            for facts in facts_of_all_days(found).values()
        ]
    )

    told = [metric["value"] for metric in metrics_in(found) if metric["name"] == "tHandle"]
    assert (handled["value_ms"].sum(), handled.height) == (sum(told), len(told))
    assert told


@pytest.mark.parametrize("key", WHOLE)
def test_every_session_segment_and_attribute_of_a_real_record_is_there_each_day(key):
    found = records(key)
    sessions = [session for record in found for session in sessions_in(record)]
    segments = [segment for session in sessions for segment in session["segments"]]
    attributes = [
        (participant["participantId"], name, value)
        for record in found
        for participant in record["participants"]
        for name, value in participant.get("attributes", {}).items()
    ]

    for facts in facts_of_all_days(found).values():
        assert facts.sessions["session_id"].to_list() == [each["sessionId"] for each in sessions]
        assert facts.segments["segment_type"].to_list() == [
            each["segmentType"] for each in segments
        ]
        assert facts.attributes.select("participant_id", "name", "value").rows() == attributes
        assert facts.conversations.height == len(found)
        assert facts.rejects.height == 0


def test_the_record_whose_days_were_edited_by_hand_counts_without_the_dates_that_are_none():
    day = date(2021, 4, 2)
    facts = facts_of(raw_frame(records("05") + records("04"), day=day), org="us", day=day)

    first = facts.rejects.filter(name="segmentStart").row(0, named=True)
    assert first["conversation_id"] == records("05")[0]["conversationId"]
    assert first["reason"] == "segmentStart is not an ISO-8601 instant with an offset"
    assert first["path"] == "participants[0].sessions[0].segments[0].segmentStart"
    assert first["excerpt"] == '"2021-04-2T15:30:51.418Z"'
    assert set(facts.rejects["level"]) <= {"field", "metric"}
    assert facts.conversations.height == 2


def test_both_ways_of_reading_agree_on_real_records_of_every_shape():
    found = [record for key in FILES for record in records(key)]
    day = date(2024, 9, 10)
    raw = raw_frame(found, day=day)

    fast, exact = facts_of(raw, org="us", day=day), exact_facts_of(raw, org="us", day=day)

    for (table, quick), slow in zip(fast.by_table(), exact, strict=True):
        assert_frame_equal(quick, slow)
        table.schema.validate(quick)


def test_the_six_sessions_of_one_agent_keep_their_two_queues():
    found = records("03")
    expected = [
        (session["sessionId"], session["segments"][0]["queueId"])
        for participant in found[0]["participants"]
        if participant["purpose"] == "agent"
        for session in participant["sessions"]
    ]
    day = date(2024, 1, 1)
    sessions = facts_of(raw_frame(found, day=day), org="us", day=day).sessions

    assert sessions.filter(purpose="agent").select("session_id", "queue_id").rows() == expected
    assert len({queue for _, queue in expected}) == 2
