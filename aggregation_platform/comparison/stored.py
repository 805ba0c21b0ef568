"""What is stored of an org's day, compared with itself: rollups with facts, facts with raw.

Belongs here: what needs the warehouse alone, so no org and no secret. Elsewhere: the org's own
figures (org_day.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from aggregation_platform.comparison import reads
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.rollups.handle_time import MEASURES
from aggregation_platform.rollups.handle_time import METRICS as HANDLED
from aggregation_platform.rollups.reconciliation import (
    CELL,
    CELLS,
    Reconciliation,
    our_cells,
    reconciled,
    summed_cells,
)
from aggregation_platform.rollups.rollup_check import (
    JOURNEY_DAYS_SHAPE,
    FactsCells,
    RollupComparison,
    compare_rollup,
)
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.store import Warehouse


@dataclass(frozen=True)
class StoredComparison:
    """An org's day in the warehouse, compared with itself.

    Args:
        cells: Our facts as cells of one metric each.
        published: `rollups.handle_time` (as "our") beside our facts (as "source").
        rollups: Each rollup that is built, by key: sums, and rows of each key.
        doubled: Metrics that are in the facts more often than in raw: `reads.METRIC_ROW`,
            row_count, raw_count.
        conversations_doubled: Rows of `facts.conversations` too many, of those that began then.
        facts_written_at: When the facts of the day were last written.
        rollup_written_at: When `rollups.handle_time` of the day was; None: it is not built.
    """

    cells: pl.DataFrame
    published: Reconciliation
    rollups: tuple[RollupComparison, ...]
    doubled: pl.DataFrame
    conversations_doubled: int
    facts_written_at: datetime | None = None
    rollup_written_at: datetime | None = None

    @property
    def rollups_agree(self) -> bool:
        """Whether every rollup has each key once, with the sums of the facts."""
        return self.published.agrees and all(each.agrees for each in self.rollups)

    @property
    def facts_agree(self) -> bool:
        """Whether no row of the facts is there twice."""
        return self.doubled.is_empty() and not self.conversations_doubled

    @property
    def agrees(self) -> bool:
        """Whether nothing that is stored contradicts itself."""
        return self.rollups_agree and self.facts_agree


def compare_stored(warehouse: Warehouse, org: str, day: date, until: datetime) -> StoredComparison:
    """Compare what is stored of an org's day, up to `until`.

    Raises:
        WarehouseError: If the warehouse cannot be read.
    """
    expected, total = FactsCells(), our_cells([])
    for batch in reads.metric_batches(warehouse, org, day):
        expected.add(batch)
        total = summed_cells([total, our_cells(batch)])
    cells = total.sort(CELL)
    handled = reads.rollup_rows(warehouse, HANDLE_TIME, org, day)
    begun = reads.conversations_begun(warehouse, org, day)
    return StoredComparison(
        cells=cells,
        published=reconciled(published_cells(handled), cells, settled_before=until),
        rollups=_rollups(warehouse, org, day, until, expected, {HANDLE_TIME: handled}),
        doubled=_doubled(warehouse, org, day),
        conversations_doubled=begun.rows - begun.different,
        facts_written_at=reads.written_at(warehouse, SESSION_METRICS, org, day),
        rollup_written_at=reads.written_at(warehouse, HANDLE_TIME, None, day),
    )


def published_cells(handle_time: pl.DataFrame) -> pl.DataFrame:
    """Add rows of `rollups.handle_time` up to cells of one metric each; empty ones left out."""
    by_metric = [
        handle_time.select(
            *CELL[:-1],
            pl.lit(metric).alias("metric"),
            *(
                pl.col(measure.name).alias({"count": "count", "sum": "sum_ms"}[measure.how])
                for measure in MEASURES
                if measure.metric == metric
            ),
        )
        for metric in HANDLED
    ]
    cells = pl.concat(by_metric, how="vertical").select(*CELLS).cast(pl.Schema(CELLS))
    return summed_cells([cells]).filter((pl.col("count") != 0) | (pl.col("sum_ms") != 0))


def _rollups(
    warehouse: Warehouse,
    org: str,
    day: date,
    until: datetime,
    expected: FactsCells,
    rows: dict[Table, pl.DataFrame],
) -> tuple[RollupComparison, ...]:
    """Compare the rollups that are built; contacts too, once nothing of the day can change."""
    sides = list(expected.by_rollup())
    if until.date() > day:
        sides.append((JOURNEY_DAYS_SHAPE, reads.contact_counts(warehouse, org, day)))
    found = list[RollupComparison]()
    for shape, facts in sides:
        if reads.written_at(warehouse, shape.table, None, day) is None:
            continue
        stored = rows.get(shape.table)
        if stored is None:
            stored = reads.rollup_rows(warehouse, shape.table, org, day)
        found.append(compare_rollup(shape, stored, facts, settled_before=until))
    return tuple(found)


def _doubled(warehouse: Warehouse, org: str, day: date) -> pl.DataFrame:
    """Return the metrics that raw has less often; a session may emit the same one twice.

    Where raw is not kept, nothing is known and nothing is returned.
    """
    repeated = reads.repeated_metrics(warehouse, org, day)
    row = list(reads.METRIC_ROW)
    shape = {name: SESSION_METRICS.frame_schema[name] for name in row}
    nothing = pl.DataFrame(schema={**shape, "row_count": pl.Int64, "raw_count": pl.Int64})
    if repeated.is_empty():
        return nothing
    ids = set(repeated["conversation_id"].drop_nulls())
    raw = reads.metrics_from_raw(warehouse, org, day, of=ids)
    if raw is None:
        return nothing
    counted = raw.group_by(row).agg(raw_count=pl.len().cast(pl.Int64))
    both = repeated.cast({**shape, "row_count": pl.Int64}).join(
        counted, on=row, how="left", nulls_equal=True
    )
    more = both.with_columns(pl.col("raw_count").fill_null(0))
    return more.filter(pl.col("row_count") > pl.col("raw_count")).sort(row)
