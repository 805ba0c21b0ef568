"""Half-hour cells: what every rollup of session metrics is made of.

Belongs here: turning metrics into cells chunk by chunk, adding cells up in bounded memory.
Elsewhere: which metrics a rollup takes (handle_time.py, queue_intervals.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from aggregation_platform.identity.tables import NONE
from aggregation_platform.tables import Table

QUEUE_IDS = ("org", "queue_id", "media_type", "direction")
"""What a session has without a person."""

AGENT_IDS = (*QUEUE_IDS, "user_id")
"""What a session has."""

_FOLD_ROWS = 500_000


@dataclass(frozen=True)
class Measure:
    """A column of a rollup: the `count` of one metric, or the `sum` of its values."""

    name: str
    metric: str
    how: Literal["count", "sum"]


def cells_of(
    metrics: pl.DataFrame, ids: Sequence[str], measures: Sequence[Measure]
) -> pl.DataFrame:
    """Add up a chunk of `facts.session_metrics` by half hour (UTC) of the emit time and by `ids`.

    A null id becomes `(none)`. Cells in which none of the measured metrics was emitted have no
    row. The result is additive over chunks (`sum_of`), and in no order.
    """
    dims = ["interval_start", *ids]
    emitted = (
        metrics.lazy()
        .filter(pl.col("metric").is_in(sorted({measure.metric for measure in measures})))
        .select(
            pl.col("emitted_at").dt.truncate("30m").alias("interval_start"),
            *(pl.col(name).fill_null(NONE) for name in ids),
            *map(_expression, measures),
        )
    )
    return emitted.group_by(dims).agg(pl.all().sum()).collect()


def sum_of(
    partials: Iterable[pl.DataFrame], ids: Sequence[str], measures: Sequence[Measure]
) -> pl.DataFrame:
    """Add partial cells up; holds at most the sum so far and half a million rows of partials."""
    held, rows = list[pl.DataFrame](), 0
    for partial in partials:
        held.append(partial)
        rows += partial.height
        if rows >= _FOLD_ROWS:
            held, rows = [_added(held, ids, measures)], 0
    return _added(held, ids, measures)


def shaped(cells: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Order columns as the table declares them, and rows by its key."""
    return cells.select(table.frame_schema.names()).sort(table.schema.primary_key())


def _added(
    frames: Sequence[pl.DataFrame], ids: Sequence[str], measures: Sequence[Measure]
) -> pl.DataFrame:
    if len(frames) < 2:
        return frames[0] if frames else cells_of(_NO_METRICS, ids, measures)
    dims = ["interval_start", *ids]
    names = [measure.name for measure in measures]
    return pl.concat(frames).group_by(dims).agg(pl.col(names).sum())


def _expression(measure: Measure) -> pl.Expr:
    """What one metric adds to the measure; a column each costs a third of grouping by metric."""
    adds = pl.col("value_ms") if measure.how == "sum" else pl.lit(1, pl.Int64)
    mine = pl.when(pl.col("metric") == measure.metric).then(adds)
    return mine.otherwise(pl.lit(0, pl.Int64)).alias(measure.name)


_NO_METRICS = pl.DataFrame(
    schema={
        **dict.fromkeys(AGENT_IDS, pl.String()),
        "emitted_at": pl.Datetime("us", "UTC"),
        "metric": pl.String(),
        "value_ms": pl.Int64(),
    }
)
