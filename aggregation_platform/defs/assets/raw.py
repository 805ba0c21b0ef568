"""raw: what each org's API returned for a UTC day, verbatim.

Belongs here: the asset. Elsewhere: jobs, pages and resuming (extraction/), which records of the
pages belong to the day (raw/conversations.py).
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import asset_of
from aggregation_platform.defs.io_managers import PartitionOutput
from aggregation_platform.defs.partitions import Partitions, partition_of
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.extraction.ledger import ledger_entry
from aggregation_platform.extraction.org_day import extract_org_day
from aggregation_platform.extraction.outcome import Extracted, OrgDay, Progress
from aggregation_platform.raw.conversations import RawConversations, raw_conversations
from aggregation_platform.raw.finality import finality_of
from aggregation_platform.raw.tables import CONVERSATIONS
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import LedgerEntry, PartitionWritten


def raw_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""

    @asset_of(CONVERSATIONS, partitions.org_days, kind="genesys")
    def conversations(
        context: dg.AssetExecutionContext, assembly: dg.ResourceParam[Assembly]
    ) -> PartitionOutput:
        found = extracted_of(context, assembly)
        return _Landed(assembly, found, context.run.run_id).output()

    return [conversations]


def order_of(assembly: Assembly, partition: Partition) -> OrgDay:
    """Return what is to be fetched for an org's day.

    Raises:
        ConfigurationError: If the org is not configured, or the day is before its first.
    """
    organization = assembly.config.organization(partition.org or "")
    if partition.day is None or partition.day < organization.first_day:
        raise ConfigurationError(
            f"{partition}: {organization.org} is not fetched before its first_day, "
            f"{organization.first_day}; move first_day in platform.yaml back to fetch it."
        )
    return OrgDay(
        org=organization.org,
        day=partition.day,
        page_size=organization.page_size,
        epoch=assembly.grant.epoch,
    )


def extracted_of(context: dg.AssetExecutionContext, assembly: Assembly) -> Extracted:
    """Fetch the run's org and day, going on from what is stored."""
    order = order_of(assembly, partition_of(context.partition_key, CONVERSATIONS.partitioned_by))

    def tell(progress: Progress) -> None:
        context.log.info(
            "%s %s: %s, %s pages, %s conversations",
            progress.org,
            progress.day,
            progress.state,
            progress.pages,
            progress.conversations,
        )

    return extract_org_day(
        assembly.client(order.org),
        assembly.landing,
        assembly.local_state,
        order,
        clock=assembly.clock,
        progress=tell,
    )


class _Landed:
    """Landed pages on their way to the warehouse, and what is told about them once they ran out."""

    def __init__(self, assembly: Assembly, found: Extracted, run_id: str) -> None:
        self._assembly = assembly
        self._found = found
        self._run_id = run_id
        self._rows: RawConversations = raw_conversations(
            found.landed.pages, org=found.org, day=found.day
        )

    def output(self) -> PartitionOutput:
        return PartitionOutput(
            frames=self._frames(),
            finality=finality_of(
                OrgDay(org=self._found.org, day=self._found.day).interval,
                data_available_to=self._found.data_available_to,
                read_at=self._found.fetched_at,
                reread_days=self._assembly.config.freshness.reread_days,
            ).value,
            ledger=self._ledger,
            metadata=self._metadata,
            committed=self._committed,
        )

    def _frames(self) -> Iterator[pl.DataFrame]:
        yield from self._rows

    def _ledger(self) -> list[LedgerEntry]:
        return [ledger_entry(self._found, rows=self._rows.counts)]

    def _metadata(self) -> Mapping[str, Any]:
        counts, found = self._rows.counts, self._found
        end = OrgDay(org=found.org, day=found.day).interval.end
        behind = end - found.data_available_to if found.data_available_to else None
        return {
            "pages": found.pages,
            "bytes_fetched": found.bytes,
            "records": counts.records,
            "duplicates": counts.duplicates,
            "orphans": counts.orphans,
            "details_jobs": found.jobs_submitted,
            "data_available_to": str(found.data_available_to),
            "hours_missing": max(behind, timedelta(0)) / timedelta(hours=1) if behind else 0.0,
            "attempt": found.attempt_id,
        }

    def _committed(self, _: PartitionWritten) -> None:
        self._found.mark_loaded(run_id=self._run_id, now=self._assembly.clock.now())
