"""Who we are: the client-credentials grant, one token for all processes of a site.

Belongs here: fetching a token, renewing it in time, replacing one that was refused, and making
sure that the credentials belong to the organization that was meant.
Elsewhere: keeping it (tokens.py), when to ask for another (api.py).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import structlog

from aggregation_platform.clock import Clock
from aggregation_platform.errors import RefusedError, UnexpectedReplyError
from aggregation_platform.genesys.replies import decoded, failure_of, read_error
from aggregation_platform.genesys.tokens import Token, TokenStore
from aggregation_platform.genesys.transport import Reply, Request
from aggregation_platform.genesys.wire import Wire
from aggregation_platform.local_state.state import LocalState

SHORTEST_LIFE_S = 300.0
"""Life of a token that does not say: the shortest an OAuth client can be given."""
LOGIN_S = 30.0
"""How long a process may keep the others from logging in."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Credentials:
    """An OAuth client of one org."""

    org: str
    login_url: str
    client_id: str
    client_secret: str = field(repr=False)


class _TokenReply(msgspec.Struct):
    access_token: str
    expires_in: float = SHORTEST_LIFE_S


class Login:
    """Gives out the org's token; fetches one only if no process of the site has a good one.

    Args:
        confirm: Called with each fetched token before it is used or shared; raises if it belongs
            to another organization.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        wire: Wire,
        state: LocalState,
        clock: Clock,
        confirm: Callable[[str], None] | None = None,
    ) -> None:
        self._credentials = credentials
        self._wire = wire
        self._state = state
        self._clock = clock
        self._confirm = confirm
        self._token: Token | None = None
        self._store = TokenStore(
            state,
            org=credentials.org,
            login_url=credentials.login_url,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
        )

    def token(self, *, refused: str | None = None) -> str:
        """Return a good token, other than one the organization just refused.

        Raises:
            RefusedError: If the organization does not know the client or its secret.
            TransientSourceError: If the login is down.
        """
        known = self._known(refused)
        if known is None:
            known = self._fetched_by_one(refused)
        self._token = known
        return known.access_token

    def _known(self, refused: str | None) -> Token | None:
        """Return a good token from memory or from the other processes."""
        now_s = self._clock.now().timestamp()
        if self._is_usable(self._token, refused, now_s):
            return self._token
        shared = self._store.read()
        return shared if self._is_usable(shared, refused, now_s) else None

    def _is_usable(self, token: Token | None, refused: str | None, now_s: float) -> bool:
        return token is not None and token.access_token != refused and token.is_good_at(now_s)

    def _fetched_by_one(self, refused: str | None) -> Token:
        """Let one process log in while the others wait for its token, within bounds."""
        owner = uuid.uuid4().hex
        name = f"login/{self._store.name}"
        began = self._clock.monotonic()
        while not self._state.claim(name, owner=owner, seconds=LOGIN_S):
            known = self._known(refused)
            if known is not None:
                return known
            if self._clock.monotonic() - began > LOGIN_S:
                break
            self._wire.tally.waited(0.1)
            self._clock.sleep(0.1)
        try:
            return self._known(refused) or self._fetched()
        finally:
            self._state.release(name, owner=owner)

    def _fetched(self) -> Token:
        obtained_s = self._clock.now().timestamp()
        request = self._request()
        reply = self._wire.send(request)
        self._refuse(request, reply)
        said = decoded(request, reply, _TokenReply)
        if not said.access_token:
            raise UnexpectedReplyError(
                self._credentials.org,
                f"POST {request.path}: the login gave no access token. Check login_url.",
            )
        token = Token(said.access_token, obtained_s, max(1.0, said.expires_in))
        if self._confirm is not None:
            self._confirm(token.access_token)
        self._store.write(token)
        self._wire.tally.logged_in()
        _log.info("logged_in", org=self._credentials.org, life_s=round(token.life_s))
        return token

    def _request(self) -> Request:
        pair = f"{self._credentials.client_id}:{self._credentials.client_secret}".encode()
        return Request(
            org=self._credentials.org,
            method="POST",
            url=f"{self._credentials.login_url.rstrip('/')}/oauth/token",
            headers={
                "Authorization": f"Basic {base64.b64encode(pair).decode()}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=b"grant_type=client_credentials",
        )

    def _refuse(self, request: Request, reply: Reply) -> None:
        """Raise what a failed login means; its error bodies are not the API's."""
        if reply.status in (400, 401, 403):
            error = read_error(reply)
            what = "client_id" if reply.status == 400 else "client_id and client_secret"
            raise RefusedError(
                self._credentials.org,
                f"POST {request.path}: status {reply.status} {error.code}: {error.message!r}"
                f" (correlation id {reply.correlation_id or 'none'}). Check {what} of this org,"
                " its region or login_url, and that the OAuth client is active; see"
                " runbooks/rotate-credentials.md.",
                status=reply.status,
                code=error.code or None,
            )
        failure = failure_of(request, reply)
        if failure is not None:
            raise failure
