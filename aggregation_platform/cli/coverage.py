"""Which org-days a figure of the rollups covers, and how final each is.

Belongs here: reading the partition log, and what a rollup older than its facts means.
Elsewhere: the figures (rollups/aht.py), who writes the log (warehouse/).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Warehouse

ROLLED_UP = "SELECT DISTINCT org, day FROM rollups.handle_time WHERE day BETWEEN ? AND ?"


def read_coverage(warehouse: Warehouse, first: date, last: date) -> pl.DataFrame:
    """Return the org-days that `rollups.handle_time` covers: org, day, finality."""
    facts = partition_states(warehouse, SESSION_METRICS, first, last)
    rollups = partition_states(warehouse, HANDLE_TIME, first, last)
    return coverage(facts, rollups, warehouse.query(ROLLED_UP, (first, last)))


def coverage(facts: pl.DataFrame, rollups: pl.DataFrame, rolled_up: pl.DataFrame) -> pl.DataFrame:
    """Return one row per covered org and day: org, day, finality.

    An org-day is covered when its facts are loaded and the day is rolled up. Where the facts are
    newer than the rollup, it is provisional, whatever the facts are; and it is not covered when
    the rollup has nothing of that org although the facts have rows: they came after it.

    Args:
        facts: Partition log of the facts: org, day, rows, written_at, finality.
        rollups: Partition log of the rollup: day, written_at.
        rolled_up: The orgs and days that have rows in the rollup.
    """
    both = facts.join(rollups.select("day", rolled_up_at="written_at"), on="day", how="inner")
    present = rolled_up.select("org", "day", is_present=pl.lit(value=True))
    judged = both.join(present, on=["org", "day"], how="left").with_columns(
        is_older=pl.col("rolled_up_at") < pl.col("written_at"),
        is_present=pl.col("is_present").fill_null(value=False),
    )
    came_after = pl.col("is_older") & ~pl.col("is_present") & (pl.col("rows") > 0)
    provisional = pl.when("is_older").then(pl.lit("provisional")).otherwise("finality")
    return judged.filter(~came_after).select("org", "day", provisional.alias("finality"))


def not_expected(config: PlatformConfig, days: Sequence[date]) -> pl.DataFrame:
    """Return the org-days before an org's first day: nothing is missing there."""
    pairs = [
        (entry.org, day) for entry in config.organizations for day in days if day < entry.first_day
    ]
    return pl.DataFrame(
        pairs, schema={"org": pl.String, "day": pl.Date}, orient="row"
    ).with_columns(finality=pl.lit("final"))
