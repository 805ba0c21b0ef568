"""Unknown members of records that are otherwise as expected, put beside the fast way's rows.

The source adds members at any time, and then to every record of every org. Reading all of them the
exact way would cost ten times as much from one day to the next; so the typed columns still come
from the fast way, and only what is unknown is looked for here.

Belongs here: finding unknown members and joining them on. Elsewhere: values of an unexpected kind,
which go to `extra` too (rows.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import polars as pl

from aggregation_platform.facts.fields import (
    FLOW,
    METRIC,
    PARTICIPANT,
    RECORD,
    SEGMENT,
    SESSION,
    Level,
)
from aggregation_platform.facts.flattening import UnreadableError
from aggregation_platform.raw.mending import content_of

_Object = dict[str, Any]
_Found = tuple[str, tuple[Any, ...]]  # table, and the row to join on

_ROWS = {
    "conversations": ("record", "extra"),
    "sessions": ("record", "session_number", "extra", "participant_extra"),
    "segments": ("record", "session_number", "segment_number", "extra"),
    "session_metrics": ("record", "session_number", "metric_number", "extra"),
}
_KNOWN = {
    level.name: level.known for level in (RECORD, PARTICIPANT, SESSION, FLOW, SEGMENT, METRIC)
}
_EXTRAS = ("extra", "participant_extra")


def with_extras(
    part: Mapping[str, pl.DataFrame], payloads: Mapping[int, bytes]
) -> dict[str, pl.DataFrame]:
    """Give the rows of these records their unknown members.

    Args:
        part: Frames by table name, from flattening.py; `record` tells whose row it is.
        payloads: The records in question; each passed the open gate, so its shape is as expected.

    Raises:
        UnreadableError: If an unknown member is nested deeper than JSON can be written.
    """
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _ROWS}
    for record, payload in payloads.items():
        for table, row in _unknown(record, cast("_Object", content_of(payload))):
            found[table].append(row)
    return {
        name: _joined(frame, name, found[name]) if found.get(name) else frame
        for name, frame in part.items()
    }


def _joined(frame: pl.DataFrame, table: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    columns = _ROWS[table]
    keys = [column for column in columns if column not in _EXTRAS]
    schema = {
        column: pl.String if column in _EXTRAS else frame.schema[column] for column in columns
    }
    extras = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.join(extras, on=keys, how="left", maintain_order="left")


def _unknown(record: int, content: _Object) -> Iterator[_Found]:
    """Yield each row of the record that has unknown members, with them as JSON."""
    extra = _beyond(RECORD, content)
    session_number = 0
    participants = cast("list[_Object]", content.get("participants") or [])
    for number, participant in enumerate(participants, start=1):
        of_participant = _beyond(PARTICIPANT, participant)
        sessions = cast("list[_Object]", participant.get("sessions") or [])
        if of_participant and not sessions:
            extra.setdefault("participants", {})[str(number)] = of_participant
        for session in sessions:
            session_number += 1
            yield from _in_session((record, session_number), session, of_participant)
    if extra:
        yield "conversations", (record, _json(extra))


def _in_session(
    place: tuple[int, int], session: _Object, of_participant: _Object
) -> Iterator[_Found]:
    extra = _beyond(SESSION, session)
    of_flow = _beyond(FLOW, session.get("flow") or {})
    if of_flow:
        extra["flow"] = of_flow
    if extra or of_participant:
        yield "sessions", (*place, _json(extra), _json(of_participant))
    yield from _in_items("segments", SEGMENT, place, session.get("segments") or ())
    yield from _in_items("session_metrics", METRIC, place, session.get("metrics") or ())


def _in_items(
    table: str, level: Level, place: tuple[int, int], items: Iterable[_Object]
) -> Iterator[_Found]:
    known = _KNOWN[level.name]
    for number, item in enumerate(items, start=1):
        if not item.keys() <= known:
            yield table, (*place, number, _json(_beyond(level, item)))


def _beyond(level: Level, found: _Object) -> _Object:
    known = _KNOWN[level.name]
    if found.keys() <= known:
        return {}
    return {key: value for key, value in found.items() if key not in known}


def _json(extra: _Object) -> str | None:
    try:
        return json.dumps(extra, ensure_ascii=False, separators=(",", ":")) if extra else None
    except RecursionError as error:
        raise UnreadableError("an unknown member is nested too deep") from error
