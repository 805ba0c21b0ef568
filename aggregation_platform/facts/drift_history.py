"""Since when an org's records have had something that was not known.

Belongs here: continuing what was seen before by what a partition holds now.
Elsewhere: finding it (drift.py), keeping it (ops.drift, warehouse/).
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from aggregation_platform.tables import INSTANT

KEY = ("org", "kind", "path", "value")
_KEPT = ("first_seen_at", "example")


def continued(
    known: pl.DataFrame, found: pl.DataFrame, *, seen_at: datetime, run_id: str
) -> pl.DataFrame:
    """Return the rows of `ops.drift` to put in the place of those with the same key.

    What was known keeps when it was first seen, and its example. `seen_count` is that of the
    partition that was read last.

    Args:
        known: Rows of `ops.drift`, of that org at least.
        found: What `drift_of` found in a partition, added up.
        seen_at: When the partition was read.
        run_id: The run that read it.
    """
    counted = found.group_by(KEY).agg(
        pl.col("count").sum().alias("seen_count"), pl.col("conversation_id").min()
    )
    at = pl.lit(seen_at, INSTANT)
    return (
        counted.join(known.select(*KEY, *_KEPT), on=KEY, how="left")
        .select(
            *KEY,
            pl.coalesce("first_seen_at", at).alias("first_seen_at"),
            at.alias("last_seen_at"),
            "seen_count",
            pl.coalesce("example", "conversation_id").alias("example"),
            pl.lit(run_id).alias("run_id"),
        )
        .sort(KEY)
    )


def news(known: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return what of `found` (as `continued` gives it) nobody has been told of yet.

    Each org invents its own attributes: while nothing is known of an org, its attributes are its
    stock, and no news.
    """
    fresh = found.join(known, on=KEY, how="anti")
    stocked = pl.col("org").is_in(known.filter(pl.col("kind") == "attribute")["org"].implode())
    return fresh.filter((pl.col("kind") != "attribute") | stocked)
