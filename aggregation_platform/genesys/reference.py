"""Reference data: who and what the ids in conversations are.

Belongs here: listings page by page, and whether a listing is whole; the organization itself.
Elsewhere: turning entities into tables (directory/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import structlog

from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.replies import decoded

_log = structlog.get_logger()
MOST_PAGES = 10_000
PASSES = 2


_UNSORTED: Mapping[str, str] = {}


class Listing(Enum):
    """What can be listed: path, page size in use, what keeps the order stable, how it is paged.

    Teams alone are paged by a cursor, which stands in `nextUri`; no total is told of them.
    """

    USERS = ("/api/v2/users", 500, {"state": "any", "sortOrder": "ASC"})
    QUEUES = ("/api/v2/routing/queues", 500, {"sortOrder": "asc"})
    WRAPUP_CODES = ("/api/v2/routing/wrapupcodes", 100, {"sortBy": "id", "sortOrder": "ascending"})
    DIVISIONS = ("/api/v2/authorization/divisions", 500, _UNSORTED)
    SKILLS = ("/api/v2/routing/skills", 500, _UNSORTED)
    GROUPS = ("/api/v2/groups", 500, {"sortOrder": "ASC"})
    TEAMS = ("/api/v2/teams", 100, _UNSORTED, "after")

    def __init__(
        self, path: str, page_size: int, parameters: Mapping[str, str], cursor: str | None = None
    ) -> None:
        self.path = path
        self.page_size = page_size
        self.parameters = parameters
        self.cursor = cursor


NEEDED = (Listing.USERS, Listing.QUEUES, Listing.WRAPUP_CODES)
"""Without these no figure has names; the others only add to them, where they are permitted."""

PERMISSION_FOR: Mapping[Listing, str] = {
    Listing.USERS: "directory > user > view",
    Listing.QUEUES: "routing > queue > view",
    Listing.WRAPUP_CODES: "routing > wrapupCode > view",
    Listing.DIVISIONS: "authorization > division > view",
    Listing.SKILLS: "routing > skill > view",
    Listing.GROUPS: "directory > group > view",
    Listing.TEAMS: "groups > team > view",
}
"""What an administrator of the organization gives to the OAuth client's role."""


@dataclass(frozen=True)
class Listed:
    """A listing: each entity once, as the API spelled it.

    Args:
        whole: Whether there are as many as the organization said or, of a list paged by cursor,
            whether its last page was read. If not, an entity may be missing: add what is here,
            delete nothing for not being here.
        total: The number the organization said last; None if it told none.
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
        reading = _by_cursor(api, kind, kind.cursor) if kind.cursor else _by_number(api, kind)
        entities |= reading.seen
        total = reading.total
        if reading.whole:
            return Listed(tuple(reading.seen.values()), whole=True, total=total)
    _log.warning(
        "listing_not_whole", org=api.org, path=kind.path, listed=len(entities), total=total
    )
    return Listed(tuple(entities.values()), whole=len(entities) == total, total=total)


@dataclass(frozen=True)
class _Reading:
    """One pass over the pages of a list."""

    seen: Mapping[str, Mapping[str, Any]]
    total: int | None
    whole: bool


def _by_number(api: Api, kind: Listing) -> _Reading:
    """Read pages until one is the last, is empty, or brings nothing new."""
    seen: dict[str, Mapping[str, Any]] = {}
    total: int | None = None
    returned = 0
    for number in range(1, MOST_PAGES):
        got = _page(api, kind, {"pageNumber": number})
        total = got.total if got.total is not None else total
        known = len(seen)
        seen |= _named(got)
        returned += len(got.entities or ())
        if len(seen) == known or _is_last(got, number, returned):
            break
    return _Reading(seen, total, whole=total is not None and len(seen) == total)


def _by_cursor(api: Api, kind: Listing, cursor: str) -> _Reading:
    """Read pages until one names no next, or leads to nothing new: then the list is cut short."""
    seen: dict[str, Mapping[str, Any]] = {}
    place: dict[str, str | int] = {}
    for _ in range(MOST_PAGES):
        got = _page(api, kind, place)
        known = len(seen)
        seen |= _named(got)
        if not got.nextUri:
            return _Reading(seen, got.total, whole=got.total in (None, len(seen)))
        after = parse_qs(urlsplit(got.nextUri).query).get(cursor)
        if after is None or len(seen) == known:
            break
        place = {cursor: after[0]}
    return _Reading(seen, None, whole=False)


def _named(got: _Page) -> dict[str, Mapping[str, Any]]:
    entities = got.entities or ()
    return {each["id"]: each for each in entities if isinstance(each.get("id"), str)}


def _is_last(got: _Page, number: int, returned: int) -> bool:
    """Decide by what the server gave; its pages may be smaller than asked for."""
    if got.nextUri:
        return False
    if got.pageCount is not None:
        return number >= got.pageCount
    return got.total is not None and returned >= got.total


def _page(api: Api, kind: Listing, place: Mapping[str, str | int]) -> _Page:
    parameters = {**kind.parameters, "pageSize": kind.page_size, **place}
    return api.call(
        Call("GET", kind.path, parameters),
        lambda request, reply: decoded(request, reply, _Page),
    )
