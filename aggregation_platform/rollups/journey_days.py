"""How many customers came, against how many conversations were counted.

Belongs here: contacts of a day over all orgs. Elsewhere: what a contact is (journeys/).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from aggregation_platform.rollups.tables import JOURNEY_DAYS

COUNTS = (
    "contact_count",
    "cross_org_contact_count",
    "leg_count",
    "conversation_count",
    "handled_count",
    "handle_ms",
)
"""What is counted by org and day."""


def journey_days(journeys: pl.DataFrame, conversations: pl.DataFrame, *, day: date) -> pl.DataFrame:
    """Return `rollups.journey_days` of one UTC day: one row per org that had anything.

    The world's figure is the sum over orgs: a contact counts in the org of its first leg alone.

    Args:
        journeys: `journeys.journeys` of that day.
        conversations: `facts.conversations` of that day, all orgs (`org`, `started_at`); those
            that began earlier were counted on their own day.
        day: The partition's day.
    """
    contacts = journeys.group_by(org="first_org").agg(
        contact_count=pl.len().cast(pl.Int64),
        cross_org_contact_count=(pl.col("org_count") > 1).sum().cast(pl.Int64),
        leg_count=pl.col("leg_count").sum().cast(pl.Int64),
        handled_count=pl.col("handled_count").sum(),
        handle_ms=pl.col("handle_ms").sum(),
    )
    begun = (
        conversations.filter(pl.col("started_at").dt.date() == day)
        .group_by("org")
        .agg(conversation_count=pl.len().cast(pl.Int64))
    )
    joined = contacts.join(begun, on="org", how="full", coalesce=True)
    return joined.select(
        pl.lit(day, pl.Date).alias("day"), "org", *(pl.col(name).fill_null(0) for name in COUNTS)
    ).sort(JOURNEY_DAYS.schema.primary_key())
