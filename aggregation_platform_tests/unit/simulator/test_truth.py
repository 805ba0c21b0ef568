"""The truth, the records and the aggregates tell the same world by three separate ways."""

import json
from collections import Counter
from datetime import date

import pytest

from aggregation_platform.simulator.timestamps import DAY_MS, HOUR_MS, day_start, parse

DAY = "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z"
START = day_start(date(2026, 1, 5))
AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"


def _from_records(records, low=START, high=START + DAY_MS):
    """Count and sum each metric that was emitted in [low, high), from records alone."""
    counts, sums = Counter(), Counter()
    for record in records:
        for participant in record["participants"]:
            for session in participant["sessions"]:
                for metric in session["metrics"]:
                    if low <= parse(metric["emitDate"]) < high and metric["name"] != "tPondering":
                        counts[metric["name"]] += 1
                        sums[metric["name"]] += metric["value"]
    return counts, sums


def _stats(answer):
    """Give {(group as text, interval start, metric): stats}."""
    return {
        (json.dumps(result["group"]), bucket["interval"].split("/")[0], metric["metric"]):
            metric["stats"]
        for result in answer["results"]
        for bucket in result["data"]
        for metric in bucket["metrics"]
    }  # fmt: skip


def test_aggregates_equal_what_the_records_of_the_day_emitted(us):
    counts, sums = _from_records(us.records())

    answer = us.post(AGGREGATES, {"interval": DAY, "metrics": sorted(counts)})

    told = {metric: stats for (_, _, metric), stats in _stats(answer).items()}
    assert {name: stats["count"] for name, stats in told.items()} == dict(counts)
    for name, stats in told.items():
        if name.startswith("t"):
            assert stats["sum"] == sums[name]
            assert stats["min"] <= stats["sum"] / stats["count"] <= stats["max"]
        else:
            assert stats == {"count": counts[name]}


def test_the_truth_of_handle_time_equals_both(us):
    counts, sums = _from_records(us.records())

    told = us.simulator.truth.handle_time("us", date(2026, 1, 5))

    assert told == (counts["tHandle"], sums["tHandle"])
    assert told[0] > 80


def test_groups_add_up_and_belong_to_the_sessions_queue_and_user(us):
    expected = Counter()
    for record in us.records():
        for participant in record["participants"]:
            for session in participant["sessions"]:
                queue = next((s["queueId"] for s in session["segments"] if "queueId" in s), None)
                for metric in session["metrics"]:
                    at = parse(metric["emitDate"])
                    if metric["name"] == "tHandle" and START <= at < START + DAY_MS:
                        expected[queue, participant["userId"]] += metric["value"]

    by = ("queueId", "userId")
    truth = us.simulator.truth.handle_times("us", START, START + DAY_MS, by)
    answer = us.post(AGGREGATES, {"interval": DAY, "metrics": ["tHandle"], "groupBy": [*by]})

    assert {key: total for key, (_, total) in truth.items()} == dict(expected)
    told = {
        (result["group"]["queueId"], result["group"]["userId"]):
            result["data"][0]["metrics"][0]["stats"]["sum"]
        for result in answer["results"]
    }  # fmt: skip
    # A metric without the grouped dimension is in no group: outbound calls without a queue.
    assert told == {key: total for key, total in expected.items() if key[0]}
    assert len(told) < len(expected)


