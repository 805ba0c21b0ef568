"""What a later reading of the source changed in figures that were published.

Belongs here: cells of each rollup of metrics before and after, and the conversations behind a
difference.
Elsewhere: whether the earlier figure counted as published (defs/), keeping the list (warehouse/).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from aggregation_platform.identity.tables import NONE
from aggregation_platform.rollups import handle_time, queue_intervals
from aggregation_platform.rollups.cells import AGENT_IDS, QUEUE_IDS, Measure, cells_of, sum_of
from aggregation_platform.rollups.tables import HANDLE_TIME, QUEUE_INTERVALS
from aggregation_platform.tables import INSTANT, Table


@dataclass(frozen=True)
class _Rollup:
    """A published rollup: what names its cells (`org` is among it), and what they hold."""

    table: Table
    ids: tuple[str, ...]
    measures: tuple[Measure, ...]

    @property
    def cell(self) -> tuple[str, ...]:
        return ("interval_start", *self.ids)

    def cells(self, chunks: Iterable[pl.DataFrame]) -> pl.DataFrame:
        parts = (cells_of(chunk, self.ids, self.measures) for chunk in chunks)
        return sum_of(parts, self.ids, self.measures)


_ROLLUPS = (
    _Rollup(HANDLE_TIME, AGENT_IDS, handle_time.MEASURES),
    _Rollup(QUEUE_INTERVALS, QUEUE_IDS, queue_intervals.MEASURES),
)

METRIC_COLUMNS = (*AGENT_IDS, "conversation_id", "metric", "value_ms", "emitted_at")
"""What is needed of `facts.session_metrics`."""

SCHEMA = pl.Schema(
    {
        "org": pl.String(),
        "day": pl.Date(),
        "table_name": pl.String(),
        "cell": pl.String(),
        "measure": pl.String(),
        "before": pl.Int64(),
        "after": pl.Int64(),
        "found_at": INSTANT,
        "conversation_ids": pl.String(),
        "run_id": pl.String(),
    }
)


def restatements(
    before: Iterable[pl.DataFrame],
    after: Iterable[pl.DataFrame],
    *,
    day: date,
    found_at: datetime,
    run_id: str,
) -> pl.DataFrame:
    """Compare two readings of an org's day, by cells of `handle_time` and `queue_intervals`.

    One row per cell and measure that differs, with `before` or `after` null where the cell is new
    or gone, and the conversations whose metrics in that cell are not the same. Both readings may
    be in chunks of any cut, and are iterated again where a rollup differs; memory is bounded by the
    number of cells and by the rows of cells that differ.

    Args:
        before: `facts.session_metrics` of the day as they stood (METRIC_COLUMNS at least).
        after: The same as read now.
        day: The UTC day.
        found_at: When the later reading was compared.
        run_id: The run that compared.
    """
    found = [_restated(rollup, before, after) for rollup in _ROLLUPS]
    return (
        pl.concat(found)
        .with_columns(
            pl.lit(day).alias("day"),
            pl.lit(found_at, INSTANT).alias("found_at"),
            pl.lit(run_id).alias("run_id"),
        )
        .select(SCHEMA.names())
    )


def whole_day_restatements(
    table: Table,
    before: pl.DataFrame,
    after: pl.DataFrame,
    *,
    day: date,
    found_at: datetime,
    run_id: str,
) -> pl.DataFrame:
    """Name the figures of organizations that a published day counts from now on, or no longer.

    One row per organization and measure of the rollup: its sum over the whole day, under a cell
    without columns. `before` is null where the day counts the organization from now on, `after`
    where it no longer does.

    Args:
        table: The rollup.
        before: Its rows of organizations that are counted no longer.
        after: Its rows of organizations that are counted from now on.
        day: The UTC day.
        found_at: When the day was built again.
        run_id: The run that built it.
    """
    measures = [column.name for column in table.columns if column.dtype == pl.Int64]
    both = [
        rows.group_by("org")
        .agg(pl.col(measures).sum())
        .unpivot(index="org", variable_name="measure", value_name=side)
        .filter(pl.col(side) != 0)
        for rows, side in ((before, "before"), (after, "after"))
    ]
    return (
        pl.concat(both, how="diagonal")
        .with_columns(
            day=pl.lit(day),
            table_name=pl.lit(table.key),
            cell=pl.lit("{}"),
            found_at=pl.lit(found_at, INSTANT),
            conversation_ids=pl.lit(None, pl.String),
            run_id=pl.lit(run_id),
        )
        .select(SCHEMA.names())
        .sort("org", "measure")
    )


def _restated(
    rollup: _Rollup, before: Iterable[pl.DataFrame], after: Iterable[pl.DataFrame]
) -> pl.DataFrame:
    changed = _changed(rollup, rollup.cells(before), rollup.cells(after))
    if changed.is_empty():
        return pl.DataFrame(schema=SCHEMA).drop("day", "found_at", "run_id")
    cell = rollup.cell
    wanted = changed.select(*cell, "metric").unique()
    behind = _behind(_metrics_of(rollup, before, wanted), _metrics_of(rollup, after, wanted), cell)
    told = changed.join(behind, on=[*cell, "metric"], how="left", nulls_equal=True)
    return told.select(
        "org",
        pl.lit(rollup.table.key).alias("table_name"),
        pl.struct(
            pl.col("interval_start").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            *(name for name in cell if name not in ("interval_start", "org")),
        )
        .struct.json_encode()
        .alias("cell"),
        "measure",
        "before",
        "after",
        "conversation_ids",
    ).sort("cell", "measure")


def _changed(rollup: _Rollup, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """One row per cell and measure that differs: the cell, measure, metric, before, after."""
    metric_of = {measure.name: measure.metric for measure in rollup.measures}
    both = _long(before, "before", rollup.cell).join(
        _long(after, "after", rollup.cell), on=[*rollup.cell, "measure"], how="full", coalesce=True
    )
    return both.filter(pl.col("before").ne_missing(pl.col("after"))).with_columns(
        metric=pl.col("measure").replace_strict(metric_of, return_dtype=pl.String)
    )


def _long(cells: pl.DataFrame, name: str, cell: Sequence[str]) -> pl.DataFrame:
    """A measure that a cell does not have is absent, not zero."""
    long = cells.unpivot(index=list(cell), variable_name="measure", value_name=name)
    return long.filter(pl.col(name) != 0)


def _metrics_of(
    rollup: _Rollup, chunks: Iterable[pl.DataFrame], wanted: pl.DataFrame
) -> pl.DataFrame:
    """Keep the metrics of cells that differ, each with how often it stands there."""
    metrics = {measure.metric for measure in rollup.measures}
    kept = [
        chunk.filter(pl.col("metric").is_in(metrics))
        .select(
            pl.col("emitted_at").dt.truncate("30m").alias("interval_start"),
            *(pl.col(name).fill_null(NONE) for name in rollup.ids),
            "metric",
            "conversation_id",
            "value_ms",
            "emitted_at",
        )
        .join(wanted, on=[*rollup.cell, "metric"], how="semi")
        for chunk in chunks
    ]
    if not kept:
        return wanted.clear().with_columns(
            conversation_id=pl.lit(""),
            value_ms=pl.lit(0, pl.Int64),
            emitted_at=pl.col("interval_start"),
            count=pl.lit(0, pl.UInt32),
        )
    keys = [*rollup.cell, "metric", "conversation_id", "value_ms", "emitted_at"]
    return pl.concat(kept).group_by(keys).agg(count=pl.len())


def _behind(before: pl.DataFrame, after: pl.DataFrame, cell: Sequence[str]) -> pl.DataFrame:
    """Name, per cell and metric, the conversations that do not stand there as they did."""
    keys = before.columns
    differing = pl.concat(
        [
            before.join(after.select(keys), on=keys, how="anti"),
            after.select(keys).join(before, on=keys, how="anti"),
        ]
    )
    return (
        differing.group_by(*cell, "metric")
        .agg(pl.col("conversation_id").unique().sort().alias("ids"))
        .with_columns(
            pl.struct("ids")
            .struct.json_encode()
            .str.strip_prefix('{"ids":')
            .str.strip_suffix("}")
            .alias("conversation_ids")
        )
        .drop("ids")
    )
