"""What is wrong with a partition that was written all the same, and what to do about it.

Belongs here: the checks. Each says in its metadata what to do. Elsewhere: what an org itself says
(source_checks.py), errors that stop a run (errors.py), lateness of an org (freshness is per org,
and Dagster's own is not).
"""

import warnings
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from inspect import getdoc
from typing import Any

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly, table_of
from aggregation_platform.comparison.reads import doubled_keys
from aggregation_platform.defs.membership import orgs_of
from aggregation_platform.defs.partitions import Partitions, day_of, partition_of
from aggregation_platform.defs.pictures import table_of_rows
from aggregation_platform.defs.source_checks import SOURCE_CHECKS
from aggregation_platform.facts.drift_history import news
from aggregation_platform.facts.rejected import rejected_counts
from aggregation_platform.facts.tables import ATTRIBUTES, REJECTS, SESSION_METRICS
from aggregation_platform.intervals import Interval, parse_day, spelled
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.rollup_check import SHAPES
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.partition_states import partition_states

WARN = dg.AssetCheckSeverity.WARN


def asset_checks(partitions: Partitions) -> list[dg.AssetChecksDefinition]:
    """Return the checks; a check looks at the partition that its run wrote."""
    with warnings.catch_warnings():
        # Checks by partition are called a preview; without them a check of one org's day would
        # stand for all days.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            _org_day_check(RAW, "is_complete", partitions, is_complete),
            _org_day_check(REJECTS, "has_none", partitions, has_no_rejects),
            _org_day_check(SESSION_METRICS, "has_nothing_new", partitions, has_nothing_new),
            *(
                _org_day_check(table_of(*key.asset_key.path), key.name, partitions, decide)
                for decide, key in SOURCE_CHECKS.items()
            ),
            _day_check("has_every_org", partitions, has_every_org),
            _day_check("keeps_totals", partitions, keeps_totals),
        ]


