"""Average handle time over any slice, with what it covers and how final it is.

Belongs here: grouping handle time, dividing last, naming the orgs that a figure misses.
Elsewhere: the sums (handle_time.py), which org-days a figure should have (expected_days.py), the
period before (comparisons.py), the command that prints (cli/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

GROUPS: Mapping[str, str] = {
    "org": "org",
    "queue": "queue_id",
    "global_queue": "global_queue",
    "agent": "user_id",
    "global_agent": "global_agent_id",
    "media_type": "media_type",
    "direction": "direction",
    "month": "month",
    "week": "week",
    "day": "day",
    "weekday": "weekday",
    "hour": "hour",
}
"""What `--by` may name, and the column of `rollups.handle_time` behind it. The last five are of
time: `week` is the ISO week (2026-W03), `weekday` Monday to Sunday, `hour` the hour of the day
(0 to 23): with `day` a course, alone a profile."""

OF_DAYS = ("month", "week", "day", "weekday")
"""The groups that follow from the day."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FINALITIES = ("final", "complete", "provisional")
"""Best first; a figure is as final as its worst part."""

_OF_DAY = {
    "month": pl.col("day").dt.strftime("%Y-%m"),
    "week": pl.col("day").dt.strftime("%G-W%V"),
    "weekday": (pl.col("day").dt.weekday() - 1)
    .replace_strict(dict(enumerate(WEEKDAYS)), return_dtype=pl.String)
    .cast(pl.Enum(WEEKDAYS)),
}


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
    """Answer one question about AHT of days on which every org is expected.

    Args:
        cells: Rows of `rollups.handle_time` of those days and orgs, or sums of them that keep
            the columns grouped by (for `hour` either `interval_start` or `hour`), `org`, `day`.
        states: One row per org and day that has been loaded: `org`, `day`, `finality`.
        by: Names out of GROUPS, in the order wanted; empty for the total alone.
        orgs: The orgs that the question is about, loaded or not.
        days: The days that the question is about.

    Returns:
        As `aht_of`.

    Raises:
        ValueError: If `by` names something else, or the same twice.
    """
    asked = pl.DataFrame({"org": list(orgs)}, schema={"org": pl.String}).join(
        pl.DataFrame({"day": list(days)}, schema={"day": pl.Date}), how="cross"
    )
    mine = cells.filter(pl.col("org").is_in(list(orgs)), pl.col("day").is_in(list(days)))
    states = states.select("org", "day", "finality")
    return aht_of(mine, asked.join(states, on=["org", "day"], how="left"), by=by)


def aht_of(
    cells: pl.DataFrame,
    coverage: pl.DataFrame,
    *,
    by: Sequence[str],
    also: pl.DataFrame | None = None,
) -> Aht:
    """Answer one question about AHT of the org-days in `coverage`.

    Args:
        cells: As for `aht`.
        coverage: One row per org and day that the figure should have: `org`, `day`, `finality`;
            null where the org's day is missing. Where a column `has_begun` says that a day has not,
            it makes a figure provisional, but has no row of its own.
        by: Names out of GROUPS, in the order wanted; empty for the total alone.
        also: Keys (`keys_of`) that have a row although nothing was handled there.

    Returns:
        Rows sorted by group. A row covers every org and day asked for, unless it is itself of
        one org or of some days. It names the orgs that miss a day of what it covers, and is then
        provisional, else as final as the least final partition it covers. Grouped by nothing
        but org and days, a partition without handle time has its row with zeros. A figure of which
        nothing is expected has no finality.

    Raises:
        ValueError: If `by` names something else, or the same twice.
    """
    _check(by)
    slices, covered = sliced(cells, by), with_groups_of_days(coverage, by)
    rows = _answer(slices, covered, list(by), also)
    return Aht(rows=rows, total=_answer(slices, covered, []))


def keys_of(cells: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the different keys of some cells: the columns of `by`."""
    return sliced(cells, by).select(by).unique()


def aht_ms() -> pl.Expr:
    """Divide last: to the nearest millisecond, half up, in integers; null if nothing handled."""
    count = pl.col("handled_count")
    return (
        pl.when(count > 0)
        .then((2 * pl.col("handle_ms") + count) // (2 * count))
        .cast(pl.Int64)
        .alias("aht_ms")
    )


def with_groups_of_days(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Add the month, week and weekday of `day`, as far as they are asked for."""
    return frame.with_columns(**{name: _OF_DAY[name] for name in by if name in _OF_DAY})


def _check(by: Sequence[str]) -> None:
    unknown = [name for name in by if name not in GROUPS]
    if unknown or len(set(by)) < len(by):
        raise ValueError(f"group by each of {', '.join(GROUPS)} at most once, not {', '.join(by)}")


def sliced(cells: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Name the columns of cells as `by` names them."""
    cells = with_groups_of_days(cells, by)
    if "hour" not in cells.columns and "interval_start" in cells.columns:
        cells = cells.with_columns(hour=pl.col("interval_start").dt.hour().cast(pl.Int32))
    names = {column: name for name, column in GROUPS.items() if column != name}
    return cells.rename(names, strict=False)


def _answer(
    slices: pl.DataFrame,
    coverage: pl.DataFrame,
    by: list[str],
    also: pl.DataFrame | None = None,
) -> pl.DataFrame:
    sums = pl.col("handled_count", "handle_ms").sum()
    found = slices.group_by(by).agg(sums) if by else slices.select(sums)
    covering = [name for name in by if name == "org" or name in OF_DAYS]
    states = _coverage(coverage, covering)
    if by and also is not None and len(covering) < len(by):
        absent = also.join(found, on=by, how="anti", nulls_equal=True)
        found = pl.concat([found, absent], how="diagonal")
    if not covering:
        rows = found.join(states, how="cross")
    elif len(covering) == len(by):
        rows = states.join(found, on=covering, how="full", coalesce=True, nulls_equal=True)
    else:
        rows = found.join(states, on=covering, how="left")
    measures = pl.col("handled_count", "handle_ms").fill_null(0)
    rows = rows.with_columns(measures, pl.col("orgs_missing").fill_null([])).with_columns(aht_ms())
    rows = rows.select(*by, "handled_count", "handle_ms", "aht_ms", "orgs_missing", "finality")
    return rows.sort(by) if by else rows


def _coverage(coverage: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return per group which orgs miss a partition, and how final the rest is."""
    rank = (
        pl.when(pl.col("finality").is_null())
        .then(len(FINALITIES) - 1)
        .otherwise(pl.col("finality").replace_strict(_RANKS, default=None, return_dtype=pl.Int32))
    )
    summary = (
        pl.col("org").filter(pl.col("finality").is_null()).unique().sort().alias("orgs_missing"),
        rank.max().alias("rank"),
        _has_begun(coverage).any().alias("has_begun"),
    )
    grouped = (
        coverage.group_by(by).agg(summary).filter("has_begun")
        if by
        else coverage.select(summary[0].implode(), *summary[1:])
    )
    names = dict(enumerate(FINALITIES))
    return grouped.with_columns(
        finality=pl.col("rank").replace_strict(names, return_dtype=pl.String)
    ).drop("rank", "has_begun")


def _has_begun(coverage: pl.DataFrame) -> pl.Expr:
    return pl.col("has_begun") if "has_begun" in coverage.columns else pl.lit(value=True)


_RANKS = {name: number for number, name in enumerate(FINALITIES)}
