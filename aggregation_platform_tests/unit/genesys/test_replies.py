"""One table says what each reply means; every row, and every odd shape, at a real server."""

import gzip
import json

import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.errors import (
    QueryTooLargeError,
    RateLimitedError,
    RefusedError,
    SourceError,
    TransientSourceError,
    UnexpectedReplyError,
)
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.genesys.replies import ErrorBody, Outcome, outcome_of
from aggregation_platform_tests.unit.genesys.conftest import MakeClient
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer

ME = "GET /api/v2/organizations/me"
GOOD = Answer(200, {"id": "o-1", "name": "Org", "thirdPartyOrgName": "org"})
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def error(status: int, code: str, message: str = "No.") -> Answer:
    body = {
        "message": message, "code": code, "status": status, "contextId": "ctx-1",
        "details": [], "errors": [],
    }  # fmt: skip
    return Answer(status, body, headers={"ININ-Correlation-Id": "corr-1"})


@pytest.mark.parametrize(
    ("status", "code", "message", "outcome"),
    [
        (200, "", "", Outcome.OK),
        (202, "", "", Outcome.OK),
        (204, "", "", Outcome.OK),
        (302, "", "", Outcome.BUG),
        (400, "bad.request", "", Outcome.BUG),
        (400, "invalid.date", "", Outcome.BUG),
        (400, "response.entity.too.large", "", Outcome.TOO_LARGE),
        (400, "bad.request", "Pagination may not exceed 400000 results", Outcome.TOO_LARGE),
        (400, "bad.request", "an interval that does not exceed 7 days", Outcome.TOO_LARGE),
        (401, "bad.credentials", "", Outcome.RELOGIN),
        (401, "authentication.required", "", Outcome.RELOGIN),
        (401, "credentials.expired", "", Outcome.RELOGIN),
        (401, "ip.not.authorized", "", Outcome.REFUSED),
        (403, "missing.any.permissions", "", Outcome.REFUSED),
        (404, "not.found", "", Outcome.BUG),
        (405, "", "", Outcome.BUG),
        (408, "client.timeout", "", Outcome.TRANSIENT),
        (409, "request.conflict", "", Outcome.TRANSIENT),
        (413, "request.entity.too.large", "", Outcome.TOO_LARGE),
        (413, "payload.too.large", "", Outcome.TOO_LARGE),
        (415, "unsupported.media.type", "", Outcome.BUG),
        (429, "too.many.requests.retry.after", "", Outcome.RATE_LIMITED),
        (429, "too.many.requests", "", Outcome.RATE_LIMITED),
        (500, "internal.server.error", "", Outcome.TRANSIENT),
        (502, "", "", Outcome.TRANSIENT),
        (503, "service.unavailable", "", Outcome.TRANSIENT),
        (503, "general.internal.server.error", "", Outcome.TRANSIENT),
        (504, "request.timeout", "", Outcome.TRANSIENT),
        (520, "", "", Outcome.TRANSIENT),
    ],
)
def test_status_and_code_decide_what_to_do(status: int, code: str, message: str, outcome: Outcome):
    assert outcome_of(status, ErrorBody(message, code)) is outcome


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(302, ""), UnexpectedReplyError),
        (error(400, "bad.request"), UnexpectedReplyError),
        (error(400, "response.entity.too.large"), QueryTooLargeError),
        (error(401, "ip.not.authorized"), RefusedError),
        (error(403, "missing.any.permissions"), RefusedError),
        (error(404, "not.found"), UnexpectedReplyError),
        (error(413, "payload.too.large"), QueryTooLargeError),
        (error(415, "unsupported.media.type"), UnexpectedReplyError),
    ],
)
def test_what_will_not_get_better_is_not_repeated(
    server: ScriptedServer, client: GenesysClient, answer: Answer, kind: type[SourceError]
):
    server.on(ME, answer)

    with pytest.raises(kind) as raised:
        client.organization()

    assert len(server.asked(ME)) == 1
    assert raised.value.org == "emea"
    assert raised.value.status == answer.status


@pytest.mark.parametrize(
    "answer",
    [
        error(408, "client.timeout"),
        error(409, "request.conflict"),
        error(429, "too.many.requests"),
        error(500, "internal.server.error"),
        Answer(502, HTML, headers={"Content-Type": "text/html"}),
        Answer(502, HTML, packed=True),
        Answer(502),
        error(503, "service.unavailable"),
        error(504, "request.timeout"),
        Answer(500, b"\xff\xfe\x00"),
        Answer(500, b"\x1f\x8bbroken"),
        Answer(500, ["a", "list"]),
        Answer(500, "a text"),
        Answer(500, {"message": {"an": "object"}, "code": 7}),
        Answer(drop=True),
        Answer(200, {"id": "o"}, tear=3),
        Answer(200, b'{"id": "o'),
    ],
)
def test_what_may_get_better_is_repeated(
    server: ScriptedServer, client: GenesysClient, answer: Answer
):
    server.on(ME, answer, answer, GOOD)

    assert client.organization().id == "o-1"
    assert len(server.asked(ME)) == 3
    assert client.tally.counts().retries == 2


def test_an_error_names_org_path_status_code_ids_and_remedy(
    server: ScriptedServer, client: GenesysClient
):
    server.on(ME, error(403, "missing.any.permissions", "You must have: directory:x:view"))

    with pytest.raises(RefusedError) as raised:
        client.organization()

    assert str(raised.value) == (
        "emea: GET /api/v2/organizations/me: status 403 missing.any.permissions:"
        " 'You must have: directory:x:view' (correlation id corr-1, context id ctx-1)."
        " Let an administrator of this org check the roles, divisions and allowed addresses of"
        " the OAuth client; see runbooks/rotate-credentials.md."
    )
    assert raised.value.code == "missing.any.permissions"


