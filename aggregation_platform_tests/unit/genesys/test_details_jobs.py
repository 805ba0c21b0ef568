"""Details jobs against a server that behaves as real ones do."""

from datetime import UTC, date, datetime

import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.errors import (
    DetailsJobError,
    QueryTooLargeError,
    TransientSourceError,
    UnexpectedReplyError,
)
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.genesys.details import JOBS, DetailsJobState
from aggregation_platform.genesys.retries import OutcomeUnknownError
from aggregation_platform.intervals import Interval
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer

DAY = Interval.of_day(date(2026, 1, 4))
PAGE = f"GET {JOBS}/j1/results"
JOB = f"GET {JOBS}/j1"


def test_a_job_is_submitted_with_its_interval_and_nothing_else(
    server: ScriptedServer, client: GenesysClient
):
    server.on(f"POST {JOBS}", Answer(202, {"jobId": "j1"}))

    assert client.submit_details_job(DAY) == "j1"
    assert server.asked(f"POST {JOBS}")[0].json == {
        "interval": "2026-01-04T00:00:00.000Z/2026-01-05T00:00:00.000Z"
    }


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize(
    "state", ["QUEUED", "PENDING", "FAILED", "CANCELLED", "FULFILLED", "EXPIRED"]
)
def test_every_state_is_read_whatever_the_status(
    server: ScriptedServer, client: GenesysClient, status: int, state: str
):
    server.on(JOB, Answer(status, {"state": state, "submissionDate": "2026-01-05T01:00:00Z"}))

    job = client.details_job("j1")

    assert job.state is DetailsJobState(state)
    assert job.submitted_at == datetime(2026, 1, 5, 1, tzinfo=UTC)
    assert job.expires_at is None


def test_an_unknown_state_is_not_the_end(server: ScriptedServer, client: GenesysClient):
    server.on(JOB, Answer(200, {"state": "REHYDRATING"}))

    state = client.details_job("j1").state

    assert state is DetailsJobState.UNKNOWN
    assert not state.is_over


def test_a_failed_job_tells_why(server: ScriptedServer, client: GenesysClient):
    server.on(JOB, Answer(200, {"state": "FAILED", "errorMessage": "Pagination may not exceed"}))

    assert client.details_job("j1").error_message == "Pagination may not exceed"


def test_why_a_job_failed_is_told_in_a_line_without_numbers_and_addresses(
    server: ScriptedServer, client: GenesysClient
):
    why = "caller +15551234567 (ann.lee@example.com)\n" + 1000 * "x"
    server.on(JOB, Answer(200, {"state": "FAILED", "errorMessage": why}))
    told = client.details_job("j1").error_message

    assert told is not None
    assert told.startswith("caller *** (***) xxx")
    assert len(told) <= 200


def test_a_job_that_is_gone_is_a_job_error(server: ScriptedServer, client: GenesysClient):
    server.on(JOB, Answer(404, {"message": "no", "code": "not.found", "status": 404}))

    with pytest.raises(DetailsJobError, match="Submit a new job") as raised:
        client.details_job("j1")

    assert (raised.value.job_id, raised.value.state) == ("j1", "NOT_FOUND")


def test_pages_are_followed_by_cursor_and_kept_as_they_came(
    server: ScriptedServer, client: GenesysClient
):
    first = Answer(
        200,
        {
            "conversations": [{"conversationId": "a"}, {"conversationId": "b"}],
            "cursor": "Y3Vyc29yX3YyMzI=",
            "dataAvailabilityDate": "2026-01-05T04:10:03Z",
        },
        headers={"ININ-Correlation-Id": "corr-1"},
        packed=True,
    )
    last = Answer(200, {"conversations": [{"conversationId": "c"}]})
    server.on(PAGE, first, last)

    one = client.details_page("j1", cursor=None, page_size=1000)
    two = client.details_page("j1", cursor=one.cursor, page_size=1000)

    assert one.conversation_ids == ("a", "b")
    assert one.encoding == "gzip"
    assert one.body[:2] == b"\x1f\x8b"
    assert one.data_available_to == datetime(2026, 1, 5, 4, 10, 3, tzinfo=UTC)
    assert one.correlation_id == "corr-1"
    assert two.body == last.payload()
    assert (two.encoding, two.conversation_ids, two.cursor) == ("identity", ("c",), None)
    assert [seen.query for seen in server.asked(PAGE)] == [
        {"pageSize": "1000"},
        {"pageSize": "1000", "cursor": "Y3Vyc29yX3YyMzI="},
    ]


@pytest.mark.parametrize(
    "body", [{}, {"conversations": []}, {"conversations": None}, {"cursor": ""}]
)
def test_an_empty_page_may_lack_its_conversations(
    server: ScriptedServer, client: GenesysClient, body: object
):
    server.on(PAGE, Answer(200, body))

    page = client.details_page("j1", cursor=None, page_size=10)

    assert (page.conversation_ids, page.cursor) == ((), None)


