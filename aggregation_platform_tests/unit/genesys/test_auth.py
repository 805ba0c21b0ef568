"""Logging in: one token for all processes, renewed in time, never readable."""

import base64
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregation_platform.clock import ManualClock, SystemClock
from aggregation_platform.config.deferred import Secret
from aggregation_platform.errors import (
    MissingVariableError,
    RefusedError,
    TransientSourceError,
    UnexpectedReplyError,
)
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.genesys.tokens import Token, TokenStore
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform_tests.unit.genesys.conftest import MakeClient
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer, Seen

ME = "GET /api/v2/organizations/me"
LOGIN = "POST /oauth/token"
ORGANIZATION_ID = "5f2c1111-2222-4333-8444-555566667777"


def token(name: str, life_s: float = 86399) -> Answer:
    return Answer(200, {"access_token": name, "token_type": "bearer", "expires_in": life_s})


def who_asks(good: str) -> Callable[[Seen], Answer]:
    """Answer those who bear a good token."""

    def answer(seen: Seen) -> Answer:
        if seen.headers["authorization"] == f"Bearer {good}":
            return Answer(200, {"id": ORGANIZATION_ID.upper(), "name": "Org"})
        return Answer(401, {"code": "bad.credentials", "message": "Invalid login credentials."})

    return answer


def test_the_login_is_the_client_credentials_grant(server: ScriptedServer, client: GenesysClient):
    server.on(ME, who_asks("token-1"))
    client.organization()
    seen = server.asked(LOGIN)[0]

    assert seen.body == b"grant_type=client_credentials"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(seen.headers["authorization"][6:]) == b"client-1:s3cret-value"


def test_one_token_serves_many_requests_and_clients(
    server: ScriptedServer, make_client: MakeClient
):
    server.on(ME, who_asks("token-1"))
    one, other = make_client(), make_client()
    for client in (one, other, one, other):
        client.organization()

    assert len(server.asked(LOGIN)) == 1
    assert (one.tally.counts().logins, other.tally.counts().logins) == (1, 0)


def test_a_token_is_renewed_at_nine_tenths_of_its_life(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock
):
    server.on(LOGIN, token("one", 1000), token("two", 1000))
    server.on(ME, Answer(200, {"id": "o"}))
    client.organization()
    clock.advance(890)
    client.organization()
    before = len(server.asked(LOGIN))
    clock.advance(20)
    client.organization()

    assert before == 1
    assert len(server.asked(LOGIN)) == 2
    assert server.asked(ME)[-1].headers["authorization"] == "Bearer two"


@pytest.mark.parametrize(
    "code", ["bad.credentials", "authentication.required", "credentials.expired", ""]
)
def test_a_refused_token_is_replaced_once_and_the_request_repeated(
    server: ScriptedServer, client: GenesysClient, code: str
):
    server.on(LOGIN, token("old"), token("new"))
    server.on(ME, Answer(401, {"code": code}), Answer(200, {"id": "o"}))
    client.organization()

    assert [seen.headers["authorization"] for seen in server.asked(ME)] == [
        "Bearer old", "Bearer new",
    ]  # fmt: skip


def test_a_new_token_that_is_refused_too_is_the_end(server: ScriptedServer, client: GenesysClient):
    server.on(LOGIN, token("old"), token("new"), token("newer"))
    server.on(ME, Answer(401, {"code": "bad.credentials", "message": "Invalid login."}))

    with pytest.raises(RefusedError, match="A new token was refused too"):
        client.organization()

    assert len(server.asked(LOGIN)) == 2
    assert len(server.asked(ME)) == 2


def test_an_address_that_is_not_allowed_is_not_helped_by_a_new_token(
    server: ScriptedServer, client: GenesysClient
):
    server.on(ME, Answer(401, {"code": "ip.not.authorized", "message": "No."}))

    with pytest.raises(RefusedError, match="allowed addresses"):
        client.organization()

    assert len(server.asked(LOGIN)) == 1


def test_who_meets_a_401_takes_the_token_another_process_already_renewed(
    server: ScriptedServer, make_client: MakeClient
):
    server.on(LOGIN, token("old"), token("new"), token("one too many"))
    server.on(ME, who_asks("old"))
    one, other = make_client(), make_client()
    one.organization()
    other.organization()
    server.on(ME, who_asks("new"))
    one.organization()
    other.organization()

    assert len(server.asked(LOGIN)) == 2


@pytest.mark.parametrize(
    ("status", "description"), [(400, "client not found"), (401, "authentication failed")]
)
def test_both_shapes_of_a_refused_login_name_what_to_check(
    server: ScriptedServer, client: GenesysClient, status: int, description: str
):
    body = {
        "error": "invalid_client", "description": description, "error_description": description,
    }  # fmt: skip
    server.on(LOGIN, Answer(status, body, headers={"ININ-Correlation-Id": "c-9"}))

    with pytest.raises(RefusedError, match="Check client_id") as raised:
        client.organization()

    assert description in str(raised.value)
    assert "c-9" in str(raised.value)
    assert "s3cret-value" not in str(raised.value)
    assert raised.value.code == "invalid_client"
    assert len(server.asked(LOGIN)) == 1


