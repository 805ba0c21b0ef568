"""The control endpoint: what a rehearsal does to the simulator while it runs.

Belongs here: /control, unauthenticated, for this machine alone: faults, watermark, rewrites,
counters, the truth. Elsewhere: what those do (faults.py, lake.py, counters.py, truth.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, cast

from aggregation_platform.simulator.faults import KINDS, Fault
from aggregation_platform.simulator.replies import (
    RefusalError,
    Reply,
    Request,
    bad_request,
    json_body,
    not_found,
    reply,
)
from aggregation_platform.simulator.services import OrgService
from aggregation_platform.simulator.timestamps import DAY_MS, day_start, iso, iso_seconds, parse
from aggregation_platform.simulator.truth import GROUPINGS, Truth

Json = dict[str, Any]


class Control:
    """Answers /control requests for all orgs of a simulator."""

    def __init__(self, services: dict[str, OrgService], truth: Truth) -> None:
        self.services, self.truth = services, truth
        first = next(iter(services.values()))
        self.faults, self.options = first.faults, first.options

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        name, _, rest = request.path.removeprefix("/control").strip("/").partition("/")
        verbs: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", "state"): self.state,
            ("GET", "faults"): lambda _: reply({"faults": self.faults.listed(), "kinds": KINDS}),
            ("POST", "faults"): self.add_fault,
            ("DELETE", "faults"): lambda _: self.remove_fault(rest),
            ("POST", "watermark"): self.watermark,
            ("POST", "rewrite"): self.rewrite,
            ("POST", "revoke"): self.revoke,
            ("GET", "counters"): self.counters,
            ("POST", "reset"): self.reset,
            ("GET", "truth"): self.told_truth,
        }
        verb = verbs.get((request.method, name))
        try:
            if verb is None:
                raise not_found(f"{request.method} {request.path}")
            return verb(request)
        except RefusalError as error:
            return error.reply(request.number)

    def _chosen(self, org: str | None) -> list[OrgService]:
        if org is None:
            return list(self.services.values())
        if org not in self.services:
            raise not_found(f"org {org}")
        return [self.services[org]]

    def state(self, _: Request) -> Reply:
        """GET /control/state: options, watermarks, what is on."""
        orgs = {
            org: {
                "watermark": iso_seconds(service.lake.watermark()),
                "organization_id": service.place.organization_id,
                "client_id": service.place.client_id,
                "client_secret": service.place.client_secret,
                "name": service.place.profile.name,
            }
            for org, service in self.services.items()
        }
        now = next(iter(self.services.values())).lake.now_ms
        return reply({
            "orgs": orgs, "now": iso(now), "seed": self.options.seed,
            "days": [day.isoformat() for day in self.options.simulated_days],
            "conversations_per_day": self.options.conversations_per_day,
            "faults": self.faults.listed(),
        })  # fmt: skip

    def add_fault(self, request: Request) -> Reply:
        """POST /control/faults with the fields of `Fault`: {"kind": ..., "org": ..., ...}."""
        body = json_body(request)
        try:
            fault = Fault(**body)
        except (TypeError, ValueError) as error:
            raise bad_request(str(error)) from error
        return reply({"id": self.faults.add(fault)})

    def remove_fault(self, number: str) -> Reply:
        """DELETE /control/faults or /control/faults/{id}."""
        if not number:
            self.faults.clear()
        elif not number.isdecimal() or not self.faults.remove(int(number)):
            raise not_found(f"fault {number}")
        return Reply(204)

    def watermark(self, request: Request) -> Reply:
        """POST /control/watermark: {"org"?, "at": instant, or "now", or null to let it go}."""
        body = json_body(request)
        at = body.get("at")
        for service in self._chosen(body.get("org")):
            try:
                moment = (
                    None if at is None else service.lake.watermark() if at == "now" else parse(at)
                )
            except ValueError as error:
                raise bad_request(str(error), "invalid.date") from error
            service.lake.fix_watermark(moment)
        return self.state(request)

    def rewrite(self, request: Request) -> Reply:
        """POST /control/rewrite: {"org"?, "generation"?, "days"?: [...]}; only settled days."""
        body = json_body(request)
        days = [_day(text) for text in cast("list[str]", body.get("days") or [])] or list(
            self.options.simulated_days
        )
        numbers = [day_start(day) // DAY_MS for day in days]
        touched = 0
        for service in self._chosen(body.get("org")):
            touched += service.lake.rewrite(int(body.get("generation", 1)), numbers)
        return reply({"org_days": touched})

    def revoke(self, request: Request) -> Reply:
        """POST /control/revoke: {"org"?} makes every token issued so far worthless."""
        for service in self._chosen(json_body(request).get("org")):
            service.gate.revoke(None)
        return Reply(204)

    def counters(self, request: Request) -> Reply:
        """GET /control/counters?moments=true: per org, with request times if asked."""
        full = request.first("moments") == "true"
        orgs = {o: s.counters.told(with_moments=full) for o, s in self.services.items()}
        return reply({"orgs": orgs})

    def reset(self, _: Request) -> Reply:
        """POST /control/reset: counters to nothing, faults off, watermarks free."""
        self.faults.clear()
        for service in self.services.values():
            service.counters.reset()
            service.lake.fix_watermark(None)
        return Reply(204)

    def told_truth(self, request: Request) -> Reply:
        """GET /control/truth?from=DAY&to=DAY&by=queueId,userId: both days included."""
        first = _day(request.first("from") or self.options.first_day.isoformat())
        last = _day(request.first("to") or self.options.simulated_days[-1].isoformat())
        by = tuple(name for name in (request.first("by") or "").split(",") if name)
        for name in by:
            if name not in GROUPINGS:
                raise bad_request(f"by={name}; known: {', '.join(GROUPINGS)}")
        start, end = day_start(first), day_start(last) + DAY_MS
        rows: list[Json] = []
        for org, service in self.services.items():
            service.lake.catch_up()
            for group, (count, total) in self.truth.handle_times(org, start, end, by).items():
                cell = dict(zip(by, group, strict=True))
                rows.append({"org": org, **cell, "handled_count": count, "handle_ms": total})
        handled = sum(row["handled_count"] for row in rows)
        handle_ms = sum(row["handle_ms"] for row in rows)
        return reply({
            "rows": rows,
            "total": {
                "handled_count": handled, "handle_ms": handle_ms,
                "aht_ms": handle_ms / handled if handled else None,
            },
            "journeys": [sorted(journey) for journey in self.truth.journeys(start, end)],
            "malformed": {o: self.truth.malformed(o, start, end) for o in self.services},
            "agents": [[*key, person] for key, person in self.truth.agents().items()],
            "queues": [[*key, name] for key, name in self.truth.queues().items()],
        })  # fmt: skip


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise bad_request(f"{text!r} is no day", "invalid.date") from error
