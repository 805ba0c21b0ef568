"""From which facts the days of the world were built, and which facts there are now.

Belongs here: the reads, and the version of the facts of some days. Elsewhere: who writes the notes
(defs/built_from.py), which days are therefore due (extraction/due.py, extraction/due_journeys.py).

Equal versions mean equal facts. Times alone would not show it: facts that are committed while a day
is built are older than the day and yet not in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from aggregation_platform.facts.tables import (
    ATTRIBUTES,
    CONVERSATIONS,
    SESSION_METRICS,
    SESSIONS,
)
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.membership import Members
from aggregation_platform.warehouse.store import Warehouse

LINKED = (CONVERSATIONS, SESSIONS, ATTRIBUTES, SESSION_METRICS)
"""What journeys are made of. Sums are made of SESSION_METRICS alone."""

FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True)
class DayFacts:
    """The facts that are stored of one UTC day.

    Args:
        orgs: When each org's session metrics were last written.
        newest_at: When any facts of the day were last written.
        metrics: Version of the session metrics of all orgs.
        linked: Version of everything that journeys are made of.
    """

    orgs: Mapping[str, datetime]
    newest_at: datetime
    metrics: str
    linked: str


_FACTS = f"""
    select org, day,
           max(case when table_name = ? then written_at end) as metrics_at,
           max(case when table_name = ? then content_hash end) as metrics_hash,
           max(written_at) as linked_at,
           min(content_hash) as least_hash, max(content_hash) as greatest_hash
    from ops.partition_log
    where table_name in ({", ".join("?" for _ in LINKED)}) and day between ? and ?
    group by org, day
    order by day, org
"""  # noqa: S608 - question marks


def facts_by_day(
    warehouse: Warehouse, members: Members, first: date = FIRST, last: date = LAST
) -> dict[date, DayFacts]:
    """Return what is stored of each day that has facts, in the order of days.

    Args:
        warehouse: Where the log is.
        members: The organizations; what a day does not count is none of its facts.
        first: The first day.
        last: The last day.
    """
    metrics = SESSION_METRICS.key
    rows = warehouse.query(
        _FACTS, [metrics, metrics, *(table.key for table in LINKED), first, last]
    )
    for each in members:
        if each.retired_from is not None:
            is_later = (pl.col("org") == each.org) & (pl.col("day") >= each.retired_from)
            rows = rows.filter(~is_later)
    return {
        day: DayFacts(
            orgs=dict(of_day.select("org", "metrics_at").drop_nulls().iter_rows()),
            newest_at=max(of_day["linked_at"].to_list()),
            metrics=_version(of_day.select("org", "metrics_at", "metrics_hash").iter_rows()),
            linked=_version(
                of_day.select("org", "linked_at", "least_hash", "greatest_hash").iter_rows()
            ),
        )
        for (day,), of_day in rows.group_by("day", maintain_order=True)
    }


@dataclass(frozen=True)
class Built:
    """One table of a day of the world.

    Args:
        written_at: When it was last replaced.
        facts_version: Version of the facts it was built from; None if that was not recorded.
    """

    written_at: datetime
    facts_version: str | None


_BUILT = """
    select l.day, l.table_name, l.written_at, b.facts_version
    from ops.partition_log l
    left join ops.built_from b on b.table_name = l.table_name and b.day = l.day
    where l.table_name in ({marks}) and l.day between ? and ?
    order by l.day
"""


def tables_built(
    warehouse: Warehouse, tables: Sequence[Table], first: date = FIRST, last: date = LAST
) -> dict[date, dict[str, Built]]:
    """Return, by day and by table key, what was built of these tables."""
    marks = ", ".join("?" for _ in tables)
    found: dict[date, dict[str, Built]] = {}
    for day, key, at, version in warehouse.query(
        _BUILT.format(marks=marks), [*(table.key for table in tables), first, last]
    ).iter_rows():
        found.setdefault(day, {})[key] = Built(at, version)
    return found


def metrics_version(facts: Mapping[date, DayFacts], day: date) -> str:
    """Return the version of the facts that the sums of a day are made of."""
    return _version([(day, facts[day].metrics)] if day in facts else [])


def linked_version(facts: Mapping[date, DayFacts], days: Iterable[date], rules: object) -> str:
    """Return the version of what links the contacts of a day: facts of the days around, and rules.

    Args:
        facts: What is stored.
        days: The days around, the day itself included.
        rules: The limits of linking; a changed limit is another version.
    """
    return _version([(rules,), *((day, facts[day].linked) for day in days if day in facts)])


def _version(rows: Iterable[Sequence[object]]) -> str:
    text = "\n".join(" ".join(str(value) for value in row) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
