"""Runs that are repeated by themselves: an org sent them away, or they met its outage.

Belongs here: reading their tags, which may be missing or malformed, and asking for them again.
Elsewhere: who leaves the tags (repetition.py, assets/raw.py), the sensor (sensors.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.asked_for import PRIORITY_TAG
from aggregation_platform.defs.jobs import ORG_DAY
from aggregation_platform.defs.repetition import (
    REPEATED_TAG,
    RUN_AGAIN_AT,
    RUN_AGAIN_TAGS,
    WAY_TAG,
)
from aggregation_platform.defs.tick import REASON_TAG, Found, SetAside

CARRIED_TAGS = (WAY_TAG, PRIORITY_TAG)
"""What a repetition takes over from the run that it repeats."""
_PARTITION_TAG = "dagster/partition"


def runs_to_repeat(assembly: Assembly, context: dg.SensorEvaluationContext) -> Iterator[Found]:
    """Repeat the runs that an org sent away, or that met its outage, once it is time."""
    waiting = context.instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags=dict(RUN_AGAIN_TAGS))
    )
    now = assembly.clock.now()
    for record in waiting:
        run = record.dagster_run
        repetition = _repetition(run)
        if isinstance(repetition, SetAside):
            yield repetition
        elif repetition.at > now:
            continue
        elif _has_successor(context.instance, record):
            context.instance.add_run_tags(run.run_id, dict.fromkeys(RUN_AGAIN_TAGS, "done"))
        else:
            carried = {name: run.tags[name] for name in CARRIED_TAGS if name in run.tags}
            carried[REPEATED_TAG] = str(repetition.repeated + 1)
            yield dg.RunRequest(
                run_key=f"again/{run.run_id}",
                partition_key=repetition.partition,
                tags={**carried, REASON_TAG: f"again, after run {run.run_id}"},
            )


@dataclass(frozen=True)
class _Repetition:
    """What the tags of a run to be repeated say: of which partition, when, after how many."""

    partition: str
    at: datetime
    repeated: int


def _repetition(run: dg.DagsterRun) -> _Repetition | SetAside:
    """Read the tags of a run to be repeated; a person or an older version may have written them."""
    partition = run.tags.get(_PARTITION_TAG)
    if not partition:
        return SetAside(f"run {run.run_id}", f"its tag {_PARTITION_TAG} is missing")
    try:
        at = datetime.fromisoformat(run.tags.get(RUN_AGAIN_AT, ""))
        repeated = int(run.tags.get(REPEATED_TAG, "0"))
    except ValueError as error:
        return SetAside(
            f"run {run.run_id} of {partition}",
            f"its tag {RUN_AGAIN_AT} or {REPEATED_TAG} cannot be read ({error}); launch the "
            "partition by hand, or remove the tags of the run",
        )
    return _Repetition(partition, at if at.tzinfo else at.replace(tzinfo=UTC), repeated)


def _has_successor(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """Whether a later run took the partition up: this one's repetition, or one of its own."""
    since = dg.RunsFilter(
        job_name=ORG_DAY,
        tags={_PARTITION_TAG: record.dagster_run.tags[_PARTITION_TAG]},
        created_after=record.create_timestamp,
    )
    return any(run.run_id != record.dagster_run.run_id for run in instance.get_runs(since))
