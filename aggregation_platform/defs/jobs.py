"""Jobs: what one run does.

Belongs here: which assets go together. Elsewhere: when they run (schedules.py, sensors.py).

Small assets run in one process: a process for each step costs forty times the step.
"""

from __future__ import annotations

import dagster as dg

from aggregation_platform.defs.partitions import Partitions
from aggregation_platform.defs.repetition import repeat_if_the_warehouse_was_held
from aggregation_platform.defs.source_checks import SOURCE_CHECKS, reconcile_job
from aggregation_platform.identity.tables import QUEUE_NAMES

ORG_DAY = "org_day"
WORLD_DAY = "world_day"
DIRECTORY = "org_directory"
IDENTITY = "world_identity"
RECONCILE = "reconcile_org_day"


def jobs(partitions: Partitions) -> list[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]:
    """Return the jobs: an org's day and its comparison with the org, a day of the world, …."""
    asks_the_org = dg.AssetSelection.checks(*SOURCE_CHECKS.values())
    queue_names = dg.AssetSelection.assets([QUEUE_NAMES.layer, QUEUE_NAMES.name])
    return [
        dg.define_asset_job(
            ORG_DAY,
            selection=dg.AssetSelection.groups("raw", "facts") - asks_the_org | queue_names,
            executor_def=dg.in_process_executor,
            hooks={repeat_if_the_warehouse_was_held},
            description="Fetch an org's UTC day and make its facts.",
        ),
        dg.define_asset_job(
            WORLD_DAY,
            selection=dg.AssetSelection.groups("rollups", "journeys"),
            executor_def=dg.in_process_executor,
            description="Add up a UTC day of all orgs.",
        ),
        dg.define_asset_job(
            DIRECTORY,
            selection=dg.AssetSelection.groups("directory"),
            executor_def=dg.in_process_executor,
            description="List an org's users, queues and the rest.",
        ),
        dg.define_asset_job(
            IDENTITY,
            selection=dg.AssetSelection.groups("identity") - queue_names,
            executor_def=dg.in_process_executor,
            description="Map queues and agents of all orgs to global ones.",
        ),
        reconcile_job(RECONCILE, partitions),
    ]