def test_a_malformed_record_keeps_its_place_without_an_id(
    server: ScriptedServer, client: GenesysClient
):
    records = [{"conversationId": "a"}, None, 7, {"conversationId": 7}, {}, {"conversationId": "b"}]
    server.on(PAGE, Answer(200, {"conversations": records, "cursor": "next"}))

    page = client.details_page("j1", cursor=None, page_size=10)

    assert page.conversation_ids == ("a", None, None, None, None, "b")
    assert page.cursor == "next"


@pytest.mark.parametrize(
    ("oddity", "its_id"),
    [
        (rb'"conversationId":"b","t":"\ud83d"', "b"),  # an emoji cut in half
        (rb'"conversationId":7,"t":"\ud83d"', None),
        (b'"conversationId":"b","t":NaN', "b"),
        (b'"conversationId":"b","t":"line\nbreak"', "b"),
        (b'"conversationId":"b","t":"\xff\\ud83d"', "b"),
        (rb'"conversationId":"b\ud83d"', None),
        (b'"conversationId":"b\xff"', None),
    ],
)
def test_a_record_that_strict_readers_refuse_does_not_take_its_page_along(
    server: ScriptedServer, client: GenesysClient, oddity: bytes, its_id: str | None
):
    records = b'{"conversationId":"a"},{%s},{"conversationId":"c"}' % oddity
    body = rb'{"conversations":[%s],"cursor":"next","totalHits":1e999,"\ud83d":0}' % records
    server.on(PAGE, Answer(200, body, packed=True))

    page = client.details_page("j1", cursor=None, page_size=10)

    assert page.conversation_ids == ("a", its_id, "c")
    assert (page.cursor, page.total_hits) == ("next", None)
    assert client.tally.counts().retries == 0


@pytest.mark.parametrize(
    "body",
    [
        rb'{"conversations":"\ud83d"}',
        rb'{"conversations":[],"cursor":7,"t":"\ud83d"}',
        rb'{"conversations":[],"cursor":"\ud83d"}',
        rb'["\ud83d"]',
        b'{"conversations":[{"t":' + b"[" * 5_000 + b"]" * 5_000 + b"}]}",
    ],
    ids=["conversations", "cursor", "unsayable cursor", "list", "deep"],
)
def test_a_page_that_is_no_page_even_when_read_leniently_is_unexpected(
    server: ScriptedServer, client: GenesysClient, body: bytes
):
    server.on(PAGE, Answer(200, body))

    with pytest.raises(UnexpectedReplyError, match="Report a bug"):
        client.details_page("j1", cursor=None, page_size=10)


@pytest.mark.parametrize(
    "torn",
    [
        Answer(200, {"conversations": []}, packed=True, tear=5),
        Answer(200, {"conversations": []}, tear=3),
        Answer(200, {"conversations": []}, tear=3, chunked=True),
        Answer(200, b'{"conversations": [{"conv'),
        Answer(200, rb'{"conversations": [{"t":"\ud83d"}'),
        Answer(200, b"\x1f\x8b\x08\x00garbage"),
        Answer(200, {"conversations": []}, drop=True),
    ],
    ids=["gzip", "length", "chunked", "json", "odd json", "inflate", "dropped"],
)
def test_a_torn_page_is_asked_for_again(
    server: ScriptedServer, client: GenesysClient, torn: Answer
):
    server.on(PAGE, torn, Answer(200, {"conversations": [{"conversationId": "a"}]}))

    page = client.details_page("j1", cursor=None, page_size=10)

    assert page.conversation_ids == ("a",)
    assert client.tally.counts().retries == 1


def test_a_page_in_chunks_is_whole(server: ScriptedServer, client: GenesysClient):
    server.on(PAGE, Answer(200, {"conversations": [{"conversationId": "a"}]}, chunked=True))

    assert client.details_page("j1", cursor=None, page_size=10).conversation_ids == ("a",)


def test_a_page_that_stays_torn_is_transient_for_the_run(
    server: ScriptedServer, client: GenesysClient
):
    server.on(PAGE, Answer(200, b'{"conversations": ['))

    with pytest.raises(TransientSourceError, match="no whole JSON"):
        client.details_page("j1", cursor=None, page_size=10)


def test_a_page_that_is_no_page_is_unexpected(server: ScriptedServer, client: GenesysClient):
    server.on(PAGE, Answer(200, ["not", "a", "page"]))

    with pytest.raises(UnexpectedReplyError, match="Expected `object`"):
        client.details_page("j1", cursor=None, page_size=10)


def test_too_large_a_page_asks_for_a_smaller_one(server: ScriptedServer, client: GenesysClient):
    server.on(PAGE, Answer(400, {"code": "response.entity.too.large", "message": "reduce"}))

    with pytest.raises(QueryTooLargeError, match="smaller page"):
        client.details_page("j1", cursor=None, page_size=10)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer(404, {"code": "not.found", "message": "gone"}), "NOT_FOUND"),
        (Answer(410, {"code": "gone", "message": "gone"}), "NOT_FOUND"),
        (Answer(400, {"code": "bad.request", "message": "Invalid cursor"}), "CURSOR_REFUSED"),
    ],
)
def test_an_expired_job_or_cursor_asks_for_a_new_job(
    server: ScriptedServer, client: GenesysClient, answer: Answer, state: str
):
    server.on(PAGE, answer)

    with pytest.raises(DetailsJobError, match="Submit a new job") as raised:
        client.details_page("j1", cursor="old", page_size=10)

    assert raised.value.state == state


