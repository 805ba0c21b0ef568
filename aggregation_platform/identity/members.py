"""Label rows with what their ids mean on a day; nothing is dropped, whatever is unknown.

Belongs here: the mapping valid on a day, and the joins that add names and global members.
Elsewhere: how mappings arise (queues.py, agents.py).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from aggregation_platform.identity.tables import NONE, UNMAPPED


def valid_on(mappings: pl.DataFrame, day: date) -> pl.DataFrame:
    """Keep the rows of `identity.queues` or `identity.agents` that hold on the day: one per id."""
    return mappings.filter(pl.col("valid_from") <= day, pl.col("valid_to") > day)


def with_queue_members(cells: pl.DataFrame, queues: pl.DataFrame, day: date) -> pl.DataFrame:
    """Add `queue_name` and `global_queue` to rows that have `org` and `queue_id` (never null).

    `(none)` stays `(none)`; a queue without a mapping on the day is `(unmapped)`.
    """
    names = valid_on(queues, day).select("org", "queue_id", "queue_name", "global_queue")
    return cells.join(
        names, on=["org", "queue_id"], how="left", maintain_order="left"
    ).with_columns(_member("queue_name", of="queue_id"), _member("global_queue", of="queue_id"))


def with_agent_members(cells: pl.DataFrame, agents: pl.DataFrame, day: date) -> pl.DataFrame:
    """Add `global_agent_id` to rows that have `org` and `user_id` (never null)."""
    names = valid_on(agents, day).select("org", "user_id", "global_agent_id")
    return cells.join(names, on=["org", "user_id"], how="left", maintain_order="left").with_columns(
        _member("global_agent_id", of="user_id")
    )


def _member(name: str, *, of: str) -> pl.Expr:
    absent = pl.when(pl.col(of) == NONE).then(pl.lit(NONE)).otherwise(pl.lit(UNMAPPED))
    return pl.coalesce(pl.col(name), absent).alias(name)
