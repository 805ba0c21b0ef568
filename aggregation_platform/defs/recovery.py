"""`python -m aggregation_platform.defs.recovery`: runs whose processes ended with the last start.

Belongs here: telling Dagster that they are over, so that it repeats them. Elsewhere: who calls it
(cli/launch.py, under the lock that says that nothing else of ours runs on this DAGSTER_HOME).

Dagster's default launcher does not look after its workers: a run that was under way when the whole
site went down would count as under way for hours, and hold its organization's place in the queue.
"""

from __future__ import annotations

import logging

import dagster as dg

_UNDER_WAY = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def fail_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark every run under way as failed and return their ids; automatic retries take them up.

    What such a run had fetched is kept, and its successor goes on from there. Should a worker have
    survived after all, the claim on its org and day keeps the two apart.
    """
    orphans = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    for run in orphans:
        instance.report_run_failed(run, "Its process ended together with the site; see its retry.")
    return [run.run_id for run in orphans]


def main() -> None:
    """Do it for the instance in DAGSTER_HOME."""
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with dg.DagsterInstance.get() as instance:
        fail_orphans(instance)


if __name__ == "__main__":
    main()
