"""What waits for a person: handled time of queues, records that could not be read, drift.

Belongs here: the reads behind `review`. Elsewhere: printing (cli/review.py), queues and agents
themselves (stored_names.py, identity/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from aggregation_platform.warehouse.store import Parameter, Warehouse

DAYS_LOOKED_AT = 31
"""Days of which handled time is added up if none are asked for."""


@dataclass(frozen=True)
class Scope:
    """Which orgs (none means all that are stored) and days are asked for.

    Both days are included; None where there is no bound.
    """

    orgs: Sequence[str] = ()
    first: date | None = None
    last: date | None = None

    def condition(self, *, org: str = "org", day: str = "day") -> tuple[str, list[Parameter]]:
        """Return the SQL condition, and its parameters; `org` and `day` are what hold them."""
        parts = [f"{org} in ({', '.join('?' for _ in self.orgs)})"] if self.orgs else ["1 = 1"]
        values: list[Parameter] = [*self.orgs]
        if self.first is not None:
            parts.append(f"{day} >= ?")
            values.append(self.first)
        if self.last is not None:
            parts.append(f"{day} < ?")
            values.append(self.last + timedelta(days=1))
        return " and ".join(parts), values


def newest_rollup_day(warehouse: Warehouse) -> date | None:
    """Return the newest day of `rollups.handle_time`; None if there is none."""
    newest: date | None = warehouse.query("select max(day) as day from rollups.handle_time").item()
    return newest


def handled_by_queue(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """Return org, queue_id, day, handled_count, handle_ms: one row per queue and day."""
    condition, values = scope.condition()
    return warehouse.query(
        "select org, queue_id, day, cast(sum(handled_count) as bigint) as handled_count, "  # noqa: S608 - a condition of ours
        "cast(sum(handle_ms) as bigint) as handle_ms from rollups.handle_time "
        f"where {condition} group by org, queue_id, day",
        values,
    )


def reject_groups(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """Return rejects counted: one row per org, day, level, name and reason, newest day first.

    Columns: org, day, level, name, reason, rejects, conversations, and of one example
    conversation_id, page, position.
    """
    condition, values = scope.condition()
    return warehouse.query(
        "with numbered as (select org, day, level, name, reason, conversation_id, page, position, "  # noqa: S608 - a condition of ours
        "row_number() over (partition by org, day, level, name, reason "
        "order by page, position) as place "
        f"from facts.rejects where {condition}) "
        "select org, day, level, name, reason, count(*) as rejects, "
        "count(distinct conversation_id) as conversations, "
        "max(case when place = 1 then conversation_id end) as conversation_id, "
        "max(case when place = 1 then page end) as page, "
        "max(case when place = 1 then position end) as position "
        "from numbered group by org, day, level, name, reason "
        "order by day desc, rejects desc, org, reason, name",
        values,
    )


def rejects(warehouse: Warehouse, scope: Scope, *, limit: int) -> pl.DataFrame:
    """Return the newest rejects, one row each.

    Columns: org, day, conversation_id, level, name, reason, path, page, position.
    """
    condition, values = scope.condition()
    return warehouse.query(
        "select org, day, conversation_id, level, name, reason, path, page, position "  # noqa: S608 - a condition of ours
        f"from facts.rejects where {condition} "
        f"order by day desc, org, page, position, path limit {int(limit)}",
        values,
    )


def rejected_records(warehouse: Warehouse, scope: Scope, *, limit: int) -> pl.DataFrame:
    """Return records with rejects as they came, newest day first. Personal data is in them.

    Columns: org, day, conversation_id, level, reason, path, page, position, job_id, payload.
    """
    condition, values = scope.condition(org="rejected.org", day="rejected.day")
    return warehouse.query(
        "select rejected.org, rejected.day, rejected.conversation_id, rejected.level, "  # noqa: S608 - a condition of ours
        "rejected.reason, rejected.path, rejected.page, rejected.position, kept.job_id, "
        "kept.payload from facts.rejects as rejected join raw.conversations as kept "
        "on kept.org = rejected.org and kept.day = rejected.day "
        "and kept.page = rejected.page and kept.position = rejected.position "
        f"where {condition} "
        f"order by rejected.day desc, rejected.org, rejected.page limit {int(limit)}",
        values,
    )


def drift(warehouse: Warehouse, scope: Scope, *, limit: int) -> pl.DataFrame:
    """Return `ops.drift` by when it was first seen, newest first, attributes last.

    Columns: org, kind, path, value, first_seen_at, last_seen_at, seen_count, example.
    """
    condition, values = scope.condition(day="cast(first_seen_at as date)")
    return warehouse.query(
        "select org, kind, path, value, first_seen_at, last_seen_at, seen_count, example "  # noqa: S608 - a condition of ours
        f"from ops.drift where {condition} "
        "order by case when kind = 'attribute' then 1 else 0 end, first_seen_at desc, "
        f"org, kind, path, value limit {int(limit)}",
        values,
    )


def totals_of_days(warehouse: Warehouse, scope: Scope) -> pl.DataFrame:
    """Return what facts and rollups hold: one row per day and org that either has.

    Columns: day, org, facts_handled, facts_handle_ms, rollup_handled, rollup_handle_ms,
    facts_written_at, rollup_written_at (null where that was never written).
    """
    condition, values = scope.condition()
    return warehouse.query(
        "with sums as ("  # noqa: S608 - a condition of ours
        "select day, org, count(*) as facts_handled, sum(value_ms) as facts_handle_ms, "
        "0 as rollup_handled, 0 as rollup_handle_ms from facts.session_metrics "
        f"where metric = 'tHandle' and {condition} group by day, org union all "
        "select day, org, 0, 0, sum(handled_count), sum(handle_ms) from rollups.handle_time "
        f"where {condition} group by day, org) "
        "select sums.day, sums.org, cast(sum(facts_handled) as bigint) as facts_handled, "
        "cast(sum(facts_handle_ms) as bigint) as facts_handle_ms, "
        "cast(sum(rollup_handled) as bigint) as rollup_handled, "
        "cast(sum(rollup_handle_ms) as bigint) as rollup_handle_ms, "
        "max(read.written_at) as facts_written_at, max(built.written_at) as rollup_written_at "
        "from sums left join ops.partition_log as read on read.org = sums.org "
        "and read.day = sums.day and read.table_name = 'facts.session_metrics' "
        "left join ops.partition_log as built on built.day = sums.day "
        "and built.table_name = 'rollups.handle_time' "
        "group by sums.day, sums.org order by sums.day desc, sums.org",
        [*values, *values],
    )
