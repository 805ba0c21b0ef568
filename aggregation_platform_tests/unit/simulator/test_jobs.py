"""Details jobs: their life, their pages, and what they silently lack."""

import base64
import json

import pytest

DAY = "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z"
JOBS = "/api/v2/analytics/conversations/details/jobs"


def test_a_job_is_queued_pending_and_then_fulfilled(org):
    us = org(job_seconds=10)
    answer = us.send("POST", JOBS, {"interval": DAY})
    assert answer.status == 202
    body = json.loads(answer.body)
    assert list(body) == ["jobId"]

    seen = []
    for _ in range(4):
        status = us.send("GET", f"{JOBS}/{body['jobId']}")
        told = json.loads(status.body)
        seen.append((status.status, told["state"], "completionDate" in told))
        us.clock.advance(3.4)

    assert seen == [
        (202, "QUEUED", False), (202, "PENDING", False), (202, "PENDING", False),
        (200, "FULFILLED", True),
    ]  # fmt: skip


def test_results_are_not_there_before_the_job_is_fulfilled(org):
    us = org(job_seconds=10)
    job_id = us.post(JOBS, {"interval": DAY})["jobId"]

    assert us.send("GET", f"{JOBS}/{job_id}/results").status == 404


def test_pages_hold_every_conversation_once_and_the_last_has_no_cursor(us):
    pages = list(us.pages(us.job(), size=50))
    ids = [record["conversationId"] for page in pages for record in page["conversations"]]

    assert len(pages) > 2
    assert [("cursor" in page) for page in pages] == [True] * (len(pages) - 1) + [False]
    assert len(ids) == len(set(ids))
    assert all(len(page["conversations"]) == 50 for page in pages[:-1])
    assert base64.b64decode(pages[0]["cursor"]).startswith(b"cursor_v2")


def test_a_page_reads_the_same_twice(us):
    path = f"{JOBS}/{us.job()}/results?pageSize=20"

    assert us.send("GET", path).body == us.send("GET", path).body


def test_the_org_may_give_smaller_pages_than_asked(org):
    us = org(max_page_size=10)

    assert len(us.get(f"{JOBS}/{us.job()}/results?pageSize=1000")["conversations"]) == 10


def test_an_empty_page_has_no_conversations_key(us):
    page = us.get(f"{JOBS}/{us.job('2031-01-05T00:00:00Z/2031-01-06T00:00:00Z')}/results")

    assert list(page) == ["dataAvailabilityDate"]


def test_every_page_tells_the_watermark_without_milliseconds(us):
    pages = list(us.pages(us.job(), size=60))

    assert {page["dataAvailabilityDate"] for page in pages} == {"2026-02-01T10:00:00Z"}
    assert us.get(f"{JOBS}/availability") == {"dataAvailabilityDate": "2026-02-01T10:00:00Z"}


def test_what_lies_past_the_watermark_is_silently_absent(us):
    whole = {record["conversationId"]: record for record in us.records()}
    us.simulator.services["us"].lake.fix_watermark(1_767_632_400_000)  # 2026-01-05T17:00Z

    cut = us.records()

    assert 0 < len(cut) < len(whole)
    assert all(record["conversationStart"] < "2026-01-05T17:00:00.000Z" for record in cut)
    moments = [
        metric["emitDate"]
        for record in cut
        for participant in record["participants"]
        for session in participant["sessions"]
        for metric in session["metrics"]
    ]
    assert max(moments) <= "2026-01-05T17:00:00.000Z"
    running = [r for r in cut if "conversationEnd" not in r]
    assert any("conversationEnd" in whole[r["conversationId"]] for r in running)


def test_a_day_past_the_watermark_is_empty_and_yet_fulfilled(us):
    us.simulator.services["us"].lake.fix_watermark(1_767_571_200_000)  # 2026-01-05T00:00Z

    assert us.records() == []


def test_results_are_the_lake_of_the_moment_the_job_was_made(us):
    job_id = us.job()
    before = [page.get("conversations") for page in us.pages(job_id)]
    us.simulator.services["us"].lake.rewrite(1, range(20_000, 20_700))

    assert [page.get("conversations") for page in us.pages(job_id)] == before
    assert [page.get("conversations") for page in us.pages(us.job())] != before


def test_a_job_finds_whatever_lives_in_its_interval(us):
    first = {record["conversationId"] for record in us.records()}
    second = us.records("2026-01-06T00:00:00Z/2026-01-07T00:00:00Z")

    both = [record for record in second if record["conversationId"] in first]
    assert both
    assert all(record["conversationStart"] < "2026-01-06" for record in both)


def test_start_of_day_matching_leaves_out_what_began_on_earlier_days(us):
    afternoon = "2026-01-06T18:00:00Z/2026-01-07T00:00:00Z"
    everything = us.records(afternoon)

    matched = us.records(afternoon, startOfDayIntervalMatching=True)

    assert [r for r in everything if r["conversationStart"] >= "2026-01-06"] == matched
    assert len(matched) < len(everything)


def test_descending_order_is_the_ascending_one_backwards(us):
    up = [record["conversationId"] for record in us.records()]

    assert [record["conversationId"] for record in us.records(order="desc")] == up[::-1]


def test_a_limit_caps_the_whole_job(us):
    assert len(us.records(limit=7)) == 7


