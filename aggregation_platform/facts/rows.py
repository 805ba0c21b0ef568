"""The exact way from a record to rows, member by member.

It reads what the fast way does not: unknown members (kept in `extra`), values of an unexpected
kind, records that had to be mended. It is also the oracle the fast way is tested against.

A fault costs no more than the smallest thing that has it: an odd metric is set aside and its
siblings count; a date that cannot be read is set aside and its segment stays. Whatever is set
aside becomes a row of `rejects`.

Belongs here: what makes a record or a part of it unreadable, and where a value goes that has no
column. Elsewhere: the list of members (fields.py), their kinds (kinds.py), the frames (facts.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from aggregation_platform.facts.fields import (
    FLOW,
    METRIC,
    PARTICIPANT,
    RECORD,
    SEGMENT,
    SESSION,
    Level,
)
from aggregation_platform.facts.kinds import READERS, as_json, instant, whole_number
from aggregation_platform.intervals import Interval

Row = dict[str, Any]
_Object = dict[str, Any]

_EXCERPT_CHARACTERS = 1000
_FIELD = "field"
"""The level of a single value that is set aside: its row stays, without it."""


class MalformedError(ValueError):
    """A record of which nothing can be read.

    Args:
        path: The member, e.g. conversationId.
        reason: What is wrong, in a sentence.
        found: What is there.
    """

    def __init__(self, path: str, reason: str, found: object) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
        self.found = found


def reject(level: str, path: str, reason: str, found: object, name: str | None = None) -> Row:
    """Return the row of `rejects` for what is set aside."""
    excerpt = _excerpt(found)
    return {"level": level, "path": path, "reason": reason, "excerpt": excerpt, "name": name}


@dataclass(frozen=True)
class RecordRows:
    """One record's rows, by table."""

    conversations: list[Row] = field(default_factory=lambda: list[Row]())
    sessions: list[Row] = field(default_factory=lambda: list[Row]())
    segments: list[Row] = field(default_factory=lambda: list[Row]())
    session_metrics: list[Row] = field(default_factory=lambda: list[Row]())
    attributes: list[Row] = field(default_factory=lambda: list[Row]())
    rejects: list[Row] = field(default_factory=lambda: list[Row]())


def rows_of(record: object, *, day: date) -> RecordRows:
    """Read a record, without the parts of it that cannot be read.

    Null members and null items of lists are as good as absent. A part is set aside if it is:

    - a metric without a name, an instant, or a whole number (a duration not below zero),
    - a participant, session, segment or metric that is no object, or a list of them that is none,
    - a date of the record or of a segment that is none (its row stays),
    - a value nested deeper than JSON can be written (its row stays).

    Metrics of other days are left to their own day's partition, also to be set aside there.

    Raises:
        MalformedError: If it is no object or has no conversationId.
    """
    if not isinstance(record, dict):
        raise MalformedError("", "the record is no JSON object", record)
    content = cast("_Object", record)
    conversation_id = content.get("conversationId")
    if not isinstance(conversation_id, str) or not conversation_id:
        raise MalformedError("conversationId", "the record has no conversationId", conversation_id)
    return _Reading(conversation_id, Interval.of_day(day)).read(content)


