"""What a reply means: one table from status and code to what to do.

Belongs here: the table, reading error bodies of every shape, inflating, and the messages people
read. Elsewhere: acting on it (api.py, wire.py, auth.py).

Source:
    The API's declared error codes per status; statuses and texts seen in practice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast

import msgspec
from isal import igzip
from isal.igzip_lib import IsalError

from aggregation_platform.errors import (
    QueryTooLargeError,
    RateLimitedError,
    RefusedError,
    SourceError,
    TransientSourceError,
    UnexpectedReplyError,
)
from aggregation_platform.genesys.rate_limits import asked_wait_s
from aggregation_platform.genesys.transport import LostReplyError, Reply, Request

_T = TypeVar("_T")


class Outcome(StrEnum):
    """What to do with a reply."""

    OK = "ok"
    TRANSIENT = "transient"
    RATE_LIMITED = "rate limited"
    RELOGIN = "relogin"
    REFUSED = "refused"
    TOO_LARGE = "too large"
    BUG = "bug"


BY_STATUS: dict[int, Outcome] = {
    401: Outcome.RELOGIN,
    403: Outcome.REFUSED,
    408: Outcome.TRANSIENT,
    409: Outcome.TRANSIENT,
    413: Outcome.TOO_LARGE,
    425: Outcome.TRANSIENT,
    429: Outcome.RATE_LIMITED,
    500: Outcome.TRANSIENT,
    502: Outcome.TRANSIENT,
    503: Outcome.TRANSIENT,
    504: Outcome.TRANSIENT,
}
"""A status that is not here: 2xx is OK, another 5xx is transient, all else is a bug."""

BY_CODE: dict[tuple[int, str], Outcome] = {
    (400, "response.entity.too.large"): Outcome.TOO_LARGE,
    (401, "ip.not.authorized"): Outcome.REFUSED,
}
"""Where the code says more than the status."""

TOO_LARGE_TEXTS = ("may not exceed", "does not exceed")
"""Texts of a 400 that name a cap; they have no code of their own."""

CERTAINLY_NOT_DONE = frozenset({401, 408, 409, 425, 429, 503})
"""Statuses after which a request that is not to be doubled may be repeated all the same."""

REMEDIES: dict[Outcome, str] = {
    Outcome.TRANSIENT: "Repeated within bounds; if it stays so, look at the vendor's status page.",
    Outcome.RATE_LIMITED: (
        "The run waits or is started again later; lower requests_per_second if it happens often."
    ),
    Outcome.RELOGIN: (
        "A new token was refused too: check client_id, client_secret, api_url and login_url of"
        " this org, and that its OAuth client is active."
    ),
    Outcome.REFUSED: (
        "Let an administrator of this org check the roles, divisions and allowed addresses of the"
        " OAuth client; see runbooks/rotate-credentials.md."
    ),
    Outcome.TOO_LARGE: "Ask for a smaller page or a shorter interval.",
    Outcome.BUG: (
        "The request does not fit this API: check api_url of this org, then report a bug with"
        " this line."
    ),
}


@dataclass(frozen=True)
class ErrorBody:
    """What an error body says, as far as it can be read."""

    message: str = ""
    code: str = ""
    context_id: str = ""


class _ApiError(msgspec.Struct):
    message: object = None
    code: object = None
    contextId: object = None  # noqa: N815 - the API's own spelling
    error: object = None
    error_description: object = None
    description: object = None


def outcome_of(status: int, error: ErrorBody) -> Outcome:
    """Look the reply up in the table."""
    if (status, error.code) in BY_CODE:
        return BY_CODE[status, error.code]
    if status == 400 and any(text in error.message for text in TOO_LARGE_TEXTS):
        return Outcome.TOO_LARGE
    if 200 <= status < 300:
        return Outcome.OK
    unlisted = Outcome.TRANSIENT if status >= 500 else Outcome.BUG
    return BY_STATUS.get(status, unlisted)


def read_error(reply: Reply) -> ErrorBody:
    """Read the API's or the login's error body; anything else is quoted, shortened."""
    body = _inflate(reply.body)
    if body is None:
        return ErrorBody("(a body that does not inflate)")
    try:
        said = msgspec.json.decode(body, type=_ApiError)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ErrorBody(quoted(body.decode("utf-8", "replace")))
    message = said.message or said.error_description or said.description or ""
    return ErrorBody(
        message=quoted(str(message)),
        code=str(said.code or said.error or "")[:100],
        context_id=str(said.contextId or "")[:100],
    )


def failure_of(request: Request, reply: Reply) -> SourceError | None:
    """Return the error that a reply stands for, or None if it is good."""
    if 200 <= reply.status < 300:
        return None
    error = read_error(reply)
    outcome = outcome_of(reply.status, error)
    org, status, code = request.org, reply.status, error.code or None
    message = _told(request, reply, error, outcome)
    asked_s = asked_wait_s(status, reply.headers)
    if asked_s is not None:
        return RateLimitedError(org, message, retry_after_s=asked_s, status=status, code=code)
    return _CLASSES[outcome](org, message, status=status, code=code)


_CLASSES: dict[Outcome, type[SourceError]] = {
    Outcome.TRANSIENT: TransientSourceError,
    Outcome.RELOGIN: RefusedError,
    Outcome.REFUSED: RefusedError,
    Outcome.TOO_LARGE: QueryTooLargeError,
    Outcome.BUG: UnexpectedReplyError,
}


def inflated(request: Request, reply: Reply) -> bytes:
    """Return the body inflated, whether or not its encoding was announced rightly.

    Raises:
        LostReplyError: If it does not inflate: it was torn on its way.
        UnexpectedReplyError: If it has an encoding that was not asked for.
    """
    announced = reply.headers.get("content-encoding", "identity").strip().lower()
    if announced not in ("", "identity", "gzip", "x-gzip"):
        raise UnexpectedReplyError(
            request.org,
            f"{_named(request, reply)}: the body is encoded as {announced!r}, though only gzip"
            " was asked for. Check what stands between this platform and api_url.",
            status=reply.status,
        )
    body = _inflate(reply.body)
    if body is None:
        raise torn(request, reply, "does not inflate")
    return body


def encoding_of(body: bytes) -> str:
    """Return gzip or identity, by the bytes themselves: JSON never starts like gzip."""
    return "gzip" if body.startswith(b"\x1f\x8b") else "identity"


def decoded(request: Request, reply: Reply, shape: type[_T]) -> _T:
    """Read the JSON of a good reply into a typed shape.

    Raises:
        LostReplyError: If the JSON is torn.
        UnexpectedReplyError: If it is JSON of another shape.
    """
    body = inflated(request, reply)
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise UnexpectedReplyError(
            request.org,
            f"{_named(request, reply)}: {error}. Report a bug with this line.",
            status=reply.status,
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise torn(request, reply, f"is no whole JSON ({error})") from error


def torn(request: Request, reply: Reply, how: str) -> LostReplyError:
    """Return the error for a body that was damaged on its way."""
    return LostReplyError(
        request.org,
        f"{_named(request, reply)}: the body of {len(reply.body)} bytes {how}."
        " Repeated within bounds where that is safe.",
        status=reply.status,
    )


def _inflate(body: bytes) -> bytes | None:
    """Inflate what is packed; None if it is damaged."""
    if encoding_of(body) == "identity":
        return body
    try:
        return igzip.decompress(body)  # pyright: ignore[reportUnknownMemberType] - isal is untyped
    except (EOFError, OSError, cast("type[Exception]", IsalError)):
        return None


def _told(request: Request, reply: Reply, error: ErrorBody, outcome: Outcome) -> str:
    code = f" {error.code}" if error.code else ""
    context = f", context id {error.context_id}" if error.context_id else ""
    return (
        f"{request.method} {request.path}: status {reply.status}{code}: {error.message!r}"
        f" (correlation id {reply.correlation_id or 'none'}{context}). {REMEDIES[outcome]}"
    )


def _named(request: Request, reply: Reply) -> str:
    return (
        f"{request.method} {request.path}: status {reply.status}"
        f" (correlation id {reply.correlation_id or 'none'})"
    )


_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+|\+?\b\d{7,}\b")


def quoted(text: str) -> str:
    """Shorten a server's text to one line, without e-mail addresses and phone numbers."""
    line = " ".join(text.split())
    return _PERSONAL.sub("***", line[:400])[:200]
