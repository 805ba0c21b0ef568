"""The head of a page: ids, cursor, watermark; read strictly first, and leniently where refused.

The source cuts attribute values at 1024 UTF-16 units; a cut through an emoji leaves half a
character, which strict readers of JSON refuse together with the whole page, each time it is
fetched. Such a page came whole; only one that lenient readers refuse too was torn on its way.

Belongs here: reading the head, whatever its records are like. Elsewhere: asking for pages
(details.py, queries.py), records (raw/), which bears the same oddities.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec


class TornPageError(ValueError):
    """The text is no whole JSON, however read."""


class NoPageError(ValueError):
    """The text is JSON, but no page of conversations."""


@dataclass(frozen=True)
class PageHead:
    """What a page says beside its records' contents.

    Args:
        conversation_ids: In page order; None for a record without an id that is surely its own.
        cursor: What fetches the next page; None on the last.
        data_available_to: The watermark, as the source spells it.
        total_hits: Queries only.
    """

    conversation_ids: tuple[str | None, ...]
    cursor: str | None
    data_available_to: str | None
    total_hits: int | None


class _Record(msgspec.Struct):
    conversationId: str | None = None  # noqa: N815 - the API's own spelling


class _Strict(msgspec.Struct):
    conversations: list[_Record] | None = None
    cursor: str | None = None
    dataAvailabilityDate: str | None = None  # noqa: N815 - the API's own spelling
    totalHits: int | None = None  # noqa: N815


class _Loose(msgspec.Struct):
    """The same, where a record is not what it should be."""

    conversations: list[Any] | None = None
    cursor: str | None = None
    dataAvailabilityDate: str | None = None  # noqa: N815 - the API's own spelling
    totalHits: float | None = None  # noqa: N815


_STRICT = msgspec.json.Decoder(_Strict)


def read_head(text: bytes) -> PageHead:
    """Read the head of a page.

    Raises:
        TornPageError: If the text is no whole JSON.
        NoPageError: If it is JSON of something else, or nested too deep to tell.
    """
    try:
        head = _STRICT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_leniently(text)
    ids = tuple(record.conversationId for record in head.conversations or ())
    return PageHead(ids, head.cursor or None, head.dataAvailabilityDate, head.totalHits)


def _read_leniently(text: bytes) -> PageHead:
    head = _loose(load_leniently(text))
    if head.cursor and not _is_sure(head.cursor):
        raise NoPageError("its cursor is damaged")
    hits = head.totalHits
    return PageHead(
        conversation_ids=_ids(head.conversations or ()),
        cursor=head.cursor or None,
        data_available_to=head.dataAvailabilityDate,
        total_hits=int(hits) if hits is not None and math.isfinite(hits) else None,
    )


def load_leniently(text: bytes) -> object:
    """Read JSON that strict readers refuse for half a character or a byte that is no UTF-8.

    Raises:
        TornPageError: If the text is no whole JSON.
        NoPageError: If it is nested too deep.
    """
    try:
        return json.loads(text.decode("utf-8-sig", "replace"), strict=False)
    except RecursionError as error:
        raise NoPageError("it is nested too deep") from error
    except ValueError as error:
        raise TornPageError(str(error)) from error


def _loose(found: object) -> _Loose:
    if isinstance(found, dict):  # an unknown member's name cannot be converted if it is damaged
        members = cast("dict[str, object]", found)
        found = {name: members.get(name) for name in _Loose.__struct_fields__}
    try:
        return msgspec.convert(found, _Loose)
    except msgspec.ValidationError as error:
        raise NoPageError(str(error)) from error
    except UnicodeEncodeError as error:
        raise NoPageError("a member holds half a character") from error


def _ids(records: Sequence[object]) -> tuple[str | None, ...]:
    return tuple(_id(record) for record in records)


def _id(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    found = cast("dict[str, object]", record).get("conversationId")
    return found if isinstance(found, str) and _is_sure(found) else None


def _is_sure(text: str) -> bool:
    """Whether nothing of the text is half a character, or stands for what could not be read."""
    return "\ufffd" not in text and not any("\ud800" <= each <= "\udfff" for each in text)
