"""Whether a record belongs to a day at all (design 3.8).

Belongs here: reading of a record just its id, its start, and its segment and metric instants.
Elsewhere: everything else a record says (facts/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, cast

import msgspec

from aggregation_platform.intervals import Interval, parsed

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_PLAIN = re.compile(r"(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z", re.ASCII)


class _Head(msgspec.Struct, gc=False):
    conversationId: Any = None  # noqa: N815 - the source's spelling
    conversationStart: Any = None  # noqa: N815 - the source's spelling
    conversationEnd: Any = None  # noqa: N815 - the source's spelling


class _Metric(msgspec.Struct, gc=False):
    emitDate: str | None = None  # noqa: N815 - the source's spelling


class _Segment(msgspec.Struct, gc=False):
    segmentStart: str | None = None  # noqa: N815 - the source's spelling
    segmentEnd: str | None = None  # noqa: N815 - the source's spelling


class _Session(msgspec.Struct, gc=False):
    segments: list[_Segment | None] | None = None
    metrics: list[_Metric | None] | None = None


class _Participant(msgspec.Struct, gc=False):
    sessions: list[_Session | None] | None = None


class _Record(msgspec.Struct, gc=False):
    participants: list[_Participant | None] | None = None


_HEAD = msgspec.json.Decoder(_Head)
_RECORD = msgspec.json.Decoder(_Record)


class Head(NamedTuple):
    """The members by which most records are placed; None where absent or not text."""

    conversation_id: str | None
    started: str | None
    ended: str | None = None


def head_of(record: bytes) -> Head | None:
    """Read id and start; None if the record is no JSON object."""
    try:
        head = _HEAD.decode(record)
    except _UNREADABLE:
        return None
    return Head(
        _text(head.conversationId), _text(head.conversationStart), _text(head.conversationEnd)
    )


def is_orphan(record: bytes, head: Head, day: date) -> bool:
    """Whether the record has no segment boundary and no metric in D, and did not start in D.

    Only what is certain is an orphan: a record with an instant that cannot be read is none, so
    that facts can say what is wrong with it. A record without any instant is none either.
    """
    if _may_be_in(head.started, day):
        return False
    try:
        instants = list(_instants(_RECORD.decode(record)))
    except _UNREADABLE:
        return False
    if head.started is None and not instants:
        return False
    return not any(_may_be_in(instant, day) for instant in instants)


def was_over_before(head: Head, day: date) -> bool:
    """Whether the record says that it ended before D began.

    Asked of a record that has nothing in D. It came because the job asks from a margin before
    midnight, or the fresh tail from a day before; it is complete in its own day and no orphan.
    """
    if head.ended is None:
        return False
    try:
        return parsed(head.ended.upper()) < Interval.of_day(day).start
    except (ValueError, OverflowError):
        return False


def fullness(record: bytes) -> int:
    """Count the record's segments and metrics: of two versions, the later has more of them.

    One that is not as it should be counts like any other: it must not make its record lose.
    """
    try:
        sessions = list(_sessions(_RECORD.decode(record)))
    except _UNREADABLE:
        return _loose_fullness(record)
    return sum(len(each.segments or ()) + len(each.metrics or ()) for each in sessions)


def _loose_fullness(record: bytes) -> int:
    try:
        content: object = msgspec.json.decode(record)
    except _UNREADABLE:
        return 0
    sessions = [
        session
        for participant in _items(content, "participants")
        for session in _items(participant, "sessions")
    ]
    return sum(len(_items(each, name)) for each in sessions for name in ("segments", "metrics"))


def _items(parent: object, name: str) -> list[object]:
    found = cast("dict[str, object]", parent).get(name) if isinstance(parent, dict) else None
    return cast("list[object]", found) if isinstance(found, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _sessions(record: _Record) -> Iterator[_Session]:
    for participant in record.participants or ():
        for session in (participant.sessions if participant else None) or ():
            if session:
                yield session


def _instants(record: _Record) -> Iterator[str]:
    for session in _sessions(record):
        for segment in filter(None, session.segments or ()):
            yield from filter(None, (segment.segmentStart, segment.segmentEnd))
        for metric in filter(None, session.metrics or ()):
            yield from filter(None, (metric.emitDate,))


def _may_be_in(instant: str | None, day: date) -> bool:
    """Whether the instant lies in the day, or cannot be read."""
    if instant is None:
        return False
    plain = _PLAIN.fullmatch(instant)
    if plain:
        return plain.group(1) == day.isoformat()
    try:
        return Interval.of_day(day).contains(parsed(instant.upper()))
    except (ValueError, OverflowError):
        return True
