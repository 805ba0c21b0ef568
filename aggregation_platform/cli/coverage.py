"""Which org-days a figure of the rollups covers, and how final each is.

Belongs here: reading the partition log, and what a rollup older than its facts means.
Elsewhere: the figures (rollups/aht.py), who writes the log (warehouse/).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.warehouse.membership import Member, members_between
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Warehouse


def read_coverage(warehouse: Warehouse, first: date, last: date) -> pl.DataFrame:
    """Return the org-days that `rollups.handle_time` covers: org, day, finality."""
    facts = partition_states(warehouse, SESSION_METRICS, first, last)
    rollups = partition_states(warehouse, HANDLE_TIME, first, last)
    return coverage(facts, rollups, members_between(warehouse, HANDLE_TIME.key, first, last))


def coverage(facts: pl.DataFrame, rollups: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Return one row per covered org and day: org, day, finality.

    An org-day is covered when its facts are loaded and the day was built with them. Where the
    facts are newer than the rollup, it is provisional, whatever the facts are.

    Args:
        facts: Partition log of the facts: org, day, rows, written_at, finality.
        rollups: Partition log of the rollup: day, written_at.
        members: The orgs and days that the rollup counts.
    """
    both = facts.join(rollups.select("day", rolled_up_at="written_at"), on="day", how="inner")
    is_older = pl.col("rolled_up_at") < pl.col("written_at")
    provisional = pl.when(is_older).then(pl.lit("provisional")).otherwise("finality")
    return both.join(members, on=["org", "day"], how="semi").select(
        "org", "day", provisional.alias("finality")
    )


def until_when(member: Member) -> str:
    """Say until when an org that left is counted."""
    if member.retired_from is not None:
        return f"{member.org}: counted until {member.last_day}, retired from {member.retired_from}."
    return (
        f"{member.org}: counted until {member.last_day}, its last stored day; it is no longer in "
        f"the configuration, see runbooks/retire-an-organization.md."
    )
