"""The door of an org: tokens, rate limits, and the faults that strike at the door.

Belongs here: who may come in, how often, and what the headers say about it. Elsewhere: what is
served inside (services.py).
"""

import base64
import binascii
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aggregation_platform.simulator.dice import named_uuid
from aggregation_platform.simulator.directory import Directory
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.replies import (
    HTML_502,
    RefusalError,
    Reply,
    Request,
    bad_request,
    reply,
)

_SERVER_ERRORS = {
    500: "internal.server.error",
    503: "service.unavailable",
    504: "request.timeout",
}
_MESSAGES = {
    500: "The server encountered an unexpected condition which prevented it from fulfilling the "
    "request.",
    503: "Service Unavailable - The server is currently unavailable.",
    504: "The request timed out.",
}


@dataclass
class _Token:
    expires_at: float
    moments: deque[float] = field(default_factory=deque[float])


class Gate:
    """One org's tokens and limits. Safe over threads."""

    def __init__(
        self, options: SimulatorOptions, place: Directory, now: Callable[[], datetime]
    ) -> None:
        self.options, self.place, self._now = options, place, now
        self._tokens: dict[str, _Token] = {}
        self._issued = 0
        self._lock = threading.Lock()

    # Tokens --------------------------------------------------------------------------------

    def issue(self, request: Request) -> Reply:
        """Answer POST /oauth/token."""
        client_id, secret = _basic(request)
        if client_id != self.place.client_id:
            return _token_error(400, "client not found")
        if secret != self.place.client_secret:
            return _token_error(401, "authentication failed")
        grant = request.first("grant_type") or (request.form().get("grant_type") or [""])[0]
        if grant != "client_credentials":
            return _token_error(400, "grant type not supported")
        with self._lock:
            self._issued += 1
            token = named_uuid(self.options.seed, self.place.org, "token", self._issued)
            token = f"{token.replace('-', '')}{self._issued:06d}"
            life = self.options.token_seconds
            self._tokens[token] = _Token(self._now().timestamp() + life)
        return reply({"access_token": token, "token_type": "bearer", "expires_in": life})

    def revoke(self, token: str | None) -> None:
        """Make a token worthless; None: all of them."""
        with self._lock:
            if token is None:
                self._tokens.clear()
            else:
                self._tokens.pop(token, None)

    @staticmethod
    def token_of(request: Request) -> str | None:
        """Give the bearer token of a request."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    # Limits --------------------------------------------------------------------------------

    def admit(self, request: Request) -> dict[str, str]:
        """Let a request in, or refuse it; gives the rate-limit headers.

        Raises:
            RefusalError: 401 for the token, 429 for the pace.
        """
        name = self.token_of(request)
        if name is None:
            raise RefusalError(
                401, "authentication.required",
                "No authentication bearer token specified in authorization header.",
            )  # fmt: skip
        now = self._now().timestamp()
        with self._lock:
            token = self._tokens.get(name)
            if token is None or token.expires_at <= now:
                raise RefusalError(401, "bad.credentials", "Invalid login credentials.")
            return self._count(token, now)

    def _count(self, token: _Token, now: float) -> dict[str, str]:
        moments, allowed = token.moments, self.options.requests_per_minute
        while moments and moments[0] <= now - 60:
            moments.popleft()
        reset = max(1, round(61 - (now - moments[0]))) if moments else 61
        headers = {
            "inin-ratelimit-count": str(min(len(moments) + 1, allowed)),
            "inin-ratelimit-allowed": str(allowed),
            "inin-ratelimit-reset": str(reset),
        }
        if len(moments) >= allowed:
            raise RefusalError(
                429, "too.many.requests",
                f"Rate limit exceeded the maximum [{allowed}] requests within [60] seconds",
                **{**headers, "Retry-After": str(reset)},
            )  # fmt: skip
        per_second = self.options.requests_per_second
        if per_second is not None:
            recent = sum(1 for moment in list(moments)[-per_second:] if moment > now - 1)
            if recent >= per_second:
                raise _too_fast("1", headers)
        moments.append(now)
        return headers

    # Faults at the door --------------------------------------------------------------------

    def strike(self, fault: Fault, request: Request) -> Reply | None:
        """Answer in place of the org, if the fault is one that keeps it from answering."""
        match fault.kind:
            case "rate_limited":
                raise _too_fast(fault.retry_after, {})
            case "unauthorized":
                self.revoke(self.token_of(request))
                raise RefusalError(401, "bad.credentials", "Invalid login credentials.")
            case "down":
                raise _server_error(503)
            case "forbidden":
                raise _forbidden()
            case "bad_request":
                raise bad_request("The request is not valid.")
            case "server_error":
                if fault.status == 502:
                    return Reply(502, HTML_502, "text/html")
                raise _server_error(fault.status)
            case "drop_before":
                return Reply(200, loss="drop")
            case _:
                return None


def _forbidden() -> RefusalError:
    return RefusalError(
        403, "missing.any.permissions",
        "Unable to perform the requested action. You must have at least one of the following "
        "permissions assigned: [one that this client lacks]",
    )  # fmt: skip


def _server_error(status: int) -> RefusalError:
    known = status if status in _SERVER_ERRORS else 500
    return RefusalError(status, _SERVER_ERRORS[known], _MESSAGES[known])


def _too_fast(retry_after: str | None, headers: dict[str, str]) -> RefusalError:
    if retry_after is None:
        message = "Rate limit exceeded the maximum [300] requests within [60] seconds"
        return RefusalError(429, "too.many.requests", message, **headers)
    message = f"Rate limit exceeded the maximum. Retry the request in [{retry_after}] seconds"
    headers = {**headers, "Retry-After": retry_after}
    return RefusalError(429, "too.many.requests.retry.after", message, **headers)


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return client_id, secret


def _token_error(status: int, why: str) -> Reply:
    return reply({"error": "invalid_client", "description": why, "error_description": why}, status)
