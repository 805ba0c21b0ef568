"""What was not expected in a chunk is told once, with how often and an example."""

from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from aggregation_platform.facts.drift import DRIFT, drift_of, merged_drift
from aggregation_platform.facts.facts import facts_of
from aggregation_platform_tests.records import Record, raw_frame, told

DAY = date(2026, 1, 5)

CALL = """
    user | session | what     | from        | to          | value
    -----+---------+----------+-------------+-------------+------
    ann  | s1      | interact | 05T10:00:00 | 05T10:05:00 |
    ann  | s1      | tHandle  |             | 05T10:05:00 | 300
"""


def drift(*records: Record) -> pl.DataFrame:
    found = drift_of(facts_of(raw_frame(records, day=DAY), org="us", day=DAY), org="us", day=DAY)
    DRIFT.schema.validate(found)
    return found


def sights(found: pl.DataFrame) -> list[tuple[object, ...]]:
    return found.select("path", "kind", "value", "conversation_id", "count").rows()


def test_an_expected_record_is_no_drift():
    assert drift(told(CALL)).height == 0


def test_unknown_members_are_told_at_every_level_with_an_example():
    call = told(CALL, "c2", mood="fine")
    participant = call["participants"][0]
    participant["badge"] = 7
    session = participant["sessions"][0]
    session["sentiment"] = {"score": 1}
    session["flow"] = {"flowId": "f", "branch": "b"}
    session["segments"][0]["tone"] = None
    session["metrics"][0]["unit"] = "ms"

    assert sights(drift(told(CALL, "c1"), call, {**call, "conversationId": "c3"})) == [
        ("participants[].sessions[].flow.branch", "member", "branch", "c2", 2),
        ("participants[].sessions[].metrics[].unit", "member", "unit", "c2", 2),
        ("participants[].badge", "member", "badge", "c2", 2),
        ("mood", "member", "mood", "c2", 2),
        ("participants[].sessions[].segments[].tone", "member", "tone", "c2", 2),
        ("participants[].sessions[].sentiment", "member", "sentiment", "c2", 2),
    ]


def test_a_known_member_of_another_kind_is_a_misfit():
    call = told(CALL, externalTag=5)
    call["participants"].append({"userId": 7})

    assert sights(drift(call)) == [
        ("participants[].userId", "misfit", "userId", "c1", 1),
        ("externalTag", "misfit", "externalTag", "c1", 1),
    ]


def test_unknown_names_are_told_and_counted():
    call = told(CALL, originatingDirection="sideways")
    call["participants"][0]["purpose"] = "robot"
    session = call["participants"][0]["sessions"][0]
    session |= {"mediaType": "hologram", "direction": "inbound"}
    session["segments"][0] |= {"segmentType": "dream", "disconnectType": "magic"}
    session["metrics"][0]["name"] = "tDream"

    assert sights(drift(call)) == [
        ("participants[].sessions[].metrics[].name", "value", "tDream", "c1", 1),
        ("participants[].purpose", "value", "robot", "c1", 1),
        ("originatingDirection", "value", "sideways", "c1", 1),
        ("participants[].sessions[].segments[].disconnectType", "value", "magic", "c1", 1),
        ("participants[].sessions[].segments[].segmentType", "value", "dream", "c1", 1),
        ("participants[].sessions[].mediaType", "value", "hologram", "c1", 1),
    ]


def test_attribute_names_are_told_and_those_that_carry_an_id_are_one():
    call = told(CALL)
    call["participants"][0]["attributes"] = {
        "Customer_Sentiment": "good",
        "Q1": "yes",
        "survey 20260105": "a",
        "survey 20260106": "b",
        "lookup 6acbee65-80be-4777-be03-8dacd07ee3f9": "c",
    }

    assert sights(drift(call)) == [
        ("participants[].attributes", "attribute", "Customer_Sentiment", "c1", 1),
        ("participants[].attributes", "attribute", "Q1", "c1", 1),
        ("participants[].attributes", "attribute", "lookup #", "c1", 1),
        ("participants[].attributes", "attribute", "survey #", "c1", 2),
    ]


def test_the_drift_of_chunks_adds_up_to_the_drift_of_all():
    calls = [told(CALL, f"c{number}", mood=number) for number in range(5)]

    assert_frame_equal(merged_drift([drift(*calls[3:]), drift(*calls[:3])]), drift(*calls))
    assert merged_drift([]).height == 0
