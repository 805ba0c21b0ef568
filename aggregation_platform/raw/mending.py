"""Records that are nearly JSON: read them with the least change that a warehouse can store.

The source cuts attribute values at 1024 UTF-16 units; a cut through an emoji leaves half a
character (a lone surrogate), which no JSON type stores. Such a record still has its handle time.

Belongs here: telling such a record, wrapping its text, reading it with U+FFFD in place of what
cannot be stored. Elsewhere: what the record says (facts/).
"""

from __future__ import annotations

import json
import math
import re
from typing import cast

import orjson

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def has_nul(record: bytes) -> bool:
    """Whether a string of the record holds U+0000, which JSON may say and warehouses refuse."""
    # most records have no backslash at all, and one byte is looked up much faster than six
    return b"\\" in record and rb"\u0000" in record and _NUL_ESCAPE.search(record) is not None


def wrapped(record: bytes) -> str:
    """Return a JSON string that holds the record's text; bytes that are no UTF-8 become U+FFFD."""
    return json.dumps(record.decode("utf-8", "replace"), ensure_ascii=False)


def content_of(payload: bytes) -> object:
    """Read a payload of raw.conversations, mended where it is no plain JSON.

    Raises:
        ValueError: If it is no JSON even so.
    """
    if payload[:1] != b'"':
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass  # read it again, leniently
    return mended(text_of(payload))


def text_of(payload: bytes) -> str:
    """Return the record's own text, unwrapped if raw had to wrap it."""
    text = payload.decode("utf-8", "replace")
    if text[:1] != '"':
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def mended(text: str) -> object:
    """Read a record's text leniently, with what can be stored in place of what cannot.

    Half characters and NUL become U+FFFD; numbers that are none, or beyond all bounds, null.

    Raises:
        ValueError: If the text is no JSON even so, or is nested too deep.
    """
    try:
        return _storable(
            json.loads(text, strict=False, parse_constant=lambda _: None, parse_float=_finite)
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return {_UNSTORABLE.sub("\ufffd", key): _storable(item) for key, item in members}
    return value
