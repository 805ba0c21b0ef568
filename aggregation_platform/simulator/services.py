"""One org's API: from a request to a reply, without a socket in sight.

Belongs here: the routes and what each of them answers. Elsewhere: who may come in (gate.py), the
lake (lake.py), pages of jobs (jobs.py), listings (directory_api.py), aggregates (aggregates.py).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any, cast

import orjson

from aggregation_platform.simulator import directory_api, filters
from aggregation_platform.simulator.aggregates import Aggregates
from aggregation_platform.simulator.counters import Counters
from aggregation_platform.simulator.dice import mixed, named_uuid
from aggregation_platform.simulator.faults import JOB_FATES, Fault, Faults
from aggregation_platform.simulator.gate import Gate
from aggregation_platform.simulator.jobs import (
    Job,
    Selection,
    cursor_at,
    hide_earlier_days,
    place_of,
)
from aggregation_platform.simulator.lake import Lake, hash_of
from aggregation_platform.simulator.oddities import MALFORMATIONS, break_record
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import without_attributes
from aggregation_platform.simulator.replies import (
    RefusalError,
    Reply,
    Request,
    bad_request,
    json_body,
    not_found,
    reply,
)
from aggregation_platform.simulator.timestamps import (
    DAY_MS,
    HOUR_MS,
    iso_seconds,
    parse_interval,
)
from aggregation_platform.simulator.truth import Truth
from aggregation_platform.simulator.world import Ref, World

Json = dict[str, Any]
Handler = Callable[["OrgService", Request, list[Fault]], Reply]
_JOBS = "/api/v2/analytics/conversations/details/jobs"
_JOB_KEYS = frozenset({
    "interval", "order", "orderBy", "limit", "startOfDayIntervalMatching", "conversationFilters",
    "segmentFilters", "evaluationFilters", "surveyFilters", "resolutionFilters",
})  # fmt: skip
_QUERY_DEPTH, _QUERY_PAGE = 100_000, 100


class OrgService:
    """Everything that one org answers. Safe over threads."""

    def __init__(
        self, options: SimulatorOptions, world: World, truth: Truth, gate: Gate, lake: Lake,
        faults: Faults,
    ) -> None:  # fmt: skip
        self.options, self.world, self.truth = options, world, truth
        self.gate, self.lake, self.faults = gate, lake, faults
        self.org = lake.org
        self.place = world.directories[self.org]
        self.counters = Counters()
        self.aggregates = Aggregates(self.org, truth, lambda: self.lake.horizon)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        route, handler = route_of(request)
        self.counters.arrived(route, self.lake.now().timestamp())
        struck = self.faults.strike(self.org, route)
        headers: dict[str, str] = {}
        try:
            answer = self._struck(struck, request)
            if answer is None:
                headers = {} if route == "token" else self.gate.admit(request)
                answer = handler(self, request, struck)
        except RefusalError as error:
            answer = error.reply(request.number)
        for name, value in headers.items():
            answer.headers.setdefault(name, value)
        self._on_the_way_out(answer, struck)
        self.counters.answered(answer.status, len(answer.body))
        return answer

    def _struck(self, struck: list[Fault], request: Request) -> Reply | None:
        for fault in struck:
            instead = self.gate.strike(fault, request)
            if instead is not None:
                return instead
        return None

    @staticmethod
    def _on_the_way_out(answer: Reply, struck: list[Fault]) -> None:
        for fault in struck:
            if fault.kind == "slow":
                answer.delay_s += fault.seconds
            elif fault.kind == "drop_after":
                answer.loss = "drop"
            elif fault.kind == "torn":
                answer.loss = "tear"

    # Identity ------------------------------------------------------------------------------

    def token(self, request: Request, _: list[Fault]) -> Reply:
        """POST /oauth/token."""
        answer = self.gate.issue(request)
        if answer.status == 200:
            with self.counters.lock:
                self.counters.tokens_issued += 1
        return answer

    def organization(self, request: Request, struck: list[Fault]) -> Reply:
        """GET organizations/me."""
        wrong = any(fault.kind == "wrong_organization" for fault in struck)
        return reply({
            "id": named_uuid("another org") if wrong else self.place.organization_id,
            "name": self.place.profile.name,
            "defaultLanguage": self.place.profile.language,
            "thirdPartyOrgName": self.place.profile.short_name,
            "domain": f"{self.place.profile.short_name}.example.com",
            "state": "active",
            "version": 7,
            "selfUri": "/api/v2/organizations/me",
        })  # fmt: skip

    def token_info(self, request: Request, _: list[Fault]) -> Reply:
        """GET, HEAD or DELETE tokens/me."""
        if request.method == "DELETE":
            self.gate.revoke(self.gate.token_of(request))
            return Reply(200)
        organization = {"id": self.place.organization_id, "name": self.place.profile.name}
        return reply({
            "organization": organization, "homeOrganization": organization, "authorizedScope": [],
            "OAuthClient": {
                "id": self.place.client_id, "name": "simulated", "organization": organization,
            },
        })  # fmt: skip

    # Jobs ----------------------------------------------------------------------------------

    def availability(self, request: Request, _: list[Fault]) -> Reply:
        """GET details/jobs/availability."""
        return reply({"dataAvailabilityDate": iso_seconds(self.lake.watermark())})

    def create_job(self, request: Request, struck: list[Fault]) -> Reply:
        """POST details/jobs."""
        body = json_body(request)
        for key in body.keys() - _JOB_KEYS:
            raise bad_request(f"Unrecognized property {key}", "invalid.property")
        start, end = _interval(body)
        if self.lake.catch_up():
            self.aggregates.forget()
        now = self.lake.now_ms
        fates = [fault for fault in struck if fault.kind in JOB_FATES]
        more = sum(fault.seconds for fault in fates if fault.kind == "job_slow")
        with self._lock:
            running = sum(job.state(now) in {"QUEUED", "PENDING"} for job in self._jobs.values())
            if running >= self.options.concurrent_jobs:
                raise RefusalError(
                    429, "too.many.requests", "Rate limit exceeded the maximum "
                    f"[{self.options.concurrent_jobs}] concurrent details jobs",
                )  # fmt: skip
            self.counters.jobs_submitted += 1
            job_id = named_uuid(
                self.options.seed, self.org, "job", self.counters.jobs_submitted, now
            )
            takes = int(1000 * (self.options.job_seconds + more))
            job = Job(
                job_id=job_id, start=start, end=end, submitted_at=now, takes_ms=takes,
                expires_at=now + takes + int(self.options.job_expiry_hours * HOUR_MS),
                watermark=self.lake.watermark(), generations=dict(self.lake.generations),
                select=lambda: self._select(job, body),
                fate=next((fault.kind for fault in fates if fault.kind != "job_slow"), None),
            )  # fmt: skip
            self._jobs[job_id] = job
        return reply({"jobId": job_id}, 202)

    def _select(self, job: Job, body: Json) -> Selection:
        """Find what the lake held when the job ran; what lies past its watermark is not there."""
        until = max(job.start, min(job.end, job.watermark))
        generation = max(job.generations.values(), default=0)
        span = self.world.span(self.org, job.start, until, generation)
        hidden = 0
        if until == job.start:
            hidden = len(span)
        elif body.get("startOfDayIntervalMatching"):
            hidden = hide_earlier_days(span, job.start, self.world.start_of)
        limit = body.get("limit")
        found = Selection(span, hidden, body.get("order") == "desc", None)
        if filters.has_filters(body):
            found.chosen = [
                ref
                for ref in Selection(span, hidden).refs(0, len(span))
                if filters.meets(body, self.lake.record(ref, job.generations, job.watermark))
            ]
        found.limit = limit if isinstance(limit, int) else None
        return found

    def _job(self, request: Request) -> Job:
        job_id = request.path.removeprefix(f"{_JOBS}/").partition("/")[0]
        job = self._jobs.get(job_id)
        if job is None:
            raise not_found(f"job {job_id}")
        return job

    def job_status(self, request: Request, _: list[Fault]) -> Reply:
        """GET details/jobs/{id}: 202 while it is under way, 200 afterwards."""
        told = self._job(request).status(self.lake.now_ms)
        return reply(told, 202 if told["state"] in {"QUEUED", "PENDING"} else 200)

    def cancel_job(self, request: Request, _: list[Fault]) -> Reply:
        """DELETE details/jobs/{id}."""
        self._job(request).cancelled = True
        return Reply(204)

    def job_results(self, request: Request, struck: list[Fault]) -> Reply:
        """GET details/jobs/{id}/results: one page."""
        job = self._job(request)
        kinds = {fault.kind for fault in struck}
        state = job.state(self.lake.now_ms)
        if state != "FULFILLED" or "unfulfilled_results" in kinds:
            raise not_found(f"results of job {job.job_id} in state {state}")
        cursor = request.first("cursor")
        if cursor and "cursor_expired" in kinds:
            raise bad_request("The cursor has expired.", "invalid.value")
        size = self._page_size(request)
        place = place_of(cursor) if cursor else 0
        cap = self.options.result_cap
        if place >= cap:
            raise bad_request(f"Pagination may not exceed {cap} results")
        found = job.results()
        until = min(place + size, len(found))
        again = sum(fault.count_of for fault in struck if fault.kind == "duplicates")
        refs = found.refs(place - again if place else 0, until)
        pages = [self._written(ref, job) for ref in refs]
        with self.counters.lock:
            self.counters.conversations_served += len(pages)
        parts: list[bytes] = []
        if pages:
            parts.append(b'"conversations":[' + b",".join(pages) + b"]")
        if until < len(found):
            parts.append(b'"cursor":"' + cursor_at(until).encode() + b'"')
        parts.append(b'"dataAvailabilityDate":"' + iso_seconds(job.watermark).encode() + b'"')
        return Reply(200, b"{" + b",".join(parts) + b"}")

    def _page_size(self, request: Request) -> int:
        text = request.first("pageSize") or str(self.options.default_page_size)
        if not text.isdecimal() or int(text) < 1:
            raise bad_request(f"Value [{text}] is not valid for pageSize.", "invalid.value")
        size = int(text)
        largest = self.options.too_large_page_size
        if largest is not None and size > largest:
            raise bad_request(
                "The response entity is too large; reduce the pageSize.",
                "response.entity.too.large",
            )
        return min(size, self.options.max_page_size)

    def _written(self, ref: Ref, job: Job) -> bytes:
        record = self.lake.record(ref, job.generations, job.watermark)
        if self.lake.is_malformed(ref):
            how = MALFORMATIONS[mixed(hash_of(ref) + 1) % len(MALFORMATIONS)]
            # The standard library writes a lone surrogate as an escape; orjson refuses it.
            return json.dumps(break_record(record, how)).encode()
        return orjson.dumps(record)

    # Queries -------------------------------------------------------------------------------

    def query(self, request: Request, struck: list[Fault]) -> Reply:
        """POST details/query: conversations that began on a day that the interval touches."""
        body = json_body(request)
        start, end = _interval(body)
        filtered = filters.has_filters(body)
        if end - start > (31 if filtered else 7) * DAY_MS:
            raise bad_request(
                "You must specify a search interval as part of your query that does not exceed "
                f"{31 if filtered else 7} days"
            )
        paging = cast("Json", body.get("paging") or {})
        size, number = int(paging.get("pageSize") or 25), int(paging.get("pageNumber") or 1)
        if not 1 <= size <= _QUERY_PAGE or number < 1:
            raise bad_request(f"pageSize must be between 1 and {_QUERY_PAGE}", "invalid.value")
        if size * number > _QUERY_DEPTH:
            raise bad_request(
                f"Pagination may not exceed {_QUERY_DEPTH} results. Tip: When extracting large "
                "chunks of data (multiple days/weeks), maximize pagination performance by querying "
                "in smaller intervals..."
            )
        found, horizon = self._found_now(body, start, end), self.lake.horizon
        again = sum(fault.count_of for fault in struck if fault.kind == "duplicates")
        first = (number - 1) * size
        records = [
            without_attributes(self.lake.record(ref, self.lake.generations, horizon))
            for ref in found.refs(first - again if first else 0, first + size)
        ]
        told: Json = {"totalHits": len(found)}
        if records:
            told = {"conversations": records, **told}
        return reply(told)

    def _found_now(self, body: Json, start: int, end: int) -> Selection:
        horizon = self.lake.horizon
        until = max(start, min(end, horizon + 1))
        span = self.world.span(self.org, start, until, self.lake.highest_generation)
        hidden = hide_earlier_days(span, start, self.world.start_of)
        if until == start:
            hidden = len(span)
        found = Selection(span, hidden, body.get("order") == "desc")
        if filters.has_filters(body):
            found.chosen = [
                ref
                for ref in Selection(span, hidden).refs(0, len(span))
                if filters.meets(body, self.lake.record(ref, self.lake.generations, horizon))
            ]
        return found

    def _find(self, conversation_id: str) -> Json:
        ref = self.world.ref_of(conversation_id)
        horizon = self.lake.horizon
        if ref is None or self.world.org_of(ref) != self.org:
            raise not_found(f"conversation {conversation_id}")
        if self.world.start_of(ref) > horizon:
            raise not_found(f"conversation {conversation_id}")
        return self.lake.record(ref, self.lake.generations, horizon)

    def conversation_details(self, request: Request, _: list[Fault]) -> Reply:
        """GET analytics/conversations/{id}/details."""
        return reply(without_attributes(self._find(request.path.split("/")[5])))

    def several_details(self, request: Request, _: list[Fault]) -> Reply:
        """GET analytics/conversations/details?id=..."""
        ids = [one for text in request.query.get("id") or [] for one in text.split(",")]
        found: list[Json] = []
        for conversation_id in ids:
            try:
                found.append(without_attributes(self._find(conversation_id)))
            except RefusalError:
                continue
        return reply({"conversations": found} if found else {})

    def conversation(self, request: Request, _: list[Fault]) -> Reply:
        """GET conversations/{id}: the live object, where attributes of fresh records are."""
        record = self._find(request.path.split("/")[4])
        participants = [
            {
                "id": participant["participantId"],
                "purpose": participant["purpose"],
                "attributes": participant.get("attributes") or {},
            }
            for participant in record["participants"]
        ]
        told = {
            "id": record["conversationId"],
            "startTime": record["conversationStart"],
            "participants": participants,
        }
        if "conversationEnd" in record:
            told["endTime"] = record["conversationEnd"]
        return reply(told)

    def aggregate(self, request: Request, _: list[Fault]) -> Reply:
        """POST aggregates/query."""
        if self.lake.catch_up():
            self.aggregates.forget()
        return reply(self.aggregates.answer(json_body(request)))

    # Everything else -----------------------------------------------------------------------

    def listing(self, request: Request, _: list[Fault]) -> Reply:
        """GET a listing."""
        return reply(directory_api.listing(self.place, request, self.options.max_entity_page_size))

    def entity(self, request: Request, _: list[Fault]) -> Reply:
        """GET one user, queue and so on."""
        return reply(directory_api.one(self.place, request))

    def limits(self, request: Request, _: list[Fault]) -> Reply:
        """GET organizations/limits/namespaces/{namespace}."""
        per_second = self.options.requests_per_second or 10
        values = {
            "details.jobs.concurrent.access.max": self.options.concurrent_jobs,
            "details.jobs.rate.per.second": per_second,
        }
        namespace = request.path.split("/")[6]
        entities = [{"key": k, "namespace": namespace, "value": v} for k, v in values.items()]
        return reply({"entities": entities, "pageSize": 25, "pageNumber": 1, "total": 2})

    def unknown(self, request: Request, _: list[Fault]) -> Reply:
        """Answer what this simulator does not have."""
        raise RefusalError(404, "not found", "HTTP 404 Not Found")


_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", r"/oauth/token", "token", OrgService.token),
    ("GET", r"/api/v2/organizations/me", "organization", OrgService.organization),
    ("GET|HEAD|DELETE", r"/api/v2/tokens/me", "organization", OrgService.token_info),
    ("GET", rf"{_JOBS}/availability", "availability", OrgService.availability),
    ("POST", _JOBS, "job_create", OrgService.create_job),
    ("GET", rf"{_JOBS}/[^/]+/results", "job_results", OrgService.job_results),
    ("GET", rf"{_JOBS}/[^/]+", "job_status", OrgService.job_status),
    ("DELETE", rf"{_JOBS}/[^/]+", "job_cancel", OrgService.cancel_job),
    ("POST", r"/api/v2/analytics/conversations/details/query", "query", OrgService.query),
    ("POST", r"/api/v2/analytics/conversations/aggregates/query", "aggregates",
     OrgService.aggregate),
    ("GET", r"/api/v2/analytics/conversations/details", "conversation",
     OrgService.several_details),
    ("GET", r"/api/v2/analytics/conversations/[^/]+/details", "conversation",
     OrgService.conversation_details),
    ("GET", r"/api/v2/conversations/[^/]+", "conversation", OrgService.conversation),
    ("GET", r"/api/v2/organizations/limits/namespaces/[^/]+(?:/defaults)?", "limits",
     OrgService.limits),
    ("GET", r"/api/v2/(?:users|routing/queues)/[^/]+", "listing", OrgService.entity),
)  # fmt: skip
_COMPILED = [(methods.split("|"), re.compile(path), r, h) for methods, path, r, h in _ROUTES]


def route_of(request: Request) -> tuple[str, Handler]:
    """Give the route's name and who answers it."""
    if request.method == "GET" and directory_api.is_listing(request.path):
        return "listing", OrgService.listing
    for methods, path, route, handler in _COMPILED:
        if request.method in methods and path.fullmatch(request.path):
            return route, handler
    return "unknown", OrgService.unknown


def _interval(body: Json) -> tuple[int, int]:
    if not body.get("interval"):
        raise bad_request("The field interval is required.", "constraint.validation")
    try:
        return parse_interval(str(body["interval"]))
    except ValueError as error:
        raise bad_request(
            "Dates must be specified as ISO-8601 strings. For example: yyyy-MM-ddTHH:mm:ss.SSSZ",
            "invalid.date",
        ) from error
