"""A stored rollup beside what its facts add up to: sums, and how many rows each key has.

Belongs here: the keys of each rollup and the comparison. Elsewhere: comparing with the source's own
figures (reconciliation.py), reading both sides (comparison/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from aggregation_platform.rollups import handle_time, queue_intervals
from aggregation_platform.rollups.cells import AGENT_IDS, QUEUE_IDS, cells_of, sum_of
from aggregation_platform.rollups.journey_days import COUNTS
from aggregation_platform.rollups.sketches import SKETCH_KEY, sketch_cells
from aggregation_platform.rollups.tables import (
    HANDLE_TIME,
    HANDLE_TIME_SKETCHES,
    JOURNEY_DAYS,
    QUEUE_INTERVALS,
)
from aggregation_platform.tables import INSTANT, Table

METRICS = tuple(dict.fromkeys((*handle_time.METRICS, *queue_intervals.METRICS)))
"""The metrics of which the rollups are made."""

METRIC_COLUMNS = (*AGENT_IDS, "metric", "value_ms", "emitted_at")
"""What the rollups need of `facts.session_metrics`."""

DIFFERENCE = pl.Schema(
    {
        "key": pl.String(),
        "finding": pl.String(),
        "measure": pl.String(),
        "rollup": pl.Int64(),
        "facts": pl.Int64(),
        "rows": pl.Int64(),
    }
)
"""One row per key and measure that differs, and per key that is doubled or on one side only.

`finding` is `doubled` (the rollup has `rows` rows of the key), `only in the rollup`, `only in the
facts` or `differs`. `measure` is null for such a key if all its sums are equal.
"""

_STEP = timedelta(minutes=30)


@dataclass(frozen=True)
class Shape:
    """A rollup's key, without the day, and its measures."""

    table: Table
    key: tuple[str, ...]
    measures: tuple[str, ...]


HANDLE_TIME_SHAPE = Shape(
    HANDLE_TIME,
    ("interval_start", *AGENT_IDS),
    tuple(measure.name for measure in handle_time.MEASURES),
)
QUEUE_INTERVALS_SHAPE = Shape(
    QUEUE_INTERVALS,
    ("interval_start", *QUEUE_IDS),
    tuple(measure.name for measure in queue_intervals.MEASURES),
)
SKETCHES_SHAPE = Shape(HANDLE_TIME_SKETCHES, SKETCH_KEY, ("handled_count",))
JOURNEY_DAYS_SHAPE = Shape(JOURNEY_DAYS, ("org",), COUNTS)
SHAPES = (HANDLE_TIME_SHAPE, QUEUE_INTERVALS_SHAPE, SKETCHES_SHAPE, JOURNEY_DAYS_SHAPE)


@dataclass(frozen=True)
class RollupComparison:
    """A rollup's rows of one org and day beside its facts.

    Args:
        table: The rollup's key, such as `rollups.handle_time`.
        key_count: Keys that either side has and that were compared.
        row_count: Rows of the rollup that were compared.
        differences: As DIFFERENCE says.
    """

    table: str
    key_count: int
    row_count: int
    differences: pl.DataFrame

    @property
    def agrees(self) -> bool:
        """Whether each key has one row, and the sums are those of the facts."""
        return self.differences.is_empty()

    @property
    def doubled_count(self) -> int:
        """Keys that have several rows."""
        doubled = self.differences.filter(pl.col("rows") > 1)
        return doubled["key"].n_unique()


class FactsCells:
    """What the rollups of metrics should hold of one org's day, added up chunk by chunk."""

    def __init__(self) -> None:
        self._handled = cells_of(_NO_METRICS, AGENT_IDS, handle_time.MEASURES)
        self._queued = cells_of(_NO_METRICS, QUEUE_IDS, queue_intervals.MEASURES)
        self._sketched = sketch_cells([])

    def add(self, chunk: pl.DataFrame) -> None:
        """Add a chunk of `facts.session_metrics` (METRIC_COLUMNS at least)."""
        handled = cells_of(chunk, AGENT_IDS, handle_time.MEASURES)
        self._handled = sum_of([self._handled, handled], AGENT_IDS, handle_time.MEASURES)
        queued = cells_of(chunk, QUEUE_IDS, queue_intervals.MEASURES)
        self._queued = sum_of([self._queued, queued], QUEUE_IDS, queue_intervals.MEASURES)
        self._sketched = (
            pl.concat([self._sketched, sketch_cells([chunk])])
            .group_by(SKETCH_KEY)
            .agg(pl.col("handled_count").sum())
        )

    def by_rollup(self) -> tuple[tuple[Shape, pl.DataFrame], ...]:
        """Return each rollup of metrics with the rows that it should have, in no order."""
        return (
            (HANDLE_TIME_SHAPE, self._handled),
            (QUEUE_INTERVALS_SHAPE, self._queued),
            (SKETCHES_SHAPE, self._sketched),
        )