def test_segment_filters_choose_whole_conversations(us):
    queue = us.place.queues[0].id
    chosen = us.records(
        segmentFilters=[{"type": "and", "predicates": [
            {"type": "dimension", "dimension": "queueId", "operator": "matches", "value": queue},
            {"type": "dimension", "dimension": "segmentType", "value": "wrapup"},
        ]}]
    )  # fmt: skip

    assert 0 < len(chosen) < len(us.records())
    for record in chosen:
        segments = [
            segment
            for participant in record["participants"]
            for session in participant["sessions"]
            for segment in session["segments"]
        ]
        assert any(s["segmentType"] == "wrapup" and s.get("queueId") == queue for s in segments)


def test_conversation_filters_choose_and_ignore_what_is_not_theirs(us):
    outbound = [{"predicates": [{"dimension": "originatingDirection", "value": "outbound"}]}]
    misplaced = [{"predicates": [{"dimension": "queueId", "value": "no such queue"}]}]
    ended = [{"predicates": [{"dimension": "conversationEnd", "operator": "notExists"}]}]

    assert {r["originatingDirection"] for r in us.records(conversationFilters=outbound)} == {
        "outbound"
    }
    assert len(us.records(conversationFilters=misplaced)) == len(us.records())
    assert all("conversationEnd" not in r for r in us.records(conversationFilters=ended))
    assert us.records(conversationFilters=ended)


def test_a_foreign_job_is_not_found(us, clock):
    job_id = us.job()
    emea = type(us)(us.simulator, "emea", clock).log_in()

    answer = emea.send("GET", f"{JOBS}/{job_id}")

    assert answer.status == 404
    assert json.loads(answer.body)["code"] == "not.found"


def test_a_cancelled_job_stays_cancelled(us):
    job_id = us.job()

    assert us.send("DELETE", f"{JOBS}/{job_id}").status == 204
    assert us.get(f"{JOBS}/{job_id}")["state"] == "CANCELLED"
    assert us.send("GET", f"{JOBS}/{job_id}/results").status == 404


def test_results_expire(org):
    us = org(job_expiry_hours=2)
    job_id = us.job()
    us.clock.advance(2 * 3600)

    assert us.get(f"{JOBS}/{job_id}")["state"] == "EXPIRED"
    assert us.send("GET", f"{JOBS}/{job_id}/results").status == 404


def test_pagination_past_the_cap_is_refused(org):
    us = org(result_cap=40)
    job_id = us.job()
    first = us.get(f"{JOBS}/{job_id}/results?pageSize=40")

    answer = us.send("GET", f"{JOBS}/{job_id}/results?pageSize=40&cursor={first['cursor']}")

    assert answer.status == 400
    assert "Pagination may not exceed 40 results" in json.loads(answer.body)["message"]


def test_a_page_that_would_be_too_large_asks_for_a_smaller_one(org):
    us = org(too_large_page_size=50)
    job_id = us.job()

    answer = us.send("GET", f"{JOBS}/{job_id}/results?pageSize=51")

    assert json.loads(answer.body)["code"] == "response.entity.too.large"
    assert us.send("GET", f"{JOBS}/{job_id}/results?pageSize=50").status == 200


@pytest.mark.parametrize("cursor", ["rubbish", "cnViYmlzaA=="])
def test_a_cursor_that_is_none_is_refused(us, cursor):
    assert us.send("GET", f"{JOBS}/{us.job()}/results?cursor={cursor}").status == 400


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "constraint.validation"),
        ({"interval": "today"}, "invalid.date"),
        ({"interval": DAY, "paging": {"pageSize": 1}}, "invalid.property"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(us, body, code):
    answer = us.send("POST", JOBS, body)

    assert answer.status == 400
    assert json.loads(answer.body)["code"] == code


def test_too_many_jobs_at_once_are_refused(org):
    us = org(concurrent_jobs=2, job_seconds=10)
    for _ in range(2):
        us.post(JOBS, {"interval": DAY})

    assert us.send("POST", JOBS, {"interval": DAY}).status == 429
    us.clock.advance(10)
    assert us.send("POST", JOBS, {"interval": DAY}).status == 202


def test_attributes_are_in_jobs_and_the_key_is_among_them(us):
    keys = [
        key
        for record in us.records()
        for participant in record["participants"]
        for key in participant.get("attributes", {})
    ]

    assert "IVR_UU_ID" in keys
    assert len(set(keys)) > 10


def test_a_key_may_be_on_the_callers_or_on_the_flows_participant(us):
    bearers = {
        participant["purpose"]
        for record in us.records()
        for participant in record["participants"]
        if "IVR_UU_ID" in participant.get("attributes", {})
    }

    assert bearers >= {"customer", "ivr"}


def test_outbound_calls_have_attributes_too(us):
    outbound = [r for r in us.records() if r["originatingDirection"] == "outbound"]

    assert outbound
    for record in outbound:
        assert any(participant.get("attributes") for participant in record["participants"])


def test_a_large_job_pends_until_it_has_found_its_results(org):
    us = org(conversations_per_day=25_000, history_days=0, days=1)
    job_id = us.job()
    job = us.simulator.services["us"].jobs.found(job_id)
    states = set()
    while job.finding.is_alive():
        states.add(us.send("GET", f"{JOBS}/{job_id}").status)
        job.finding.join(0.01)

    assert states <= {200, 202}
    assert 202 in states
    assert us.get(f"{JOBS}/{job_id}")["state"] == "FULFILLED"
    assert len(job.results()) > 24_000
