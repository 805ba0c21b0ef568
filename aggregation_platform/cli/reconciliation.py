"""Our handle time beside an org's own: where they differ, and through which conversations.

Belongs here: comparing cell by cell, as a pure function of frames. A cell is a half hour (UTC), a
queue, an agent, a media type and a direction of one org; what a session lacks is `(none)`.
Elsewhere: asking the org and the warehouse (reconcile.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from aggregation_platform.genesys.aggregates import HandleTimeAggregate
from aggregation_platform.identity.tables import NONE
from aggregation_platform.tables import INSTANT

HALF_HOUR = timedelta(minutes=30)
METRIC = "tHandle"
CELL = ("interval_start", "queue_id", "user_id", "media_type", "direction")
MEASURES = ("handled_count", "handle_ms")
CELLS = pl.Schema(
    {
        "interval_start": INSTANT,
        **dict.fromkeys(CELL[1:], pl.String()),
        **dict.fromkeys(MEASURES, pl.Int64()),
    }
)
"""A side of the comparison: sums by cell."""

CONVERSATIONS_SHOWN = 20
"""A cell with more handled sessions than this names the first ones only."""


@dataclass(frozen=True)
class Comparison:
    """An org's days, compared.

    Args:
        cells: How many cells either side has.
        differences: A row per cell in which the three do not agree: CELL, then count and ms as the
            `source_`, the `facts_` and the `rollup_` have them, and the conversation_ids of the
            cell in the facts.
        totals: One row: the sums of each side.
    """

    cells: int
    differences: pl.DataFrame
    totals: pl.DataFrame


def source_cells(rows: Iterable[HandleTimeAggregate], *, until: datetime) -> pl.DataFrame:
    """Return the org's own cells, of half hours that end at or before `until`."""
    kept = [
        (
            row.interval_start,
            row.queue_id or NONE,
            row.user_id or NONE,
            row.media_type or NONE,
            row.direction or NONE,
            row.count,
            row.sum_ms,
        )
        for row in rows
        if row.metric == METRIC and row.interval_start + HALF_HOUR <= until
    ]
    return _summed(pl.DataFrame(kept, schema=CELLS, orient="row"))


def facts_cells(metrics: pl.DataFrame, *, until: datetime) -> pl.DataFrame:
    """Return the cells of `facts.session_metrics` rows, of half hours up to `until`."""
    return _summed(
        _with_cell(metrics)
        .filter(pl.col("interval_start") + HALF_HOUR <= until)
        .select(
            *CELL,
            pl.lit(1, pl.Int64).alias("handled_count"),
            pl.col("value_ms").alias("handle_ms"),
        )
    )


def rollup_cells(handle_time: pl.DataFrame, *, until: datetime) -> pl.DataFrame:
    """Return the cells of `rollups.handle_time` rows, of half hours up to `until`."""
    return _summed(
        handle_time.filter(pl.col("interval_start") + HALF_HOUR <= until).select(
            *CELL, *(pl.col(name).cast(pl.Int64) for name in MEASURES)
        )
    )


def compared(
    source: pl.DataFrame, facts: pl.DataFrame, rollup: pl.DataFrame, metrics: pl.DataFrame
) -> Comparison:
    """Compare the three sides cell by cell; equal means equal count and equal milliseconds.

    Args:
        source: The org's own aggregates, as `source_cells` gives them.
        facts: Ours from the facts.
        rollup: Ours as published.
        metrics: The `facts.session_metrics` rows, to name conversations from.
    """
    sides = {"source": source, "facts": facts, "rollup": rollup}
    joined = pl.concat([side.select(*CELL) for side in sides.values()], how="vertical").unique()
    for name, side in sides.items():
        renamed = side.rename({measure: f"{name}_{_short(measure)}" for measure in MEASURES})
        joined = joined.join(renamed, on=list(CELL), how="left")
    joined = joined.with_columns(pl.col("^.*_(count|ms)$").fill_null(0))
    agree = pl.all_horizontal(
        pl.col(f"source_{part}") == pl.col(f"{name}_{part}")
        for name in ("facts", "rollup")
        for part in ("count", "ms")
    )
    differing = joined.filter(~agree & (_any_handled())).sort(*CELL)
    explained = differing.join(_conversations(metrics), on=list(CELL), how="left").with_columns(
        pl.col("conversation_ids").fill_null([])
    )
    totals = joined.select(pl.col("^.*_(count|ms)$").sum())
    return Comparison(joined.filter(_any_handled()).height, explained, totals)


def _any_handled() -> pl.Expr:
    """Whether any side has handle time there: the rollup also has cells of parts alone."""
    return pl.any_horizontal(pl.col("^.*_(count|ms)$") != 0)


def _short(measure: str) -> str:
    return measure.rpartition("_")[2]


def _summed(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.cast(CELLS).group_by(*CELL).agg(pl.col(*MEASURES).sum())


def _with_cell(metrics: pl.DataFrame) -> pl.DataFrame:
    return metrics.filter(pl.col("metric") == METRIC).with_columns(
        pl.col("emitted_at").dt.truncate("30m").alias("interval_start"),
        *(pl.col(name).fill_null(NONE) for name in CELL[1:]),
    )


def _conversations(metrics: pl.DataFrame) -> pl.DataFrame:
    return (
        _with_cell(metrics)
        .sort("emitted_at", "conversation_id")
        .group_by(*CELL)
        .agg(
            pl.col("conversation_id")
            .unique(maintain_order=True)
            .head(CONVERSATIONS_SHOWN)
            .alias("conversation_ids")
        )
    )
