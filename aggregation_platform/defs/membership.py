"""The organizations of a UTC day, for the assets and checks of the world.

Belongs here: which organizations a day counts and misses, noting that with the day, and the
restatement that a change of it is. Elsewhere: deciding it (warehouse/membership.py).

A day counts what is stored of it. The configuration says only who is expected, so that an
organization which leaves it, or begins later in it, changes no day of the past.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.rollups.restatements import whole_day_restatements
from aggregation_platform.rollups.tables import HANDLE_TIME, QUEUE_INTERVALS
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.membership import Members, known_members
from aggregation_platform.warehouse.ops_tables import DAY_MEMBERS, RESTATEMENTS
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Rows

PUBLISHED = (HANDLE_TIME, QUEUE_INTERVALS)
"""The rollups whose changed figures are listed in ops.restatements."""

_MEMBERS = "select org, is_counted from ops.day_members where table_name = ? and day = ?"
_BUILT = "select finality from ops.partition_log where table_name = ? and day = ?"


@dataclass(frozen=True)
class OrgsOfDay:
    """Who is in a day.

    Args:
        counted: Their facts are stored, and they were not retired by then.
        missing: Expected, and not counted.
    """

    counted: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Both, the counted ones first."""
        return (*self.counted, *self.missing)


def orgs_of(assembly: Assembly, day: date) -> OrgsOfDay:
    """Return who is in a day, by what is stored of it and who is expected."""
    members = known_members(assembly.warehouse, assembly.config)
    states = partition_states(assembly.warehouse, SESSION_METRICS, day, day)
    counted = members.counted(day, states["org"])
    missing = tuple(org for org in members.expected_on(day) if org not in counted)
    return OrgsOfDay(counted, missing)


def why_not_fetched(members: Members, org: str, day: date) -> str | None:
    """Say why an organization's day is not to be fetched; None if it is."""
    member = members.get(org)
    if member is not None and not member.may_count_on(day):
        return (
            f"{org} {day}: {org} was retired from {member.retired_from} on, and nothing is fetched "
            f"from then on; `aggregation-platform org rejoin --org {org} --reason ...` undoes it."
        )
    twin = members.twin(org, day)
    if twin is not None:
        return (
            f"{org} {day}: the day is stored as that of {twin.org}, which has the same "
            f"organization_id; it would be counted twice. Give the entry its key {twin.org} back, "
            f"or retire it (`aggregation-platform org retire --org {twin.org} --from D "
            f"--reason ...`) from the first day that {org} is to count, or move first_day of "
            f"{org} after {twin.stored_to}."
        )
    return None


def partitions_of_the_day(assembly: Assembly, day: date) -> list[Partition]:
    """Return the org-days that a day of the world is made of."""
    return [Partition(org, day) for org in orgs_of(assembly, day).counted]


def members_noted(
    assembly: Assembly,
    table: Table,
    day: date,
    orgs: Collection[str],
    cells: pl.DataFrame,
    *,
    run_id: str,
) -> Callable[[], Sequence[Rows]]:
    """Note with a rollup's day which organizations it counts, and what that restates.

    Args:
        assembly: The parts.
        table: The rollup.
        day: The UTC day.
        orgs: The organizations that were added up.
        cells: The new rows of the day.
        run_id: The run that builds.
    """

    def rows() -> Sequence[Rows]:
        stored = assembly.warehouse.query(_MEMBERS, [table.key, day])
        before = set(stored.filter(pl.col("is_counted"))["org"])
        noted = pl.DataFrame(
            [
                (table.key, day, org, org in orgs, assembly.clock.now(), run_id)
                for org in sorted({*stored["org"], *orgs})
            ],
            schema=DAY_MEMBERS.frame_schema,
            orient="row",
        )
        found = [Rows(DAY_MEMBERS, noted)]
        if stored.is_empty() or table not in PUBLISHED:
            return found
        left, came = before - set(orgs), set(orgs) - before
        restated = whole_day_restatements(
            table,
            _published(assembly, table, day, left),
            cells.filter(pl.col("org").is_in(came if _was_published(assembly, table, day) else [])),
            day=day,
            found_at=assembly.clock.now(),
            run_id=run_id,
        )
        return [*found, Rows(RESTATEMENTS, restated)]

    return rows


def _published(assembly: Assembly, table: Table, day: date, orgs: Collection[str]) -> pl.DataFrame:
    """Return the stored rows of orgs whose figures of the day counted as published."""
    rows = assembly.warehouse.read(table, [Partition(day=day)])
    states = partition_states(assembly.warehouse, SESSION_METRICS, day, day)
    provisional = states.filter(pl.col("finality") == "provisional")["org"].to_list()
    return rows.filter(pl.col("org").is_in(list(orgs)), ~pl.col("org").is_in(provisional))


def _was_published(assembly: Assembly, table: Table, day: date) -> bool:
    built = assembly.warehouse.query(_BUILT, [table.key, day])["finality"].to_list()
    return built not in ([], ["provisional"])
