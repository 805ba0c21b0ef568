"""Handle time of some days, by any clock, added up by the warehouse.

Belongs here: the statements on `rollups.handle_time` and `rollups.handle_time_sketches`.
Elsewhere: dividing and grouping by week (rollups/aht.py), what `aht` asks for (cli/aht_answer.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import polars as pl

from aggregation_platform.rollups.aht import GROUPS, OF_DAYS
from aggregation_platform.warehouse.store import Parameter, Warehouse
from aggregation_platform.zones import Stretch

_MINUTE = (
    "CAST(EXTRACT(HOUR FROM h.interval_start) * 60 + EXTRACT(MINUTE FROM h.interval_start)"
    " AS INTEGER)"
)
_OF_HALF_HOURS = {
    "rollups.handle_time": (
        "CAST(SUM(h.handled_count) AS BIGINT) AS handled_count, "
        "CAST(SUM(h.handle_ms) AS BIGINT) AS handle_ms"
    ),
    "rollups.handle_time_sketches": "CAST(SUM(h.handled_count) AS BIGINT) AS handled_count",
}


@dataclass(frozen=True)
class Slice:
    """Which handle time is added up, and by what.

    Args:
        by: Names out of rollups.aht.GROUPS.
        first: The first day, by the clock asked for.
        last: The last day, included.
        orgs: Whose.
        stretches: The local days of each org; None: the days are UTC.
        chosen: Each is a choice: rows that have one of the values in one of the columns.
    """

    by: tuple[str, ...]
    first: date
    last: date
    orgs: tuple[str, ...]
    stretches: Mapping[str, Sequence[Stretch]] | None = None
    chosen: tuple[Mapping[str, Sequence[str]], ...] = field(default=())


def handle_time_sums(warehouse: Warehouse, asked: Slice) -> pl.DataFrame:
    """Return sums of `rollups.handle_time`: org, day, the columns grouped by, two measures.

    `day` is by the clock asked for; where nothing asks for days, the first of those added up.
    `hour` is the hour of that clock. `handled_count` and `handle_ms` are integers.
    """
    return _added_up(warehouse, asked, "rollups.handle_time", ())


def handle_time_buckets(warehouse: Warehouse, asked: Slice) -> pl.DataFrame:
    """Return counts of `rollups.handle_time_sketches`: as the sums, with `bucket`, no handle_ms."""
    return _added_up(warehouse, asked, "rollups.handle_time_sketches", ("bucket",))


def queue_names(warehouse: Warehouse, first: date, last: date) -> dict[str, str]:
    """Return the last name that each queue id had in handle time of those UTC days."""
    rows = warehouse.query(
        "SELECT queue_id, MAX_BY(queue_name, interval_start) AS name FROM rollups.handle_time"
        " WHERE day BETWEEN ? AND ? GROUP BY queue_id",
        (first, last),
    )
    return dict(rows.select("queue_id", "name").iter_rows())


def known_members(
    warehouse: Warehouse, columns: Sequence[str], days: tuple[date, date] | None
) -> pl.DataFrame:
    """Return the different values of columns of `rollups.handle_time`, of all days or of some."""
    names = ", ".join(columns)
    where, parameters = ("WHERE day BETWEEN ? AND ?", days) if days else ("", ())
    return warehouse.query(
        f"SELECT DISTINCT {names} FROM rollups.handle_time {where}",  # noqa: S608 - names of the table's columns
        parameters,
    )


def _added_up(warehouse: Warehouse, asked: Slice, table: str, more: Sequence[str]) -> pl.DataFrame:
    pieces = _pieces(asked)
    columns = [f"h.{GROUPS[name]}" for name in asked.by if name not in (*OF_DAYS, "hour", "org")]
    columns += [f"h.{name}" for name in more]
    if "hour" in asked.by:
        columns.append(f"{_MINUTE} AS utc_minute")
    place, where, parameters = _where(asked, pieces, table)
    day = "h.day" if pieces is None else "s.piece"
    kept = ["h.org", day, *columns]
    groups = ", ".join(column.removesuffix(" AS utc_minute") for column in kept)
    found = warehouse.query(
        f"SELECT {', '.join(kept)}, {_OF_HALF_HOURS[table]} FROM {place} WHERE {where}"  # noqa: S608 - names above
        f" GROUP BY {groups}",
        parameters,
    )
    return _by_the_clock(found, pieces)


def _by_the_clock(found: pl.DataFrame, pieces: pl.DataFrame | None) -> pl.DataFrame:
    """Name the local day and hour of what was added up."""
    offset = pl.lit(0)
    if pieces is not None:
        found = found.cast({"piece": pl.Int64}).join(
            pieces.select("piece", "day", "offset_minutes"), on="piece", how="left"
        )
        offset = pl.col("offset_minutes")
    if "utc_minute" in found.columns:
        minute = (pl.col("utc_minute").cast(pl.Int64) + offset) % 1440
        found = found.with_columns(hour=(minute // 60).cast(pl.Int32))
    return found.drop("piece", "offset_minutes", "utc_minute", strict=False)


def _pieces(asked: Slice) -> pl.DataFrame | None:
    """Join stretches that need not be told apart: piece, org, day, offset_minutes, start, end."""
    if asked.stretches is None:
        return None
    rows = [
        (org, run[0].day, _minutes(run[0].offset), run[0].start, run[-1].end)
        for org in asked.orgs
        for run in _runs(asked.stretches.get(org, ()), asked.by)
    ]
    schema = {"org": pl.String, "day": pl.Date, "offset_minutes": pl.Int64}
    instants = {"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema={**schema, **instants}, orient="row").with_row_index("piece")


def _runs(stretches: Iterable[Stretch], by: Sequence[str]) -> list[list[Stretch]]:
    def key(stretch: Stretch) -> tuple[Any, ...]:
        day = stretch.day
        return (
            day if {"day", "weekday"} & {*by} else None,
            day.isocalendar()[:2] if "week" in by else None,
            (day.year, day.month) if "month" in by else None,
            stretch.offset if "hour" in by else None,
        )

    return [list(run) for _, run in groupby(stretches, key)]


def _minutes(offset: timedelta) -> int:
    return int(offset.total_seconds()) // 60


def _where(
    asked: Slice, pieces: pl.DataFrame | None, table: str
) -> tuple[str, str, list[Parameter]]:
    """Return FROM, WHERE and its parameters."""
    first, last, place = asked.first, asked.last, f"{table} h"
    if pieces is not None:
        place = f"{place} JOIN {_values(pieces)} ON s.org = h.org"
        place += " AND h.interval_start >= s.starts_at AND h.interval_start < s.ends_at"
        spans = [*pieces["start"].to_list(), *pieces["end"].to_list()]
        first, last = (min(spans).date(), max(spans).date()) if spans else (first, last)
    conditions = ["h.day BETWEEN ? AND ?", f"h.org IN ({_marks(asked.orgs)})"]
    parameters: list[Parameter] = [first, last, *asked.orgs]
    for choice in asked.chosen:
        given = {column: values for column, values in choice.items() if values}
        conditions.append(
            "(" + " OR ".join(f"h.{column} IN ({_marks(given[column])})" for column in given) + ")"
        )
        parameters += [value for values in given.values() for value in values]
    return place, " AND ".join(conditions), parameters


def _values(pieces: pl.DataFrame) -> str:
    """Spell the pieces as a table; org keys are letters, digits and underscores."""
    rows = ", ".join(
        f"('{org}', {piece}, {_instant(start)}, {_instant(end)})"
        for org, piece, start, end in pieces.select("org", "piece", "start", "end").iter_rows()
    )
    nothing = "('', -1, TIMESTAMP '1970-01-01 00:00:00', TIMESTAMP '1970-01-01 00:00:00')"
    return f"(VALUES {rows or nothing}) AS s(org, piece, starts_at, ends_at)"


def _instant(instant: datetime) -> str:
    return f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S}'"


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" for _ in values) or "NULL"
