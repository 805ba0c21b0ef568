"""What was asked for already: a sensor's requests, held against the runs that there are.

Belongs here: which requests to pass on, and under which key. Elsewhere: what is due
(extraction/due.py), asking (sensors.py).

Dagster makes one run of a run key and never another, whatever becomes of it. So what a run has
failed at is asked for under a new key, after a rest that grows; and what a run in hand will bring
is not asked for beside it, however long it waits in the queue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from aggregation_platform.intervals import day_key

NEED_TAG = "aggregation_platform/need"
"""What a run was asked for: the run key of the first request for it."""

PRIORITY_TAG = "dagster/priority"
AUTOMATION = 1
"""Priority of what sensors ask for: a backfill, which has none, yields to it between two runs."""
RUNNING_DAY = 2

REST = timedelta(minutes=10)
MOST_DOUBLINGS = 3

_PARTITION_TAG = "dagster/partition"
_DAY_TAG = "dagster/partition/day"
"""Of the runs of an org's day."""
_IN_HAND = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ASSETS = "__ASSET_JOB"
"""The job's name of a backfill of assets begins so."""


def to_ask_for(
    requests: Sequence[dg.RunRequest],
    *,
    instance: dg.DagsterInstance,
    sensor: str,
    job: str,
    now: datetime,
) -> Iterator[dg.RunRequest]:
    """Yield the requests that no run in hand answers, each under a key that Dagster takes.

    A run that only waits in the queue answers a request of no higher priority.

    Args:
        requests: What a sensor found due; each has a run key.
        instance: Where the runs are.
        sensor: The sensor's name.
        job: The job it asks for.
        now: The present instant.
    """
    if not requests:
        return
    named = [(f"{sensor}:{request.run_key}", request) for request in requests]
    failed = _failures(instance, [need for need, _ in named])
    in_hand = _in_hand(instance, job, requests)
    for need, request in named:
        tags = {PRIORITY_TAG: str(AUTOMATION), **request.tags, NEED_TAG: need}
        if any(_answers(run, tags) for run in in_hand.get(request.partition_key, ())):
            continue
        times, at = failed.get(need, (0, now))
        if times and now - at < REST * 2 ** min(times - 1, MOST_DOUBLINGS):
            continue
        key = f"{request.run_key}/{times}" if times else request.run_key
        yield request.with_replaced_attrs(run_key=key, tags=tags)


def days_being_loaded(
    instance: dg.DagsterInstance, days: Collection[date], *, job: str
) -> set[date]:
    """Return those of the days of which runs of the job, or of a backfill, are in hand."""
    if not days:
        return set()
    keys = {day_key(day): day for day in days}
    runs = instance.get_runs(dg.RunsFilter(statuses=_IN_HAND, tags={_DAY_TAG: list(keys)}))
    return {
        keys[run.tags[_DAY_TAG]]
        for run in runs
        if run.job_name == job or run.job_name.startswith(_ASSETS)
    }


def _in_hand(
    instance: dg.DagsterInstance, job: str, requests: Sequence[dg.RunRequest]
) -> Mapping[str | None, list[dg.DagsterRun]]:
    """Return the runs in hand that do the job's work, by partition."""
    keys = [str(request.partition_key) for request in requests if request.partition_key]
    tags: dict[str, str | Sequence[str]] = {_PARTITION_TAG: keys} if keys else {}
    found: defaultdict[str | None, list[dg.DagsterRun]] = defaultdict(list)
    for run in instance.get_runs(dg.RunsFilter(statuses=_IN_HAND, tags=tags)):
        if run.job_name == job or (keys and run.job_name.startswith(_ASSETS)):
            found[run.tags.get(_PARTITION_TAG)].append(run)
    return found


def _answers(run: dg.DagsterRun, tags: Mapping[str, str]) -> bool:
    waits = run.status is dg.DagsterRunStatus.QUEUED
    return not waits or _priority(run.tags) >= _priority(tags)


def _priority(tags: Mapping[str, str]) -> int:
    try:
        return int(tags.get(PRIORITY_TAG, "0"))
    except ValueError:
        return 0


def _failures(
    instance: dg.DagsterInstance, needs: Sequence[str]
) -> Mapping[str, tuple[int, datetime]]:
    """Return how often each need was failed at, and when last."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={NEED_TAG: list(needs)})
    )
    ended: defaultdict[str, list[datetime]] = defaultdict(list)
    for record in records:
        at = record.update_timestamp
        ended[record.dagster_run.tags[NEED_TAG]].append(
            at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        )
    return {need: (len(times), max(times)) for need, times in ended.items()}
