"""Average handle time over any slice, with what it covers and how final it is.

Belongs here: grouping handle time, dividing last, naming the orgs a figure lacks.
Elsewhere: the sums (handle_time.py), the command that prints (cli/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

GROUPS: dict[str, str] = {
    "org": "org",
    "global_queue": "global_queue",
    "global_agent": "global_agent_id",
    "media_type": "media_type",
    "direction": "direction",
    "day": "day",
    "hour": "hour",
}
"""What `--by` may name, and the column of `rollups.handle_time` behind it. `hour` is the hour of
the day (UTC, 0 to 23): with `day` a course, alone a profile."""

FINALITIES = ("final", "complete", "provisional")
"""Best first; a figure is as final as its worst part."""


@dataclass(frozen=True)
class Aht:
    """AHT rows and their total, of one question.

    `rows` has the group columns as asked for, then handled_count, handle_ms, aht_ms (null where
    nothing was handled), orgs_missing (list of org), finality. `total` has one row without
    group columns; it is the sum over what was asked, not the average of the rows.
    """

    rows: pl.DataFrame
    total: pl.DataFrame


def aht(
    cells: pl.DataFrame,
    states: pl.DataFrame,
    *,
    by: Sequence[str],
    orgs: Sequence[str],
    days: Sequence[date],
) -> Aht:
    """Answer one question about AHT.

    Args:
        cells: Rows of `rollups.handle_time` of those days and orgs, or sums of them that keep
            the columns grouped by (for `hour` either `interval_start` or `hour`), `org`, `day`.
        states: One row per org and day that has been loaded: `org`, `day`, `finality`.
        by: Names out of GROUPS, in the order wanted; empty for the total alone.
        orgs: The orgs that the question is about, loaded or not.
        days: The days that the question is about.

    Returns:
        Rows sorted by group. A row covers every org and day asked for, unless it is itself of
        one org or day. It names the orgs that lack a day of what it covers, and is then
        provisional, else as final as the least final partition it covers. Grouped by nothing
        but org and day, a partition without handle time has its row with zeros.

    Raises:
        ValueError: If `by` names something else, or the same twice.
    """
    _check(by)
    asked = pl.DataFrame({"org": list(orgs)}, schema={"org": pl.String}).join(
        pl.DataFrame({"day": list(days)}, schema={"day": pl.Date}), how="cross"
    )
    slices = _slices(cells.filter(pl.col("org").is_in(list(orgs)), pl.col("day").is_in(list(days))))
    coverage = asked.join(states.select("org", "day", "finality"), on=["org", "day"], how="left")
    return Aht(rows=_answer(slices, coverage, list(by)), total=_answer(slices, coverage, []))


def aht_ms() -> pl.Expr:
    """Divide last: to the nearest millisecond, half up, in integers; null if nothing handled."""
    count = pl.col("handled_count")
    return (
        pl.when(count > 0)
        .then((2 * pl.col("handle_ms") + count) // (2 * count))
        .cast(pl.Int64)
        .alias("aht_ms")
    )


def _check(by: Sequence[str]) -> None:
    unknown = [name for name in by if name not in GROUPS]
    if unknown or len(set(by)) < len(by):
        raise ValueError(f"group by each of {', '.join(GROUPS)} at most once, not {', '.join(by)}")


def _slices(cells: pl.DataFrame) -> pl.DataFrame:
    if "hour" not in cells.columns and "interval_start" in cells.columns:
        cells = cells.with_columns(hour=pl.col("interval_start").dt.hour().cast(pl.Int32))
    return cells.rename({"global_agent_id": "global_agent"}, strict=False)


def _answer(slices: pl.DataFrame, coverage: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    sums = pl.col("handled_count", "handle_ms").sum()
    found = slices.group_by(by).agg(sums) if by else slices.select(sums)
    covering = [name for name in by if name in ("org", "day")]
    states = _coverage(coverage, covering)
    if not covering:
        rows = found.join(states, how="cross")
    elif len(covering) == len(by):
        rows = states.join(found, on=covering, how="left", nulls_equal=True)
    else:
        rows = found.join(states, on=covering, how="left")
    measures = pl.col("handled_count", "handle_ms").fill_null(0)
    rows = rows.with_columns(measures).with_columns(aht_ms())
    rows = rows.select(*by, "handled_count", "handle_ms", "aht_ms", "orgs_missing", "finality")
    return rows.sort(by) if by else rows


def _coverage(coverage: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Say per group which orgs lack a partition, and how final the rest is."""
    rank = pl.col("finality").replace_strict(
        {name: number for number, name in enumerate(FINALITIES)},
        default=len(FINALITIES) - 1,
        return_dtype=pl.Int32,
    )
    summary = (
        pl.col("org").filter(pl.col("finality").is_null()).unique().sort().alias("orgs_missing"),
        rank.max().fill_null(len(FINALITIES) - 1).alias("rank"),
    )
    grouped = (
        coverage.group_by(by).agg(summary)
        if by
        else coverage.select(summary[0].implode(), summary[1])
    )
    names = dict(enumerate(FINALITIES))
    return grouped.with_columns(
        finality=pl.col("rank").replace_strict(names, return_dtype=pl.String)
    ).drop("rank")
