"""The distribution of handle time, additive: a median over any slice without the facts.

Belongs here: buckets, and reading a quantile from them. Elsewhere: sums (handle_time.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from aggregation_platform.identity.members import with_agent_members, with_queue_members
from aggregation_platform.identity.tables import NONE
from aggregation_platform.rollups.cells import AGENT_IDS, shaped
from aggregation_platform.rollups.tables import HANDLE_TIME_SKETCHES

ERROR = 0.02
"""A quantile read from buckets is at most this far from the true one, as a share of it."""

_GROWTH = (1 + ERROR) / (1 - ERROR)
SKETCH_KEY = ("interval_start", *AGENT_IDS, "bucket")
"""What names a row of the sketches, beside the day."""


def handle_time_sketches(
    session_metrics: pl.DataFrame | Iterable[pl.DataFrame],
    *,
    day: date,
    queues: pl.DataFrame,
    agents: pl.DataFrame,
) -> pl.DataFrame:
    """Return `rollups.handle_time_sketches` of one UTC day, of one org or of many.

    Args:
        session_metrics: `facts.session_metrics` of that day, whole or in chunks of any cut.
        day: The partition's day.
        queues: `identity.queues`.
        agents: `identity.agents`.
    """
    chunks = [session_metrics] if isinstance(session_metrics, pl.DataFrame) else session_metrics
    total = sketch_cells(chunks)
    named = with_agent_members(with_queue_members(total, queues, day), agents, day)
    return shaped(named.with_columns(day=pl.lit(day, pl.Date)), HANDLE_TIME_SKETCHES)


def sketch_cells(chunks: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Count handled sessions by cell and bucket; partial counts add up."""
    total = HANDLE_TIME_SKETCHES.empty().select(*SKETCH_KEY, "handled_count")
    for chunk in chunks:
        counts = (
            chunk.filter(pl.col("metric") == "tHandle")
            .select(
                pl.col("emitted_at").dt.truncate("30m").alias("interval_start"),
                *(pl.col(name).fill_null(NONE) for name in AGENT_IDS),
                bucket=_bucket(),
            )
            .group_by(SKETCH_KEY)
            .agg(handled_count=pl.len().cast(pl.Int64))
        )
        both = pl.concat([total, counts])
        total = both.group_by(SKETCH_KEY).agg(pl.col("handled_count").sum())
    return total


def quantiles(sketches: pl.DataFrame, q: float, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Read the q-quantile of handle time of each slice, in milliseconds.

    The quantile is by nearest rank: the smallest handle time that at least the share q of
    handled sessions does not exceed. What is read is within 2 % of it (and half a millisecond).

    Args:
        sketches: Rows of `rollups.handle_time_sketches`, of any days.
        q: Above 0, at most 1; 0.5 for the median.
        by: Columns of the sketches to slice by.

    Returns:
        `by`, `handled_count`, `quantile_ms`: one row per slice with a handled session.

    Raises:
        ValueError: If q is not in (0, 1].
    """
    if not 0 < q <= 1:
        raise ValueError(f"a quantile is above 0 and at most 1, not {q}")
    slices = sketches.with_columns(_slice=pl.lit(0)).group_by("_slice", *by, "bucket")
    counts = slices.agg(pl.col("handled_count").sum()).sort("bucket")
    so_far = pl.col("handled_count").cum_sum().over("_slice", *by)
    total = pl.col("handled_count").sum().over("_slice", *by)
    reached = counts.with_columns(handled_count=total, _reached=so_far).filter(
        pl.col("_reached") >= (pl.col("handled_count") * q).ceil()
    )
    lowest = reached.unique(["_slice", *by], keep="first", maintain_order=True)
    return lowest.select(*by, "handled_count", quantile_ms=_middle()).sort(
        list(by) or "quantile_ms"
    )


def _bucket() -> pl.Expr:
    """0 for 0 ms, else 1 + the power of the growth that the value does not exceed."""
    value = pl.col("value_ms")
    power = (value.log() / math.log(_GROWTH)).ceil()
    return pl.when(value > 0).then(power + 1).otherwise(0).cast(pl.Int32)


def _middle() -> pl.Expr:
    """The value of a bucket that is nowhere further than ERROR from all that it holds."""
    power = (pl.col("bucket") - 1).cast(pl.Float64)
    top = (power * math.log(_GROWTH)).exp()
    middle = (top * 2 / (_GROWTH + 1)).round().cast(pl.Int64)
    return pl.when(pl.col("bucket") > 0).then(middle).otherwise(0)
