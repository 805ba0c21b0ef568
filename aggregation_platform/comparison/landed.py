"""Metrics that are landed and not counted: those that explain what a day has too little of.

Belongs here: looking for them in the landing zone, on the day itself and on the days beside it, and
why each is not counted. Elsewhere: what differs (rollups/reconciliation.py).

Pages of three days are read only where the org has more than we do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.comparison import reads
from aggregation_platform.errors import LandingError
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.intervals import Interval
from aggregation_platform.raw.conversations import raw_conversations
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.reconciliation import CELL, in_cells
from aggregation_platform.tables import Partition


class Reason(StrEnum):
    """Why a metric that is landed does not count."""

    NOT_LOADED = "landed with its own day, which has not been loaded since"
    BEFORE_MIDNIGHT = (
        "landed with the day before: its record was over when the day began, and it was emitted "
        "after midnight"
    )
    LATER_DAY = "landed with the day after alone: the org had it after its day was fetched"


NOT_COUNTED = pl.Schema(
    {
        **{name: SESSION_METRICS.frame_schema[name] for name in reads.METRIC_ROW},
        **{
            name: pl.Datetime("us", "UTC") if name == "interval_start" else pl.String()
            for name in CELL
            if name != "metric"
        },
        "landed_with": pl.Date(),
        "reason": pl.String(),
    }
)


@dataclass(frozen=True)
class LandedNotCounted:
    """What explains that a day has too little, as far as it is stored here.

    Args:
        metrics: One row per metric: NOT_COUNTED.
        rejects: What was set aside of the day: conversation_id, level, name, reason, path. Any of
            these may be missing in a figure.
        unread: Days whose pages could not be looked through, and why.
        asked_without_margin: The day's job asked from midnight on, as jobs did before they asked
            from a margin.
    """

    metrics: pl.DataFrame
    rejects: pl.DataFrame
    unread: dict[date, str]
    asked_without_margin: bool


NOTHING = LandedNotCounted(
    metrics=pl.DataFrame(schema=NOT_COUNTED),
    rejects=pl.DataFrame(
        schema=dict.fromkeys(("conversation_id", "level", "name", "reason", "path"), pl.String())
    ),
    unread={},
    asked_without_margin=False,
)


def landed_not_counted(
    assembly: Assembly, org: str, day: date, differences: pl.DataFrame, counted: pl.DataFrame
) -> LandedNotCounted:
    """Look for metrics of the cells in which the org has more than we do.

    Args:
        assembly: Where warehouse and landing zone are.
        org: Our key of the organization.
        day: The day that differs.
        differences: Of a `Reconciliation` with the org.
        counted: `facts.session_metrics` in the cells that differ.
    """
    lacking = differences.filter((pl.col("count_difference") < 0) | (pl.col("ms_difference") < 0))
    if lacking.is_empty():
        return NOTHING
    found, unread = [NOTHING.metrics], dict[date, str]()
    known = counted.select(*reads.METRIC_ROW)
    for other, reason in (
        (day, Reason.NOT_LOADED),
        (day - timedelta(days=1), Reason.BEFORE_MIDNIGHT),
        (day + timedelta(days=1), Reason.LATER_DAY),
    ):
        try:
            for metrics in _metrics_landed_with(assembly, org, other, of=day):
                mine = in_cells(metrics, lacking).join(
                    known, on=list(reads.METRIC_ROW), how="anti", nulls_equal=True
                )
                known = pl.concat([known, mine.select(*reads.METRIC_ROW)])
                told = mine.with_columns(
                    landed_with=pl.lit(other, pl.Date), reason=pl.lit(reason.value)
                )
                found.append(told.select(*NOT_COUNTED))
        except LandingError as error:
            unread[other] = str(error)
    return LandedNotCounted(
        metrics=pl.concat(found).sort(*CELL, "conversation_id"),
        rejects=reads.rejects(assembly.warehouse, org, day),
        unread=unread,
        asked_without_margin=_asked_without_margin(assembly, org, day),
    )


def _metrics_landed_with(
    assembly: Assembly, org: str, landed: date, *, of: date
) -> Iterator[pl.DataFrame]:
    """Yield the metrics that one day's pages have of another day; raw's where pages are gone."""
    pages = assembly.landing.landed_day(org, landed)
    if pages is not None:
        rows = iter(raw_conversations(pages.pages, org=org, day=of))
    else:
        rows = assembly.warehouse.read_batches(RAW, [Partition(org, landed)])
    for batch in rows:
        yield facts_of(batch, org=org, day=of).session_metrics


def _asked_without_margin(assembly: Assembly, org: str, day: date) -> bool:
    current = assembly.landing.current(org, day)
    begun = current.begun() if current is not None else None
    return begun is not None and begun.start >= Interval.of_day(day).start
