"""The exact way from a record to rows, member by member.

It reads what the fast way does not: unknown members (kept in `extra`), values of an unexpected
kind, records that had to be mended. It is also the oracle the fast way is tested against.

Belongs here: what makes a record malformed, and where a value goes that has no column.
Elsewhere: the list of members (fields.py), the frames (facts.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

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
from aggregation_platform.intervals import Interval, parsed

Row = dict[str, Any]
_Object = dict[str, Any]

_EXCERPT_CHARACTERS = 1000
_INT64 = range(-(2**63), 2**63)


class MalformedError(ValueError):
    """A record that cannot be booked without guessing.

    Args:
        level: Where it is wrong: record, participant, session, segment or metric.
        path: The member, e.g. participants[0].sessions[1].metrics[2].value.
        reason: What is wrong, in a sentence.
        found: What stands there.
    """

    def __init__(self, level: str, path: str, reason: str, found: object) -> None:
        super().__init__(reason)
        self.level = level
        self.path = path
        self.reason = reason
        self.excerpt = _excerpt(found)


@dataclass(frozen=True)
class RecordRows:
    """One record's rows, by table."""

    conversations: list[Row] = field(default_factory=lambda: list[Row]())
    sessions: list[Row] = field(default_factory=lambda: list[Row]())
    segments: list[Row] = field(default_factory=lambda: list[Row]())
    session_metrics: list[Row] = field(default_factory=lambda: list[Row]())
    attributes: list[Row] = field(default_factory=lambda: list[Row]())


def rows_of(record: object, *, day: date) -> RecordRows:
    """Read a record whole.

    Null members and null items of lists are as good as absent. Metrics of other days are checked
    like the rest and then left to their own day's partition.

    Raises:
        MalformedError: If it is no object, has no conversationId, holds something else than a
            list of objects where one belongs, an instant that is none, or a metric without a name,
            a whole number and an instant, or is nested deeper than JSON can be written.
    """
    if not isinstance(record, dict):
        raise MalformedError("record", "", "the record is no JSON object", record)
    content = cast("_Object", record)
    conversation_id = content.get("conversationId")
    if not isinstance(conversation_id, str) or not conversation_id:
        raise MalformedError(
            "record", "conversationId", "the record has no conversationId", conversation_id
        )
    try:
        return _Reading(conversation_id, Interval.of_day(day)).read(content)
    except RecursionError as error:
        raise MalformedError("record", "", "the record is nested too deep", None) from error


@dataclass
class _Reading:
    """The reading of one record: what is gathered on the way down."""

    conversation_id: str
    day: Interval
    rows: RecordRows = field(default_factory=RecordRows)
    homeless: _Object = field(default_factory=lambda: dict[str, Any]())

    def read(self, record: _Object) -> RecordRows:
        columns, extra = _columns(RECORD, record, "")
        participants = list(_items(record, "participants", PARTICIPANT, ""))
        for place, path, participant in participants:
            self._participant(place, path, participant)
        if self.homeless:
            extra["participants"] = self.homeless
        self.rows.conversations.append(
            {
                "conversation_id": self.conversation_id,
                **columns,
                "participant_count": len(participants),
                "session_count": len(self.rows.sessions),
                "extra": _json_or_none(extra),
            }
        )
        return self.rows

    def _participant(self, number: int, path: str, participant: _Object) -> None:
        columns, extra = _columns(PARTICIPANT, participant, path)
        self._attributes(number, participant.get("attributes"), columns, extra)
        sessions = list(_items(participant, "sessions", SESSION, path))
        if extra and not sessions:
            self.homeless[str(number)] = extra
        parent = {
            "conversation_id": self.conversation_id,
            "participant_number": number,
            **columns,
            "participant_extra": _json_or_none(extra),
        }
        for _, session_path, session in sessions:
            self._session(session_path, session, parent)

    def _attributes(self, number: int, found: object, columns: Row, extra: _Object) -> None:
        if found is not None and not isinstance(found, dict):
            extra["attributes"] = found
            return
        self.rows.attributes.extend(
            {
                "conversation_id": self.conversation_id,
                "participant_number": number,
                "participant_id": columns["participant_id"],
                "purpose": columns["purpose"],
                "name": name,
                "value": value if value is None or isinstance(value, str) else _json(value),
            }
            for name, value in cast("_Object", found or {}).items()
        )

    def _session(self, path: str, session: _Object, parent: Row) -> None:
        columns, extra = _columns(SESSION, session, path)
        flow, flow_extra = _flow(session.get("flow"), path)
        if flow_extra:
            extra["flow"] = flow_extra
        number = len(self.rows.sessions) + 1
        keys = {
            "conversation_id": self.conversation_id,
            "session_number": number,
            "session_id": columns["session_id"],
            "participant_id": parent["participant_id"],
            "purpose": parent["purpose"],
            "user_id": parent["user_id"],
        }
        segments = self._segments(path, session, keys)
        span = _span(segments)
        self.rows.segments.extend(segments)
        row = {**parent, **columns, **flow, **span, "session_number": number}
        self.rows.sessions.append({**row, "extra": _json_or_none(extra)})
        described = {key: row[key] for key in ("queue_id", "media_type", "direction")}
        self._metrics(path, session, {**keys, **described})

    def _segments(self, path: str, session: _Object, keys: Row) -> list[Row]:
        rows: list[Row] = []
        for number, segment_path, segment in _items(session, "segments", SEGMENT, path):
            columns, extra = _columns(SEGMENT, segment, segment_path)
            shared = {**keys, "segment_number": number, "extra": _json_or_none(extra)}
            rows.append({**shared, **columns})
        return rows

    def _metrics(self, path: str, session: _Object, keys: Row) -> None:
        for _, metric_path, metric in _items(session, "metrics", METRIC, path):
            row = _metric(metric, metric_path)
            if self.day.contains(row["emitted_at"]):
                self.rows.session_metrics.append({**keys, **row})


