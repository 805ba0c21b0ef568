"""When the mappings of queues and agents were made, and when what they are made of was.

Belongs here: the read. Elsewhere: the mappings (identity/), by which rules (defs/versions.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregation_platform.directory.tables import USERS
from aggregation_platform.identity.tables import QUEUE_NAMES, QUEUES
from aggregation_platform.warehouse.store import Warehouse


@dataclass(frozen=True)
class MappingTimes:
    """When queues were mapped, and when directories and names were last written; None: never."""

    mapped_at: datetime | None
    known_at: datetime | None

    @property
    def is_current(self) -> bool:
        """Whether nothing is known that the mapping could not have."""
        if self.known_at is None:
            return True
        return self.mapped_at is not None and self.mapped_at >= self.known_at


_TIMES = """
    select max(case when table_name = ? then written_at end) as mapped_at,
           max(case when table_name <> ? then written_at end) as known_at
    from ops.partition_log where table_name in (?, ?, ?)
"""


def mapping_times(warehouse: Warehouse) -> MappingTimes:
    """Return the times; one row over all organizations and days."""
    sources = [QUEUES.key, QUEUES.key, QUEUES.key, QUEUE_NAMES.key, USERS.key]
    return MappingTimes(*warehouse.query(_TIMES, sources).row(0))
