"""Whatever a record holds, the fast way and the exact way read the same."""

import copy
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from aggregation_platform.facts.facts import Facts, exact_facts_of, facts_of
from aggregation_platform.facts.fields import FLOW, PARTICIPANT, RECORD, SEGMENT, SESSION, Kind
from aggregation_platform.facts.gate import passage
from aggregation_platform_tests.records import Record, raw_frame

DAY = date(2026, 1, 5)

_SAMPLES: dict[Kind, Any] = {
    Kind.TEXT: "some text",
    Kind.INSTANT: "2026-01-05T10:00:00.123Z",
    Kind.BOOL: True,
    Kind.REAL: 4.378069974073598,
    Kind.TEXTS: ["Standard", 'with "quotes" \\ and é'],
}


def _members(level: Any, **children: Any) -> Record:
    """Every known member of a level, typed ones and others."""
    others: dict[str, Any] = {key: [{"any": 1.5}] for key in sorted(level.left_in_raw)}
    return {each.key: _SAMPLES[each.kind] for each in level.fields} | others | children


def _metric(name: str, value: int, emitted: str) -> Record:
    return {"name": name, "value": value, "emitDate": emitted}


def full_record() -> Record:
    """A record with every member that the source is known to send."""
    segments = [_members(SEGMENT, queueId=None), _members(SEGMENT, queueId="q2")]
    metrics = [
        _metric("tHandle", 5_097_600_909, "2026-01-05T23:59:59.999Z"),
        _metric("tTalk", 7, "2026-01-06T00:00:00Z"),
        _metric("tTalk", 7, "2026-01-06T01:30:00.5+02:00"),
    ]
    session = _members(SESSION, flow=_members(FLOW), segments=segments, metrics=metrics)
    bare = {"sessionId": "bare", "metrics": metrics[:1]}
    participant = _members(
        PARTICIPANT, sessions=[session, bare], attributes={"k é": "v", "a.b c": None}
    )
    return _members(
        RECORD, conversationId="c1", participants=[participant, {"sessions": [bare]}, {}]
    )


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in items:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from _paths(child, (*path, key))


PATHS = list(_paths(full_record()))
GENTLE = ["delete", "null", "empty", "unknown"]
ODD: list[Any] = [
    "", "text", "é😀\u2028", "2026-01-05T10:00:00+02:00", "2026-01-05t10:00:00z",
    "2026-01-05T10:00:00.1234567Z", "2026-01-05T10:00", "2026-01-5T10:00:00Z",
    "0001-01-01T00:00:00+02:00", "2026-01-05T23:59:60Z", 5, 12.0, 12.7, -1, True, 2**63, 2**70,
    1e30, [None], ["a", None], [1], [[]], [{}], {"x": 1}, {"x": None}, "\u0000", "\ud83d",
]  # fmt: skip

changes = st.lists(
    st.tuples(st.sampled_from(PATHS), st.one_of(st.sampled_from(GENTLE), st.sampled_from(ODD))),
    max_size=5,
)


def changed(record: Record, edits: list[tuple[tuple[Any, ...], Any]]) -> Record:
    """Apply each edit whose place still exists."""
    record = copy.deepcopy(record)
    for path, edit in edits:
        place, key = _at(record, path[:-1]), path[-1]
        if isinstance(place, list):
            if isinstance(key, int) and key < len(place):
                _edit(place, key, edit)
        elif isinstance(place, dict):
            _edit(place, key, edit)
    return record


