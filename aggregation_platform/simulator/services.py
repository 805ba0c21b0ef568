"""One org's API: from a request to a reply, without a socket in sight.

Belongs here: the routes and what each of them answers. Elsewhere: who may come in (gate.py), jobs
(job_desk.py), queries (queries.py), listings (directory_api.py), aggregates (aggregates.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aggregation_platform.simulator import directory_api, oddities
from aggregation_platform.simulator.aggregates import Aggregates, figures_in
from aggregation_platform.simulator.counters import Counters
from aggregation_platform.simulator.dice import named_uuid
from aggregation_platform.simulator.faults import Fault, Faults
from aggregation_platform.simulator.gate import Gate
from aggregation_platform.simulator.job_desk import JOBS, JobDesk
from aggregation_platform.simulator.lake import Lake
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.queries import Queries
from aggregation_platform.simulator.replies import RefusalError, Reply, Request, json_body, reply
from aggregation_platform.simulator.truth import Truth
from aggregation_platform.simulator.world import World

Json = dict[str, Any]
Handler = Callable[["OrgService", Request, list[Fault]], Reply]
_CONVERSATIONS = "/api/v2/analytics/conversations"


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
        self.jobs = JobDesk(options, world, lake, self.counters)
        self.queries = Queries(world, lake)

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        route, handler = route_of(request)
        self.counters.arrived(route, self.lake.now().timestamp())
        self.lake.catch_up()
        struck = self.faults.strike(self.org, route, request.path)
        self.counters.struck(route, (fault.kind for fault in struck))
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

    def token(self, request: Request) -> Reply:
        """POST /oauth/token."""
        answer = self.gate.issue(request)
        if answer.status == 200:
            with self.counters.lock:
                self.counters.tokens_issued += 1
        return answer

    def organization(self, struck: list[Fault]) -> Reply:
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

    def token_info(self, request: Request) -> Reply:
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

    def aggregate(self, request: Request, struck: list[Fault]) -> Reply:
        """POST aggregates/query."""
        answer = self.aggregates.answer(json_body(request))
        caps = [fault.count_of for fault in struck if fault.kind == "aggregates_too_large"]
        if caps and figures_in(answer) > min(caps):
            raise RefusalError(413, "request.entity.too.large", "The answer is too large.")
        return reply(answer)

    # Everything else -----------------------------------------------------------------------

    def listing(self, request: Request, struck: list[Fault]) -> Reply:
        """GET a listing."""
        lacking = sum(fault.count_of for fault in struck if fault.kind == "short_listing")
        page = directory_api.listing(self.place, request, self._limits(), lacking=lacking)
        if any(fault.kind == "odd_entities" for fault in struck):
            return Reply(200, oddities.odd_page(page))
        return reply(page)

    def search(self, request: Request) -> Reply:
        """POST users/search or groups/search."""
        return reply(directory_api.search(self.place, request, self._limits()))

    def _limits(self) -> directory_api.PageLimits:
        return directory_api.PageLimits(self.options.max_entity_page_size, self.options.listing_cap)

    def entity(self, request: Request) -> Reply:
        """GET one user, queue and so on."""
        return reply(directory_api.one(self.place, request))

    def limits(self, request: Request) -> Reply:
        """GET organizations/limits/namespaces/{namespace}."""
        per_second = self.options.requests_per_second or 10
        values = {
            "details.jobs.concurrent.access.max": self.options.concurrent_jobs,
            "details.jobs.rate.per.second": per_second,
        }
        namespace = request.path.split("/")[6]
        entities = [{"key": k, "namespace": namespace, "value": v} for k, v in values.items()]
        return reply({"entities": entities, "pageSize": 25, "pageNumber": 1, "total": 2})


_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", r"/oauth/token", "token", lambda s, r, _f: s.token(r)),
    ("GET", r"/api/v2/organizations/me", "organization", lambda s, _r, f: s.organization(f)),
    ("GET|HEAD|DELETE", r"/api/v2/tokens/me", "organization", lambda s, r, _f: s.token_info(r)),
    ("GET", rf"{JOBS}/availability", "availability", lambda s, _r, _f: s.jobs.availability()),
    ("POST", JOBS, "job_create", lambda s, r, f: s.jobs.create(r, f)),
    ("GET", rf"{JOBS}/[^/]+/results", "job_results", lambda s, r, f: s.jobs.results(r, f)),
    ("GET", rf"{JOBS}/[^/]+", "job_status", lambda s, r, _f: s.jobs.status(r)),
    ("DELETE", rf"{JOBS}/[^/]+", "job_cancel", lambda s, r, _f: s.jobs.cancel(r)),
    ("POST", rf"{_CONVERSATIONS}/details/query", "query", lambda s, r, f: s.queries.query(r, f)),
    ("POST", rf"{_CONVERSATIONS}/aggregates/query", "aggregates",
     lambda s, r, f: s.aggregate(r, f)),
    ("GET", rf"{_CONVERSATIONS}/details", "conversation",
     lambda s, r, _f: s.queries.several_details(r)),
    ("GET", rf"{_CONVERSATIONS}/[^/]+/details", "conversation",
     lambda s, r, _f: s.queries.details(r)),
    ("GET", r"/api/v2/conversations/[^/]+", "conversation",
     lambda s, r, _f: s.queries.conversation(r)),
    ("GET", r"/api/v2/organizations/limits/namespaces/[^/]+(?:/defaults)?", "limits",
     lambda s, r, _f: s.limits(r)),
    ("GET", r"/api/v2/(?:users|routing/queues)/[^/]+", "listing", lambda s, r, _f: s.entity(r)),
)  # fmt: skip
_COMPILED = [(methods.split("|"), re.compile(path), r, h) for methods, path, r, h in _ROUTES]


def route_of(request: Request) -> tuple[str, Handler]:
    """Give the route's name and who answers it."""
    if request.method == "GET" and directory_api.is_listing(request.path):
        return "listing", lambda s, r, f: s.listing(r, f)
    if request.method == "POST" and directory_api.is_search(request.path):
        return "listing", lambda s, r, _f: s.search(r)
    for methods, path, route, handler in _COMPILED:
        if request.method in methods and path.fullmatch(request.path):
            return route, handler
    return "unknown", lambda _s, _r, _f: _no_such_path()


def _no_such_path() -> Reply:
    raise RefusalError(404, "not found", "HTTP 404 Not Found")
