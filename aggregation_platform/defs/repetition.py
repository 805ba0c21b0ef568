"""Runs that are repeated by themselves: the tags that say so, when, and how often.

Belongs here: what a run notes about its own repetition, and noticing that the warehouse was held.
Elsewhere: making the repetition (sensors.py), an organization that sent a run away (assets/raw.py),
who holds the warehouse (warehouse/duckdb_file.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.errors import WarehouseBusyError
from aggregation_platform.extraction.day_reading import Way
from aggregation_platform.raw.tables import CONVERSATIONS

WAY_TAG = "aggregation_platform/source"
"""A run's tag that says where pages come from: job (default), tail or landing."""

RUN_AGAIN_TAGS = {"aggregation_platform/run_again": "waiting"}
"""Tags of a run that an org sent away, or did not answer for longer than a run may wait, or that
found the warehouse held. A sensor repeats it, so that a backfill outlives an outage."""

RUN_AGAIN_AT = "aggregation_platform/run_again_at"

REPEATED_TAG = "aggregation_platform/repeated"
"""How often a run's work was repeated before it."""

OUTAGE_REST = timedelta(minutes=10)
MOST_REPETITIONS = 6
"""After an outage; each rest is twice the one before, ten hours in all."""


def again_after_outage(tags: Mapping[str, str]) -> timedelta | None:
    """Return how long a run with these tags rests before it is repeated: ever longer.

    None: it was repeated often enough.
    """
    repeated = int(tags.get(REPEATED_TAG, "0"))
    return OUTAGE_REST * 2**repeated if repeated < MOST_REPETITIONS else None


@dg.failure_hook(name="repeat_if_the_warehouse_was_held", required_resource_keys={"assembly"})
def repeat_if_the_warehouse_was_held(context: dg.HookContext) -> None:
    """Note when the run is to be repeated; after the last repetition it stays failed.

    Raw rows that are committed are not fetched again: the repetition takes them from the landing
    zone.
    """
    run = context.instance.get_run_by_id(context.run_id)
    if run is None or RUN_AGAIN_AT in run.tags or not _was_held(context.op_exception):
        return
    rest = again_after_outage(run.tags)
    if rest is None:
        context.log.error("the warehouse was held each time; this run is not repeated any more")
        return
    assembly: Assembly = context.resources.assembly
    at = assembly.clock.now() + rest
    tags = {**RUN_AGAIN_TAGS, RUN_AGAIN_AT: at.isoformat()}
    if context.op.name != f"{CONVERSATIONS.layer}__{CONVERSATIONS.name}":
        tags[WAY_TAG] = Way.LANDING.value
    context.instance.add_run_tags(context.run_id, tags)
    context.log.warning("this run is repeated by itself after %s UTC", at.strftime("%F %H:%M"))


def _was_held(error: BaseException | None) -> bool:
    """Whether the error, or one that it was raised from, says that the warehouse was held."""
    while error is not None and not isinstance(error, WarehouseBusyError):
        error = error.__cause__ or getattr(error, "user_exception", None)
    return error is not None
