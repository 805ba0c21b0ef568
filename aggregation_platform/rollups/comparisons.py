"""AHT of one period beside that of another.

Belongs here: which row of the other period belongs beside a row, and the change.
Elsewhere: either period's own figures (aht.py), which period is the one before (cli/periods.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from aggregation_platform.rollups.aht import Aht, aht_of, keys_of, with_groups_of_days

COUNTED = ("month", "week", "day")
"""Groups in which the n-th of a period belongs beside the n-th of the other."""

_MEASURES = ("handled_count", "handle_ms", "aht_ms", "orgs_missing", "finality")
_COUNTS = ("handled_count", "handle_ms")
BEFORE = tuple(f"{name}_before" for name in _MEASURES)
CHANGE = "aht_change_ms"

Period = tuple[pl.DataFrame, pl.DataFrame, Sequence[date]]
"""Cells and coverage, as `aht_of` takes them, and the days."""


def beside(now: Period, before: Period, *, by: Sequence[str]) -> Aht:
    """Return the figures of `now`, each with those of `before`.

    A row is there if either period has it. Days, weeks and months are in the order of each period:
    the first day is beside the first day; what has no counterpart is in the totals alone.

    Returns:
        Rows and total as `aht_of` gives them, with the columns BEFORE and CHANGE (the AHT now
        minus the AHT before; null where either has none).
    """
    there, back = _places(before[2], now[2], by), _places(now[2], before[2], by)
    moved = _moved(keys_of(before[0], by), there)
    mine = aht_of(now[0], now[1], by=by, also=moved)
    found = _moved(keys_of(now[0], by), back)
    others = aht_of(before[0], before[1], by=by, also=found)
    rows = mine.rows.join(
        _moved(others.rows, there).select(*by, **_renamed()), on=list(by), how="left",
        nulls_equal=True, maintain_order="left",
    ) if by else mine.rows.hstack(others.rows.select(**_renamed()))  # fmt: skip
    total = mine.total.hstack(others.total.select(**_renamed()))
    return Aht(rows.with_columns(_change()), total.with_columns(_change()))


def _renamed() -> dict[str, pl.Expr]:
    """Name the measures of the other period; a count of days on which none is expected is null."""
    is_figure = pl.col("finality").is_not_null() | (pl.col("handled_count") > 0)
    counts = {f"{name}_before": pl.when(is_figure).then(pl.col(name)) for name in _COUNTS}
    return counts | {f"{name}_before": pl.col(name) for name in _MEASURES if name not in _COUNTS}


def _change() -> pl.Expr:
    return (pl.col("aht_ms") - pl.col("aht_ms_before")).alias(CHANGE)


def _places(
    days: Sequence[date], others: Sequence[date], by: Sequence[str]
) -> dict[str, pl.DataFrame]:
    """Return, for each group that is counted, which member of the others has its place."""
    places: dict[str, pl.DataFrame] = {}
    for name in (name for name in by if name in COUNTED):
        mine, theirs = (
            with_groups_of_days(pl.DataFrame({"day": each}), [name])[name].unique().sort()
            for each in (list(days), list(others))
        )
        size = min(mine.len(), theirs.len())
        places[name] = pl.DataFrame({name: mine.head(size), "_place": theirs.head(size)})
    return places


def _moved(rows: pl.DataFrame, places: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Give rows the members that have their place in the other period."""
    for name, place in places.items():
        rows = rows.join(place, on=name, how="inner").drop(name).rename({"_place": name})
    return rows
