"""A fault costs no more than the smallest thing that has it, and rejects names that thing."""

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


@pytest.mark.parametrize("value", ["", 7, None, {"id": "c1"}])
def test_a_record_without_an_id_is_rejected_whole(value):
    read = facts(good("before"), set_at(good("bad"), "conversationId", value), good("after"))

    assert read.conversations["conversation_id"].to_list() == ["before", "after"]
    assert read.session_metrics["conversation_id"].to_list() == ["before", "after"]
    (reject,) = read.rejects.to_dicts()
    assert (reject["level"], reject["name"]) == ("record", None)
    assert reject["reason"] == "the record has no conversationId"
    assert (reject["path"], json.loads(reject["excerpt"])) == ("conversationId", value)
    assert (reject["page"], reject["position"]) == (1, 1)


TWO = """
    user | session | what      | queue   | from        | to          | value
    -----+---------+-----------+---------+-------------+-------------+------
    ann  | s1      | interact  | sales   | 05T10:00:00 | 05T10:05:00 |
    ann  | s1      | wrapup    | sales   | 05T10:05:00 | 05T10:06:00 |
    ann  | s1      | tHandle   |         |             | 05T10:06:00 | 360
    ann  | s1      | tTalk     |         |             | 05T10:05:00 | 300
    ann  | s2      | interact  | billing | 05T11:00:00 | 05T11:01:00 |
    ann  | s2      | tHandle   |         |             | 05T11:01:00 | 60
    bob  | s3      | interact  | sales   | 05T12:00:00 | 05T12:02:00 |
    bob  | s3      | tHandle   |         |             | 05T12:02:00 | 120
"""
"""One record: Ann has two sessions, Bob has one."""

ANN, BOB = "participants.0", "participants.1"
S1, S2 = f"{ANN}.sessions.0", f"{ANN}.sessions.1"
HANDLE, TALK = f"{S1}.metrics.0", f"{S1}.metrics.1"
ALL = [("s1", "tHandle", 360), ("s1", "tTalk", 300), ("s2", "tHandle", 60), ("s3", "tHandle", 120)]
S1_HANDLE, S1_TALK, S2_HANDLE, S3_HANDLE = ALL
NO_METRIC_OF_S1 = [S2_HANDLE, S3_HANDLE]
NO_HANDLE_OF_S1 = [S1_TALK, S2_HANDLE, S3_HANDLE]
NO_TALK = [S1_HANDLE, S2_HANDLE, S3_HANDLE]
NO_DATE = "is not an ISO-8601 instant with an offset"


