"""One call to the API: token, budget, status table, one re-login, bounded repetition.

Belongs here: what every call has in common. Elsewhere: the calls (details.py and its siblings).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from aggregation_platform.errors import SourceError
from aggregation_platform.genesys.auth import Login
from aggregation_platform.genesys.replies import (
    CERTAINLY_NOT_DONE,
    Outcome,
    failure_of,
    outcome_of,
    read_error,
)
from aggregation_platform.genesys.retries import OutcomeUnknownError, Retries
from aggregation_platform.genesys.transport import LostReplyError, Reply, Request
from aggregation_platform.genesys.wire import Wire

_T = TypeVar("_T")


@dataclass(frozen=True)
class Call:
    """What to ask for.

    Args:
        may_be_doubled: Whether asking twice does no more than asking once. If not, it is not
            repeated once the organization may have acted on it.
    """

    method: str
    path: str
    parameters: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    body: object = None
    may_be_doubled: bool = True


class Api:
    """Calls of one org."""

    def __init__(
        self,
        org: str,
        api_url: str,
        *,
        login: Login,
        wire: Wire,
        retries: Retries,
    ) -> None:
        self.org = org
        self.tally = wire.tally
        self._api_url = api_url.rstrip("/")
        self._login = login
        self._wire = wire
        self._retries = retries

    def call(self, call: Call, read: Callable[[Request, Reply], _T]) -> _T:
        """Make a call and read its reply; a reply that cannot be read is asked for again.

        Raises:
            SourceError: As replies.py has it, after the repetitions its table allows.
            OutcomeUnknownError: If a call that may not be doubled may have been carried out.
        """
        return self._retries.run(
            lambda: self._attempt(call, read), what=f"{call.method} {call.path}"
        )

    def _attempt(self, call: Call, read: Callable[[Request, Reply], _T]) -> _T:
        token = self._login.token()
        request = self._request(call, token)
        reply = self._sent(call, request)
        if self._asks_for_login(reply):
            request = self._request(call, self._login.token(refused=token))
            self.tally.retried()
            reply = self._sent(call, request)
        self._raise_failure(call, request, reply)
        try:
            return read(request, reply)
        except LostReplyError as error:
            raise _doubtful(call, error) from error

    def _sent(self, call: Call, request: Request) -> Reply:
        try:
            return self._wire.send(request)
        except LostReplyError as error:
            raise _doubtful(call, error) from error

    def _asks_for_login(self, reply: Reply) -> bool:
        return reply.status == 401 and outcome_of(401, read_error(reply)) is Outcome.RELOGIN

    def _raise_failure(self, call: Call, request: Request, reply: Reply) -> None:
        failure = failure_of(request, reply)
        if failure is None:
            return
        if reply.status >= 500 and reply.status not in CERTAINLY_NOT_DONE:
            raise _doubtful(call, failure) from failure
        raise failure

    def _request(self, call: Call, token: str) -> Request:
        query = f"?{urlencode(call.parameters)}" if call.parameters else ""
        headers = {"Authorization": f"Bearer {token}"}
        body = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            body = msgspec.json.encode(call.body)
        return Request(
            self.org, call.method, f"{self._api_url}{call.path}{query}", headers=headers, body=body
        )


def _doubtful(call: Call, error: SourceError) -> SourceError:
    """Return what it means that a call may or may not have been carried out."""
    if call.may_be_doubled:
        return error
    return OutcomeUnknownError(
        error.org,
        f"{call.method} {call.path}: sent, but it is unknown whether it was carried out"
        f" ({error}). It may be sent again; a job made twice is harmless and counts twice.",
        status=error.status,
        code=error.code,
    )
