"""Our handle time beside the source's own aggregates, cell by cell.

Belongs here: comparing cells, the verdict, and naming what stands behind a difference.
Elsewhere: asking the source (genesys/aggregates.py), printing (cli/), the asset check (defs/).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

import polars as pl

from aggregation_platform.identity.tables import NONE
from aggregation_platform.rollups.handle_time import METRICS
from aggregation_platform.tables import INSTANT

CELL = ("org", "interval_start", "queue_id", "user_id", "media_type", "direction", "metric")
"""What a figure of both sides is about: the filter shape of the vendor's own screens."""

CELLS = {
    "org": pl.String(),
    "interval_start": INSTANT,
    "queue_id": pl.String(),
    "user_id": pl.String(),
    "media_type": pl.String(),
    "direction": pl.String(),
    "metric": pl.String(),
    "count": pl.Int64(),
    "sum_ms": pl.Int64(),
}
"""The shape in which both sides are compared: one row per cell; what has no id is `(none)`."""

_IDS = ("queue_id", "user_id", "media_type", "direction")
_SESSION = ("org", "conversation_id", "session_id", "session_number")
_TOLD = attrgetter(*(name for name in CELLS if name != "org"))
_HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True)
class Reconciliation:
    """What a comparison found.

    Args:
        differences: One row per cell that differs: CELL, our_count, source_count, our_ms,
            source_ms, count_difference and ms_difference (ours less the source's).
        compared_count: Cells that either side has and that were compared.
        unsettled_count: Cells left out, because the source may still change them.
        handled_count: Ours, over the compared cells: number of `tHandle`.
        handle_ms: Ours, over the compared cells: sum of `tHandle`.
    """

    differences: pl.DataFrame
    compared_count: int
    unsettled_count: int
    handled_count: int
    handle_ms: int

    @property
    def agrees(self) -> bool:
        """Whether no compared cell differs."""
        return self.differences.is_empty()

    def __str__(self) -> str:
        scope = f"{self.compared_count} cells, {self.handled_count} handled, {self.handle_ms} ms"
        left = f"; {self.unsettled_count} cells not settled yet" if self.unsettled_count else ""
        if self.agrees:
            return f"agrees with the source: {scope}{left}"
        apart = self.differences["ms_difference"].abs().sum()
        return f"{self.differences.height} cells differ, by {apart} ms in all: {scope}{left}"