def compare_rollup(
    shape: Shape,
    stored: pl.DataFrame,
    expected: pl.DataFrame,
    *,
    settled_before: datetime | None = None,
) -> RollupComparison:
    """Compare by key: the sum over the rollup's rows, and how many rows there are.

    Args:
        shape: Of which rollup.
        stored: Its rows of one org and day.
        expected: One row per key, as the facts add up.
        settled_before: Only half hours that ended by then are compared; None compares all.
    """
    ours = _settled(stored, settled_before)
    key, measures = list(shape.key), list(shape.measures)
    rows = ours.group_by(key).agg(pl.col(measures).sum(), _rows=pl.len().cast(pl.Int64))
    facts = _settled(expected, settled_before).select(
        *key, *(pl.col(name).alias(f"facts_{name}") for name in measures), _in_facts=pl.lit(1)
    )
    both = rows.join(facts, on=key, how="full", coalesce=True, nulls_equal=True)
    found = [_differing(both, key, name) for name in measures]
    is_odd = (pl.col("_rows") > 1) | pl.col("_rows").is_null() | pl.col("_in_facts").is_null()
    odd = both.filter(is_odd).select(
        *key, pl.lit(None, pl.String).alias("measure"), *_sides(None, None)
    )
    is_told_by_a_sum = pl.col("measure").is_null() & (pl.len().over(key) > 1)
    named = pl.concat([*found, odd]).filter(~is_told_by_a_sum)
    return RollupComparison(
        table=shape.table.key,
        key_count=both.height,
        row_count=ours.height,
        differences=named.sort(*key, "measure").select(
            _named(shape.key).alias("key"), *list(DIFFERENCE)[1:]
        ),
    )


def _differing(both: pl.DataFrame, key: Sequence[str], measure: str) -> pl.DataFrame:
    ours, facts = pl.col(measure).fill_null(0), pl.col(f"facts_{measure}").fill_null(0)
    return both.filter(ours != facts).select(
        *key, pl.lit(measure).alias("measure"), *_sides(ours, facts)
    )


def _sides(ours: pl.Expr | None, facts: pl.Expr | None) -> list[pl.Expr]:
    nothing = pl.lit(None, pl.Int64)
    return [
        pl.when(pl.col("_rows") > 1)
        .then(pl.lit("doubled"))
        .when(pl.col("_in_facts").is_null())
        .then(pl.lit("only in the rollup"))
        .when(pl.col("_rows").is_null())
        .then(pl.lit("only in the facts"))
        .otherwise(pl.lit("differs"))
        .alias("finding"),
        (nothing if ours is None else ours).alias("rollup"),
        (nothing if facts is None else facts).alias("facts"),
        pl.col("_rows").fill_null(0).alias("rows"),
    ]


def _settled(rows: pl.DataFrame, before: datetime | None) -> pl.DataFrame:
    if before is None or "interval_start" not in rows.columns:
        return rows
    return rows.filter(pl.col("interval_start") + _STEP <= pl.lit(before, INSTANT))


def _named(key: Sequence[str]) -> pl.Expr:
    """Write a key as one text, such as `2026-01-05 10:00 org=us queue=q1`."""
    parts = [
        pl.col(name).dt.strftime("%Y-%m-%d %H:%M")
        if name == "interval_start"
        else pl.format(f"{name.removesuffix('_id')}={{}}", pl.col(name).cast(pl.String))
        for name in key
    ]
    return pl.concat_str(parts, separator=" ", ignore_nulls=True)


_NO_METRICS = pl.DataFrame(
    schema={
        **dict.fromkeys(AGENT_IDS, pl.String()),
        "metric": pl.String(),
        "value_ms": pl.Int64(),
        "emitted_at": INSTANT,
    }
)
