"""What an org itself says of a day, beside what is here: asset checks that ask its API.

Belongs here: when a day can be compared, and what a person is shown. Elsewhere: the comparison
(comparison/), checks that need the warehouse alone (asset_checks.py).

An org that does not answer fails no run: its checks say that nothing was compared.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.comparison.advice import FETCH_AGAIN, commands, remedies
from aggregation_platform.comparison.counting import count_conversations
from aggregation_platform.comparison.org_day import DayComparison, compare_org_day
from aggregation_platform.defs.assets.declared import key_of
from aggregation_platform.defs.partitions import Partitions, day_of, partition_of
from aggregation_platform.defs.pictures import table_of_rows
from aggregation_platform.errors import SourceError
from aggregation_platform.facts.tables import CONVERSATIONS, SESSION_METRICS
from aggregation_platform.intervals import Interval, spelled
from aggregation_platform.observability.masking import masked_text
from aggregation_platform.rollups.rollup_check import DIFFERENCE
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.partition_states import partition_states

Check = Callable[[Assembly, Partition], dg.AssetCheckResult]
WARN = dg.AssetCheckSeverity.WARN
_DIFFERENCE = (
    *("interval_start", "queue_id", "user_id", "media_type", "direction", "metric"),
    *("our_count", "source_count", "our_ms", "source_ms"),
)
_NOT_COUNTED = ("conversation_id", "metric", "emitted_at", "value_ms", "landed_with", "reason")
_BEHIND = ("conversation_id", "metric", "emitted_at", "value_ms", "rebuilt_ms", "finding")


def reconciles_with_the_source(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult:
    """Handle time and its parts are those of the org's own aggregates, in every cell."""
    return _asked(assembly, partition, _handle_time_compared)


