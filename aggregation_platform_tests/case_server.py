"""An API over small worlds: each org's queues, users and conversations, as a JSON file has them.

Each org has a path of its own below one address. What is listed follows the vendor's paging and
its cap; aggregates are computed from the metrics of the conversations.

Elsewhere: simulated organizations of any size (aggregation_platform/simulator/), replies that a
test writes one by one (unit/genesys/scripted_server.py).
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
CAP = 10_000
"""Entries of one listing that the vendor gives by page."""

_JOBS = "/api/v2/analytics/conversations/details/jobs"
_AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
_EMPTY = ("routing/wrapupcodes", "authorization/divisions", "routing/skills", "groups", "teams")


class RefusalError(Exception):
    """The API answers with this status and body."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "code": code, "status": status}


@dataclass
class CaseOrg:
    """One org of a world, and how its API behaves.

    Args:
        world: `queues`, `users` and `conversations`.
        secret: What the OAuth client logs in with.
        may_search: Whether users can be searched by the first letters of their names.
        leaves_out_ended_at_start: Whether jobs leave out what ended before or at their start.
        longest_aggregates: Aggregates of a longer interval are refused as too large.
    """

    world: Mapping[str, list[Any]]
    secret: str
    may_search: bool = True
    leaves_out_ended_at_start: bool = False
    longest_aggregates: timedelta = timedelta(days=31)
    jobs: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])

    def answer(self, request: Asked) -> Json:
        """Answer a request.

        Raises:
            RefusalError: If the API refuses it.
        """
        routes: dict[str, Callable[[Asked], object]] = {
            "POST /oauth/token": self._token,
            "GET /api/v2/organizations/me": lambda _: {"id": "case", "name": "Case"},
            f"GET {_JOBS}/availability": lambda _: {"dataAvailabilityDate": _now()},
            f"POST {_JOBS}": self._submitted,
            "GET /api/v2/users": self._users,
            "POST /api/v2/users/search": self._search,
            "GET /api/v2/routing/queues": lambda asked: _page(self.world["queues"], asked),
            f"POST {_AGGREGATES}": self._aggregates,
            **{f"GET /api/v2/{kind}": lambda asked: _page([], asked) for kind in _EMPTY},
        }
        route = routes.get(f"{request.method} {request.path}")
        if route is None and request.path.startswith(_JOBS):
            route = self._page_of_job if request.path.endswith("/results") else _status_of_job
        if route is None:
            raise RefusalError(404, f"nothing is at {request.path}", "not.found")
        return cast("Json", route(request))

    def _token(self, request: Asked) -> Json:
        given = base64.b64decode(request.authorization.removeprefix("Basic ")).decode()
        if given.partition(":")[2] != self.secret:
            raise RefusalError(401, "authentication failed", "invalid_client")
        return {"access_token": "token", "token_type": "bearer", "expires_in": 86_399}

    def _users(self, request: Asked) -> Json:
        state = request.query.get("state", "active")
        found = [user for user in self.world["users"] if state == "any" or user["state"] == state]
        is_turned = request.query.get("sortOrder", "ASC").upper() == "DESC"
        return _page(found[::-1] if is_turned else found, request)

    def _search(self, request: Asked) -> Json:
        if not self.may_search:
            raise RefusalError(403, "a permission is missing", "missing.permissions")
        found = self.world["users"]
        for each in request.body["query"]:
            (name,), value = each["fields"], str(each["value"]).lower()
            found = [user for user in found if str(user[name]).lower().startswith(value)]
        paging = {"pageSize": request.body["pageSize"], "pageNumber": request.body["pageNumber"]}
        page = _page(found, Asked("POST", request.path, {k: str(v) for k, v in paging.items()}))
        return {**page, "results": page.pop("entities")}

    def _submitted(self, request: Asked) -> Json:
        start, end = request.body["interval"].split("/")
        self.jobs.append((_instant(start), _instant(end)))
        return {"jobId": str(len(self.jobs) - 1)}

    def _page_of_job(self, request: Asked) -> Json:
        start, end = self.jobs[int(request.path.split("/")[-2])]
        if self.leaves_out_ended_at_start:
            start += timedelta(milliseconds=1)
        found = [
            each
            for each in self.world["conversations"]
            if _instant(each["conversationStart"]) < end
            if _instant(each["conversationEnd"]) >= start
        ]
        return {"conversations": found, "dataAvailabilityDate": _now()}

    def _aggregates(self, request: Asked) -> Json:
        start, end = map(_instant, request.body["interval"].split("/"))
        if end - start > self.longest_aggregates:
            raise RefusalError(413, "the answer is too large", "request.entity.too.large")
        only = request.body.get("filter", {}).get("predicates", [])
        without_queue = any(each["operator"] == "notExists" for each in only)
        sums: Counter[tuple[str, ...]] = Counter()
        counts: Counter[tuple[str, ...]] = Counter()
        for group, metric in _metrics(self.world["conversations"]):
            at = _instant(metric["emitDate"])
            is_asked = start <= at < end and metric["name"] in request.body["metrics"]
            if is_asked and (not group["queueId"] if without_queue else group["queueId"]):
                kept = {name: group[name] for name in request.body["groupBy"]}
                step = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
                cell = (json.dumps(kept), step.isoformat(), metric["name"])
                sums[cell] += metric["value"]
                counts[cell] += 1
        return {"results": [_result(cell, counts[cell], sums[cell]) for cell in sums]}


