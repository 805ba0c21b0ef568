"""Which records the fast way reads exactly as the slow one does.

The fast reader (flattening.py) bends numbers (12.7 becomes 12) and drops unknown members without a
word, so a record passes here first: each known member of its declared kind, or absent. Whatever
does not pass is read by rows.py, which says what is wrong. Of a record with unknown members the
gate says so, and extras.py adds them.

Belongs here: the strict structures, built from fields.py. Elsewhere: both ways of reading.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, NamedTuple

import msgspec

from aggregation_platform.facts.fields import (
    FLOW,
    METRIC,
    PARTICIPANT,
    RECORD,
    SEGMENT,
    SESSION,
    Kind,
    Level,
)
from aggregation_platform.facts.kinds import LARGEST

_INSTANT: Any = Annotated[datetime, msgspec.Meta(tz=True)]
_VALUE: Any = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
_ID: Any = Annotated[str, msgspec.Meta(min_length=1)]
_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.INSTANT: _INSTANT | None,
    Kind.BOOL: bool | None,
    Kind.REAL: float | None,
    Kind.TEXTS: list[str] | None,
}


def _struct(
    level: Level,
    required: dict[str, Any] | None = None,
    children: dict[str, Any] | None = None,
    *,
    is_open: bool,
) -> type[msgspec.Struct]:
    """Build the strict structure of a level: the members it must have, then all it may have."""
    optional = {field.key: _TYPES[field.kind] for field in level.fields}
    optional |= dict.fromkeys(level.left_in_raw, msgspec.Raw)
    # in the order in which the source sends them, msgspec finds each member at the first look
    in_order = [(key, optional[key], None) for key in sorted(optional)]
    return msgspec.defstruct(
        level.name.title(),
        [
            *(required or {}).items(),
            *in_order,
            *((key, kind | None, None) for key, kind in (children or {}).items()),
        ],
        forbid_unknown_fields=not is_open,
        gc=False,
    )


def _decoder(*, is_open: bool) -> msgspec.json.Decoder[Any]:
    struct = partial(_struct, is_open=is_open)
    metric = struct(METRIC, {"emitDate": _INSTANT, "name": str, "value": _VALUE})
    in_session = {"flow": struct(FLOW), "metrics": list[metric], "segments": list[struct(SEGMENT)]}
    session = struct(SESSION, children=in_session)
    in_participant = {"sessions": list[session], "attributes": dict[str, str | None]}
    participant = struct(PARTICIPANT, children=in_participant)
    record = struct(RECORD, {"conversationId": _ID}, {"participants": list[participant]})
    return msgspec.json.Decoder(record)


_CLOSED = _decoder(is_open=False)
_OPEN = _decoder(is_open=True)


class Passage(NamedTuple):
    """What the gate saw of a record it let through.

    `attributes` counts the attributes of its participants: an attribute named twice, which only
    the fast reader would keep twice, shows in the count.
    """

    attributes: int
    has_unknown_members: bool


def passage(payload: bytes) -> Passage | None:
    """Let a record through if every known member is of its kind; None if not."""
    for decoder, has_unknown_members in ((_CLOSED, False), (_OPEN, True)):
        try:
            record = decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        attributes = sum(len(each.attributes or ()) for each in record.participants or ())
        return Passage(attributes, has_unknown_members)
    return None