def has_every_conversation(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult:
    """Every conversation that the org counts for the day is here, and no other."""
    return _asked(assembly, partition, _conversations_counted)


def _asked(assembly: Assembly, partition: Partition, compare: Check) -> dg.AssetCheckResult:
    """Ask the org, if the day has settled and the org answers."""
    waiting = not_settled(assembly, partition)
    if waiting is not None:
        return waiting
    try:
        return compare(assembly, partition)
    except SourceError as error:
        return _unanswered(error)


def _handle_time_compared(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult:
    found = compare_org_day(assembly, partition.org or "", day_of(partition))
    if found is None:
        return _not_loaded(partition)
    return dg.AssetCheckResult(passed=found.agrees, severity=WARN, metadata=_told(found))


def _conversations_counted(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult:
    found = count_conversations(assembly, partition.org or "", day_of(partition))
    return dg.AssetCheckResult(
        passed=found.agrees,
        severity=WARN,
        metadata={
            "compared": True,
            "counted_by_the_org": "not told" if found.by_source is None else found.by_source,
            "landed": found.landed,
            "rejected": found.rejected,
            "missing": found.missing,
            "surplus": found.surplus,
            **_advice(
                f"{_again(partition)} If some are still missing, the org's permissions may hide "
                "them from us (divisions). Rejected records are in raw: see "
                "runbooks/RecordsRejected.md.",
                needed=not found.agrees,
            ),
        },
    )


def not_settled(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult | None:
    """Say that a day is not compared yet, and when it will be; None if it can be."""
    org, day = partition.org or "", day_of(partition)
    states = partition_states(assembly.warehouse, SESSION_METRICS, day, day)
    finality = states.filter(pl.col("org") == org)["finality"].to_list()
    if not finality:
        return _not_loaded(partition)
    if finality != ["provisional"]:
        return None
    end = spelled(Interval.of_day(day).end)
    return _not_compared(
        "the day is provisional: the org did not have all of it when it was fetched",
        when=f"once the watermark of {org} has passed {end} and the day has been fetched again",
    )


def _not_loaded(partition: Partition) -> dg.AssetCheckResult:
    return _not_compared("the day is not loaded", when=f"once it is. {_again(partition)}")


def _not_compared(why: str, *, when: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=True,
        severity=WARN,
        metadata={"compared": False, "why_not": why, "will_be_compared": when},
    )


def _unanswered(error: SourceError) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False,
        severity=WARN,
        metadata={
            "compared": False,
            "why_not": masked_text(str(error)),
            "what_to_do": "Nothing is known to differ. Run this check again when the org answers; "
            "if it does not, see runbooks/OrgDelayed.md.",
        },
    )


def _told(found: DayComparison) -> Mapping[str, Any]:
    report, stored = found.main, found.stored
    keys = [each.differences.with_columns(table=pl.lit(each.table)) for each in stored.rollups]
    return {
        "compared": True,
        "cells_compared": report.compared_count,
        "cells_that_differ": report.differences.height,
        "rollup_cells_that_differ_from_facts": found.rollup_difference_count,
        "rollup_keys_that_are_doubled": sum(each.doubled_count for each in stored.rollups),
        "metrics_that_are_doubled": stored.doubled.height,
        "handled_count": report.handled_count,
        "handle_ms": report.handle_ms,
        "first_differences": table_of_rows(_readable(report.differences)),
        "first_rollup_keys_that_differ": table_of_rows(
            pl.concat(keys) if keys else pl.DataFrame(schema=DIFFERENCE)
        ),
        "conversations_behind_them": table_of_rows(found.conversations.select(_BEHIND)),
        "landed_and_not_counted": table_of_rows(found.not_counted.metrics.select(_NOT_COUNTED)),
        **_advice(_remedy(found), needed=not found.agrees),
    }


def _advice(text: str, *, needed: bool) -> Mapping[str, str]:
    """Say what to do, where something is to be done."""
    return {"what_to_do": text} if needed else {}


def _remedy(found: DayComparison) -> str:
    return f"{' '.join(remedies([found]))} See runbooks/FiguresDiffer.md."


def _readable(differences: pl.DataFrame) -> pl.DataFrame:
    return differences.select(_DIFFERENCE)


def _again(partition: Partition) -> str:
    days = [(partition.org or "", day_of(partition))]
    return f"Materialize it again: {commands(days, *FETCH_AGAIN)}."


SOURCE_CHECKS: Mapping[Check, dg.AssetCheckKey] = {
    decide: dg.AssetCheckKey(key_of(table), decide.__name__)
    for decide, table in (
        (reconciles_with_the_source, SESSION_METRICS),
        (has_every_conversation, CONVERSATIONS),
    )
}
"""In no run that makes assets: they need the org, and would take from its budget each time."""


def reconcile_job(name: str, partitions: Partitions) -> dg.JobDefinition:
    """Return the job that evaluates these checks for an org's day.

    A job that selects checks alone cannot be cut into partitions (Dagster takes those of its
    assets), so its one step evaluates them and reports the evaluations as theirs.
    """

    @dg.op(name="compare_with_the_org")
    def compare(context: dg.OpExecutionContext, assembly: dg.ResourceParam[Assembly]) -> None:
        partition = partition_of(context.partition_key, SESSION_METRICS.partitioned_by)
        for decide, key in SOURCE_CHECKS.items():
            evaluation = _evaluation(key, decide(assembly, partition), context.partition_key)
            context.log_event(evaluation)  # pyright: ignore[reportArgumentType]  # taken, though its type does not say so

    @dg.job(
        name=name,
        partitions_def=partitions.org_days,
        executor_def=dg.in_process_executor,
        description="Compare an org's UTC day with what the org itself says of it.",
    )
    def reconcile() -> None:
        compare()

    return reconcile


def _evaluation(
    key: dg.AssetCheckKey, result: dg.AssetCheckResult, partition_key: str
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=bool(result.passed),
        severity=result.severity,
        metadata=result.metadata,
        blocking=False,
        partition=str(partition_key),
    )