@pytest.mark.parametrize(("step", "length"), [("PT15M", 1), ("PT30M", 2), ("PT1H", 4)])
def test_a_metric_falls_into_the_bucket_of_its_emit_date(us, step, length):
    expected = Counter()
    for record in us.records():
        for participant in record["participants"]:
            for session in participant["sessions"]:
                for metric in session["metrics"]:
                    at = parse(metric["emitDate"])
                    if metric["name"] == "tHandle" and START <= at < START + DAY_MS:
                        expected[at // (length * 900_000)] += 1

    answer = us.post(AGGREGATES, {"interval": DAY, "metrics": ["tHandle"], "granularity": step})

    told = {parse(at) // (length * 900_000): s["count"] for (_, at, _), s in _stats(answer).items()}
    assert told == dict(expected)


def test_days_of_a_time_zone_begin_at_its_midnight(us):
    answer = us.post(AGGREGATES, {
        "interval": "2026-01-05T05:00:00Z/2026-01-07T05:00:00Z", "metrics": ["tHandle"],
        "granularity": "P1D", "timeZone": "America/New_York",
    })  # fmt: skip

    (result,) = answer["results"]
    assert [bucket["interval"] for bucket in result["data"]] == [
        "2026-01-05T05:00:00.000Z/2026-01-06T05:00:00.000Z",
        "2026-01-06T05:00:00.000Z/2026-01-07T05:00:00.000Z",
    ]


def test_an_odd_interval_counts_to_the_millisecond(us):
    records = us.records()
    low, high = START + 10 * HOUR_MS + 123, START + 19 * HOUR_MS + 456_789
    counts, sums = _from_records(records, low, high)

    answer = us.post(AGGREGATES, {
        "interval": "2026-01-05T10:00:00.123Z/2026-01-05T19:07:36.789Z", "metrics": ["tTalk"],
    })  # fmt: skip

    ((_, stats),) = _stats(answer).items()
    assert (stats["count"], stats["sum"]) == (counts["tTalk"], sums["tTalk"])


def test_filters_choose_and_an_empty_answer_has_no_groups(us):
    voice = {"type": "and", "predicates": [{"dimension": "mediaType", "value": "voice"}]}
    none = {"type": "and", "predicates": [{"dimension": "mediaType", "value": "fax"}]}
    either = {"type": "or", "clauses": [voice, none]}
    asked = {"interval": DAY, "metrics": ["tHandle"]}
    grouped = us.post(AGGREGATES, {**asked, "groupBy": ["mediaType"]})

    expected = _stats(grouped)['{"mediaType": "voice"}', "2026-01-05T00:00:00.000Z", "tHandle"]
    for given in (voice, either):
        ((_, stats),) = _stats(us.post(AGGREGATES, {**asked, "filter": given})).items()
        assert stats == expected
    assert us.post(AGGREGATES, {**asked, "filter": none}) == {"results": []}


def test_the_service_level_counts_answers_and_abandons_only(us):
    asked = {"interval": DAY, "metrics": ["oServiceLevel", "tAnswered", "tAbandon", "nOffered"]}

    told = {metric: stats for (_, _, metric), stats in _stats(us.post(AGGREGATES, asked)).items()}

    level = told["oServiceLevel"]
    assert level["denominator"] == told["tAnswered"]["count"] + told["tAbandon"]["count"]
    assert level["denominator"] != told["nOffered"]["count"]
    assert level["ratio"] == level["numerator"] / level["denominator"]


@pytest.mark.parametrize(
    "body",
    [
        {"metrics": ["tHandle"]},
        {"interval": DAY},
        {"interval": "yesterday", "metrics": ["tHandle"]},
        {"interval": DAY, "metrics": ["tHandle"], "granularity": "P3W"},
        {"interval": DAY, "metrics": ["tHandle"], "groupBy": ["conversationEnd"]},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(us, body):
    answer = us.send("POST", AGGREGATES, body)

    assert answer.status == 400
    assert set(json.loads(answer.body)) >= {"message", "code", "status", "contextId"}


def test_a_journey_has_a_record_in_each_org_of_its_path(org):
    us = org(pair_every=10)
    simulator = us.simulator
    journeys = simulator.truth.journeys(START, START + DAY_MS)

    assert len(journeys) > 10
    members = [member for journey in journeys for member in journey]
    assert len(members) == len(set(members))
    for journey in journeys:
        assert len({where for where, _ in journey}) == len(journey) >= 2
        for where, conversation_id in journey:
            ref = simulator.world.ref_of(conversation_id)
            assert simulator.world.org_of(ref) == where


def test_the_evidence_of_a_journey_is_in_the_records(org):
    us = org(pair_every=4, conversations_per_day=400)
    simulator, seen = us.simulator, Counter()
    for journey in simulator.truth.journeys(START, START + DAY_MS):
        refs = [ref for _, i in journey if (ref := simulator.world.ref_of(i))]
        by_leg = {ref.leg: simulator.world.story(ref) for ref in refs}
        first, second = by_leg[0], by_leg[1]
        dialled = [leg for leg in first.legs if getattr(leg, "dnis", None) == second.dnis]
        keys = (first.attributes.get("IVR_UU_ID"), second.attributes.get("IVR_UU_ID"))
        if keys[0] and keys[0] == keys[1]:
            seen["key"] += 1
        elif first.external_tag and first.external_tag == second.external_tag:
            seen["tag"] += 1
        elif dialled:
            assert 0 < second.start - dialled[0].start < 10_000
            seen["dialled"] += 1
        else:
            assert first.ani == second.ani
            assert second.start - first.start < 600_000
            seen["caller"] += 1

    assert set(seen) == {"key", "tag", "dialled", "caller"}
