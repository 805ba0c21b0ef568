"""What the stored listings and records call queues and accounts.

Belongs here: the reads. Elsewhere: what follows from them (identity/).
"""

from __future__ import annotations

import polars as pl

from aggregation_platform.directory.tables import QUEUES, USERS
from aggregation_platform.identity.tables import QUEUE_NAMES
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import Warehouse

_EVERY = (Partition(),)


def listed_queues(warehouse: Warehouse) -> pl.DataFrame:
    """Return `directory.queues` of all orgs: one row per version of a queue."""
    return warehouse.read(QUEUES, _EVERY)


def recorded_queue_names(warehouse: Warehouse) -> pl.DataFrame:
    """Return `identity.queue_names` of all orgs and days: what records called each queue."""
    return warehouse.read(QUEUE_NAMES, _EVERY)


def listed_users(warehouse: Warehouse) -> pl.DataFrame:
    """Return `directory.users` of all orgs: one row per version; e-mail addresses are in it."""
    return warehouse.read(USERS, _EVERY)
