"""How final a day of the world is.

Belongs here: the least final of the orgs' partitions. Elsewhere: an org's own (raw/finality.py),
the log that has them (warehouse/partition_states.py).
"""

from __future__ import annotations

from datetime import date

from aggregation_platform.assembly import Assembly
from aggregation_platform.raw.finality import Finality, slowest
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.partition_states import orgs_missing, partition_states


def finality_of_the_world(assembly: Assembly, table: Table, day: date) -> Finality:
    """Return the least final of the orgs' partitions; provisional while an org is missing."""
    states = partition_states(assembly.warehouse, table, day, day)
    if orgs_missing(states, assembly.config.orgs_on(day), day):
        return Finality.PROVISIONAL
    return slowest(Finality(state) for state in states["finality"])
