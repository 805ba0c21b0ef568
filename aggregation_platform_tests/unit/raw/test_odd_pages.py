"""Pages and records that are not quite JSON: one broken record leaves its neighbours alone."""

import json
from datetime import date

import pytest

from aggregation_platform.errors import CorruptPageError
from aggregation_platform.facts.facts import exact_facts_of, facts_of
from aggregation_platform.raw.conversations import raw_conversations
from aggregation_platform.raw.tables import CONVERSATIONS
from aggregation_platform_tests.records import Page, page, raw_frame, told

DAY = date(2026, 1, 5)


def read(body: bytes, *ids: str | None) -> list[tuple[str | None, int, str]]:
    frames = list(raw_conversations([Page(body, ids)], org="us", day=DAY))
    for frame in frames:
        CONVERSATIONS.schema.validate(frame)
    columns = ("conversation_id", "position", "payload")
    return [row for frame in frames for row in frame.select(columns).rows()]


def test_a_record_is_kept_byte_for_byte():
    record = '{ "conversationId" : "a",\n "n": 1.50, "é": "\\u00e9\\/" }'

    assert read(f'{{"conversations":[ {record} ]}}'.encode(), "a") == [("a", 0, record)]


@pytest.mark.parametrize("body", [b"{}", b'{"conversations":null}', b'{"conversations":[]}'])
def test_a_page_without_conversations_has_no_rows(body):
    assert read(body) == []


def test_a_record_without_usable_id_keeps_its_text_and_has_no_id():
    body = b'{"conversations":[{"conversationId":7},{"conversationId":""},5,"x",null,[1]]}'

    assert read(body, None, None, None, None, None, None) == [
        (None, 0, '{"conversationId":7}'),
        (None, 1, '{"conversationId":""}'),
        (None, 2, '"5"'),
        (None, 3, '"\\"x\\""'),
        (None, 4, '"null"'),
        (None, 5, '"[1]"'),
    ]


@pytest.mark.parametrize(
    "oddity",
    [
        b'"\\ud83d"',  # an emoji cut in half
        b'"\\u0000"',
        b"NaN",
        b'"\xff"',
        b'"line\nbreak"',
    ],
)
def test_a_record_that_no_json_column_takes_is_kept_as_text_with_its_id(oddity):
    body = b'{"conversations":[{"conversationId":"a"},{"conversationId":"b","t":%s},' % oddity
    rows = read(body + b'{"conversationId":"c","u":"]},{"}],"cursor":"x"}', "a", "b", "c")

    assert [row[0] for row in rows] == ["a", "b", "c"]
    wrapped = json.loads(rows[1][2])
    assert wrapped == b'{"conversationId":"b","t":%s}'.replace(b"%s", oddity).decode(
        errors="replace"
    )


def test_a_backslash_before_u0000_is_no_nul():
    record = '{"conversationId":"a","path":"c:\\\\u0000"}'

    assert read(f'{{"conversations":[{record}]}}'.encode(), "a") == [("a", 0, record)]


def test_a_record_mended_by_facts_keeps_its_handle_time():
    call = told("what | to | value\ntHandle | 05T10:00:00 | 7", externalTag="cut \ud83d here\0")
    (raw,) = raw_conversations([page([call])], org="us", day=DAY)
    facts = facts_of(raw, org="us", day=DAY)

    assert facts.session_metrics["value_ms"].to_list() == [7]
    assert facts.conversations["external_tag"].to_list() == ["cut \ufffd here\ufffd"]
    assert facts.rejects.height == 0


def test_a_record_that_is_broken_beyond_mending_is_rejected_and_its_page_goes_on():
    body = b'{"conversations":[{"conversationId":"a"},{"conversationId":"b","t":tru},'
    pages = [Page(body + b'{"conversationId":"c"}]}', ("a", None, "c"))]
    (raw,) = raw_conversations(pages, org="us", day=DAY)
    facts = facts_of(raw, org="us", day=DAY)

    assert raw["conversation_id"].to_list() == ["a", None, "c"]
    assert facts.conversations["conversation_id"].to_list() == ["a", "c"]
    assert facts.rejects["position"].to_list() == [1]
    assert facts.rejects["reason"][0].startswith("the record is no JSON: ")
    assert json.loads(facts.rejects["excerpt"][0]) == '{"conversationId":"b","t":tru}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b'{"conversations":[{"conversationId":"a"},{"conversa',
        b'{"conversations":{"a":1}}',
        b'["a"]',
    ],
)
def test_a_torn_or_foreign_page_is_to_be_fetched_again(body):
    with pytest.raises(CorruptPageError, match=r"page 1 \(job job1\).*Fetch it again"):
        read(body, "a")


@pytest.mark.parametrize("ids", [("b",), ("a", "b"), ()])
def test_a_page_that_does_not_hold_what_its_entry_names_is_to_be_fetched_again(ids):
    with pytest.raises(CorruptPageError, match="other conversations than its entry names"):
        read(b'{"conversations":[{"conversationId":"a"}]}', *ids)


def test_a_page_that_could_not_name_its_conversations_is_compared_all_the_same():
    short = b'{"conversations":[{"conversationId":"a","t":"\\ud83d"}]}'
    pages = [Page(short, (None,), 1), Page(short, ("a",), 2)]
    raw = raw_conversations(pages, org="us", day=DAY)

    assert [frame["page"].to_list() for frame in raw] == [[1]]
    assert raw.counts.duplicates == 1


@pytest.mark.parametrize("depth", [500, 990, 1_005, 100_000])
def test_a_record_nested_too_deep_leaves_its_page_alone(depth):
    deep = "[" * depth + "]" * depth
    body = f'{{"conversations":[{{"conversationId":"a","x":{deep}}},{{"conversationId":"b"}}]}}'
    (raw,) = raw_conversations([Page(body.encode(), ("a", "b"))], org="us", day=DAY)
    facts = facts_of(raw, org="us", day=DAY)

    assert facts.conversations["conversation_id"].to_list()[-1] == "b"
    assert facts.conversations.height + facts.rejects.height == 2


@pytest.mark.parametrize("member", ["resolutions", "novelty"])
def test_a_number_beyond_all_bounds_costs_no_handle_time(member):
    call = json.dumps(told("what | to | value\ntHandle | 05T10:00:00 | 7", **{member: "huge"}))
    payload = call.replace('"huge"', "[1e400]")
    raw = raw_frame([payload], day=DAY)

    assert facts_of(raw, org="us", day=DAY).session_metrics["value_ms"].to_list() == [7]
    assert exact_facts_of(raw, org="us", day=DAY).session_metrics["value_ms"].to_list() == [7]
