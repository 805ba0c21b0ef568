"""Which records the fast way reads exactly as the slow one does.

The fast reader (flattening.py) drops unknown members and bends numbers (12.7 becomes 12) without a
word, so a record passes here first: only known members, each of its declared kind. Whatever does
not pass is read by rows.py, which keeps what is unknown and says what is wrong.

Belongs here: the strict structures, built from fields.py. Elsewhere: both ways of reading.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast

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

_INSTANT: Any = Annotated[datetime, msgspec.Meta(tz=True)]
_ID: Any = Annotated[str, msgspec.Meta(min_length=1)]
_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.INSTANT: _INSTANT | None,
    Kind.BOOL: bool | None,
    Kind.REAL: float | None,
    Kind.TEXTS: list[str] | None,
}


def _struct(
    level: Level, required: dict[str, Any] | None = None, children: dict[str, Any] | None = None
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
        forbid_unknown_fields=True,
        gc=False,
    )


_Segment = _struct(SEGMENT)
_Metric = _struct(METRIC, {"emitDate": _INSTANT, "name": str, "value": int})
_Session = _struct(
    SESSION,
    children={"flow": _struct(FLOW), "metrics": list[_Metric], "segments": list[_Segment]},
)
_Participant = _struct(
    PARTICIPANT, children={"sessions": list[_Session], "attributes": dict[str, str | None]}
)
_Record = _struct(RECORD, {"conversationId": _ID}, {"participants": list[_Participant]})
_DECODER = msgspec.json.Decoder(_Record)


def attribute_count(payload: bytes) -> int | None:
    """Count the attributes of a record that passes; None if it does not.

    The count is what tells an attribute named twice, which only the fast reader would keep twice.
    """
    try:
        record = cast("Any", _DECODER.decode(payload))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return sum(len(each.attributes or ()) for each in record.participants or ())