@dataclass
class _Reading:
    """The reading of one record: what is gathered on the way down."""

    conversation_id: str
    day: Interval
    rows: RecordRows = field(default_factory=RecordRows)
    homeless: _Object = field(default_factory=lambda: dict[str, Any]())

    def read(self, record: _Object) -> RecordRows:
        columns, extra = self._columns(RECORD, record, "")
        participants = list(self._items(record, "participants", PARTICIPANT, ""))
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
                "extra": self._extra(extra, ""),
            }
        )
        return self.rows

    def _set_aside(
        self, level: str, path: str, reason: str, found: object, name: str | None = None
    ) -> None:
        row = reject(level, path, reason, found, name)
        self.rows.rejects.append({"conversation_id": self.conversation_id, **row})

    def _participant(self, number: int, path: str, participant: _Object) -> None:
        columns, extra = self._columns(PARTICIPANT, participant, path)
        self._attributes(number, path, participant.get("attributes"), columns, extra)
        sessions = list(self._items(participant, "sessions", SESSION, path))
        if extra and not sessions:
            self.homeless[str(number)] = extra
        parent = {
            "conversation_id": self.conversation_id,
            "participant_number": number,
            **columns,
            "participant_extra": self._extra(extra, path) if sessions else None,
        }
        for _, session_path, session in sessions:
            self._session(session_path, session, parent)

    def _attributes(
        self, number: int, path: str, found: object, columns: Row, extra: _Object
    ) -> None:
        if found is not None and not isinstance(found, dict):
            extra["attributes"] = found
            return
        for name, value in cast("_Object", found or {}).items():
            text = (
                value
                if value is None or isinstance(value, str)
                else self._written(path, name, value)
            )
            self.rows.attributes.append(
                {
                    "conversation_id": self.conversation_id,
                    "participant_number": number,
                    "participant_id": columns["participant_id"],
                    "purpose": columns["purpose"],
                    "name": name,
                    "value": text,
                }
            )

    def _session(self, path: str, session: _Object, parent: Row) -> None:
        columns, extra = self._columns(SESSION, session, path)
        flow, flow_extra = self._flow(session.get("flow"), path)
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
        self.rows.sessions.append({**row, "extra": self._extra(extra, path)})
        described = {key: row[key] for key in ("queue_id", "media_type", "direction")}
        self._metrics(path, session, {**keys, **described})

    def _segments(self, path: str, session: _Object, keys: Row) -> list[Row]:
        rows: list[Row] = []
        for number, segment_path, segment in self._items(session, "segments", SEGMENT, path):
            columns, extra = self._columns(SEGMENT, segment, segment_path)
            extra_text = self._extra(extra, segment_path)
            shared = {**keys, "segment_number": number, "extra": extra_text}
            rows.append({**shared, **columns})
        return rows

    def _metrics(self, path: str, session: _Object, keys: Row) -> None:
        for _, metric_path, metric in self._items(session, "metrics", METRIC, path):
            row = self._metric(metric, metric_path)
            if row is not None:
                self.rows.session_metrics.append({**keys, **row})

    def _metric(self, metric: _Object, path: str) -> Row | None:
        """Read a metric of the day; None if it is of another day, or set aside."""
        name, value, emitted = (metric.get(key) for key in ("name", "value", "emitDate"))
        emitted_at = instant(emitted)
        if emitted_at is not None and not self.day.contains(emitted_at):
            return None
        if not isinstance(name, str):
            self._set_aside("metric", f"{path}.name", "the metric has no name", name)
            return None
        whole = whole_number(value)
        if whole is None or (whole < 0 and is_duration(name)):
            why = "no whole number" if whole is None else "a duration below zero"
            self._set_aside("metric", f"{path}.value", f"{name} is {why}", value, name)
            return None
        if emitted_at is None:
            reason = f"{name} has no readable instant"
            self._set_aside("metric", f"{path}.emitDate", reason, emitted, name)
            return None
        extra = {key: metric[key] for key in metric if key not in METRIC.known}
        return {
            "metric": name,
            "value_ms": whole,
            "emitted_at": emitted_at,
            "extra": self._extra(extra, path),
        }

    def _flow(self, found: object, path: str) -> tuple[Row, object]:
        """Read a session's flow; one that is no object goes to extra as it is."""
        if found is None or isinstance(found, dict):
            return self._columns(FLOW, cast("_Object", found or {}), f"{path}.flow")
        return dict.fromkeys((each.column for each in FLOW.fields), None), found

    def _items(
        self, parent: _Object, key: str, level: Level, path: str
    ) -> Iterator[tuple[int, str, _Object]]:
        """Yield a list's objects with their number, from 1, and their path."""
        where = f"{path}.{key}" if path else key
        found = parent.get(key)
        if found is not None and not isinstance(found, list):
            self._set_aside(level.name, where, f"{key} is no list", found)
            return
        number = 0
        for index, item in enumerate(cast("list[object]", found or ())):
            if isinstance(item, dict):
                number += 1
                yield number, f"{where}[{index}]", cast("_Object", item)
            elif item is not None:
                reason = f"the {level.name} is no object"
                self._set_aside(level.name, f"{where}[{index}]", reason, item)

    def _columns(self, level: Level, found: _Object, path: str) -> tuple[Row, _Object]:
        """Read a level's own members: its columns, and what no column takes."""
        columns: Row = {}
        extra = {key: found[key] for key in found if key not in level.known}
        for each in level.fields:
            value = found.get(each.key)
            read = None if value is None else READERS[each.kind](value)
            columns[each.column] = read
            if value is not None and read is None:
                extra[each.key] = value
                if each.places_time:
                    where = f"{path}.{each.key}" if path else each.key
                    reason = f"{each.key} is not {each.kind.value}"
                    self._set_aside(_FIELD, where, reason, value, each.key)
        return columns, extra

    def _extra(self, extra: _Object, path: str) -> str | None:
        """Write what no column takes; what is nested too deep to be written is set aside."""
        try:
            return as_json(extra) if extra else None
        except RecursionError:
            texts = {name: self._written(path, name, value) for name, value in extra.items()}
        kept = ",".join(f"{as_json(name)}:{text}" for name, text in texts.items() if text)
        return f"{{{kept}}}" if kept else None

    def _written(self, path: str, name: str, value: object) -> str | None:
        try:
            return as_json(value)
        except RecursionError:
            where = f"{path}.{name}" if path else name
            self._set_aside(_FIELD, where, f"{name} is nested too deep", value, name)
            return None


def is_duration(metric: str) -> bool:
    """Whether a metric is a time (tHandle), which is never below zero; others are counts."""
    return metric[:1] == "t" and metric[1:2].isupper()


def _span(segments: list[Row]) -> Row:
    """Return the session's queue (of its first segment with one), start and end."""
    starts = [row["started_at"] for row in segments if row["started_at"] is not None]
    ends = [row["ended_at"] for row in segments if row["ended_at"] is not None]
    return {
        "queue_id": next((row["queue_id"] for row in segments if row["queue_id"]), None),
        "started_at": min(starts, default=None),
        "ended_at": max(ends, default=None) if len(ends) == len(segments) else None,
    }


def _excerpt(found: object) -> str:
    """Return what was found as JSON; if long, the beginning of that as a JSON string."""
    try:
        whole = as_json(found)
    except RecursionError:
        return as_json("nested too deep to be written")
    return whole if len(whole) <= _EXCERPT_CHARACTERS else as_json(whole[:_EXCERPT_CHARACTERS])
