"""directory: who and what each org has, with its history.

Belongs here: the assets. Elsewhere: listings (genesys/), versions (directory/listings.py).
"""

from collections.abc import Iterator

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import outs_of
from aggregation_platform.defs.io_managers import PartitionOutput
from aggregation_platform.defs.partitions import Partitions
from aggregation_platform.directory.listings import listing_of, next_history
from aggregation_platform.directory.tables import (
    DIVISIONS,
    GROUPS,
    QUEUES,
    SKILLS,
    TABLES,
    USERS,
    WRAP_UP_CODES,
)
from aggregation_platform.genesys.reference import Listing
from aggregation_platform.tables import Partition, Table

_LISTINGS = {
    USERS.key: Listing.USERS,
    QUEUES.key: Listing.QUEUES,
    WRAP_UP_CODES.key: Listing.WRAPUP_CODES,
    DIVISIONS.key: Listing.DIVISIONS,
    SKILLS.key: Listing.SKILLS,
    GROUPS.key: Listing.GROUPS,
}


def directory_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""

    @dg.multi_asset(
        name="directory",
        outs=outs_of(TABLES, kind="genesys"),
        partitions_def=partitions.orgs,
    )
    def directory(
        context: dg.AssetExecutionContext, assembly: dg.ResourceParam[Assembly]
    ) -> Iterator[dg.Output[PartitionOutput]]:
        for table in TABLES:
            yield dg.Output(listed(assembly, table, context.partition_key), output_name=table.name)

    return [directory]


def listed(assembly: Assembly, table: Table, org: str) -> PartitionOutput:
    """List one kind of entity of one org, and continue its history."""
    grant = assembly.grant  # brings the tables there before the history is read
    found = assembly.client(org).listing(_LISTINGS[table.key])
    history = next_history(
        assembly.warehouse.read(table, [Partition(org=org)]),
        listing_of(table, found, org=org),
        table=table,
        seen_at=assembly.clock.now(),
        whole=found.whole,
    )
    return PartitionOutput(
        history,
        finality="final",
        metadata=lambda: {"listed": len(found), "whole": found.whole, "epoch": grant.epoch},
    )