def _at(place: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        if isinstance(place, dict):
            place = place.get(key)
        elif isinstance(place, list) and isinstance(key, int) and len(place) > key:
            place = place[key]
        else:
            return None
    return place


def _edit(place: Any, key: Any, edit: Any) -> None:
    found = place[key] if isinstance(place, list) else place.get(key)
    if edit == "delete":
        if isinstance(place, list) or key in place:
            del place[key]
    elif edit == "null":
        place[key] = None
    elif edit == "empty":
        place[key] = [] if isinstance(found, list) else {}
    elif edit == "unknown":
        if isinstance(place, dict):
            place["novelty"] = {"of": key}
    else:
        place[key] = edit


def both_ways(payloads: list[str]) -> tuple[Facts, Facts]:
    raw = raw_frame(payloads, day=DAY)
    return facts_of(raw, org="us", day=DAY), exact_facts_of(raw, org="us", day=DAY)


def assert_same(fast: Facts, exact: Facts) -> None:
    for (table, quick), slow in zip(fast.by_table(), exact, strict=True):
        assert quick.schema == table.frame_schema
        assert_frame_equal(quick, slow)


def written(record: Record, indent: int | None) -> str:
    text = json.dumps(record, indent=indent, ensure_ascii=indent is None)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character cannot be written as it is
        return json.dumps(record)
    return text if "\\ud83d" not in text.replace("\\ud83d\\ude00", "") else json.dumps(text)


@settings(max_examples=150)
@given(st.lists(st.tuples(changes, st.sampled_from([None, 1])), min_size=1, max_size=6))
def test_both_ways_of_reading_give_identical_frames(told):
    records = [
        changed({**full_record(), "conversationId": f"c{number}"}, edits)
        for number, (edits, _) in enumerate(told)
    ]
    payloads = [written(record, indent) for record, (_, indent) in zip(records, told, strict=True)]

    fast, exact = both_ways(payloads)

    assert_same(fast, exact)
    whole = fast.rejects.filter(level="record").height
    assert fast.conversations.height + whole == len(payloads)


@given(changes)
def test_frames_keep_the_rules_of_their_tables(edits):
    fast, _ = both_ways([json.dumps(changed(full_record(), edits)).replace("\\ud83d", "")])

    for table, frame in fast.by_table():
        table.schema.validate(frame)


OPTIONAL = [
    path
    for path in PATHS
    if isinstance(path[-1], str)
    and path[-1] not in ("name", "value", "emitDate", "conversationId")
    and "attributes" not in path[:-1]
]


@given(st.lists(st.tuples(st.sampled_from(OPTIONAL), st.sampled_from(["null", "unknown"]))))
def test_nulls_of_optional_members_and_unknown_members_stay_on_the_fast_way(edits):
    assert passage(json.dumps(changed(full_record(), edits)).encode()) is not None


def test_a_full_record_has_a_value_in_every_typed_column():
    fast, _ = both_ways([json.dumps(full_record())])

    for table, frame in fast.by_table():
        if table.name != "rejects":
            filled = frame.select(pl.all().is_not_null().any()).row(0, named=True)
            empty = {name for name, is_filled in filled.items() if not is_filled}
            assert empty <= {"extra", "participant_extra"}


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        ('"name": "tHandle"', '"name": "tAcw", "name": "tHandle"'),
        ('"sessions": [', '"sessions": 5, "sessions": ['),
        ('"sessions": [', '"sessions": [], "sessions": ['),
        ('"segments": [', '"segments": [{}], "segments": ['),
        ('"k é": "v"', '"k é": "first", "k é": "v"'),
        ('"conversationId": "c1"', '"conversationId": "c0", "conversationId": "c1"'),
    ],
)
def test_a_member_written_twice_has_its_last_value_both_ways(once, twice):
    text = json.dumps(full_record(), ensure_ascii=False)
    assert once in text

    fast, exact = both_ways([text.replace(once, twice)])

    assert_same(fast, exact)
    assert_same(fast, both_ways([text])[0])


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
@pytest.mark.parametrize("member", ["conversationStart", "segmentEnd", "emitDate"])
def test_an_instant_that_its_offset_moves_out_of_the_calendar_is_set_aside_both_ways(
    member, instant
):
    path = next(path for path in PATHS if path[-1] == member)

    payload = json.dumps(changed(full_record(), [(path, instant)]))
    fast, exact = both_ways([payload])

    assert_same(fast, exact)
    assert fast.conversations.height == 1
    assert {found.rpartition(".")[2] for found in fast.rejects["path"]} == {member}
    assert fast.rejects.height == payload.count(instant)  # one metric is in three sessions
