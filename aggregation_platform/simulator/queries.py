"""Conversations as the live stores know them: by query, and one by one.

Belongs here: `details/query` with its own rules of matching and paging, details by id, and the
live conversation object. Elsewhere: jobs (job_desk.py), aggregates (aggregates.py).
"""

from __future__ import annotations

from typing import Any, cast

from aggregation_platform.simulator import filters
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.simulator.jobs import Selection, hide_earlier_days
from aggregation_platform.simulator.lake import Lake
from aggregation_platform.simulator.payloads import without_attributes
from aggregation_platform.simulator.replies import (
    RefusalError,
    Reply,
    Request,
    bad_request,
    json_body,
    not_found,
    read_interval,
    reply,
)
from aggregation_platform.simulator.timestamps import DAY_MS
from aggregation_platform.simulator.world import World

Json = dict[str, Any]
_QUERY_DEPTH, _QUERY_PAGE = 100_000, 100


class Queries:
    """One org's live stores."""

    def __init__(self, world: World, lake: Lake) -> None:
        self.world, self.lake, self.org = world, lake, lake.org

    def query(self, request: Request, struck: list[Fault]) -> Reply:
        """POST details/query: conversations that began on a day that the interval touches."""
        body = json_body(request)
        start, end = read_interval(body)
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
        drift = sum(fault.count_of for fault in struck if fault.kind == "drifting_hits")
        told: Json = {"totalHits": len(found) + drift}
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

    def details(self, request: Request) -> Reply:
        """GET analytics/conversations/{id}/details."""
        return reply(without_attributes(self._find(request.path.split("/")[5])))

    def several_details(self, request: Request) -> Reply:
        """GET analytics/conversations/details?id=..."""
        ids = [one for text in request.query.get("id") or [] for one in text.split(",")]
        found: list[Json] = []
        for conversation_id in ids:
            try:
                found.append(without_attributes(self._find(conversation_id)))
            except RefusalError:
                continue
        return reply({"conversations": found} if found else {})

    def conversation(self, request: Request) -> Reply:
        """GET conversations/{id}: the live object, where attributes of fresh records are."""
        record = self._find(request.path.split("/")[4])
        participants: list[Json] = [
            {
                "id": participant["participantId"],
                "purpose": participant["purpose"],
                "attributes": participant.get("attributes") or {},
            }
            for participant in record["participants"]
        ]
        told: Json = {
            "id": record["conversationId"],
            "startTime": record["conversationStart"],
            "participants": participants,
        }
        if "conversationEnd" in record:
            told["endTime"] = record["conversationEnd"]
        return reply(told)
