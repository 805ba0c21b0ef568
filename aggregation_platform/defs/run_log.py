"""What a run's log shows beside Dagster's own events: its progress, and its result as last line.

Belongs here: those lines, and the sensors that write the last one.
Elsewhere: log events of our own processes (observability/logs.py).

Dagster ends a run's log with "Process for run exited". A person who scrolls to the end looks for
what came of the run, or for what to do.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping

import dagster as dg

from aggregation_platform.errors import PlatformError
from aggregation_platform.observability.masking import masked_text
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.tables import HANDLE_TIME

RESULT = "Result: "
_NOT_SAID = "it failed before its first step; the lines above say why."


def log_progress(context: dg.AssetExecutionContext, message: str, *values: object) -> None:
    """Write a line of progress into the run's log.

    The instance keeps terminals at warnings (`python_logs` in dagster.yaml). Dagster applies the
    same level to a run's own lines; this lowers it for this run's log, and the terminal keeps its
    level.
    """
    context.log.setLevel(logging.INFO)
    context.log.info(message, *values)


def ending_sensors() -> list[dg.SensorDefinition]:
    """Return the sensors that write the last line of each run; they read Dagster's storage only."""
    ended = {"succeeded": dg.DagsterRunStatus.SUCCESS, "failed": dg.DagsterRunStatus.FAILURE}
    return [_ending_sensor(name, status) for name, status in ended.items()]


def _ending_sensor(name: str, status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name=f"result_of_runs_that_{name}",
        run_status=status,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Write what came of a run as the last line of its log.",
    )
    def ending(context: dg.RunStatusSensorContext) -> None:
        report_result(context.instance, context.dagster_run)

    return ending


def report_result(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Write a run's result as the last line of its log, once."""
    told = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    if not any(entry.message.startswith(RESULT) for entry in told):
        instance.report_engine_event(RESULT + result_of(instance, run), run)


def result_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return what came of a run that has ended, in one line."""
    what = run.tags.get("dagster/partition", run.job_name).replace("|", " ")
    if run.status is not dg.DagsterRunStatus.SUCCESS:
        return f"{what}: not done: {failure_of(instance, run)}"
    shown = dict(_shown(instance, run))
    handle_time, raw = shown.get(HANDLE_TIME.key), shown.get(RAW.key)
    if handle_time and "answer" in handle_time:
        return f"{what}: {_plain(handle_time['answer'])}"
    if raw:
        return f"{what}: {_plain(raw['written'])} of raw, {_plain(raw['finality'])}."
    return f"{what}: done, {len(shown)} tables written." if shown else f"{what}: done."


def failure_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return the innermost message of the first step that failed, without numbers and addresses."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        if entry.dagster_event is not None:
            return masked_text(innermost(entry.dagster_event) or _NOT_SAID)
    return _NOT_SAID


def innermost(event: dg.DagsterEvent) -> str | None:
    """Return the message of the error behind a failed step, without the name of its class."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return None
    return re.sub(rf"^{re.escape(PlatformError.__module__)}\.\w+: ", "", error.message.strip())


def _shown(
    instance: dg.DagsterInstance, run: dg.DagsterRun
) -> Iterator[tuple[str, Mapping[str, dg.MetadataValue]]]:
    """Yield each table that a run wrote, with what it shows."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        written = entry.asset_materialization
        if written is not None:
            yield ".".join(written.asset_key.path), written.metadata


def _plain(value: dg.MetadataValue) -> str:
    return str(value.value).replace("**", "")
