"""The synchronous query and look-ups by id, with rules of their own."""

import json

import pytest

from aggregation_platform.simulator.faults import Fault

QUERY = "/api/v2/analytics/conversations/details/query"
MORNING = "2026-01-05T12:00:00Z/2026-01-05T16:00:00Z"


def _all(us, interval, **more):
    found, number = [], 1
    while True:
        paging = {"pageSize": 20, "pageNumber": number}
        page = us.post(QUERY, {"interval": interval, "paging": paging, **more})
        if "conversations" not in page:
            return found, page["totalHits"]
        found += page["conversations"]
        number += 1


def test_a_query_finds_what_began_on_a_day_it_touches_and_lives_in_it(us):
    found, total = _all(us, MORNING)
    job = us.records(MORNING)

    assert len(found) == total > 20
    ids = [record["conversationId"] for record in found]
    assert ids == [r["conversationId"] for r in job if r["conversationStart"] >= "2026-01-05"]
    assert len(ids) < len(job)


def test_attributes_are_only_in_jobs(us):
    found, _ = _all(us, MORNING)

    assert not any("attributes" in p for record in found for p in record["participants"])


def test_nothing_is_known_that_has_not_happened_yet(org, clock):
    us = org(live=True, first_day=clock.now().date())  # it is seven past noon

    found, _ = _all(us, "2026-02-01T00:00:00Z/2026-02-02T00:00:00Z")

    assert found
    assert all(record["conversationStart"] <= "2026-02-01T12:07:32" for record in found)
    assert any("conversationEnd" not in record for record in found)


def test_total_hits_may_drift_and_pages_overlap(us):
    asked = {"interval": MORNING, "paging": {"pageSize": 5, "pageNumber": 2}}
    first = us.post(QUERY, {**asked, "paging": {"pageSize": 5, "pageNumber": 1}})
    us.simulator.faults.add(Fault(kind="drifting_hits", count_of=3))
    us.simulator.faults.add(Fault(kind="duplicates", count_of=2))
    second = us.post(QUERY, asked)

    assert second["totalHits"] == first["totalHits"] + 3
    assert second["conversations"][:2] == first["conversations"][-2:]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"interval": "2026-01-01T00:00:00Z/2026-01-08T00:00:01Z"}, "7 days"),
        ({"interval": MORNING, "paging": {"pageSize": 101}}, "100"),
        ({"interval": MORNING, "paging": {"pageSize": 100, "pageNumber": 1001}}, "100000 results"),
        ({"interval": "2026-01-01T00:00:00Z/2026-02-08T00:00:00Z", "segmentFilters": [
            {"predicates": [{"dimension": "mediaType", "value": "voice"}]}]}, "31 days"),
    ],
)  # fmt: skip
def test_a_query_that_asks_too_much_is_refused(us, body, part):
    answer = us.send("POST", QUERY, body)

    assert answer.status == 400
    assert part in json.loads(answer.body)["message"]


def test_a_conversation_is_found_by_its_id_and_only_in_its_own_org(us, clock):
    record = us.records()[-1]
    path = f"/api/v2/analytics/conversations/{record['conversationId']}/details"
    emea = type(us)(us.simulator, "emea", clock).log_in()

    assert us.get(path)["conversationStart"] == record["conversationStart"]
    assert emea.send("GET", path).status == 404


def test_several_are_found_by_their_ids(us):
    ids = [record["conversationId"] for record in us.records()[:3]]
    path = "/api/v2/analytics/conversations/details?" + "&".join(f"id={i}" for i in ids)

    assert [record["conversationId"] for record in us.get(path)["conversations"]] == ids


def test_the_live_object_carries_the_attributes(us):
    record = next(r for r in us.records() if r["participants"][0].get("attributes"))

    told = us.get(f"/api/v2/conversations/{record['conversationId']}")

    assert told["participants"][0]["attributes"] == record["participants"][0]["attributes"]
