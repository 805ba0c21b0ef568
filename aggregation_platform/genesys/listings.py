"""Listings page by page, to their end or as far as they go.

The organization gives no more than 10,000 entries of one listing by page and answers 400 to the
next page; deleted users count. The rest is looked for in smaller parts: users by state, then each
list in reverse order, then by the first letters of names. A listing that fails half way keeps what
was read before.

Belongs here: which pages to ask for, and whether a listing is whole. Elsewhere: reading a page
(listing_pages.py), what can be listed (reference.py).

Source:
    The cap: field reports. Name filters and searches: the official SDK, version 269.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog

from aggregation_platform.errors import SourceError, TransientSourceError
from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.listing_pages import Entity, ListingPage, read_listing_page
from aggregation_platform.genesys.reference import Listed, Listing

_log = structlog.get_logger()
MOST_PAGES = 10_000
PASSES = 2
CAP = 10_000
"""Entries of one listing that are given by page."""

DEEPEST = 3
"""Letters of a name that are asked for at most."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_USER_STATES = ("active", "inactive", "deleted")
_REVERSED: Mapping[Listing, Mapping[str, str]] = {
    Listing.USERS: {"sortOrder": "DESC"},
    Listing.QUEUES: {"sortOrder": "desc"},
    Listing.WRAPUP_CODES: {"sortOrder": "descending"},
    Listing.GROUPS: {"sortOrder": "DESC"},
}
_NAME_FILTERS: Mapping[Listing, str] = {
    Listing.QUEUES: "{}*",
    Listing.WRAPUP_CODES: "{}*",
    Listing.SKILLS: "{}",
    Listing.DIVISIONS: "{}",
}
"""What `name` of a listing is for names that begin so."""

_SEARCHES = {Listing.USERS: "/api/v2/users/search", Listing.GROUPS: "/api/v2/groups/search"}
_SEARCH_PAGE = 100


@dataclass(frozen=True)
class _Slice:
    """A listing, or a part of it, that is paged by number."""

    path: str
    page_size: int
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    search: tuple[Mapping[str, object], ...] = ()

    def page(self, number: int) -> Call:
        if not self.search:
            paging = {"pageSize": self.page_size, "pageNumber": number}
            return Call("GET", self.path, {**self.parameters, **paging})
        body = {"pageSize": self.page_size, "pageNumber": number, "query": list(self.search)}
        return Call("POST", self.path, body=body)


@dataclass(frozen=True)
class _Reading:
    """One pass over the pages of a slice."""

    seen: Mapping[str, Entity]
    total: int | None = None
    whole: bool = False
    set_aside: int = 0
    mended_ids: frozenset[str] = frozenset()
    failure: SourceError | None = None
    is_capped: bool = False


def listing(api: Api, kind: Listing) -> Listed:
    """List all entities of a kind; a listing that is not whole is read once more.

    Pages of a list that changes meanwhile may skip or repeat entities, so the passes are joined
    by id (the later spelling holds).

    Raises:
        SourceError: If not even the first page was given.
    """
    found = _Found()
    for _ in range(PASSES):
        found.add(_pass(api, kind))
        if found.last.whole or found.last.failure or found.last.is_capped:
            break
    if found.last.is_capped:
        _around_the_cap(api, kind, found)
    listed = found.listed()
    if not listed.whole:
        _log.warning(
            "listing_not_whole",
            org=api.org,
            path=kind.path,
            listed=len(listed),
            total=listed.total,
            set_aside=listed.set_aside,
            is_capped=listed.is_capped,
        )
    return listed


