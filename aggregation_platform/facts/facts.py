"""facts of one chunk of raw records: six frames.

Belongs here: which record is read which way, rejects, the columns that a partition's rows share.
Elsewhere: the fast way (gate.py, flattening.py), the exact way (rows.py), the shapes (tables.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import polars as pl

from aggregation_platform.facts import tables
from aggregation_platform.facts.extras import with_extras
from aggregation_platform.facts.flattening import UnreadableError, flattened
from aggregation_platform.facts.gate import Passage, passage
from aggregation_platform.facts.rows import MalformedError, RecordRows, Row, reject, rows_of
from aggregation_platform.raw.mending import content_of, text_of
from aggregation_platform.tables import Table


class Facts(NamedTuple):
    """The six frames of a chunk, each of its table's shape; rows in the order of the records."""

    conversations: pl.DataFrame
    sessions: pl.DataFrame
    segments: pl.DataFrame
    session_metrics: pl.DataFrame
    attributes: pl.DataFrame
    rejects: pl.DataFrame

    def by_table(self) -> Iterator[tuple[Table, pl.DataFrame]]:
        """Yield each frame with its table."""
        yield from zip(tables.TABLES, self, strict=True)


def facts_of(raw: pl.DataFrame, *, org: str, day: date) -> Facts:
    """Read a chunk of raw.conversations.

    Additive: the facts of two chunks are the facts of both together, in that order. Of a record
    that cannot be read at all, and of each part that is set aside, `rejects` has a row. Handle
    time is read, not computed.

    The frames have their tables' names and types by construction; validating their rules is left
    to the tests, because it would cost as much as reading.

    Args:
        raw: Rows of raw.conversations, any number of pages.
        org: Our key of the organization.
        day: The partition's UTC day; only metrics emitted on it become rows.
    """
    payloads = raw["payload"].cast(pl.Binary).to_list()
    quick, exact = _sorted_out(payloads)
    parts: list[_Part] = []
    if quick:
        try:
            parts.append(_quickly(payloads, quick, day))
        except UnreadableError:
            exact = list(range(len(payloads)))
    if exact:
        parts.append(_exactly(payloads, exact, day))
    return _whole(parts, raw, org, day)


def exact_facts_of(raw: pl.DataFrame, *, org: str, day: date) -> Facts:
    """Read every record of a chunk the exact way: the oracle of `facts_of`, and much slower."""
    payloads = raw["payload"].cast(pl.Binary).to_list()
    return _whole([_exactly(payloads, range(len(payloads)), day)], raw, org, day)


_Part = dict[str, pl.DataFrame]
"""Frames by table name, with `record`, the row of raw that they tell of."""


def _sorted_out(payloads: Sequence[bytes]) -> tuple[dict[int, Passage], list[int]]:
    """Return the records that pass the gate, and the others."""
    quick: dict[int, Passage] = {}
    exact: list[int] = []
    for record, payload in enumerate(payloads):
        passed = passage(payload)
        if passed is None:
            exact.append(record)
        else:
            quick[record] = passed
    return quick, exact


def _quickly(payloads: Sequence[bytes], quick: Mapping[int, Passage], day: date) -> _Part:
    chosen = payloads if len(quick) == len(payloads) else [payloads[record] for record in quick]
    part = flattened(chosen, pl.Series("record", quick.keys(), dtype=pl.UInt32), day=day)
    if part["attributes"].height != sum(passed.attributes for passed in quick.values()):
        raise UnreadableError("an attribute is named twice")
    unknown = {record: payloads[record] for record in quick if quick[record].has_unknown_members}
    return with_extras(part, unknown) if unknown else part


def _exactly(payloads: Sequence[bytes], exact: Iterable[int], day: date) -> _Part:
    rows: dict[str, list[Row]] = {table.name: [] for table in tables.TABLES}
    for record in exact:
        for name, found in _record_rows(payloads[record], day).items():
            rows[name].extend({**row, "record": record} for row in found)
    return {table.name: _frame(table, rows[table.name]) for table in tables.TABLES}


def _record_rows(payload: bytes, day: date) -> dict[str, list[Row]]:
    """Read one payload into rows by table; what cannot be read into rows of rejects."""
    try:
        record = content_of(payload)
    except ValueError as error:
        reason = f"the record is no JSON: {error}"
        return {"rejects": [reject("record", "", reason, text_of(payload))]}
    try:
        read = rows_of(record, day=day)
    except MalformedError as error:
        return {"rejects": [reject("record", error.path, error.reason, error.found)]}
    return {name: getattr(read, name) for name in RecordRows.__dataclass_fields__}


def _frame(table: Table, rows: list[Row]) -> pl.DataFrame:
    shape = {"record": pl.UInt32(), **table.frame_schema}
    columns = {name: [row.get(name) for row in rows] for name in shape}
    return pl.DataFrame(columns, schema=shape)


def _whole(parts: Sequence[_Part], raw: pl.DataFrame, org: str, day: date) -> Facts:
    return Facts(*(_finished(table, parts, raw, org, day) for table in tables.TABLES))


def _finished(
    table: Table, parts: Sequence[_Part], raw: pl.DataFrame, org: str, day: date
) -> pl.DataFrame:
    """Put the parts in the order of the records, and give the rows what their partition shares."""
    frames = [
        _shaped(table, part[table.name], raw, org, day) for part in parts if table.name in part
    ]
    if not frames:
        return table.empty()
    if len(frames) == 1:
        return frames[0].drop("record")
    return pl.concat(frames).sort("record", maintain_order=True).drop("record")


_FETCHED = ("page", "position", "source", "job_id", "fetched_at")


def _shaped(
    table: Table, frame: pl.DataFrame, raw: pl.DataFrame, org: str, day: date
) -> pl.DataFrame:
    """Give a frame its table's columns in order; what it does not have is null."""
    shared: dict[str, pl.Expr | pl.Series] = {
        "org": pl.lit(org),
        "day": pl.lit(day, pl.Date),
        **{
            name: raw[name].gather(frame["record"])
            for name in _FETCHED
            if name in table.frame_schema
        },
    }
    return frame.select(
        "record",
        *(
            shared[name].alias(name)
            if name in shared
            else pl.col(name)
            if name in frame.columns
            else pl.lit(None, dtype).alias(name)
            for name, dtype in table.frame_schema.items()
        ),
    )