def test_a_cursor_that_does_not_move_is_not_followed_for_ever(
    server: ScriptedServer, client: GenesysClient
):
    server.on(PAGE, Answer(200, {"conversations": [], "cursor": "same"}))

    with pytest.raises(UnexpectedReplyError, match="did not move"):
        client.details_page("j1", cursor="same", page_size=10)


def test_a_submission_without_a_reply_is_not_repeated_but_counted(
    server: ScriptedServer, client: GenesysClient
):
    server.on(f"POST {JOBS}", Answer(drop=True))

    with pytest.raises(OutcomeUnknownError, match="may be sent again"):
        client.submit_details_job(DAY)

    assert len(server.asked(f"POST {JOBS}")) == 1
    assert client.tally.counts().submitted_jobs == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_submission_that_may_have_worked_is_not_repeated(
    server: ScriptedServer, client: GenesysClient, status: int
):
    server.on(f"POST {JOBS}", Answer(status, b"<html>oh</html>"))

    with pytest.raises(OutcomeUnknownError, match="unknown whether"):
        client.submit_details_job(DAY)

    assert len(server.asked(f"POST {JOBS}")) == 1


@pytest.mark.parametrize("status", [401, 408, 409, 425, 429, 503])
def test_a_submission_that_was_certainly_refused_is_repeated(
    server: ScriptedServer, client: GenesysClient, status: int
):
    server.on(
        "POST /oauth/token",
        Answer(200, {"access_token": "one", "expires_in": 999}),
        Answer(200, {"access_token": "two", "expires_in": 999}),
    )
    server.on(f"POST {JOBS}", Answer(status, {}), Answer(202, {"jobId": "j1"}))

    assert client.submit_details_job(DAY) == "j1"
    assert client.tally.counts().submitted_jobs == 1


def test_a_login_that_is_lost_leaves_no_doubt_about_a_submission(
    server: ScriptedServer, client: GenesysClient
):
    server.on(
        "POST /oauth/token",
        Answer(200, {"access_token": "old", "expires_in": 999}),
        Answer(drop=True),
        Answer(200, {"access_token": "new", "expires_in": 999}),
    )
    server.on(f"POST {JOBS}", Answer(401, {}), Answer(401, {}), Answer(202, {"jobId": "j1"}))

    assert client.submit_details_job(DAY) == "j1"


def test_waiting_looks_ever_less_often_until_the_job_is_fulfilled(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock
):
    server.on(JOB, *[Answer(200, {"state": "PENDING"})] * 9, Answer(200, {"state": "FULFILLED"}))

    job = client.wait_for_details_job("j1", patience_s=300)

    assert job.state is DetailsJobState.FULFILLED
    assert clock.slept[:3] == [1.0, 1.5, 2.25]
    assert max(clock.slept) <= 15.0


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED"])
def test_waiting_ends_when_the_job_ends_otherwise(
    server: ScriptedServer, client: GenesysClient, state: str
):
    server.on(JOB, Answer(200, {"state": state}))

    with pytest.raises(DetailsJobError) as raised:
        client.wait_for_details_job("j1", patience_s=300)

    assert raised.value.state == state


@pytest.mark.parametrize("state", ["PENDING", "QUEUED", "SOMETHING_NEW"])
def test_waiting_has_an_end(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock, state: str
):
    server.on(JOB, Answer(200, {"state": state}))

    with pytest.raises(DetailsJobError, match="shorter interval") as raised:
        client.wait_for_details_job("j1", patience_s=60)

    assert raised.value.state == "STUCK"
    assert 60 <= sum(clock.slept) < 62


def test_cancelling_is_quiet_even_if_the_job_is_gone(server: ScriptedServer, client: GenesysClient):
    server.on(f"DELETE {JOBS}/j1", Answer(204), Answer(404, {"code": "not.found"}))

    client.cancel_details_job("j1")
    client.cancel_details_job("j1")

    assert len(server.asked(f"DELETE {JOBS}/j1")) == 2


def test_the_watermark_is_read_with_and_without_fractions(
    server: ScriptedServer, client: GenesysClient
):
    server.on(
        f"GET {JOBS}/availability",
        Answer(200, {"dataAvailabilityDate": "2026-01-05T04:10:03Z"}),
        Answer(200, {"dataAvailabilityDate": "2026-01-05T05:10:03.250Z"}),
    )

    assert client.data_available_to() == datetime(2026, 1, 5, 4, 10, 3, tzinfo=UTC)
    assert client.data_available_to() == datetime(2026, 1, 5, 5, 10, 3, 250_000, tzinfo=UTC)
