"""Listings of an org's people, queues and codes, as the API pages them.

Belongs here: the listing envelope and the entities in it. Elsewhere: who and what there is
(directory.py).
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aggregation_platform.simulator.directory import (
    SKILLS,
    TEAMS,
    WRAP_UPS,
    Directory,
    Division,
    Queue,
    User,
)
from aggregation_platform.simulator.replies import (
    Request,
    bad_request,
    json_body,
    not_found,
    objects,
)

Json = dict[str, Any]
_CREATED, _MODIFIED = "2024-11-11T14:46:26.238Z", "2025-03-19T16:35:11.559Z"


@dataclass(frozen=True)
class PageLimits:
    """How large a page may be, and how many entries are given by page at all."""

    longest: int
    cap: int


def listing(place: Directory, request: Request, limits: PageLimits, *, lacking: int = 0) -> Json:
    """Answer a listing request, e.g. `/api/v2/users`.

    Args:
        place: The org.
        request: With its paging.
        limits: Of its pages.
        lacking: Leave out so many of the last, as a list does that was cut short.
    """
    entities = _named(_LISTINGS[request.path](place, request), request)
    wanted = set(request.query.get("id") or [])
    if wanted:
        entities = [entity for entity in entities if entity["id"] in wanted]
    if request.path in _BY_CURSOR:
        return _cursor_page(entities, request, limits.longest, lacking)
    return _page(entities, request, limits, lacking)


def search(place: Directory, request: Request, limits: PageLimits) -> Json:
    """Answer POST `/api/v2/users/search` or `/api/v2/groups/search`.

    Raises:
        RefusalError: 400 beyond the cap, or for a criterion of an unknown type.
    """
    body = json_body(request)
    path = request.path.removesuffix("/search")
    found = [user_entity(place, user) for user in place.users]
    found = found if path == "/api/v2/users" else _groups(place, request)
    for criterion in objects(body, "query"):
        found = [entity for entity in found if _meets(entity, criterion)]
    found.sort(key=lambda entity: (entity["name"], entity["id"]))
    size = min(int(body.get("pageSize", 25)), limits.longest, 100)
    number = int(body.get("pageNumber", 1))
    _check_depth(size * number, limits)
    pages = -(-len(found) // size)
    return {
        "results": found[(number - 1) * size : number * size], "total": len(found),
        "pageCount": pages, "pageSize": size, "pageNumber": number, "types": ["users"],
    }  # fmt: skip


def is_search(path: str) -> bool:
    """Tell whether a path is one of the searches."""
    return path in {"/api/v2/users/search", "/api/v2/groups/search"}


def _meets(entity: Json, criterion: Json) -> bool:
    values = [str(each).lower() for each in [criterion.get("value"), *criterion.get("values", [])]]
    held = [str(entity.get(name, "")).lower() for name in criterion.get("fields", [])]
    if criterion.get("type") == "STARTS_WITH":
        return any(text.startswith(values[0]) for text in held)
    if criterion.get("type") == "EXACT":
        return any(text in values for text in held)
    raise bad_request(f"Value [{criterion.get('type')}] is not valid for type.", "invalid.value")


def _check_depth(entries: int, limits: PageLimits) -> None:
    if entries > limits.cap:
        raise bad_request(f"Only the first {limits.cap} entries are available by page.")


def _named(entities: list[Json], request: Request) -> list[Json]:
    """Keep the entities whose name a filter asks for: a beginning, with or without an asterisk."""
    wanted = (request.first("name") or "").rstrip("*").lower()
    kept = [entity for entity in entities if entity["name"].lower().startswith(wanted)]
    return kept[::-1] if (request.first("sortOrder") or "").lower().startswith("desc") else kept


def is_listing(path: str) -> bool:
    """Tell whether a path is one of the listings."""
    return path in _LISTINGS


def one(place: Directory, request: Request) -> Json:
    """Answer for a single user or queue.

    Raises:
        RefusalError: 404, also for a deleted queue.
    """
    path, _, wanted = request.path.rpartition("/")
    if path == "/api/v2/users":
        entities = [user_entity(place, user) for user in place.users]
    else:
        entities = _LISTINGS[path](place, request) if path in _LISTINGS else []
    for entity in entities:
        if entity["id"] == wanted:
            return entity
    raise not_found(wanted)


def _page(entities: list[Json], request: Request, limits: PageLimits, lacking: int) -> Json:
    size = min(_positive(request, "pageSize", 25), limits.longest)
    number = _positive(request, "pageNumber", 1)
    _check_depth(size * number, limits)
    pages = max(1, -(-len(entities) // size))
    there = entities[: len(entities) - lacking]
    shown = there[(number - 1) * size : number * size]

    def uri(page: int) -> str:
        kept = {k: v[0] for k, v in request.query.items() if k not in {"pageSize", "pageNumber"}}
        return f"{request.path}?{urlencode({'pageSize': size, 'pageNumber': page, **kept})}"

    page: Json = {
        "entities": shown, "pageSize": size, "pageNumber": number, "total": len(entities),
        "firstUri": uri(1), "selfUri": uri(number), "lastUri": uri(pages), "pageCount": pages,
    }  # fmt: skip
    if number < pages:
        page["nextUri"] = uri(number + 1)
    if number > 1:
        page["previousUri"] = uri(number - 1)
    return page


def _cursor_page(entities: list[Json], request: Request, longest: int, lacking: int) -> Json:
    """Answer by cursor: no total, no page numbers; the last page names no next one."""
    size = min(_positive(request, "pageSize", 25), longest)
    after = request.first("after") or ""
    begin = next((n + 1 for n, each in enumerate(entities) if _cursor(each) == after), 0)
    if after and not begin:
        raise bad_request(f"Value [{after}] is not valid for after.", "invalid.query.param.value")
    shown = entities[: len(entities) - lacking][begin : begin + size]
    page: Json = {"entities": shown, "selfUri": f"{request.path}?pageSize={size}"}
    if begin + size < len(entities) or lacking:
        last = _cursor(shown[-1]) if shown else after
        page["nextUri"] = f"{request.path}?{urlencode({'pageSize': size, 'after': last})}"
    return page


def _cursor(entity: Json) -> str:
    return base64.urlsafe_b64encode(str(entity["id"]).encode()).decode()


def _positive(request: Request, name: str, default: int) -> int:
    text = request.first(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise bad_request(f"Value [{text}] is not valid for {name}.", "invalid.query.param.value")
    return int(text)


def _division(division: Division) -> Json:
    uri = f"/api/v2/authorization/divisions/{division.id}"
    return {"id": division.id, "name": division.name, "selfUri": uri}


def user_entity(place: Directory, user: User) -> Json:
    """Write one user."""
    return {
        "id": user.id,
        "name": user.name,
        "division": _division(user.division),
        "chat": {"jabberId": f"{user.station}@{place.profile.short_name}.orgspan.com"},
        "department": "Contact Centre",
        "email": user.email,
        "primaryContactInfo": [{"address": user.email, "mediaType": "EMAIL", "type": "PRIMARY"}],
        "addresses": [],
        "state": user.state,
        "title": "Agent",
        "username": user.email,
        "version": 26,
        "acdAutoAnswer": False,
        "selfUri": f"/api/v2/users/{user.id}",
    }


def _users(place: Directory, request: Request) -> list[Json]:
    state = request.first("state", "active")
    if state not in {"active", "inactive", "deleted", "any"}:
        raise bad_request(f"Value [{state}] is not valid for state.", "invalid.value")
    users = sorted(place.users, key=lambda user: (user.name, user.id))
    return [user_entity(place, user) for user in users if state in ("any", user.state)]


def _queue(place: Directory, queue: Queue) -> Json:
    level = {"percentage": 0.8, "durationMs": queue.service_level_ms}
    ringing = {"alertingTimeoutSeconds": 8, "serviceLevel": level}
    media = ("call", "callback", "chat", "email", "message")
    return {
        "id": queue.id,
        "name": queue.name,
        "division": _division(queue.division),
        "dateCreated": _CREATED,
        "dateModified": _MODIFIED,
        "modifiedBy": place.users[0].id,
        "createdBy": place.users[0].id,
        "memberCount": len(place.users),
        "userMemberCount": len(place.users),
        "joinedMemberCount": len(place.users),
        "mediaSettings": dict.fromkeys(media, ringing),
        "routingRules": [{"operator": "ANY", "waitSeconds": 10.0}],
        "scoringMethod": "TimestampAndPriority",
        "acwSettings": {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 30_000},
        "skillEvaluationMethod": "ALL",
        "autoAnswerOnly": True,
        "enableManualAssignment": False,
        "suppressInQueueCallRecording": True,
        "selfUri": f"/api/v2/routing/queues/{queue.id}",
    }


def _queues(place: Directory, _: Request) -> list[Json]:
    kept = sorted((q for q in place.queues if not q.deleted), key=lambda queue: queue.name)
    return [_queue(place, queue) for queue in kept]


def _wrap_ups(place: Directory, _: Request) -> list[Json]:
    home = _division(place.divisions[0])
    named = sorted(zip(WRAP_UPS, place.wrap_up_ids, strict=True))
    return [
        {"id": code, "name": name, "division": home, "dateCreated": _CREATED,
         "selfUri": f"/api/v2/routing/wrapupcodes/{code}"}
        for name, code in named
    ]  # fmt: skip


def _skills(place: Directory, _: Request) -> list[Json]:
    named = sorted(zip(SKILLS, place.skill_ids, strict=True))
    return [
        {"id": skill, "name": name, "state": "active", "dateModified": _MODIFIED, "version": "1",
         "selfUri": f"/api/v2/routing/skills/{skill}"}
        for name, skill in named
    ]  # fmt: skip


def _divisions(place: Directory, _: Request) -> list[Json]:
    return [
        {**_division(division), "description": "", "homeDivision": division.home}
        for division in place.divisions
    ]


def _groups(place: Directory, _: Request) -> list[Json]:
    return [
        {"id": queue.flow_id, "name": f"{queue.purpose} people", "type": "official",
         "visibility": "public", "state": "active", "memberCount": 12, "version": 1,
         "dateModified": _MODIFIED, "rulesVisible": True,
         "selfUri": f"/api/v2/groups/{queue.flow_id}"}
        for queue in place.queues[:3]
    ]  # fmt: skip


def _teams(place: Directory, _: Request) -> list[Json]:
    named = sorted(zip(TEAMS, place.team_ids, strict=True))
    home = place.divisions[0]
    return [
        {"id": team, "name": name, "description": f"Works the {name.lower()}.",
         "division": {"id": home.id, "selfUri": f"/api/v2/authorization/divisions/{home.id}"},
         "dateCreated": _CREATED, "dateModified": _MODIFIED, "memberCount": 12,
         "selfUri": f"/api/v2/teams/{team}"}
        for name, team in named
    ]  # fmt: skip


_BY_CURSOR = frozenset({"/api/v2/teams"})
_LISTINGS: dict[str, Callable[[Directory, Request], list[Json]]] = {
    "/api/v2/users": _users,
    "/api/v2/routing/queues": _queues,
    "/api/v2/routing/wrapupcodes": _wrap_ups,
    "/api/v2/routing/skills": _skills,
    "/api/v2/authorization/divisions": _divisions,
    "/api/v2/groups": _groups,
    "/api/v2/teams": _teams,
}
