"""One org's day: what is stored, beside the org's own aggregates.

Belongs here: the whole comparison of a day and what explains a difference. Elsewhere: what is
stored alone (stored.py), what is landed and not counted (landed.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.comparison import reads
from aggregation_platform.comparison.landed import NOTHING, LandedNotCounted, landed_not_counted
from aggregation_platform.comparison.stored import StoredComparison, compare_stored
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.intervals import Interval
from aggregation_platform.rollups.reconciliation import (
    Reconciliation,
    behind,
    in_cells,
    reconciled,
    source_cells,
)
from aggregation_platform.tables import Partition


@dataclass(frozen=True)
class DayComparison:
    """An org's day, compared.

    Args:
        until: Half hours that end later were left out, as not settled.
        stored: What the warehouse holds, compared with itself.
        report: Our facts beside the org's own aggregates; None: the org was not asked.
        conversations: Those in the cells that differ, as `rollups.reconciliation.behind` names
            them, the explaining ones first.
        not_counted: What is landed and explains why we have less than the org.
    """

    org: str
    day: date
    until: datetime
    stored: StoredComparison
    report: Reconciliation | None
    conversations: pl.DataFrame
    not_counted: LandedNotCounted

    @property
    def has_settled(self) -> bool:
        """Whether any of the day could be compared."""
        return self.until > Interval.of_day(self.day).start

    @property
    def main(self) -> Reconciliation:
        """The comparison that the day's figures are shown of: with the org, if it was asked."""
        return self.stored.published if self.report is None else self.report

    @property
    def rollup_difference_count(self) -> int:
        """Cells of handle time that differ from the facts, and keys of any rollup that do."""
        keys = {
            (each.table, key) for each in self.stored.rollups for key in each.differences["key"]
        }
        return max(self.stored.published.differences.height, len(keys))

    @property
    def agrees(self) -> bool:
        """Whether what was compared is the same in every cell."""
        return self.stored.agrees and (self.report is None or self.report.agrees)


def compare_org_day(
    assembly: Assembly, org: str, day: date, *, asks_org: bool = True
) -> DayComparison | None:
    """Compare one org's day; None if it is not loaded.

    Args:
        assembly: Where warehouse, landing zone and org are.
        org: Our key of the organization.
        day: The UTC day.
        asks_org: Whether to compare with the org's own aggregates, too; that needs its secret.

    Raises:
        SourceError: If the org does not answer.
        WarehouseError: If the warehouse cannot be read.
    """
    until = reads.settled_until(assembly.warehouse, org, day)
    if until is None:
        return None
    stored = compare_stored(assembly.warehouse, org, day, until)
    if not asks_org:
        nobody = behind(stored.published.differences.clear(), SESSION_METRICS.empty())
        return DayComparison(org, day, until, stored, None, nobody, NOTHING)
    rows = assembly.client(org).handle_time_aggregates(Interval.of_day(day))
    report = reconciled(stored.cells, source_cells(rows, org=org), settled_before=until)
    here = _in_differing_cells(assembly, org, day, report)
    return DayComparison(
        org=org,
        day=day,
        until=until,
        stored=stored,
        report=report,
        conversations=_behind(assembly, org, day, report, here),
        not_counted=landed_not_counted(assembly, org, day, report.differences, here),
    )


def _in_differing_cells(
    assembly: Assembly, org: str, day: date, report: Reconciliation
) -> pl.DataFrame:
    """Return the metrics of the cells that differ, with their CELL."""
    partitions = [] if report.agrees else [Partition(org, day)]  # of none there are no rows
    batches = assembly.warehouse.read_batches(
        SESSION_METRICS, partitions, columns=reads.METRIC_COLUMNS
    )
    found = [in_cells(batch, report.differences) for batch in batches]
    empty = SESSION_METRICS.empty().select(*reads.METRIC_COLUMNS)
    return pl.concat([in_cells(empty, report.differences), *found])


def _behind(
    assembly: Assembly, org: str, day: date, report: Reconciliation, here: pl.DataFrame
) -> pl.DataFrame:
    """Name the conversations of the cells that differ; raw is read only if there are any."""
    rebuilt = None if report.agrees else reads.metrics_from_raw(assembly.warehouse, org, day)
    return behind(report.differences, here, rebuilt)