def is_complete(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult:
    """The source's watermark had passed the end of the day when it was fetched.

    A day that is running, or ended less than `stuck_after_hours` ago, is not judged yet.
    """
    day = day_of(partition)
    states = partition_states(assembly.warehouse, RAW, day, day)
    finality = states.filter(pl.col("org") == partition.org)["finality"].to_list()
    shown = {"finality": finality[0] if finality else "not stored"}
    if finality == ["provisional"] and (waiting := _not_over(assembly, day)):
        return _checked(passed=True, shown={**shown, "not_judged_yet": waiting})
    return _checked(
        passed=finality not in ([], ["provisional"]),
        shown=shown,
        what_to_do="It is fetched again by itself. If its watermark does not move, see "
        "runbooks/OrgDelayed.md.",
    )


def has_no_rejects(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult:
    """Every record could be read, and no part of one had to be set aside."""
    rejects = assembly.warehouse.read(
        REJECTS, [partition], columns=["conversation_id", "level", "name", "reason", "path"]
    )
    return _checked(
        passed=rejects.is_empty(),
        shown={**rejected_counts(rejects), "first": table_of_rows(rejects)},
        what_to_do="The handle time of a rejected record, and a handle time that was set aside, "
        "are in no figure; everything else of the day is. The records are kept in raw. See "
        "runbooks/RecordsRejected.md.",
    )


def has_nothing_new(assembly: Assembly, partition: Partition) -> dg.AssetCheckResult:
    """No record had what none of the org's had before. Told once, by the run that saw it first."""
    fresh = first_seen_by(assembly, partition)
    seen = fresh.select("kind", "path", "value", "example", since="first_seen_at")
    return _checked(
        passed=fresh.is_empty(),
        shown={"new": fresh.height, "what_is_new": table_of_rows(seen, rows=100)},
        what_to_do="Nothing is lost: it is kept in `extra`, in its column or in the attributes, "
        "and ops.drift says since when. Look whether a figure should know it; see "
        "runbooks/SchemaDrift.md.",
    )


def first_seen_by(assembly: Assembly, partition: Partition) -> pl.DataFrame:
    """Return the rows of ops.drift that the last writing of a partition was the first to see.

    They were stamped between two of its writes: ops.drift is written along with the metrics, and
    the attributes follow. The run's id would not do: a later run that sees them again leaves its
    own there.
    """
    day = day_of(partition)
    began, ended = (
        states.filter(pl.col("org") == partition.org)["written_at"].max()
        for states in (
            partition_states(assembly.warehouse, table, day, day)
            for table in (SESSION_METRICS, ATTRIBUTES)
        )
    )
    seen = assembly.warehouse.query("select * from ops.drift where org = ?", [partition.org])
    first = pl.col("first_seen_at")
    return news(seen.filter(first < began), seen.filter(first >= began, first <= ended))


def has_every_org(assembly: Assembly, day: date) -> dg.AssetCheckResult:
    """Every org that the day expects has its facts: configured by then, and not retired.

    A day that is running, or ended less than `stuck_after_hours` ago, is not judged yet.
    """
    missing = orgs_of(assembly, day).missing
    shown = {"orgs_missing": ", ".join(missing) or "none"}
    if missing and (waiting := _not_over(assembly, day)):
        return _checked(passed=True, shown={**shown, "not_judged_yet": waiting})
    return _checked(
        passed=not missing,
        shown=shown,
        what_to_do="The figures are those of the other orgs, and say so. Materialize raw and "
        "facts of the missing ones, then this day; see runbooks/OrgStuck.md.",
    )


def keeps_totals(assembly: Assembly, day: date) -> dg.AssetCheckResult:
    """The rollup holds exactly the handle time of the facts, and each rollup each key once."""
    orgs = orgs_of(assembly, day).counted
    totals = _TOTALS.format(orgs=", ".join("?" for _ in orgs) or "null")
    both = assembly.warehouse.query(totals, [day, day, *orgs])
    rollup, facts = (
        (row["handled_count"], row["handle_ms"])
        for row in both.sort("side", descending=True).iter_rows(named=True)
    )
    doubled = {
        shape.table.key: doubled_keys(assembly.warehouse, shape.table, shape.key, day)
        for shape in SHAPES
    }
    return _checked(
        passed=rollup == facts and not any(doubled.values()),
        severity=dg.AssetCheckSeverity.ERROR,
        shown={
            "keys_that_are_doubled": doubled,
            "handled_in_rollup": rollup[0],
            "handled_in_facts": facts[0],
            "handle_ms_in_rollup": rollup[1],
            "handle_ms_in_facts": facts[1],
        },
        what_to_do="If facts were replaced after this day was built, materialize the day again. "
        "If it stays, do not publish it: see runbooks/TotalsDiffer.md.",
    )


_TOTALS = """
    select 'rollup' as side, coalesce(sum(handled_count), 0)::bigint as handled_count,
           coalesce(sum(handle_ms), 0)::bigint as handle_ms
    from rollups.handle_time where day = ?
    union all
    select 'facts', count(*), coalesce(sum(value_ms), 0)::bigint
    from facts.session_metrics where day = ? and metric = 'tHandle' and org in ({orgs})
"""


def _checked(
    *,
    passed: bool,
    shown: Mapping[str, Any],
    what_to_do: str = "",
    severity: dg.AssetCheckSeverity = WARN,
) -> dg.AssetCheckResult:
    """Return a result that says what to do only where something is to be done."""
    advice = {} if passed else {"what_to_do": what_to_do}
    return dg.AssetCheckResult(passed=passed, severity=severity, metadata={**shown, **advice})


def _not_over(assembly: Assembly, day: date) -> str | None:
    """Say until when a day is awaited; None once it should be whole."""
    end = Interval.of_day(day).end
    due = end + timedelta(hours=assembly.config.freshness.stuck_after_hours)
    now = assembly.clock.now()
    if now >= due:
        return None
    return "the day is running" if now < end else f"the day is awaited until {spelled(due)}"


def _org_day_check(
    table: Table,
    name: str,
    partitions: Partitions,
    decide: Callable[[Assembly, Partition], dg.AssetCheckResult],
) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey([table.layer, table.name]),
        name=name,
        description=getdoc(decide),
        partitions_def=partitions.org_days,
    )
    def check(
        context: dg.AssetCheckExecutionContext, assembly: dg.ResourceParam[Assembly]
    ) -> dg.AssetCheckResult:
        return decide(assembly, partition_of(context.partition_key, table.partitioned_by))

    return check


def _day_check(
    name: str, partitions: Partitions, decide: Callable[[Assembly, date], dg.AssetCheckResult]
) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey([HANDLE_TIME.layer, HANDLE_TIME.name]),
        name=name,
        description=getdoc(decide),
        partitions_def=partitions.days,
    )
    def check(
        context: dg.AssetCheckExecutionContext, assembly: dg.ResourceParam[Assembly]
    ) -> dg.AssetCheckResult:
        return decide(assembly, parse_day(context.partition_key))

    return check
