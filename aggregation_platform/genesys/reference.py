"""Reference data: who and what the ids in conversations are.

Belongs here: listings page by page, and whether a listing is whole; the organization itself.
Elsewhere: turning entities into tables (directory/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec
import structlog

from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.replies import decoded

_log = structlog.get_logger()
MOST_PAGES = 10_000
PASSES = 2


_UNSORTED: Mapping[str, str] = {}


class Listing(Enum):
    """What can be listed: path, page size in use, and what keeps the order stable."""

    USERS = ("/api/v2/users", 500, {"state": "any", "sortOrder": "ASC"})
    QUEUES = ("/api/v2/routing/queues", 500, {"sortOrder": "asc"})
    WRAPUP_CODES = ("/api/v2/routing/wrapupcodes", 100, {"sortBy": "id", "sortOrder": "ascending"})
    DIVISIONS = ("/api/v2/authorization/divisions", 500, _UNSORTED)
    SKILLS = ("/api/v2/routing/skills", 500, _UNSORTED)
    GROUPS = ("/api/v2/groups", 500, {"sortOrder": "ASC"})

    def __init__(self, path: str, page_size: int, parameters: Mapping[str, str]) -> None:
        self.path = path
        self.page_size = page_size
        self.parameters = parameters


@dataclass(frozen=True)
class Listed:
    """A listing: each entity once, as the API spelled it.

    Args:
        whole: Whether there are as many as the organization said. If not, an entity may be
            missing: add what is here, delete nothing for not being here.
        total: The number the organization said last.
    """

    entities: tuple[Mapping[str, Any], ...] = field(repr=False)
    whole: bool
    total: int | None

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.entities)

    def __len__(self) -> int:
        return len(self.entities)


@dataclass(frozen=True)
class OrganizationIdentity:
    """Which organization the credentials belong to."""

    id: str
    name: str
    third_party_name: str


class OrganizationReply(msgspec.Struct):
    """GET /api/v2/organizations/me, as far as we read it."""

    id: str
    name: str | None = None
    thirdPartyOrgName: str | None = None  # noqa: N815 - the API's own spelling


class _Page(msgspec.Struct):
    entities: list[dict[str, Any]] | None = None
    pageCount: int | None = None  # noqa: N815 - the API's own spelling
    total: int | None = None
    nextUri: str | None = None  # noqa: N815


ORGANIZATION = Call("GET", "/api/v2/organizations/me")


def organization(api: Api) -> OrganizationIdentity:
    """Ask who we are logged in to."""
    said = api.call(ORGANIZATION, lambda request, reply: decoded(request, reply, OrganizationReply))
    return OrganizationIdentity(said.id, said.name or "", said.thirdPartyOrgName or "")


def listing(api: Api, kind: Listing) -> Listed:
    """List all entities of a kind; a listing that is not whole is read once more.

    Pages of a list that changes meanwhile may skip or repeat entities, so the passes are joined
    by id (the later spelling holds).
    """
    entities: dict[str, Mapping[str, Any]] = {}
    total: int | None = None
    for _ in range(PASSES):
        seen, total = _one_pass(api, kind)
        entities |= seen
        if total is not None and len(seen) == total:
            return Listed(tuple(seen.values()), whole=True, total=total)
    _log.warning(
        "listing_not_whole", org=api.org, path=kind.path, listed=len(entities), total=total
    )
    return Listed(tuple(entities.values()), whole=len(entities) == total, total=total)


def _one_pass(api: Api, kind: Listing) -> tuple[dict[str, Mapping[str, Any]], int | None]:
    """Read pages until one is the last, is empty, or brings nothing new."""
    seen: dict[str, Mapping[str, Any]] = {}
    total: int | None = None
    returned = 0
    for number in range(1, MOST_PAGES):
        got = _page(api, kind, number)
        total = got.total if got.total is not None else total
        known = len(seen)
        seen |= {each["id"]: each for each in got.entities or () if _has_id(each)}
        returned += len(got.entities or ())
        if len(seen) == known or _is_last(got, number, returned):
            break
    return seen, total


def _has_id(entity: Mapping[str, Any]) -> bool:
    return isinstance(entity.get("id"), str)


def _is_last(got: _Page, number: int, returned: int) -> bool:
    """Decide by what the server gave; its pages may be smaller than asked for."""
    if got.nextUri:
        return False
    if got.pageCount is not None:
        return number >= got.pageCount
    return got.total is not None and returned >= got.total


def _page(api: Api, kind: Listing, number: int) -> _Page:
    parameters = {**kind.parameters, "pageSize": kind.page_size, "pageNumber": number}
    return api.call(
        Call("GET", kind.path, parameters),
        lambda request, reply: decoded(request, reply, _Page),
    )
