"""One org's day beside the org's own report, and beside what we publish of it.

Belongs here: gathering the sides from warehouse and org, handle time and number of conversations.
Elsewhere: comparing them (rollups/reconciliation.py), choosing the days and printing
(cli/reconcile.py), the asset checks (defs/source_checks.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.intervals import Interval
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.handle_time import MEASURES, METRICS
from aggregation_platform.rollups.reconciliation import (
    CELL,
    CELLS,
    Reconciliation,
    behind,
    our_cells,
    reconciled,
    source_cells,
)
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Warehouse

_HALF_HOUR = timedelta(minutes=30)
_FACTS = """
SELECT org, conversation_id, session_id, session_number, user_id, queue_id, media_type, direction,
    metric, value_ms, emitted_at
FROM facts.session_metrics WHERE org = ? AND day = ? AND metric IN ({marks})
"""
_PUBLISHED = "SELECT * FROM rollups.handle_time WHERE org = ? AND day = ?"
_WATERMARK = """
SELECT MAX(data_available_to) AS until FROM ops.extraction_ledger
WHERE org = ? AND interval_from < ? AND interval_to > ?
"""

_LANDED = """
SELECT COUNT(*) AS started,
    (SELECT COUNT(*) FROM facts.rejects WHERE org = ? AND day = ?
        AND (level = 'record' OR path = 'conversationStart')) AS rejected
FROM facts.conversations WHERE org = ? AND day = ? AND started_at >= ? AND started_at < ?
"""


@dataclass(frozen=True)
class Compared:
    """An org's day, compared.

    Args:
        until: Half hours that end later were left out, as not settled.
        report: Our facts beside the org's own aggregates.
        conversations: Those in the cells that differ, as `rollups.reconciliation.behind` names
            them, the explaining ones first.
        published: `rollups.handle_time` (as "our") beside our facts (as "source").
    """

    org: str
    day: date
    until: datetime
    report: Reconciliation
    conversations: pl.DataFrame
    published: Reconciliation

    @property
    def agrees(self) -> bool:
        """Whether org, facts and rollup have the same in every cell."""
        return self.report.agrees and self.published.agrees


@dataclass(frozen=True)
class Counted:
    """The conversations that began on an org's day, counted by the org and by us.

    Args:
        by_source: As the org counts them; None if it did not say.
        landed: In `facts.conversations`.
        rejected: Records of the day whose start is not known: facts could not read the record, or
            not its start. Parts that were set aside do not count.
    """

    by_source: int | None
    landed: int
    rejected: int

    @property
    def missing(self) -> int:
        """Conversations of the org that are not here, and are not among the rejected."""
        return max(0, (self.by_source or 0) - self.landed - self.rejected)

    @property
    def surplus(self) -> int:
        """Conversations here that the org does not count."""
        return 0 if self.by_source is None else max(0, self.landed - self.by_source)

    @property
    def agrees(self) -> bool:
        """Whether everything that the org counts is here, and nothing else."""
        return self.by_source is not None and not self.missing and not self.surplus


def counted(assembly: Assembly, org: str, day: date) -> Counted:
    """Count an org's conversations of a closed day on both sides.

    The org counts by the synchronous query those that started on the UTC day. While data still
    arrives its count moves, so a day is counted once it is complete.

    Raises:
        SourceError: If the org does not answer.
        WarehouseError: If the warehouse cannot be read.
    """
    whole = Interval.of_day(day)
    told = assembly.client(org).query_details(whole, page_number=1, page_size=1)
    here = assembly.warehouse.query(_LANDED, (org, day, org, day, whole.start, whole.end))
    ((started, rejected),) = here.rows()
    return Counted(by_source=told.total_hits, landed=started, rejected=rejected)


def compared(assembly: Assembly, org: str, day: date) -> Compared | None:
    """Compare one org's day; None if it is not loaded.

    Raises:
        SourceError: If the org does not answer.
        WarehouseError: If the warehouse cannot be read.
    """
    warehouse = assembly.warehouse
    until = settled_until(warehouse, org, day)
    if until is None:
        return None
    metrics = warehouse.query(_FACTS.format(marks=_marks()), (org, day, *METRICS))
    ours = our_cells(metrics)
    told = assembly.client(org).handle_time_aggregates(Interval.of_day(day))
    report = reconciled(ours, source_cells(told, org=org), settled_before=until)
    published = published_cells(warehouse.query(_PUBLISHED, (org, day)))
    return Compared(
        org=org,
        day=day,
        until=until,
        report=report,
        conversations=_behind(warehouse, org, day, report, metrics),
        published=reconciled(published, ours, settled_before=until),
    )


def settled_until(warehouse: Warehouse, org: str, day: date) -> datetime | None:
    """Return up to when a day can be compared; None if it is not loaded.

    A provisional day is comparable up to the watermark that its extraction saw, in half hours.
    """
    states = partition_states(warehouse, SESSION_METRICS, day, day)
    finality = states.filter(pl.col("org") == org)["finality"].to_list()
    if not finality:
        return None
    whole = Interval.of_day(day)
    if finality[0] != "provisional":
        return whole.end
    watermark = warehouse.query(_WATERMARK, (org, whole.end, whole.start))["until"].to_list()[0]
    if watermark is None or watermark <= whole.start:
        return whole.start
    return whole.start + (min(watermark, whole.end) - whole.start) // _HALF_HOUR * _HALF_HOUR


def published_cells(handle_time: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `rollups.handle_time` as cells of one metric each; empty ones left out."""
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
        for metric in METRICS
    ]
    cells = pl.concat(by_metric, how="vertical").select(*CELLS).cast(pl.Schema(CELLS))
    return cells.filter((pl.col("count") != 0) | (pl.col("sum_ms") != 0))


def _behind(
    warehouse: Warehouse, org: str, day: date, report: Reconciliation, metrics: pl.DataFrame
) -> pl.DataFrame:
    """Name the conversations of the cells that differ; read raw again only if there are any."""
    rebuilt = None if report.agrees else _rebuilt(warehouse, org, day)
    return behind(report.differences, metrics, rebuilt)


def _rebuilt(warehouse: Warehouse, org: str, day: date) -> pl.DataFrame | None:
    """Make the metrics anew from raw; None if raw is not kept of that day."""
    kept = partition_states(warehouse, RAW, day, day)
    if kept.filter(pl.col("org") == org).is_empty():
        return None
    batches = warehouse.read_batches(RAW, [Partition(org, day)])
    made = [_compared_metrics(batch, org, day) for batch in batches]
    return pl.concat(made) if made else None


def _compared_metrics(raw: pl.DataFrame, org: str, day: date) -> pl.DataFrame:
    made = facts_of(raw, org=org, day=day).session_metrics
    return made.filter(pl.col("metric").is_in(METRICS))


def _marks() -> str:
    return ", ".join("?" for _ in METRICS)
