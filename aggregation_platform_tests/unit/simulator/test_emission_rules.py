"""Every session emits its metrics when and as real ones do (fact sheet of the API, 5.8).

The rules are written here a second time, from the segments of the finished record.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.timestamps import DAY_MS, day_start, parse
from aggregation_platform.simulator.world import World

Json = dict[str, Any]


def _all_records() -> list[Json]:
    options = SimulatorOptions(
        conversations_per_day=600, history_days=62, orphan_every=40, open_every=80,
        multi_day_every=40, unknown_every=0,
    )  # fmt: skip
    world = World(options)
    start = day_start(options.first_day)
    span = world.span("us", start, start + DAY_MS)
    place = world.directories["us"]
    return [record_of(world.story(span.ref(n)), place) for n in range(len(span))]


@pytest.fixture(scope="module")
def records() -> list[Json]:
    return _all_records()


def _sessions(records: list[Json], *purposes: str) -> Iterator[tuple[Json, list[Json], Json]]:
    """Give (session, segments, metrics by name as lists of (emitted, value))."""
    for record in records:
        for participant in record["participants"]:
            if participant["purpose"] in purposes:
                for session in participant["sessions"]:
                    metrics: Json = {}
                    for metric in session["metrics"]:
                        emitted = (parse(metric["emitDate"]), metric["value"])
                        metrics.setdefault(metric["name"], []).append(emitted)
                    yield session, session["segments"], metrics


def _span(segment: Json) -> tuple[int, int]:
    return parse(segment["segmentStart"]), parse(segment["segmentEnd"])


def _of(segments: list[Json], *kinds: str) -> list[Json]:
    return [segment for segment in segments if segment["segmentType"] in kinds]


def test_a_customer_is_connected_at_the_start_of_its_interact_for_its_length(records):
    seen = 0
    for _, segments, metrics in _sessions(records, "customer", "external"):
        (interact,) = _of(segments, "interact")
        assert metrics["nConnected"] == [(parse(interact["segmentStart"]), 1)]
        if "segmentEnd" in interact:
            start, end = _span(interact)
            assert metrics["tConnected"] == [(end, end - start)]
            seen += 1
        else:
            assert "tConnected" not in metrics

    assert seen > 500


def test_an_ivr_is_left_with_tivr_and_the_flow_is_told_a_little_later(records):
    seen = 0
    for _, segments, metrics in _sessions(records, "ivr"):
        (ivr,) = _of(segments, "ivr")
        start, end = _span(ivr)
        assert metrics["tIvr"] == [(end, end - start)]
        ((counted, one),) = metrics["nFlow"]
        assert one == 1
        assert 170 <= counted - start <= 262
        ((left, lasted),) = metrics["tFlow"]
        assert 2 <= left - end <= 24
        assert lasted == left - counted
        seen += 1

    assert seen > 300


def test_a_queue_offers_after_its_delay_and_acd_excludes_it(records):
    seen = 0
    for _, segments, metrics in _sessions(records, "acd"):
        (interact,) = _of(segments, "interact")
        start, end = _span(interact)
        assert metrics["nOffered"] == [(start, 1)]
        assert metrics["tAcd"] == [(end, end - start)]
        if "tAbandon" in metrics:
            assert metrics["tAbandon"] == metrics["tAcd"]
            assert ("tShortAbandon" in metrics) == (end - start < 10_000)
        seen += 1

    assert seen > 300


def test_ringing_is_told_at_its_end_and_not_answering_with_it(records):
    missed = 0
    for _, segments, metrics in _sessions(records, "agent"):
        for alert in _of(segments, "alert"):
            start, end = _span(alert)
            assert metrics["tAlert"] == [(end, end - start)]
            if not _of(segments, "interact"):
                assert metrics["tNotResponding"] == metrics["tAlert"]
                assert "tAnswered" not in metrics
                missed += 1

    assert missed > 10


def test_an_answer_carries_the_wait_of_the_queue_and_not_the_ringing(records):
    seen = 0
    for record in records:
        waits = {value for *_, m in _sessions([record], "acd") for _, value in m["tAcd"]}
        for _, segments, metrics in _sessions([record], "agent"):
            if "tAnswered" in metrics:
                ((at, value),) = metrics["tAnswered"]
                assert at == parse(_of(segments, "interact")[0]["segmentStart"])
                assert value in waits
                seen += 1

    assert seen > 300


def test_talk_and_hold_are_told_piece_by_piece_and_once_as_a_whole(records):
    held = 0
    for _, segments, metrics in _sessions(records, "agent", "user"):
        for kind, each, whole in (
            ("interact", "tTalk", "tTalkComplete"),
            ("hold", "tHeld", "tHeldComplete"),
        ):
            pieces = [(end, end - start) for start, end in map(_span, _of(segments, kind))]
            assert sorted(metrics.get(each, [])) == pieces
            if whole in metrics:
                ((at, total),) = metrics[whole]
                assert total == sum(value for _, value in pieces)
                last_talk = _span(_of(segments, "interact")[-1])[1]
                last = _span(_of(segments, "interact", "hold")[-1])[1]
                assert at == (last_talk if kind == "interact" else last)
                held += kind == "hold"

    assert held > 30


def test_handle_time_is_its_parts_told_when_the_last_of_them_ends(records):
    exceptions = seen = 0
    for _, segments, metrics in _sessions(records, "agent", "user"):
        if "tHandle" not in metrics:
            continue
        ((at, total),) = metrics["tHandle"]
        names = ("tTalkComplete", "tHeldComplete", "tAcw", "tContacting", "tDialing")
        assert total == sum(value for name in names for _, value in metrics.get(name, []))
        wrapups = _of(segments, "wrapup")
        if not wrapups:
            assert at == _span(segments[-1])[1]
            assert "tAcw" not in metrics
        else:
            assert metrics["tAcw"][0][0] == at
            start, end = _span(wrapups[0])
            if metrics["tAcw"][0][1] != end - start:
                # A no-answer agent: its after-call work is seconds shorter than the segment.
                assert "tNotResponding" in metrics
                assert end - start - metrics["tAcw"][0][1] == 4_000
                assert at < end
                exceptions += 1
            else:
                assert at == end
        seen += 1

    assert seen > 300
    assert exceptions > 3


def test_a_transfer_is_told_where_the_passing_agents_talk_ends(records):
    names = {"nTransferred": 0, "nBlindTransferred": 0, "nConsultTransferred": 0}
    for _, segments, metrics in _sessions(records, "agent"):
        for name in names:
            if name in metrics:
                assert metrics[name] == [(_span(_of(segments, "interact")[-1])[1], 1)]
                names[name] += 1

    assert names["nTransferred"] == names["nBlindTransferred"] + names["nConsultTransferred"]
    assert min(names.values()) > 0


def test_contacting_and_dialing_are_told_at_their_ends(records):
    seen = 0
    for _, segments, metrics in _sessions(records, "agent", "user"):
        for kind, name in (("contacting", "tContacting"), ("dialing", "tDialing")):
            for segment in _of(segments, kind):
                start, end = _span(segment)
                assert metrics[name] == [(end, end - start)]
                seen += 1

    assert seen > 20


def test_a_conversation_ends_with_its_last_segment_or_not_at_all(records):
    never = 0
    for record in records:
        segments = [
            segment
            for participant in record["participants"]
            for session in participant["sessions"]
            for segment in session["segments"]
        ]
        starts = min(segment["segmentStart"] for segment in segments)
        assert parse(record["conversationStart"]) - parse(starts) in (0, 13)
        for segment in segments:
            assert segment["segmentStart"] <= segment.get("segmentEnd", "9")
        if "conversationEnd" in record:
            assert record["conversationEnd"] == max(s["segmentEnd"] for s in segments)
        else:
            never += 1

    assert never > 0


def test_forgotten_legs_carry_values_that_32_bits_do_not_hold(records):
    values = [
        metric["value"]
        for record in records
        for participant in record["participants"]
        for session in participant["sessions"]
        for metric in session["metrics"]
    ]

    assert max(values) > 5_000_000_000
    assert min(values) >= 0
