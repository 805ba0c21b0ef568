"""Requests as the simulator understands them, and replies as it gives them.

Belongs here: the shapes, the error bodies, and what may happen to a reply on its way out.
Elsewhere: sockets (server.py).
"""

from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs

import orjson

from aggregation_platform.simulator.dice import named_uuid
from aggregation_platform.simulator.timestamps import parse_interval

Json = dict[str, Any]
HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request of one org, its prefix taken off the path."""

    number: int
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    base_url: str = ""

    def first(self, name: str, default: str | None = None) -> str | None:
        """Give the first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def form(self) -> dict[str, list[str]]:
        """Read a form body; anything else is an empty form."""
        if "form" not in self.headers.get("content-type", "form"):
            return {}
        return parse_qs(self.body.decode("utf-8", "replace"))


@dataclass(slots=True)
class Reply:
    """What to send, and whether the line holds while it is sent."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay_s: float = 0.0
    loss: str | None = None
    """None, `drop` (close without a byte) or `tear` (close in the middle of the body)."""


def reply(body: object, status: int = 200) -> Reply:
    """Give a JSON reply."""
    return Reply(status, orjson.dumps(body))


class RefusalError(Exception):
    """A request is answered with an error body."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers

    def reply(self, number: int) -> Reply:
        """Give the error as the API writes it (`ErrorBody`)."""
        body: Json = {
            "message": self.message,
            "code": self.code,
            "status": self.status,
            "contextId": named_uuid("context", number),
            "details": [],
            "errors": [],
        }
        answer = reply(body, self.status)
        answer.headers.update({k.replace("_", "-"): v for k, v in self.headers.items()})
        return answer


def bad_request(message: str, code: str = "bad.request") -> RefusalError:
    """Refuse a request that makes no sense."""
    return RefusalError(400, code, message)


def not_found(what: str) -> RefusalError:
    """Refuse because the thing is not there."""
    return RefusalError(404, "not.found", f"The requested resource was not found: {what}")


def objects(body: Json, name: str) -> list[Json]:
    """Give a list of objects under a key; nothing if the key is absent or null."""
    return cast("list[Json]", body.get(name) or [])


def json_body(request: Request) -> Json:
    """Read a JSON object.

    Raises:
        RefusalError: the body is no JSON object.
    """
    try:
        body: object = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise bad_request("The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise bad_request("The request body must be an object.")
    return body  # pyright: ignore[reportUnknownVariableType]


def read_interval(body: Json) -> tuple[int, int]:
    """Read the interval of a query body.

    Raises:
        RefusalError: there is none, or it is none.
    """
    if not body.get("interval"):
        raise bad_request("The field interval is required.", "constraint.validation")
    try:
        return parse_interval(str(body["interval"]))
    except ValueError as error:
        raise bad_request(
            "Dates must be specified as ISO-8601 strings. For example: yyyy-MM-ddTHH:mm:ss.SSSZ",
            "invalid.date",
        ) from error
