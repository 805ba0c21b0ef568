"""The definitions of one configuration, put together.

Belongs here: the list. Elsewhere: each kind of definition in its file.
"""

from __future__ import annotations

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.defs.asset_checks import asset_checks
from aggregation_platform.defs.assets.directory import directory_assets
from aggregation_platform.defs.assets.facts import facts_assets
from aggregation_platform.defs.assets.identity import identity_assets
from aggregation_platform.defs.assets.journeys import journeys_assets
from aggregation_platform.defs.assets.raw import raw_assets
from aggregation_platform.defs.assets.rollups import rollups_assets
from aggregation_platform.defs.io_managers import WarehouseIOManager
from aggregation_platform.defs.jobs import jobs
from aggregation_platform.defs.partitions import partitions_of
from aggregation_platform.defs.run_log import ending_sensors
from aggregation_platform.defs.sensors import sensors
from aggregation_platform.defs.snowflake_resource import snowflake_resources


def build_definitions(config: PlatformConfig, assembly: Assembly | None = None) -> dg.Definitions:
    """Return everything Dagster is told. Loads without network, secrets or a warehouse.

    Args:
        config: The configuration; its variables may be missing.
        assembly: The parts behind the assets; None: those the configuration names.
    """
    parts = assembly or Assembly(config)
    partitions = partitions_of(config)
    return dg.Definitions(
        assets=[
            *raw_assets(partitions),
            *facts_assets(partitions),
            *directory_assets(partitions),
            *identity_assets(partitions),
            *journeys_assets(partitions),
            *rollups_assets(partitions),
        ],
        asset_checks=asset_checks(partitions),
        jobs=jobs(partitions),
        sensors=[*sensors(partitions), *ending_sensors()],
        resources={
            "assembly": parts,
            "warehouse": WarehouseIOManager(parts),
            **snowflake_resources(config),
        },
        executor=dg.in_process_executor,
    )
