"""Values of one kind each: what the source's members hold, read strictly.

Belongs here: from a JSON value to a column's value; None for whatever is of another kind.
Elsewhere: which member is of which kind (fields.py), what becomes of the others (rows.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from aggregation_platform.facts.fields import Kind
from aggregation_platform.intervals import parsed

LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly (RFC 8259, section 6).

A thousand of them still add up within 64 bits, so one absurd value spoils no sum.
"""


def whole_number(value: object) -> int | None:
    """Read 12 and 12.0 as 12; nothing else is a whole number, nor what is beyond `LARGEST`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return value
    return None


def instant(value: object) -> datetime | None:
    """Read an ISO-8601 instant with an offset."""
    if not isinstance(value, str):
        return None
    try:
        return parsed(value.upper())
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _real(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _texts(value: object) -> str | None:
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    return as_json(items) if all(isinstance(item, str) for item in items) else None


READERS: Mapping[Kind, Callable[[object], Any]] = {
    Kind.TEXT: _text,
    Kind.INSTANT: instant,
    Kind.BOOL: _bool,
    Kind.REAL: _real,
    Kind.TEXTS: _texts,
}


def as_json(value: object) -> str:
    """Write a value as compact JSON.

    Raises:
        RecursionError: If it is nested too deep.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
