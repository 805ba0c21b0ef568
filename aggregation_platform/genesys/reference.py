"""Reference data: who and what the ids in conversations are.

Belongs here: what can be listed, what a listing is; the organization itself.
Elsewhere: reading listings (listings.py), turning entities into tables (directory/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from aggregation_platform.errors import SourceError
from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.replies import decoded

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
        total: The number the organization said; None if it said none.
        set_aside: Items that are no object or have no id.
        mended: Entities of which a character could not be read; it is U+FFFD now.
        is_capped: The organization gives no more than a number of entries by page (10,000), so
            the rest was looked for by state, in reverse order and by the first letters of names.
        failure: Why the listing ended before its end, other than by that cap; what is here was
            read before.
        obstacle: Why the rest beyond the cap could not be looked for further; a search may need a
            permission of its own. Asking again will not help.
    """

    entities: tuple[Mapping[str, Any], ...] = field(repr=False)
    whole: bool
    total: int | None
    set_aside: int = 0
    mended: int = 0
    is_capped: bool = False
    failure: SourceError | None = None
    obstacle: SourceError | None = None

    @property
    def unlisted(self) -> int:
        """How many of the organization's number are not here."""
        return max(0, (self.total or 0) - len(self.entities))

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


ORGANIZATION = Call("GET", "/api/v2/organizations/me")


def organization(api: Api) -> OrganizationIdentity:
    """Ask who we are logged in to."""
    said = api.call(ORGANIZATION, lambda request, reply: decoded(request, reply, OrganizationReply))
    return OrganizationIdentity(said.id, said.name or "", said.thirdPartyOrgName or "")