def _metric(metric: _Object, path: str) -> Row:
    name = metric.get("name")
    if not isinstance(name, str):
        raise MalformedError("metric", f"{path}.name", "the metric has no name", name)
    value = _whole(metric.get("value"))
    if value is None:
        found = metric.get("value")
        raise MalformedError("metric", f"{path}.value", f"{name} is no whole number", found)
    emitted_at = _instant(metric.get("emitDate"))
    if emitted_at is None:
        found = metric.get("emitDate")
        raise MalformedError("metric", f"{path}.emitDate", f"{name} has no readable instant", found)
    extra = {key: metric[key] for key in metric if key not in METRIC.known}
    return {
        "metric": name,
        "value_ms": value,
        "emitted_at": emitted_at,
        "extra": _json_or_none(extra),
    }


def _span(segments: list[Row]) -> Row:
    """Return the session's queue (of its first segment with one), start and end."""
    starts = [row["started_at"] for row in segments if row["started_at"] is not None]
    ends = [row["ended_at"] for row in segments if row["ended_at"] is not None]
    return {
        "queue_id": next((row["queue_id"] for row in segments if row["queue_id"]), None),
        "started_at": min(starts, default=None),
        "ended_at": max(ends, default=None) if len(ends) == len(segments) else None,
    }


def _flow(found: object, path: str) -> tuple[Row, object]:
    """Read a session's flow; one that is no object goes to extra as it is."""
    if found is None or isinstance(found, dict):
        return _columns(FLOW, cast("_Object", found or {}), path)
    return dict.fromkeys((each.column for each in FLOW.fields), None), found


def _items(
    parent: _Object, key: str, level: Level, path: str
) -> Iterator[tuple[int, str, _Object]]:
    """Yield a list's objects with their number, from 1, and their path."""
    where = f"{path}.{key}" if path else key
    found = parent.get(key)
    if found is None:
        return
    if not isinstance(found, list):
        raise MalformedError(level.name, where, f"{key} is no list", found)
    number = 0
    for index, item in enumerate(cast("list[object]", found)):
        if item is None:
            continue
        item_path = f"{where}[{index}]"
        if not isinstance(item, dict):
            raise MalformedError(level.name, item_path, f"the {level.name} is no object", item)
        number += 1
        yield number, item_path, cast("_Object", item)


def _columns(level: Level, found: _Object, path: str) -> tuple[Row, _Object]:
    """Read a level's own members: its columns, and what no column takes."""
    columns: Row = {}
    extra = {key: found[key] for key in found if key not in level.known}
    for each in level.fields:
        value = found.get(each.key)
        read = None if value is None else _READERS[each.kind](value)
        columns[each.column] = read
        if value is not None and read is None:
            if each.is_required_to_fit:
                where = f"{path}.{each.key}" if path else each.key
                raise MalformedError(
                    level.name, where, f"{each.key} is not {each.kind.value}", value
                )
            extra[each.key] = value
    return columns, extra


def _whole(value: object) -> int | None:
    """Read 12 and 12.0 as 12; nothing else is a whole number of 64 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return value
    return None


def _instant(value: object) -> datetime | None:
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
    return _json(items) if all(isinstance(item, str) for item in items) else None


_READERS: dict[Kind, Callable[[object], Any]] = {
    Kind.TEXT: _text,
    Kind.INSTANT: _instant,
    Kind.BOOL: _bool,
    Kind.REAL: _real,
    Kind.TEXTS: _texts,
}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json_or_none(extra: object) -> str | None:
    return _json(extra) if extra else None


def _excerpt(found: object) -> str:
    """Return what was found as JSON; if long, the beginning of that as a JSON string."""
    try:
        whole = _json(found)
    except RecursionError:
        return _json("nested too deep to be written")
    return whole if len(whole) <= _EXCERPT_CHARACTERS else _json(whole[:_EXCERPT_CHARACTERS])