def test_a_page_of_html_is_quoted_in_one_short_line(server: ScriptedServer, client: GenesysClient):
    server.on(ME, Answer(404, b"<html>\n<p>" + b"x" * 5000 + b"</p></html>"))

    with pytest.raises(UnexpectedReplyError) as raised:
        client.organization()

    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600


def test_errors_show_no_secret_no_token_no_number_no_address(
    server: ScriptedServer, make_client: MakeClient
):
    client = make_client(client_secret="s3cret-value")
    server.on(ME, error(403, "no", "caller +15551234567 (ann.lee@example.com) is not allowed"))

    with pytest.raises(RefusedError) as raised:
        client.organization()
    told = f"{raised.value!s} {raised.value!r}"

    assert "caller *** (***) is not allowed" in told
    for secret in ("s3cret-value", "token-1", "5551234567", "ann.lee"):
        assert secret not in told


# waiting


def test_back_off_doubles_from_one_second_to_a_cap(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock
):
    server.on(ME, error(500, "internal.server.error"))

    with pytest.raises(TransientSourceError):
        client.organization()
    waits = [seconds for seconds in clock.slept if seconds >= 1]

    assert [int(seconds) for seconds in waits] == [1, 2, 4, 8, 16, 30]
    assert len(server.asked(ME)) == 7


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock, status: int
):
    server.on(ME, Answer(status, {}, headers={"Retry-After": "17"}), GOOD)
    client.organization()

    assert 17 <= sum(clock.slept) < 18
    assert client.tally.counts().waited_s == pytest.approx(sum(clock.slept))


@pytest.mark.parametrize("value", [None, "soon", "", "-1", "nan", "inf"])
def test_without_a_usable_retry_after_a_429_waits_three_seconds(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock, value: str | None
):
    headers = {} if value is None else {"Retry-After": value}
    server.on(ME, Answer(429, {}, headers=headers), GOOD)
    client.organization()

    assert 3 <= sum(clock.slept) < 4


def test_a_retry_after_of_hours_reschedules_instead_of_sleeping(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock
):
    server.on(ME, Answer(429, {"code": "too.many.requests"}, headers={"Retry-After": "7200"}))

    with pytest.raises(RateLimitedError, match="started again later") as raised:
        client.organization()

    assert raised.value.retry_after_s == 7200
    assert sum(clock.slept) < 1


def test_a_retry_after_of_years_is_taken_for_a_day(server: ScriptedServer, client: GenesysClient):
    server.on(ME, Answer(429, {}, headers={"Retry-After": "999999999"}))

    with pytest.raises(RateLimitedError) as raised:
        client.organization()

    assert raised.value.retry_after_s == 86_400


def test_other_processes_do_not_run_into_a_long_block(
    server: ScriptedServer, make_client: MakeClient, clock: ManualClock
):
    server.on(ME, Answer(429, {}, headers={"Retry-After": "7200"}))
    with pytest.raises(RateLimitedError):
        make_client().organization()
    clock.advance(3600)
    asked_before = len(server.seen)

    with pytest.raises(RateLimitedError, match="status 429, Retry-After 7200 s") as raised:
        make_client().organization()

    assert raised.value.retry_after_s == pytest.approx(3600, abs=2)
    assert len(server.seen) == asked_before


def test_when_the_block_is_over_work_goes_on(
    server: ScriptedServer, make_client: MakeClient, clock: ManualClock
):
    server.on(ME, Answer(429, {}, headers={"Retry-After": "7200"}), GOOD)
    with pytest.raises(RateLimitedError):
        make_client().organization()
    clock.advance(7200)

    assert make_client().organization().name == "Org"


def test_a_429_at_login_is_honoured_too(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock
):
    token = Answer(200, {"access_token": "t", "expires_in": 86399})
    server.on("POST /oauth/token", Answer(429, {}, headers={"Retry-After": "5"}), token)
    server.on(ME, GOOD)
    client.organization()

    assert 5 <= sum(clock.slept) < 6


def test_a_storm_of_429_ends_in_an_error_that_asks_to_wait(
    server: ScriptedServer, client: GenesysClient
):
    server.on(ME, Answer(429, {}, headers={"Retry-After": "60"}))

    with pytest.raises(RateLimitedError) as raised:
        client.organization()

    assert raised.value.retry_after_s == 60
    assert len(server.asked(ME)) == 7


# the tally


def test_requests_are_counted_by_what_became_of_them(server: ScriptedServer, client: GenesysClient):
    body = gzip.compress(json.dumps({"id": "o"}).encode())
    server.on(
        ME,
        error(500, "internal.server.error"),
        error(429, "too.many.requests"),
        Answer(drop=True),
        Answer(200, body, headers={"Content-Encoding": "gzip"}),
    )
    before = client.tally.counts()
    client.organization()
    after = client.tally.counts()

    assert after.requests == {"2xx": 2, "5xx": 1, "429": 1, "lost": 1}
    assert (after.total, after.retries, after.logins) == (5, 3, 1)
    assert (after - before).retries == 3
    assert after.received_bytes > len(body)


def test_an_encoding_that_was_not_asked_for_is_unexpected(
    server: ScriptedServer, client: GenesysClient
):
    server.on(ME, Answer(200, b"????", headers={"Content-Encoding": "br"}))

    with pytest.raises(UnexpectedReplyError, match="only gzip was asked for"):
        client.organization()


def test_a_body_inflated_on_its_way_is_read_all_the_same(
    server: ScriptedServer, client: GenesysClient
):
    server.on(ME, Answer(200, {"id": "o-1"}, headers={"Content-Encoding": "gzip"}))

    assert client.organization().id == "o-1"
