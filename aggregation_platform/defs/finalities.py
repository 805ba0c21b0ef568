"""How final a day of the world is.

Belongs here: the least final of the orgs' partitions. Elsewhere: an org's own (raw/finality.py),
the log that has them (warehouse/partition_states.py).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.membership import orgs_of
from aggregation_platform.defs.partitions import day_of
from aggregation_platform.raw.finality import Finality, slowest
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Finality as Stamp


def finality_of_the_world(assembly: Assembly, table: Table, day: date) -> Finality:
    """Return the least final of the counted orgs' partitions; provisional while one is missing."""
    orgs = orgs_of(assembly, day)
    if orgs.missing:
        return Finality.PROVISIONAL
    states = partition_states(assembly.warehouse, table, day, day)
    counted = states.filter(pl.col("org").is_in(orgs.counted))["finality"]
    return slowest(Finality(state) for state in counted)


def finality_of_raw(assembly: Assembly, partition: Partition) -> Stamp:
    """Return how final the raw rows of an org's day are, of which everything else is made."""
    day = day_of(partition)
    states = partition_states(assembly.warehouse, RAW, day, day)
    mine: list[Stamp] = states.filter(pl.col("org") == partition.org)["finality"].to_list()
    return mine[0] if mine else "provisional"
