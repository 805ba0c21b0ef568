"""What happened in each queue by half hour: offered, answered, abandoned, passed on, too late.

Belongs here: which metrics are which figure, and their sums.
Elsewhere: cells (cells.py), what the agents did (handle_time.py), the names (identity/members.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from aggregation_platform.identity.members import with_queue_members
from aggregation_platform.rollups.cells import QUEUE_IDS, Measure, cells_of, shaped, sum_of
from aggregation_platform.rollups.tables import QUEUE_INTERVALS

MEASURES = (
    Measure("offered_count", "nOffered", "sum"),
    Measure("answered_count", "tAnswered", "count"),
    Measure("answered_ms", "tAnswered", "sum"),
    Measure("abandoned_count", "tAbandon", "count"),
    Measure("abandoned_ms", "tAbandon", "sum"),
    Measure("short_abandoned_count", "tShortAbandon", "count"),
    Measure("flowed_out_count", "tFlowOut", "count"),
    Measure("transferred_count", "nTransferred", "sum"),
    Measure("blind_transferred_count", "nBlindTransferred", "sum"),
    Measure("consult_transferred_count", "nConsultTransferred", "sum"),
    Measure("over_sla_count", "nOverSla", "sum"),
    Measure("not_responding_count", "tNotResponding", "count"),
    Measure("acd_count", "tAcd", "count"),
    Measure("acd_ms", "tAcd", "sum"),
)

METRICS = tuple(dict.fromkeys(measure.metric for measure in MEASURES))
"""The metrics that a reader of `facts.session_metrics` may restrict itself to."""


def queue_intervals(
    session_metrics: pl.DataFrame | Iterable[pl.DataFrame], *, day: date, queues: pl.DataFrame
) -> pl.DataFrame:
    """Return `rollups.queue_intervals` of one UTC day, of one org or of many.

    Offered and answered of one call may stand in two half hours: each metric counts on its own
    emit time, so answered + abandoned is not offered within a row, only in the long run.

    Args:
        session_metrics: `facts.session_metrics` of that day, whole or in chunks of any cut.
        day: The partition's day.
        queues: `identity.queues`.
    """
    chunks = [session_metrics] if isinstance(session_metrics, pl.DataFrame) else session_metrics
    parts = (cells_of(chunk, QUEUE_IDS, MEASURES) for chunk in chunks)
    cells = with_queue_members(sum_of(parts, QUEUE_IDS, MEASURES), queues, day)
    return shaped(cells.with_columns(day=pl.lit(day, pl.Date)), QUEUE_INTERVALS)