class _Found:
    """What all readings of one listing brought together; the first says how many there are."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}
        self.last = _Reading({})
        self.failure: SourceError | None = None
        self.obstacle: SourceError | None = None
        self.is_capped = False
        self._mended: frozenset[str] = frozenset()
        self._total: int | None = None
        self._set_aside = 0

    def add(self, reading: _Reading) -> None:
        """Add a pass over the whole listing."""
        self.add_part(reading)
        self.last = reading
        self._total = reading.total
        self._set_aside = reading.set_aside
        self.is_capped = reading.is_capped
        self.failure = None if reading.is_capped else reading.failure

    def add_part(self, reading: _Reading) -> None:
        """Add a pass over a part of it."""
        if self.last.whole:
            return
        self.entities |= reading.seen
        self._mended |= reading.mended_ids
        if isinstance(reading.failure, TransientSourceError):
            self.failure = reading.failure
        elif not reading.is_capped:
            self.obstacle = reading.failure or self.obstacle

    @property
    def is_complete(self) -> bool:
        """Whether there is as much as the organization said."""
        return self._total is not None and len(self.entities) >= self._total

    def listed(self) -> Listed:
        """Return the listing."""
        entities = self.last.seen if self.last.whole else self.entities
        whole = self.last.whole or (len(entities) == self._total and not self._set_aside)
        return Listed(
            tuple(entities.values()),
            whole=whole,
            total=self._total,
            set_aside=self._set_aside,
            mended=len(self._mended & entities.keys()),
            is_capped=self.is_capped,
            failure=None if whole else self.failure,
            obstacle=self.obstacle if self.is_capped and not whole else None,
        )


def _pass(api: Api, kind: Listing) -> _Reading:
    if kind.cursor:
        return _by_cursor(api, kind, kind.cursor)
    return _by_number(api, _Slice(kind.path, kind.page_size, kind.parameters))


def _by_number(api: Api, part: _Slice, *, may_fail: bool = False) -> _Reading:
    """Read pages until one is the last, is empty, or brings nothing new.

    A failure of the first page is raised, unless it `may_fail`.
    """
    reading = _Reading({})
    returned = 0
    for number in range(1, MOST_PAGES):
        try:
            got = api.call(part.page(number), read_listing_page)
        except SourceError as error:
            if number == 1 and not may_fail:
                raise
            is_capped = number > 1 and error.status == 400
            return replace(reading, failure=error, is_capped=is_capped)
        known = len(reading.seen)
        reading = _with(reading, got)
        returned += got.returned
        if len(reading.seen) == known or _is_last(got, number, returned):
            break
    whole = reading.total is not None and len(reading.seen) == reading.total
    return replace(reading, whole=whole, is_capped=not whole and returned >= CAP)


def _by_cursor(api: Api, kind: Listing, cursor: str) -> _Reading:
    """Read pages until one names no next, or leads to nothing new: then the list is cut short."""
    reading = _Reading({})
    place: dict[str, str | int] = {}
    for number in range(MOST_PAGES):
        parameters = {**kind.parameters, "pageSize": kind.page_size, **place}
        try:
            got = api.call(Call("GET", kind.path, parameters), read_listing_page)
        except SourceError as error:
            if number == 0:
                raise
            return replace(reading, failure=error)
        known = len(reading.seen)
        reading = _with(reading, got)
        if not got.next_uri:
            whole = reading.total in (None, len(reading.seen)) and not reading.set_aside
            return replace(reading, whole=whole)
        after = parse_qs(urlsplit(got.next_uri).query).get(cursor)
        if after is None or len(reading.seen) == known:
            break
        place = {cursor: after[0]}
    return replace(reading, total=None)


def _with(reading: _Reading, got: ListingPage) -> _Reading:
    return replace(
        reading,
        seen={**reading.seen, **got.entities},
        total=got.total if got.total is not None else reading.total,
        set_aside=reading.set_aside + got.set_aside,
        mended_ids=reading.mended_ids | got.mended_ids,
    )


def _is_last(got: ListingPage, number: int, returned: int) -> bool:
    """Decide by what the server gave; its pages may be smaller than asked for."""
    if got.next_uri:
        return False
    if got.page_count is not None:
        return number >= got.page_count
    return got.total is not None and returned >= got.total


def _around_the_cap(api: Api, kind: Listing, found: _Found) -> None:
    """Look for the rest in parts, until there is as much as the organization said."""
    for state in _USER_STATES if kind is Listing.USERS else (None,):
        if found.is_complete:
            return
        chosen = {"state": state} if state else {}
        part = _Slice(kind.path, kind.page_size, {**kind.parameters, **chosen})
        if state:
            reading = _by_number(api, part, may_fail=True)
            found.add_part(reading)
            if not reading.is_capped:
                continue
        if kind in _REVERSED:
            turned = {**part.parameters, **_REVERSED[kind]}
            found.add_part(_by_number(api, replace(part, parameters=turned), may_fail=True))
        if not found.is_complete:
            _by_letters(api, kind, state, found)


def _by_letters(api: Api, kind: Listing, state: str | None, found: _Found) -> None:
    """Ask for the names that begin with each letter, and further where one has too many."""
    waiting = list(_longer("", found))
    while waiting and not found.is_complete:
        prefix = waiting.pop()
        part = _beginning_with(kind, prefix, state)
        if part is None:
            return
        reading = _by_number(api, part, may_fail=True)
        found.add_part(reading)
        if reading.failure is not None and not reading.seen:
            return  # the search itself is not permitted, or fails
        if reading.is_capped and len(prefix) < DEEPEST:
            waiting.extend(_longer(prefix, found))


def _beginning_with(kind: Listing, prefix: str, state: str | None) -> _Slice | None:
    if kind in _SEARCHES:
        named = {"type": "STARTS_WITH", "fields": ["name"], "value": prefix}
        in_state = {"type": "EXACT", "fields": ["state"], "value": state}
        return _Slice(
            _SEARCHES[kind], _SEARCH_PAGE, search=(named, in_state) if state else (named,)
        )
    if kind in _NAME_FILTERS:
        named_so = {"name": _NAME_FILTERS[kind].format(prefix)}
        return _Slice(kind.path, kind.page_size, {**kind.parameters, **named_so})
    return None


def _longer(prefix: str, found: _Found) -> Iterable[str]:
    """Return prefixes that are one letter longer: of our alphabet, and of names seen so far."""
    seen = {
        name[len(prefix)]
        for name in _names(found.entities.values())
        if name.startswith(prefix) and len(name) > len(prefix)
    }
    return sorted((prefix + letter for letter in {*_LETTERS, *seen}), reverse=True)


def _names(entities: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for entity in entities:
        name = entity.get("name")
        if isinstance(name, str):
            yield name.lower()