@dataclass(frozen=True)
class Asked:
    """One request, without the org's part of its path."""

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str = ""
    body: Json = field(default_factory=dict[str, Any])


class CaseServer(ThreadingHTTPServer):
    """Serves orgs by the first part of the path."""

    daemon_threads = True

    def __init__(self, orgs: Mapping[str, CaseOrg]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.orgs = orgs

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        _, org, *rest = parts.path.split("/")
        is_json = "json" in (self.headers.get("Content-Type") or "")
        request = Asked(
            self.command,
            "/" + "/".join(rest),
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            self.headers.get("Authorization") or "",
            json.loads(raw) if raw and is_json else {},
        )
        try:
            status, body = 200, cast("CaseServer", self.server).orgs[org].answer(request)
        except RefusalError as refusal:
            status, body = refusal.status, refusal.body
        payload = json.dumps(body).encode()  # ASCII: half a character stays an escape
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = _any  # noqa: N815 - the base class's spelling

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
        """Say nothing."""


def _page(entities: list[Any], request: Asked) -> Json:
    size = int(request.query.get("pageSize", "25"))
    number = int(request.query.get("pageNumber", "1"))
    if size * number > CAP:
        raise RefusalError(400, f"no more than {CAP} entries are given by page", "bad.request")
    pages = max(1, -(-len(entities) // size))
    shown = entities[(number - 1) * size : number * size]
    paging = {"pageSize": size, "pageNumber": number, "pageCount": pages, "total": len(entities)}
    more = {"nextUri": f"{request.path}?pageNumber={number + 1}"} if number < pages else {}
    return {"entities": shown, **paging, **more}


def _status_of_job(_: Asked) -> Json:
    return {"state": "FULFILLED", "submissionDate": _now()}


def _metrics(conversations: list[Json]) -> Generator[tuple[Json, Json]]:
    """Yield each metric of an agent's session with the group that it is counted in."""
    for conversation in conversations:
        for participant in conversation["participants"]:
            for session in participant["sessions"] if "userId" in participant else ():
                queues = [each["queueId"] for each in session["segments"] if "queueId" in each]
                group = {
                    "queueId": queues[0] if queues else None,
                    "userId": participant["userId"],
                    "mediaType": session["mediaType"],
                    "direction": session["direction"],
                }
                for metric in session["metrics"]:
                    yield group, metric


def _result(cell: tuple[str, ...], count: int, total: int) -> Json:
    group, start, metric = cell
    end = datetime.fromisoformat(start) + timedelta(minutes=30)
    interval = f"{_written(datetime.fromisoformat(start))}/{_written(end)}"
    stats = {"metric": metric, "stats": {"count": count, "sum": total}}
    return {"group": json.loads(group), "data": [{"interval": interval, "metrics": [stats]}]}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _now() -> str:
    return _written(datetime.now(UTC))


@contextmanager
def case_server(orgs: Mapping[str, CaseOrg]) -> Generator[CaseServer]:
    """Serve orgs until the block ends."""
    server = CaseServer(orgs)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
