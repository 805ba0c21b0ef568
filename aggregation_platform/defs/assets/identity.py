"""identity: one name for one queue, one id for one person, over all orgs.

Belongs here: the assets. Elsewhere: evidence and mappings (identity/), the rules (config/rules.py).
"""

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import asset_of, key_of, outs_of
from aggregation_platform.defs.finalities import finality_of_raw
from aggregation_platform.defs.io_managers import (
    ALL_OF_IT,
    STORED,
    PartitionBatches,
    PartitionOutput,
)
from aggregation_platform.defs.partitions import Partitions, partition_of
from aggregation_platform.defs.pictures import table_of_rows
from aggregation_platform.defs.reviews_shown import to_review
from aggregation_platform.defs.versions import made_by_rules
from aggregation_platform.directory import tables as directory
from aggregation_platform.facts.tables import SESSIONS
from aggregation_platform.identity import agents as persons
from aggregation_platform.identity import queues as mapped
from aggregation_platform.identity.queue_reviews import queue_reviews
from aggregation_platform.identity.tables import (
    AGENT_REVIEWS,
    AGENTS,
    QUEUE_NAMES,
    QUEUE_REVIEWS,
    QUEUES,
)


def identity_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""
    every = dg.AllPartitionMapping()
    stored = {STORED: ALL_OF_IT}  # also of orgs that left: their past keeps its names

    sessions_needed = dg.AssetIn(
        key=key_of(SESSIONS), metadata={"columns": list(mapped.SESSION_COLUMNS)}
    )

    @asset_of(QUEUE_NAMES, partitions.org_days, ins={"sessions": sessions_needed})
    def queue_names(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        sessions: PartitionBatches,
    ) -> PartitionOutput:
        partition = partition_of(context.partition_key, QUEUE_NAMES.partitioned_by)
        return PartitionOutput(
            mapped.queue_names(sessions), finality=finality_of_raw(assembly, partition)
        )

    @dg.multi_asset(
        name="identity__queues",
        ins={
            "listed": dg.AssetIn(
                key=key_of(directory.QUEUES), partition_mapping=every, metadata=stored
            ),
            "names": dg.AssetIn(key=key_of(QUEUE_NAMES), partition_mapping=every, metadata=stored),
        },
        outs=outs_of((QUEUES, QUEUE_REVIEWS)),
    )
    def queues(
        assembly: dg.ResourceParam[Assembly], listed: pl.DataFrame, names: pl.DataFrame
    ) -> tuple[PartitionOutput, PartitionOutput]:
        rules = assembly.rules
        found = mapped.queues(listed, names, rules.queues)
        reviews = queue_reviews(listed, names, rules.queues)
        return (
            PartitionOutput(
                found,
                finality="final",
                alongside=made_by_rules(assembly, QUEUES, rules.version),
                metadata=lambda: {"rules_version": rules.version, "queues": table_of_rows(found)},
            ),
            PartitionOutput(
                reviews,
                finality="final",
                metadata=lambda: to_review(reviews, assembly.config.rules.queues),
            ),
        )

    @dg.multi_asset(
        name="agents",
        ins={
            "users": dg.AssetIn(
                key=key_of(directory.USERS), partition_mapping=every, metadata=stored
            )
        },
        outs=outs_of((AGENTS, AGENT_REVIEWS)),
    )
    def agents(
        assembly: dg.ResourceParam[Assembly], users: pl.DataFrame
    ) -> tuple[PartitionOutput, PartitionOutput]:
        rules = assembly.rules
        found = persons.agents(users, rules.agents)
        reviews = persons.agent_reviews(users, rules.agents)
        return (
            PartitionOutput(
                found,
                finality="final",
                alongside=made_by_rules(assembly, AGENTS, rules.version),
                metadata=lambda: {"rules_version": rules.version},
            ),
            PartitionOutput(
                reviews,
                finality="final",
                metadata=lambda: to_review(reviews, assembly.config.rules.agents),
            ),
        )

    return [queue_names, queues, agents]
