"""From which facts a day of the world is built: the note beside each table, and what is outdated.

Belongs here: the rows of ops.built_from, written in the transaction of the partition that they
describe, and the comparison with the facts of now. Elsewhere: the reads (queries/built_from.py),
when an outdated day is built again (extraction/due.py, extraction/due_journeys.py).

A note is made before its facts are read. So facts that arrive meanwhile are another version, and
the day is due again; no clock is compared with another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.linking_rules import rules_of
from aggregation_platform.defs.versions import Alongside
from aggregation_platform.extraction.due_journeys import Linked
from aggregation_platform.journeys.linking import days_around
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.journeys.tables import TABLES as JOURNEYS_TABLES
from aggregation_platform.queries.built_from import (
    FIRST,
    LAST,
    Built,
    DayFacts,
    facts_by_day,
    linked_version,
    metrics_version,
    tables_built,
)
from aggregation_platform.rollups.tables import (
    HANDLE_TIME,
    HANDLE_TIME_SKETCHES,
    JOURNEY_DAYS,
    QUEUE_INTERVALS,
)
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.ops_tables import BUILT_FROM
from aggregation_platform.warehouse.store import Rows

SUMS = (HANDLE_TIME, HANDLE_TIME_SKETCHES, QUEUE_INTERVALS)
"""Made of the metrics of their own day."""

CONTACTS = (*JOURNEYS_TABLES, JOURNEY_DAYS)
"""Made of the facts of the days around."""


def built_from_metrics(assembly: Assembly, table: Table, day: date) -> Alongside:
    """Note the metrics that a day's sums are made of. Call it before they are read."""
    return _noted(assembly, table, day, metrics_version(_facts(assembly, day, day), day))


def built_from_days_around(assembly: Assembly, table: Table, day: date) -> Alongside:
    """Note the facts that a day's contacts are made of. Call it before they are read."""
    rules = rules_of(assembly)
    around = days_around(day, rules)
    facts = _facts(assembly, around[0], around[-1])
    return _noted(assembly, table, day, linked_version(facts, around, rules))


def _facts(assembly: Assembly, first: date, last: date) -> Mapping[date, DayFacts]:
    members = known_members(assembly.warehouse, assembly.config)
    return facts_by_day(assembly.warehouse, members, first, last)


def _noted(assembly: Assembly, table: Table, day: date, version: str) -> Alongside:
    row = {
        "table_name": table.key,
        "day": day,
        "facts_version": version,
        "built_at": assembly.clock.now(),
    }
    rows = pl.DataFrame([row], schema=BUILT_FROM.frame_schema)
    return lambda: [Rows(BUILT_FROM, rows)]


@dataclass(frozen=True)
class WorldStanding:
    """What there is of facts, and which days of the world are built from exactly these.

    Args:
        facts: By day.
        built: By day and table, of SUMS and CONTACTS.
        rules: The limits of linking.
    """

    facts: Mapping[date, DayFacts]
    built: Mapping[date, Mapping[str, Built]]
    rules: LinkingRules

    @cached_property
    def added_up(self) -> dict[date, datetime]:
        """Days whose sums are made of the facts of now; when, and not before these facts."""
        return {
            day: max(self.built[day][HANDLE_TIME.key].written_at, *facts.orgs.values())
            for day, facts in self.facts.items()
            if facts.orgs and self._is_of(day, SUMS, self.metrics_version(day))
        }

    @cached_property
    def linked(self) -> dict[date, Linked]:
        """Days that have contacts: since when, and whether from the facts of now."""
        return {
            day: Linked(
                at=min(each.written_at for each in contacts),
                is_current=self._is_of(day, CONTACTS, self.linked_version(day)),
            )
            for day, tables in self.built.items()
            if (contacts := [tables[one.key] for one in CONTACTS if one.key in tables])
        }

    @property
    def outdated_around(self) -> set[date]:
        """Days whose loading an outdated day may wait for: itself, and those around it."""
        outdated = {day for day in self.facts if day not in self.added_up}
        outdated |= {day for day, linked in self.linked.items() if not linked.is_current}
        return {near for day in outdated for near in days_around(day, self.rules)}

    def metrics_version(self, day: date) -> str:
        """Return the version of what the sums of a day are made of."""
        return metrics_version(self.facts, day)

    def linked_version(self, day: date) -> str:
        """Return the version of what links the contacts of a day."""
        return linked_version(self.facts, days_around(day, self.rules), self.rules)

    def _is_of(self, day: date, tables: Sequence[Table], version: str) -> bool:
        built = self.built.get(day, {})
        return all(
            table.key in built and built[table.key].facts_version == version for table in tables
        )


def world_standing(
    assembly: Assembly, first: date | None = None, last: date | None = None
) -> WorldStanding:
    """Read what there is of some days and of the days around them; of all days by default."""
    rules = rules_of(assembly)
    begin = days_around(first, rules)[0] if first else FIRST
    end = days_around(last, rules)[-1] if last else LAST
    return WorldStanding(
        facts=_facts(assembly, begin, end),
        built=tables_built(assembly.warehouse, (*SUMS, *CONTACTS), first or FIRST, last or LAST),
        rules=rules,
    )