def our_cells(session_metrics: pl.DataFrame | Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add our `facts.session_metrics` up to CELLS, whole or in chunks of any cut."""
    chunks = [session_metrics] if isinstance(session_metrics, pl.DataFrame) else session_metrics
    total = pl.DataFrame(schema=CELLS)
    for chunk in chunks:
        cells = (
            _placed(chunk)
            .group_by(CELL)
            .agg(count=pl.len().cast(pl.Int64), sum_ms=pl.col("value_ms").sum())
        )
        total = summed_cells([total, cells])
    return total.sort(CELL)


def source_cells(rows: Iterable[object], *, org: str) -> pl.DataFrame:
    """Read one org's aggregates as CELLS; of several rows of one cell the sum counts.

    Args:
        rows: Objects with interval_start, queue_id, user_id, media_type, direction, metric,
            count and sum_ms, such as `genesys.aggregates.HandleTimeAggregate`; an id may be None.
        org: Our key of the organization.
    """
    told = [(org, *_TOLD(row)) for row in rows]
    frame = pl.DataFrame(told, schema=CELLS, orient="row")
    return summed_cells([frame.with_columns(pl.col(_IDS).fill_null(NONE))]).sort(CELL)


def summed_cells(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add cells up: one row per cell, however many rows had it."""
    return pl.concat(parts).group_by(CELL).agg(pl.col("count", "sum_ms").sum())


def reconciled(
    ours: pl.DataFrame, source: pl.DataFrame, *, settled_before: datetime | None = None
) -> Reconciliation:
    """Compare cell by cell: a cell that one side lacks is zero there.

    Args:
        ours: What `our_cells` made.
        source: What `source_cells` made, of the same orgs and days.
        settled_before: Only half hours that ended by then are compared; None compares all.
    """
    both = (
        ours.rename({"count": "our_count", "sum_ms": "our_ms"})
        .join(
            source.rename({"count": "source_count", "sum_ms": "source_ms"}),
            on=list(CELL),
            how="full",
            coalesce=True,
        )
        .with_columns(pl.col("our_count", "our_ms", "source_count", "source_ms").fill_null(0))
        .with_columns(
            count_difference=pl.col("our_count") - pl.col("source_count"),
            ms_difference=pl.col("our_ms") - pl.col("source_ms"),
        )
        .sort(CELL)
    )
    settled = both.filter(_settled(settled_before))
    differs = (pl.col("count_difference") != 0) | (pl.col("ms_difference") != 0)
    handled = settled.filter(pl.col("metric") == "tHandle")
    return Reconciliation(
        differences=settled.filter(differs),
        compared_count=settled.height,
        unsettled_count=both.height - settled.height,
        handled_count=int(handled["our_count"].sum()),
        handle_ms=int(handled["our_ms"].sum()),
    )


def in_cells(session_metrics: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return the metrics that count in any of these cells, each with its CELL."""
    return _placed(session_metrics).join(cells.select(CELL), on=list(CELL), how="semi")


def behind(
    differences: pl.DataFrame,
    session_metrics: pl.DataFrame,
    rebuilt: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Name the conversations in the cells that differ, those that explain it first.

    Args:
        differences: Of a `Reconciliation`.
        session_metrics: `facts.session_metrics` as the warehouse has them.
        rebuilt: The same made anew from raw. Where the two disagree, the warehouse was altered,
            and the conversation is the explanation; where they agree and the cell still
            differs, the source has changed since it was read: read the day again.

    Returns:
        CELL, conversation_id, session_id, session_number, emitted_at, value_ms, rebuilt_ms,
        finding: `altered`, `not in raw`, `lost`, or `in the cell`. One row per metric.
    """
    kept = _numbered(session_metrics, "value_ms")
    keys = [*CELL, *_SESSION[1:], "emitted_at"]
    if rebuilt is None:
        named = kept.with_columns(rebuilt_ms=pl.lit(None, pl.Int64), finding=pl.lit("in the cell"))
    else:
        anew = _numbered(rebuilt, "rebuilt_ms")
        joined = kept.join(anew, on=[*keys, "_nth"], how="full", coalesce=True, nulls_equal=True)
        named = joined.with_columns(finding=_finding())
    return (
        named.join(differences.select(CELL), on=list(CELL), how="semi")
        .sort(pl.col("finding") == "in the cell", *CELL, "conversation_id", "session_number")
        .select(*keys, "value_ms", "rebuilt_ms", "finding")
    )


def _placed(metrics: pl.DataFrame) -> pl.DataFrame:
    """Keep the compared metrics, and say in which cell each counts."""
    return metrics.filter(pl.col("metric").is_in(METRICS)).with_columns(
        pl.col(_IDS).fill_null(NONE), interval_start=pl.col("emitted_at").dt.truncate("30m")
    )


def _settled(before: datetime | None) -> pl.Expr:
    if before is None:
        return pl.lit(value=True)
    return pl.col("interval_start") + _HALF_HOUR <= pl.lit(before, INSTANT)


def _numbered(metrics: pl.DataFrame, value: str) -> pl.DataFrame:
    """One row per metric, and its place among those of one session, name and instant."""
    same: Sequence[str] = (*_SESSION, "metric", "emitted_at")
    return (
        _placed(metrics)
        .sort(*same, "value_ms")
        .select(*CELL, *_SESSION[1:], "emitted_at", pl.col("value_ms").alias(value))
        .with_columns(_nth=pl.int_range(pl.len()).over(same))
    )


def _finding() -> pl.Expr:
    return (
        pl.when(pl.col("rebuilt_ms").is_null())
        .then(pl.lit("not in raw"))
        .when(pl.col("value_ms").is_null())
        .then(pl.lit("lost"))
        .when(pl.col("value_ms") != pl.col("rebuilt_ms"))
        .then(pl.lit("altered"))
        .otherwise(pl.lit("in the cell"))
    )
