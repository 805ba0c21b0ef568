"""Records nobody expected: some always, broken ones only when asked for."""

import json
from datetime import date

import pytest

from aggregation_platform.simulator.novelties import ATTRIBUTE, MEDIA, MEMBER, METRIC
from aggregation_platform.simulator.oddities import MALFORMATIONS, UNKNOWN_METRIC, UNKNOWN_VALUES
from aggregation_platform.simulator.timestamps import DAY_MS, day_start


def test_some_records_have_keys_values_and_metrics_nobody_has_heard_of(org):
    us = org(unknown_every=30)
    odd = [record for record in us.records() if "sentimentTrend" in record]

    assert 2 <= len(odd) <= 12
    for record in odd:
        session = record["participants"][-1]["sessions"][-1]
        assert session["usedRouting"] in UNKNOWN_VALUES
        assert UNKNOWN_METRIC in {metric["name"] for metric in session["metrics"]}
        assert "lightYears" in session["segments"][-1]


def test_what_is_new_begins_on_its_day_and_not_before(org):
    second = date(2026, 1, 6)
    us = org(days=2, novelties_from=second, conversations_per_day=120)
    new_on = {
        day: {
            word
            for record in us.records(f"2026-01-{day}T00:00:00Z/2026-01-{day}T23:59:59Z")
            if record["conversationStart"].startswith(f"2026-01-{day}")
            for word in (ATTRIBUTE, METRIC, MEDIA, MEMBER)
            if f'"{word}"' in json.dumps(record)
        }
        for day in ("05", "06")
    }

    assert new_on == {"05": set(), "06": {ATTRIBUTE, METRIC, MEDIA, MEMBER}}


def test_the_truth_knows_the_new_medium_and_no_total_changes_by_it(org):
    second = date(2026, 1, 6)
    span = day_start(second), day_start(second) + DAY_MS
    with_news, without = (
        org(days=2, conversations_per_day=120, **more).simulator.truth
        for more in ({"novelties_from": second}, {})
    )
    by_media = with_news.handle_times("us", *span, ("mediaType",))

    assert by_media[MEDIA,][0] > 0
    assert with_news.handle_times("us", *span) == without.handle_times("us", *span)


def test_no_record_is_broken_unless_asked_for(us):
    for record in us.records():
        assert isinstance(record["participants"], list)
        assert record["conversationId"]


def test_broken_records_are_broken_in_every_way(org):
    us = org(malformed_rate=0.3, conversations_per_day=400)
    seen = set()
    for record in us.records():
        if "conversationId" not in record:
            seen.add("no_conversation_id")
        elif not isinstance(record["participants"], list):
            seen.add("participants_not_a_list")
        elif record["conversationStart"].startswith("2026-13"):
            seen.add("bad_timestamp")
        elif record["participants"][0].get("participantName") == "Zoë \ud83d":
            seen.add("lone_surrogate")
        elif record["participants"][0]["sessions"][0]["metrics"][0]["value"] == "abc":
            seen.add("text_value")

    assert seen == set(MALFORMATIONS)


def test_a_lone_surrogate_goes_over_the_wire_as_an_escape(org):
    us = org(malformed_rate=0.3, conversations_per_day=400)
    body = us.send("GET", f"/api/v2/analytics/conversations/details/jobs/{us.job()}/results").body

    assert b"\\ud83d" in body
    assert json.loads(body)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_truth_knows_which_records_are_broken(org, rate):
    us = org(malformed_rate=rate, conversations_per_day=400)
    start = day_start(us.simulator.options.first_day)
    broken = set(us.simulator.truth.malformed("us", start, start + DAY_MS))
    records = us.records()
    nameless = sum("conversationId" not in record for record in records)
    whole = {
        record["conversationId"]
        for record in records
        if "conversationId" in record and isinstance(record["participants"], list)
    }

    assert len(broken) / len(records) == pytest.approx(rate, abs=0.05)
    assert nameless > 0
    assert len(broken - whole) >= nameless


def test_no_record_is_known_as_broken_unless_asked_for(us):
    start = day_start(us.simulator.options.first_day)

    assert us.simulator.truth.malformed("us", start, start + DAY_MS) == []
