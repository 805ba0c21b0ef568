"""What a later reading of the source changed in figures that were published.

Belongs here: cells of handle time before and after, and the conversations behind a difference.
Elsewhere: whether the earlier figure counted as published (defs/), keeping the list (warehouse/).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from aggregation_platform.identity.tables import NONE
from aggregation_platform.rollups.cells import AGENT_IDS
from aggregation_platform.rollups.handle_time import (
    MEASURES,
    METRICS,
    handle_time_partial,
    sum_of,
)
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import INSTANT

CELL = ("interval_start", *AGENT_IDS)
"""What names a cell; `org` is among it."""

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
    """Compare two readings of an org's day, cell by cell of `rollups.handle_time`.

    One row per cell and measure that differs, with `before` or `after` null where the cell is new
    or gone, and the conversations whose metrics in that cell are not the same. Both readings may
    be in chunks of any cut, and are iterated twice if anything differs; memory is bounded by the
    number of cells and by the rows of cells that differ.

    Args:
        before: `facts.session_metrics` of the day as they stood (METRIC_COLUMNS at least).
        after: The same as read now.
        day: The UTC day.
        found_at: When the later reading was compared.
        run_id: The run that compared.
    """
    changed = _changed(_cells(before), _cells(after))
    if changed.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    behind = _behind(_metrics_of(before, changed), _metrics_of(after, changed))
    told = changed.join(behind, on=[*CELL, "metric"], how="left", nulls_equal=True)
    return told.select(
        "org",
        pl.lit(day).alias("day"),
        pl.lit(HANDLE_TIME.key).alias("table_name"),
        pl.struct(
            pl.col("interval_start").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            *(name for name in CELL if name not in ("interval_start", "org")),
        )
        .struct.json_encode()
        .alias("cell"),
        "measure",
        "before",
        "after",
        pl.lit(found_at, INSTANT).alias("found_at"),
        pl.col("conversation_ids"),
        pl.lit(run_id).alias("run_id"),
    ).sort("cell", "measure")


def _cells(chunks: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return sum_of(handle_time_partial(chunk) for chunk in chunks)


_METRIC_OF = {measure.name: measure.metric for measure in MEASURES}


def _changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """One row per cell and measure that differs: CELL, measure, metric, before, after."""
    both = _long(before, "before").join(
        _long(after, "after"), on=[*CELL, "measure"], how="full", coalesce=True
    )
    return both.filter(pl.col("before").ne_missing(pl.col("after"))).with_columns(
        metric=pl.col("measure").replace_strict(_METRIC_OF, return_dtype=pl.String)
    )


def _long(cells: pl.DataFrame, name: str) -> pl.DataFrame:
    """A measure that a cell does not have is absent, not zero."""
    long = cells.unpivot(index=list(CELL), variable_name="measure", value_name=name)
    return long.filter(pl.col(name) != 0)


def _metrics_of(chunks: Iterable[pl.DataFrame], changed: pl.DataFrame) -> pl.DataFrame:
    """Keep the metrics of cells that differ, each with how often it stands there."""
    wanted = changed.select(*CELL, "metric").unique()
    kept = [
        chunk.filter(pl.col("metric").is_in(METRICS))
        .select(
            pl.col("emitted_at").dt.truncate("30m").alias("interval_start"),
            *(pl.col(name).fill_null(NONE) for name in AGENT_IDS),
            "metric",
            "conversation_id",
            "value_ms",
            "emitted_at",
        )
        .join(wanted, on=[*CELL, "metric"], how="semi")
        for chunk in chunks
    ]
    if not kept:
        return wanted.clear().with_columns(
            conversation_id=pl.lit(""),
            value_ms=pl.lit(0, pl.Int64),
            emitted_at=pl.col("interval_start"),
            count=pl.lit(0, pl.UInt32),
        )
    keys = [*CELL, "metric", "conversation_id", "value_ms", "emitted_at"]
    return pl.concat(kept).group_by(keys).agg(count=pl.len())


def _behind(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Name, per cell and metric, the conversations that do not stand there as they did."""
    keys = before.columns
    differing = pl.concat(
        [
            before.join(after.select(keys), on=keys, how="anti"),
            after.select(keys).join(before, on=keys, how="anti"),
        ]
    )
    return (
        differing.group_by(*CELL, "metric")
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
