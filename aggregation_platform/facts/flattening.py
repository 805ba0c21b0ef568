"""The fast way from records to rows: Arrow reads the JSON, polars lifts out the lists.

Belongs here: the Arrow schema (from fields.py) and a selection per table. Only records that passed
the gate (gate.py) come here. Elsewhere: the exact way, record by record (rows.py); the columns
that every row of a partition shares (facts.py).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date

import polars as pl
import polars.selectors as cs
from arro3.core import DataType, Schema
from arro3.core import Field as ArrowField
from arro3.io import read_json

from aggregation_platform.facts.fields import (
    FLOW,
    PARTICIPANT,
    RECORD,
    SEGMENT,
    SESSION,
    Kind,
    Level,
)
from aggregation_platform.intervals import Interval

_BATCH = 256  # a third slower at 1024: larger batches fault more pages in

_YEARS_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # microseconds

_INSTANT = DataType.timestamp("us", tz="UTC")
_TYPES = {
    Kind.TEXT: DataType.string(),
    Kind.INSTANT: _INSTANT,
    Kind.BOOL: DataType.bool(),
    Kind.REAL: DataType.float64(),
    Kind.TEXTS: DataType.list(ArrowField("item", DataType.string())),
}


class UnreadableError(ValueError):
    """The fast reader does not take these records; the exact way must."""


def _members(level: Level, **children: DataType) -> list[ArrowField]:
    return [
        *(ArrowField(field.key, _TYPES[field.kind]) for field in level.fields),
        *(ArrowField(key, kind) for key, kind in children.items()),
    ]


def _list_of(members: list[ArrowField]) -> DataType:
    return DataType.list(ArrowField("item", DataType.struct(members)))


_METRIC = [
    ArrowField("name", DataType.string()),
    ArrowField("value", DataType.int64()),
    ArrowField("emitDate", _INSTANT),
]
_SESSION = _members(
    SESSION,
    flow=DataType.struct(_members(FLOW)),
    segments=_list_of(_members(SEGMENT)),
    metrics=_list_of(_METRIC),
)
_PARTICIPANT = _members(
    PARTICIPANT,
    attributes=DataType.map(DataType.string(), DataType.string(), keys_sorted=False),
    sessions=_list_of(_SESSION),
)
_SCHEMA = Schema(
    _members(RECORD, conversationId=DataType.string(), participants=_list_of(_PARTICIPANT))
)


def flattened(
    payloads: Sequence[bytes], records: pl.Series, *, day: date
) -> dict[str, pl.DataFrame]:
    """Return frames by table name; `record` tells whose row it is, one of `records` in order.

    Raises:
        UnreadableError: If the reader refuses a record, or finds another number of them.
    """
    nested = _nested(payloads).with_columns(records.alias("record"))
    participants = _participants(nested)
    sessions = _sessions(participants)
    segments = _segments(sessions)
    sessions = sessions.join(_spans(segments), on="session_row", how="left", maintain_order="left")
    return {
        "conversations": _conversations(nested, participants),
        "sessions": sessions.drop("session_row", "segments", "metrics"),
        "segments": segments.drop("session_row"),
        "session_metrics": _session_metrics(sessions, day),
        "attributes": _attributes(participants),
    }


def _nested(payloads: Sequence[bytes]) -> pl.DataFrame:
    try:
        # the reader goes straight to polars: through pyarrow it would load pandas too
        nested = pl.DataFrame(
            read_json(io.BytesIO(b"\n".join(payloads)), _SCHEMA, batch_size=_BATCH)
        )
    except pl.exceptions.ComputeError as error:
        raise UnreadableError(str(error)) from error
    if nested.height != len(payloads):
        raise UnreadableError(f"{len(payloads)} records were read as {nested.height}")
    return _checked(nested)


def _columns(level: Level, prefix: str = "") -> list[pl.Expr]:
    """Select a level's members under their columns' names; lists of texts as JSON."""
    return [
        _json_list(pl.col(prefix + field.key), field.column)
        if field.kind is Kind.TEXTS
        else pl.col(prefix + field.key).alias(field.column)
        for field in level.fields
    ]


def _json_list(texts: pl.Expr, column: str) -> pl.Expr:
    whole = pl.struct(texts.alias("v")).struct.json_encode()  # {"v":["a","b"]}
    return pl.when(texts.is_not_null()).then(whole.str.slice(5).str.head(-1)).alias(column)


def _lifted(frame: pl.DataFrame, lists: str) -> pl.DataFrame:
    """Give each item of a list its row and its members columns; null and empty lists give none."""
    return _checked(frame.explode(lists, empty_as_null=False, keep_nulls=False).unnest(lists))


def _checked(frame: pl.DataFrame) -> pl.DataFrame:
    """Refuse instants that an offset has moved out of the years 1 to 9999.

    Arrow holds them; what a report is written with does not.
    """
    within = frame.select(cs.datetime().to_physical().is_between(*_YEARS_1_TO_9999).all())
    if within.width and not all(within.row(0)):
        raise UnreadableError("an instant is out of the years 1 to 9999")
    return frame


def _participants(nested: pl.DataFrame) -> pl.DataFrame:
    lifted = _lifted(
        nested.select("record", pl.col("conversationId").alias("conversation_id"), "participants"),
        "participants",
    )
    return lifted.select(
        "record",
        "conversation_id",
        _numbered("record").alias("participant_number"),
        *_columns(PARTICIPANT),
        "attributes",
        "sessions",
    )


def _numbered(within: str) -> pl.Expr:
    """Number the rows from 1 within each run of equal values."""
    return pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(within)


def _conversations(nested: pl.DataFrame, participants: pl.DataFrame) -> pl.DataFrame:
    sessions = participants.group_by("record").agg(
        pl.col("sessions").list.len().fill_null(0).sum().cast(pl.Int32).alias("session_count")
    )
    return (
        nested.select(
            "record",
            pl.col("conversationId").alias("conversation_id"),
            *_columns(RECORD),
            pl.col("participants")
            .list.len()
            .fill_null(0)
            .cast(pl.Int32)
            .alias("participant_count"),
        )
        .join(sessions, on="record", how="left", maintain_order="left")
        .with_columns(pl.col("session_count").fill_null(0))
    )


def _sessions(participants: pl.DataFrame) -> pl.DataFrame:
    lifted = _lifted(participants.drop("attributes"), "sessions")
    return lifted.select(
        *participants.drop("attributes", "sessions").columns,
        _numbered("record").alias("session_number"),
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("session_row"),
        *_columns(SESSION),
        *(pl.col("flow").struct.field(each.key).alias(each.column) for each in FLOW.fields),
        "segments",
        "metrics",
    )


_PARENTS = (
    "record",
    "conversation_id",
    "participant_id",
    "session_id",
    "purpose",
    "user_id",
    "session_number",
)


def _segments(sessions: pl.DataFrame) -> pl.DataFrame:
    lifted = _lifted(sessions.select("session_row", "segments"), "segments")
    return _with_parents(
        lifted.select(
            "session_row",
            _numbered("session_row").alias("segment_number"),
            *_columns(SEGMENT),
        ),
        sessions.select(_PARENTS),
    )


def _with_parents(frame: pl.DataFrame, parents: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([parents[frame["session_row"]], frame], how="horizontal")


def _spans(segments: pl.DataFrame) -> pl.DataFrame:
    """Return each session's queue (of its first segment with one), start and end."""
    return segments.group_by("session_row").agg(
        pl.col("queue_id").filter(pl.col("queue_id") != "").first(),
        pl.col("started_at").min(),
        pl.when(pl.col("ended_at").null_count() == 0).then(pl.col("ended_at").max()),
    )


def _session_metrics(sessions: pl.DataFrame, day: date) -> pl.DataFrame:
    lifted = _lifted(sessions.select("session_row", "metrics"), "metrics").with_columns(
        _numbered("session_row").alias("metric_number")
    )
    that_day = Interval.of_day(day)
    emitted = lifted.filter(
        pl.col("emitDate").is_between(that_day.start, that_day.end, closed="left")
    ).select(
        "session_row",
        "metric_number",
        pl.col("name").alias("metric"),
        pl.col("value").alias("value_ms"),
        pl.col("emitDate").alias("emitted_at"),
    )
    parents = sessions.select(*_PARENTS, "queue_id", "media_type", "direction")
    return _with_parents(emitted, parents).drop("session_row")


def _attributes(participants: pl.DataFrame) -> pl.DataFrame:
    entries = participants.select(
        "record",
        "conversation_id",
        "participant_number",
        "participant_id",
        "purpose",
        pl.col("attributes").map.entries(),
    )
    return _lifted(entries, "attributes").rename({"key": "name"})
