"""A record that cannot be booked goes to rejects whole, with its reason; its page goes on."""

import json
from datetime import date
from typing import Any

import pytest

from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform_tests.records import Record, raw_frame, told

DAY = date(2026, 1, 5)


def facts(*payloads: Record | str) -> Facts:
    return facts_of(raw_frame(payloads, day=DAY), org="us", day=DAY)


def good(conversation_id: str = "c1") -> Record:
    return told(
        """
        user | session | what     | queue | from        | to          | value
        -----+---------+----------+-------+-------------+-------------+------
        ann  | s1      | interact | sales | 05T10:00:00 | 05T10:05:00 |
        ann  | s1      | tHandle  |       |             | 05T10:05:00 | 300
        """,
        conversation_id,
    )


def set_at(record: Record, path: str, value: Any) -> Record:
    """Put a value where a path like `participants.0.sessions` points."""
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = record
    for step in way:
        place = place[step]
    place[last] = value
    return record


METRIC = "participants.0.sessions.0.metrics.0"
SEGMENT = "participants.0.sessions.0.segments.0"


@pytest.mark.parametrize(
    ("where", "value", "level", "reason"),
    [
        ("conversationStart", "2026-01-5T10:00:00Z", "record", "conversationStart is not an ISO"),
        ("conversationStart", "2026-01-05T10:00:00", "record", "conversationStart is not an ISO"),
        ("conversationEnd", 1_767_607_200, "record", "conversationEnd is not an ISO"),
        ("conversationId", "", "record", "the record has no conversationId"),
        ("conversationId", 7, "record", "the record has no conversationId"),
        ("participants", {"0": {}}, "participant", "participants is no list"),
        ("participants.0", "ann", "participant", "the participant is no object"),
        ("participants.0.sessions", "s1", "session", "sessions is no list"),
        (f"{SEGMENT}.segmentEnd", "soon", "segment", "segmentEnd is not an ISO"),
        (f"{METRIC}.value", 12.7, "metric", "tHandle is no whole number"),
        (f"{METRIC}.value", "12", "metric", "tHandle is no whole number"),
        (f"{METRIC}.value", True, "metric", "tHandle is no whole number"),
        (f"{METRIC}.value", 2**63, "metric", "tHandle is no whole number"),
        (f"{METRIC}.value", None, "metric", "tHandle is no whole number"),
        (f"{METRIC}.name", None, "metric", "the metric has no name"),
        (f"{METRIC}.emitDate", None, "metric", "tHandle has no readable instant"),
        (f"{METRIC}.emitDate", "2026-01-05T25:00:00Z", "metric", "tHandle has no readable instant"),
    ],
)
def test_what_cannot_be_booked_is_rejected_with_its_reason(where, value, level, reason):
    read = facts(good("before"), set_at(good("bad"), where, value), good("after"))

    assert read.conversations["conversation_id"].to_list() == ["before", "after"]
    assert read.session_metrics["conversation_id"].to_list() == ["before", "after"]
    (reject,) = read.rejects.to_dicts()
    assert reject["level"] == level
    assert reject["reason"].startswith(reason)
    assert reject["path"].replace("[", ".").replace("]", "") == where
    assert json.loads(reject["excerpt"]) == value
    assert (reject["page"], reject["position"]) == (1, 1)


@pytest.mark.parametrize("payload", ["[1, 2]", "null", "7", '"words"', '"[1]"', '"{\\"a\\": "'])
def test_what_is_no_record_at_all_is_rejected(payload):
    read = facts(payload, good())

    assert read.conversations.height == 1
    assert read.rejects["level"].to_list() == ["record"]
    assert read.rejects["conversation_id"].to_list() == [None]


def test_an_integral_float_is_a_whole_number():
    read = facts(set_at(good(), f"{METRIC}.value", 300.0))

    assert read.session_metrics["value_ms"].to_list() == [300]


@pytest.mark.parametrize(
    ("where", "value", "table", "column"),
    [
        ("externalTag", 5, "conversations", "extra"),
        ("divisionIds", "d1", "conversations", "extra"),
        ("conferenceStart", "yesterday", "conversations", "extra"),
        ("novelty", {"deep": [1]}, "conversations", "extra"),
        ("participants.0.userId", {"id": "ann"}, "sessions", "participant_extra"),
        ("participants.0.mood", "fine", "sessions", "participant_extra"),
        ("participants.0.sessions.0.remote", ["x"], "sessions", "extra"),
        ("participants.0.sessions.0.sentiment", 0.5, "sessions", "extra"),
        ("participants.0.sessions.0.flow", {"flowName": 3, "new": None}, "sessions", "extra"),
        (f"{SEGMENT}.conference", "yes", "segments", "extra"),
        (f"{SEGMENT}.tone", "calm", "segments", "extra"),
        (f"{METRIC}.unit", "ms", "session_metrics", "extra"),
    ],
)
def test_what_has_no_column_is_kept_in_extra_and_costs_no_handle_time(where, value, table, column):
    read = facts(good("c0"), set_at(good("c1"), where, value), good("c2"))

    assert read.session_metrics["value_ms"].to_list() == [300, 300, 300]
    kept = getattr(read, table)[column].to_list()
    assert [kept[0], json.loads(kept[1]), kept[2]] == [None, {where.split(".")[-1]: value}, None]
    assert read.rejects.height == 0


def test_a_participant_without_sessions_keeps_its_unknown_members_with_the_conversation():
    read = facts(set_at(good(), "participants.0", {"purpose": "fax", "sheets": 3}))

    assert json.loads(read.conversations["extra"][0]) == {"participants": {"1": {"sheets": 3}}}
    assert read.conversations["participant_count"].to_list() == [1]


@pytest.mark.parametrize("value", [None, [], [None]])
def test_absent_null_and_empty_lists_mean_the_same(value):
    read = facts(
        set_at(good("c1"), "participants", value),
        set_at(good("c2"), "participants.0.sessions", value),
        set_at(good("c3"), "participants.0.sessions.0.segments", value),
        set_at(good("c4"), "participants.0.sessions.0.metrics", value),
        {"conversationId": "c5"},
    )

    assert read.conversations["session_count"].to_list() == [0, 0, 1, 1, 0]
    assert read.segments["conversation_id"].to_list() == ["c4"]
    assert read.session_metrics["conversation_id"].to_list() == ["c3"]
    assert read.rejects.height == 0


def test_an_attribute_that_is_no_text_is_kept_as_json():
    record = set_at(good(), "participants.0.attributes", {"a b": "x", "n": 1, "o": {"p": [2]}})
    record["participants"][0]["attributes"]["none"] = None

    assert facts(record).attributes.select("name", "value").rows() == [
        ("a b", "x"),
        ("n", "1"),
        ("o", '{"p":[2]}'),
        ("none", None),
    ]


def test_an_attribute_named_twice_has_its_last_value():
    record = json.dumps(set_at(good(), "participants.0.attributes", {"k": "first", "l": "last"}))

    assert facts(record.replace('"l"', '"k"')).attributes.select("name", "value").rows() == [
        ("k", "last")
    ]


def test_no_records_are_six_empty_frames_of_the_right_shape():
    read = facts()

    for table, frame in read.by_table():
        assert (frame.height, frame.schema) == (0, table.frame_schema)