@pytest.mark.parametrize(
    ("where", "value", "level", "reason", "counted"),
    [
        # a date of the record: the record counts without it
        ("conversationStart", "2026-01-5T10:00:00Z", "field", f"conversationStart {NO_DATE}", ALL),
        ("conversationStart", "2026-01-05T10:00:00", "field", f"conversationStart {NO_DATE}", ALL),
        ("conversationEnd", 1_767_607_200, "field", f"conversationEnd {NO_DATE}", ALL),
        # a participant: the others count
        ("participants", {"0": {}}, "participant", "participants is no list", []),
        (ANN, "ann", "participant", "the participant is no object", [S3_HANDLE]),
        (BOB, 7, "participant", "the participant is no object", ALL[:3]),
        # a session: its participant's others count
        (f"{ANN}.sessions", "s1", "session", "sessions is no list", [S3_HANDLE]),
        (S1, ["s1"], "session", "the session is no object", NO_METRIC_OF_S1),
        (S2, True, "session", "the session is no object", [S1_HANDLE, S1_TALK, S3_HANDLE]),
        # a segment, or a date of one: all handle time counts
        (f"{S1}.segments", {}, "segment", "segments is no list", ALL),
        (f"{S1}.segments.0", "interact", "segment", "the segment is no object", ALL),
        (f"{S1}.segments.0.segmentStart", 0, "field", f"segmentStart {NO_DATE}", ALL),
        (f"{S1}.segments.0.segmentEnd", "soon", "field", f"segmentEnd {NO_DATE}", ALL),
        # a metric: its session's others count
        (f"{S1}.metrics", "none", "metric", "metrics is no list", NO_METRIC_OF_S1),
        (TALK, 300, "metric", "the metric is no object", NO_TALK),
        (f"{TALK}.value", 0.75, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", 12.7, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", "12", "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", True, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", 2**63, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", 2**53, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", 1e300, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", None, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", {"sum": 1}, "metric", "tTalk is no whole number", NO_TALK),
        (f"{TALK}.value", -1, "metric", "tTalk is a duration below zero", NO_TALK),
        (f"{TALK}.name", None, "metric", "the metric has no name", NO_TALK),
        (f"{TALK}.name", 5, "metric", "the metric has no name", NO_TALK),
        (f"{TALK}.emitDate", None, "metric", "tTalk has no readable instant", NO_TALK),
        (f"{TALK}.emitDate", "05T25:00", "metric", "tTalk has no readable instant", NO_TALK),
        # the handle time itself: it is missing, and that is seen
        (f"{HANDLE}.value", 0.75, "metric", "tHandle is no whole number", NO_HANDLE_OF_S1),
    ],
)  # fmt: skip
def test_a_fault_costs_no_more_than_the_smallest_thing_that_has_it(
    where, value, level, reason, counted
):
    read = facts(good("before"), set_at(told(TWO, "odd"), where, value), good("after"))

    assert read.conversations["conversation_id"].to_list() == ["before", "odd", "after"]
    metrics = read.session_metrics.filter(conversation_id="odd")
    assert metrics.select("session_id", "metric", "value_ms").rows() == counted
    (reject,) = read.rejects.to_dicts()
    assert (reject["conversation_id"], reject["level"], reject["reason"]) == ("odd", level, reason)
    assert reject["path"].replace("[", ".").replace("]", "") == where
    assert json.loads(reject["excerpt"]) == value
    assert (reject["page"], reject["position"]) == (1, 1)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_metric_that_is_no_number_at_all_is_set_aside_alone(literal):
    record = json.dumps(told(TWO, "odd")).replace('"value": 300', f'"value": {literal}')

    read = facts(record)

    assert read.session_metrics.select("session_id", "metric", "value_ms").rows() == NO_TALK
    assert read.rejects.select("level", "name", "conversation_id").rows() == [
        ("metric", "tTalk", "odd")
    ]


def test_a_metric_without_the_member_value_is_set_aside_alone():
    record = told(TWO, "odd")
    del record["participants"][0]["sessions"][0]["metrics"][1]["value"]

    read = facts(record)

    assert read.session_metrics.select("session_id", "metric", "value_ms").rows() == NO_TALK
    assert read.rejects.select("level", "name", "path").rows() == [
        ("metric", "tTalk", "participants[0].sessions[0].metrics[1].value")
    ]


def test_a_count_may_be_below_zero_since_only_a_time_cannot():
    record = set_at(told(TWO.replace("tTalk  ", "oMood  "), "odd"), f"{TALK}.value", -3)

    read = facts(record)

    assert ("s1", "oMood", -3) in read.session_metrics.select(
        "session_id", "metric", "value_ms"
    ).rows()
    assert read.rejects.height == 0


def test_a_date_that_is_set_aside_leaves_its_segment_and_is_kept_in_extra():
    read = facts(set_at(told(TWO), f"{S1}.segments.1.segmentEnd", "soon"))

    segments = read.segments.filter(session_id="s1")
    assert segments["segment_type"].to_list() == ["interact", "wrapup"]
    assert segments["ended_at"].null_count() == 1
    assert json.loads(segments["extra"][1]) == {"segmentEnd": "soon"}
    assert read.sessions.filter(session_id="s1")["ended_at"].to_list() == [None]


def test_an_odd_metric_of_another_day_is_that_days_to_set_aside():
    record = set_at(told(TWO), f"{TALK}.value", 0.75)
    set_at(record, f"{TALK}.emitDate", "2026-01-06T00:00:00.000Z")

    read = facts(record)
    next_day = date(2026, 1, 6)
    of_next = facts_of(raw_frame([record], day=next_day), org="us", day=next_day)

    assert read.session_metrics.height == 3
    assert (read.rejects.height, of_next.rejects.height) == (0, 1)


def test_two_faults_of_one_record_are_two_rows_with_its_id():
    record = set_at(told(TWO, "odd"), f"{TALK}.value", 0.75)
    set_at(record, "conversationEnd", "later")

    read = facts(record)

    assert read.rejects.select("conversation_id", "level", "name").rows() == [
        ("odd", "field", "conversationEnd"),
        ("odd", "metric", "tTalk"),
    ]


def test_a_value_nested_too_deep_to_be_written_is_set_aside_alone():
    text = json.dumps(told(TWO, tone="calm", novelty="deep"))
    read = facts(text.replace('"deep"', "[" * 990 + "]" * 990))

    assert read.session_metrics.height == len(ALL)
    assert json.loads(read.conversations["extra"][0]) == {"tone": "calm"}
    assert read.rejects.select("level", "path", "reason").rows() == [
        ("field", "novelty", "novelty is nested too deep")
    ]


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
