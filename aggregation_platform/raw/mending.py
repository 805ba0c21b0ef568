"""Records that are nearly JSON: read them with the least change that a warehouse can store.

The source cuts attribute values at 1024 UTF-16 units; a cut through an emoji leaves half a
character (a lone surrogate), which no JSON type stores. Such a record still has its handle time.

Belongs here: telling such a record, wrapping its text, reading it with U+FFFD in place of what
cannot be stored. Elsewhere: what the record says (facts/).
"""

from __future__ import annotations

import json
import re
from typing import cast

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that a warehouse's text cannot hold."""

_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def has_nul(record: bytes) -> bool:
    """Whether a string of the record holds U+0000, which JSON may say and warehouses refuse."""
    # most records have no backslash at all, and one byte is looked up much faster than six
    return b"\\" in record and rb"\u0000" in record and _NUL_ESCAPE.search(record) is not None


def wrapped(record: bytes) -> str:
    """Return a JSON string that holds the record's text; bytes that are no UTF-8 become U+FFFD."""
    return json.dumps(record.decode("utf-8", "replace"), ensure_ascii=False)


def unwrapped(payload: str) -> object:
    """Read what `wrapped` holds, mended: half characters and NUL become U+FFFD, NaN null.

    Raises:
        ValueError: If the text is no JSON even so.
    """
    text = json.loads(payload)
    if not isinstance(text, str):
        raise ValueError("the payload is neither a JSON object nor a JSON string")  # noqa: TRY004 - one error for all
    return mended(text)


def mended(text: str) -> object:
    """Read a record's text leniently and replace what cannot be stored.

    Raises:
        ValueError: If the text is no JSON even so (RecursionError included).
    """
    try:
        return _storable(json.loads(text, strict=False, parse_constant=lambda _: None))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _storable(value: object) -> object:
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return {UNSTORABLE.sub("\ufffd", key): _storable(item) for key, item in members}
    return value
