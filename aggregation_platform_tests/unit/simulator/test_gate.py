"""Who may come in, how often, and what is said at the door."""

import json

import pytest

ME = "/api/v2/organizations/me"


def _token(us, headers):
    return us.simulator.request("POST", "/us/oauth/token?grant_type=client_credentials", headers)


def test_a_token_lives_for_a_day_less_a_second(us):
    answer = _token(us, us.basic())
    body = json.loads(answer.body)

    assert answer.status == 200
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86399)


def test_the_grant_may_come_as_a_form(us):
    headers = {**us.basic(), "Content-Type": "application/x-www-form-urlencoded"}

    answer = us.simulator.request(
        "POST", "/us/oauth/token", headers, b"grant_type=client_credentials"
    )

    assert answer.status == 200


def test_an_unknown_client_is_400_and_a_wrong_secret_401(us):
    stranger = {"Authorization": "Basic c3RyYW5nZXI6c2VjcmV0"}

    for headers, status, why in (
        (stranger, 400, "client not found"),
        (us.basic("wrong"), 401, "authentication failed"),
    ):
        answer = _token(us, headers)
        assert answer.status == status
        assert json.loads(answer.body) == {
            "error": "invalid_client", "description": why, "error_description": why,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, "authentication.required"), ({"Authorization": "Bearer stale"}, "bad.credentials")],
)
def test_without_a_good_token_nothing_is_served(us, headers, code):
    answer = us.simulator.request("GET", f"/us{ME}", headers)

    assert answer.status == 401
    assert json.loads(answer.body)["code"] == code


def test_a_token_is_good_for_one_org_only(us):
    answer = us.simulator.request("GET", f"/emea{ME}", {"Authorization": f"Bearer {us.token}"})

    assert answer.status == 401


def test_a_token_expires(org):
    us = org(token_seconds=600)
    assert us.send("GET", ME).status == 200
    us.clock.advance(600)

    assert us.send("GET", ME).status == 401


def test_a_token_can_be_given_back(us):
    us.send("DELETE", "/api/v2/tokens/me")

    assert us.send("GET", ME).status == 401


def test_an_org_says_who_it_is(us):
    told = us.get(ME)

    assert told["id"] == us.place.organization_id
    assert us.get("/api/v2/tokens/me")["organization"]["id"] == told["id"]


def test_requests_over_the_minute_are_refused_until_it_has_passed(org):
    us = org(requests_per_minute=5)
    counts = [us.send("GET", ME).headers["inin-ratelimit-count"] for _ in range(5)]
    assert counts == ["1", "2", "3", "4", "5"]

    refused = us.send("GET", ME)

    assert refused.status == 429
    assert json.loads(refused.body)["code"] == "too.many.requests"
    assert refused.headers["inin-ratelimit-allowed"] == "5"
    us.clock.advance(int(refused.headers["Retry-After"]))
    assert us.send("GET", ME).status == 200


def test_requests_over_the_second_are_refused_for_a_second(org):
    us = org(requests_per_second=2)
    assert [us.send("GET", ME).status for _ in range(3)] == [200, 200, 429]
    us.clock.advance(1)

    assert us.send("GET", ME).status == 200


def test_a_path_nobody_serves_is_not_found(us):
    answer = us.send("GET", "/api/v2/nothing/here")

    assert answer.status == 404
    assert us.simulator.request("GET", "/mars/api/v2/users").status == 404
