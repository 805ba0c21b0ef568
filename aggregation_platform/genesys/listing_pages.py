"""One page of a listing, read as leniently as pages of conversations.

Half a character in one name, a `null` among the entities or an entity without an id must not cost
the others. What no text can hold becomes U+FFFD; what is no entity is set aside and counted.

Belongs here: from a reply to the page's entities. Elsewhere: which pages to ask for (listings.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from aggregation_platform.errors import UnexpectedReplyError
from aggregation_platform.genesys.page_heads import NoPageError, TornPageError, load_leniently
from aggregation_platform.genesys.replies import inflated, torn
from aggregation_platform.genesys.transport import Reply, Request

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNREADABLE = "\ufffd"

Entity = Mapping[str, Any]


@dataclass(frozen=True)
class ListingPage:
    """What one page holds.

    Args:
        entities: By id; of a repeated id the last.
        returned: How many items the page had, whatever they were.
        set_aside: Items that are no object or have no id.
        mended_ids: Entities with a character that could not be read; it is U+FFFD now.
        total: Of the whole listing; None if the page does not say.
    """

    entities: Mapping[str, Entity]
    returned: int
    set_aside: int
    mended_ids: frozenset[str]
    total: int | None
    page_count: int | None
    next_uri: str | None


def read_listing_page(request: Request, reply: Reply) -> ListingPage:
    """Read a page of GET (`entities`) or of a search (`results`).

    Raises:
        LostReplyError: If the JSON is torn.
        UnexpectedReplyError: If it is JSON of something else.
    """
    content = _content(request, reply)
    if not isinstance(content, dict):
        raise _unexpected(request, reply, "the page is no object")
    page = cast("dict[str, object]", content)
    items = page.get("entities", page.get("results"))
    if items is not None and not isinstance(items, list):
        raise _unexpected(request, reply, "its entities are no list")
    return _page(page, cast("list[object]", items or []))


def _page(page: Mapping[str, object], items: list[object]) -> ListingPage:
    entities: dict[str, Entity] = {}
    set_aside = 0
    mended: set[str] = set()
    for item in items:
        entity = cast("Entity", _storable(cast("object", item)) if isinstance(item, dict) else {})
        entity_id = entity.get("id")
        if not isinstance(entity_id, str) or not entity_id or _UNREADABLE in entity_id:
            set_aside += 1
            continue
        entities[entity_id] = entity
        if _has_unreadable(entity):
            mended.add(entity_id)
    next_uri = page.get("nextUri")
    return ListingPage(
        entities=entities,
        returned=len(items),
        set_aside=set_aside,
        mended_ids=frozenset(mended),
        total=_count(page.get("total")),
        page_count=_count(page.get("pageCount")),
        next_uri=next_uri if isinstance(next_uri, str) and next_uri else None,
    )


def _content(request: Request, reply: Reply) -> object:
    body = inflated(request, reply)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # read it again, leniently
    try:
        return load_leniently(body)
    except TornPageError as error:
        raise torn(request, reply, f"is no whole JSON ({error})") from error
    except NoPageError as error:
        raise _unexpected(request, reply, str(error)) from error


def _unexpected(request: Request, reply: Reply, why: str) -> UnexpectedReplyError:
    return UnexpectedReplyError(
        request.org,
        f"{request.method} {request.path}: {why} (correlation id {reply.correlation_id or 'none'})."
        " Check api_url of this org, then report a bug with this line.",
        status=reply.status,
    )


def _storable(value: object) -> object:
    """Put U+FFFD in place of half characters and NUL, which no warehouse stores."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(_UNREADABLE, value)
    if isinstance(value, list):
        return [_storable(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return {_UNSTORABLE.sub(_UNREADABLE, key): _storable(item) for key, item in members}
    return value


def _has_unreadable(value: object) -> bool:
    if isinstance(value, str):
        return _UNREADABLE in value
    if isinstance(value, Mapping):
        return any(_has_unreadable(item) for item in cast("Mapping[str, object]", value).values())
    return isinstance(value, list) and any(map(_has_unreadable, cast("list[object]", value)))


def _count(value: object) -> int | None:
    """Read a count; whatever is none is as good as not said."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None
