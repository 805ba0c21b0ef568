"""Any one bad item among good ones, at any level, costs no other handle time, and is named."""

import json
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform_tests.records import Record, raw_frame

DAY = date(2026, 1, 5)
NOON = "2026-01-05T12:00:00.000Z"

Handled = list[tuple[str | None, str, int]]

no_object = st.one_of(
    st.text(max_size=3),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.lists(st.none(), max_size=2),
)
no_text = st.one_of(st.none(), st.integers(), st.booleans(), st.lists(st.integers(), max_size=1))
no_value = st.one_of(
    st.none(),
    st.floats().filter(lambda number: not number.is_integer() or abs(number) >= 2**53),
    st.integers(2**53, 2**80),
    st.integers(-(2**80), -1),
    st.booleans(),
    st.text(max_size=4),
    st.dictionaries(st.just("sum"), st.integers(), max_size=1),
)
no_instant = st.one_of(
    no_text, st.sampled_from(["", "soon", "2026-01-5T10:00:00Z", "2026-01-05T10:00:00"])
)


def good_metric(name: str, value: int) -> Record:
    return {"name": name, "value": value, "emitDate": NOON}


def bad_metric(member: str, value: object) -> Record:
    return {**good_metric("tHandle", 7), member: value}


def segment() -> Record:
    return {"segmentType": "interact", "segmentStart": NOON}


bad_metrics = st.one_of(
    no_object,
    st.builds(bad_metric, st.just("value"), no_value),
    st.builds(bad_metric, st.just("name"), no_text),
    st.builds(bad_metric, st.just("emitDate"), no_instant),
    st.sampled_from(
        [{}, {"name": "tHandle"}, {"name": "tHandle", "value": 7}, {"value": 7, "emitDate": NOON}]
    ),
)
BAD = {
    "participants": ("participant", no_object),
    "sessions": ("session", no_object),
    "segments": ("segment", no_object),
    "metrics": ("metric", bad_metrics),
}

metrics = st.lists(
    st.builds(good_metric, st.sampled_from(["tHandle", "tTalk"]), st.integers(0, 2**40)),
    max_size=3,
)
segments = st.lists(st.builds(segment), max_size=2)
sessions = st.lists(st.fixed_dictionaries({"segments": segments, "metrics": metrics}), max_size=3)
participants = st.lists(st.fixed_dictionaries({"sessions": sessions}), min_size=1, max_size=3)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A good record; its sessions are numbered."""
    record = {"conversationId": "c1", "conversationStart": NOON, "participants": draw(participants)}
    for number, session in enumerate(_lists(record, "sessions"), start=1):
        session["sessionId"] = f"s{number}"
    return record


def _lists(record: Record, name: str) -> list[Any]:
    """Every item of the lists of that name, in the order of the record."""
    found: list[Any] = record["participants"]
    for deeper in ("sessions", name):
        if name == "participants":
            break
        found = [item for each in found for item in each[deeper]]
        if deeper == name:
            break
    return found


def _holders(record: Record, name: str) -> list[Record]:
    """Whatever has a list of that name."""
    if name == "participants":
        return [record]
    return record["participants"] if name == "sessions" else _lists(record, "sessions")


def read(record: Record) -> Facts:
    payloads = [{"conversationId": "before"}, record, {"conversationId": "after"}]
    return facts_of(raw_frame([json.dumps(each) for each in payloads], day=DAY), org="us", day=DAY)


def handled(facts: Facts) -> Handled:
    return facts.session_metrics.select("session_id", "metric", "value_ms").rows()


@given(records(), st.sampled_from(sorted(BAD)), st.data())
def test_a_bad_item_of_a_list_costs_nothing_but_itself(record: Record, name: str, data: Any):
    before = handled(read(record))
    holders = _holders(record, name)
    if not holders:
        return
    level, bad = BAD[name]
    items = data.draw(st.sampled_from(holders))[name]
    items.insert(data.draw(st.integers(0, len(items))), data.draw(bad))

    facts = read(record)

    assert handled(facts) == before
    assert facts.conversations["conversation_id"].to_list() == ["before", "c1", "after"]
    assert facts.rejects.select("conversation_id", "level").rows() == [("c1", level)]


@given(records(), st.sampled_from(["conversationStart", "segmentStart", "segmentEnd"]), st.data())
def test_a_date_that_cannot_be_read_costs_no_handle_time(record: Record, name: str, data: Any):
    before = handled(read(record))
    holders = [record] if name == "conversationStart" else _lists(record, "segments")
    if not holders:
        return
    some_date = data.draw(no_instant.filter(lambda it: it is not None))
    data.draw(st.sampled_from(holders))[name] = some_date

    facts = read(record)

    assert handled(facts) == before
    assert facts.rejects.select("conversation_id", "level", "name").rows() == [
        ("c1", "field", name)
    ]


@given(records(), st.sampled_from(["record", "participant", "session", "segment"]), st.data())
def test_an_attribute_or_unknown_member_of_any_kind_costs_no_handle_time(
    record: Record, level: str, data: Any
):
    before = handled(read(record))
    holders = [record] if level == "record" else _lists(record, f"{level}s")
    if not holders:
        return
    holder, value = data.draw(st.sampled_from(holders)), data.draw(no_object)
    holder["novelty"] = value
    if level == "participant":
        holder["attributes"] = data.draw(st.sampled_from([value, {"k": value}]))
    if level == "session":
        holder["flow"] = value

    facts = read(record)

    assert handled(facts) == before
    assert facts.rejects.height == 0