@pytest.mark.parametrize(
    "down", [Answer(500, {}), Answer(503, b"<html/>"), Answer(drop=True), Answer(200, b'{"acc')]
)
def test_a_login_that_is_down_is_tried_again(
    server: ScriptedServer, client: GenesysClient, down: Answer
):
    server.on(LOGIN, down, down, token("t"))
    server.on(ME, who_asks("t"))

    assert client.organization().name == "Org"


def test_a_login_that_stays_down_is_transient(server: ScriptedServer, client: GenesysClient):
    server.on(LOGIN, Answer(503, {}))

    with pytest.raises(TransientSourceError):
        client.organization()

    assert len(server.asked(LOGIN)) == 7


@pytest.mark.parametrize("body", [{"token": "x"}, {"access_token": ""}, ["x"]])
def test_a_login_that_gives_no_token_is_unexpected(
    server: ScriptedServer, client: GenesysClient, body: object
):
    server.on(LOGIN, Answer(200, body))

    with pytest.raises(UnexpectedReplyError):
        client.organization()


def test_a_login_without_expires_in_is_good_for_five_minutes(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock
):
    server.on(LOGIN, Answer(200, {"access_token": "t"}))
    server.on(ME, who_asks("t"))
    client.organization()
    clock.advance(280)
    client.organization()

    assert len(server.asked(LOGIN)) == 2


# the organization that was meant


def test_credentials_of_the_organization_meant_are_used(
    server: ScriptedServer, make_client: MakeClient
):
    server.on(ME, who_asks("token-1"))

    assert make_client(organization_id=ORGANIZATION_ID).organization().name == "Org"
    assert len(server.asked(ME)) == 2


def test_credentials_of_another_organization_fetch_nothing(
    server: ScriptedServer, make_client: MakeClient, shared_state: SqliteState
):
    server.on(ME, Answer(200, {"id": "another", "name": "Another"}))
    client = make_client(organization_id=ORGANIZATION_ID)

    with pytest.raises(RefusedError, match=r"belong to organization another \(Another\)"):
        client.data_available_to()

    assert [seen.path for seen in server.seen] == ["/oauth/token", "/api/v2/organizations/me"]


# what is kept


def test_the_shared_token_cannot_be_read_in_the_file(
    server: ScriptedServer, client: GenesysClient, tmp_path: Path
):
    server.on(LOGIN, token("very-visible-token"))
    server.on(ME, Answer(200, {"id": "o"}))
    client.organization()

    kept = b"".join(each.read_bytes() for each in tmp_path.iterdir() if each.is_file())

    assert b"token/emea/" in kept
    assert b"very-visible-token" not in kept
    assert b"s3cret-value" not in kept


@pytest.fixture
def secrets(shared_state: SqliteState) -> tuple[TokenStore, TokenStore]:
    names = {"org": "emea", "login_url": "https://login.x", "client_id": "c"}
    return (
        TokenStore(shared_state, **names, client_secret="old secret"),
        TokenStore(shared_state, **names, client_secret="new secret"),
    )


def test_a_changed_secret_cannot_read_the_old_token_and_logs_in_anew(
    secrets: tuple[TokenStore, TokenStore],
):
    old, new = secrets
    old.write(Token("t", obtained_s=0.0, life_s=100.0))

    assert old.read() == Token("t", obtained_s=0.0, life_s=100.0)
    assert new.read() is None


def test_a_token_does_not_show_itself():
    assert "visible" not in repr(Token("visible", obtained_s=1.0, life_s=2.0))


def test_a_missing_variable_is_named_when_the_client_is_made(make_client: MakeClient):
    with pytest.raises(MissingVariableError, match="GENESYS_EMEA_CLIENT_SECRET"):
        make_client(client_secret=Secret.lacking("set GENESYS_EMEA_CLIENT_SECRET"))


def test_clients_that_start_together_log_in_once(
    server: ScriptedServer, make_client: MakeClient, tmp_path: Path
):
    clock = SystemClock()
    state = SqliteState(tmp_path / "real.sqlite", clock=clock)
    slow = token("t")
    slow.pause_s = 0.3
    server.on(LOGIN, slow)
    server.on(ME, who_asks("t"))
    clients = [make_client(clock=clock, state=state) for _ in range(6)]
    threads = [threading.Thread(target=client.organization) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(server.asked(ME)) == 6
    assert len(server.asked(LOGIN)) == 1

    state.close()
