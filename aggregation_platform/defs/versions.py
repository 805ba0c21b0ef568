"""Which rules and mappings named a partition's queues and agents.

Belongs here: the rows of ops.built_with, written in the transaction of the partition they speak
of, and what they say is named by rules of the past. Elsewhere: the mappings (identity/), the rules
files (config/rules.py), telling it (cli/explain.py), renewing it (sensors.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.intervals import day_key
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.ops_tables import BUILT_WITH
from aggregation_platform.warehouse.store import Rows

RULES = "rules"
NO_DAY = "all"
NOT_RECORDED = "not recorded"
Alongside = Callable[[], Sequence[Rows]]

_MAPPINGS = f"""
    select l.table_name as named_by, l.content_hash,
           coalesce(b.rules_version, '{NOT_RECORDED}') as rules_version
    from ops.partition_log l
    left join ops.built_with b on b.table_name = l.table_name and b.named_by = '{RULES}'
    where l.table_name in ({{marks}})
"""  # noqa: S608 - names above, and question marks


def made_by_rules(assembly: Assembly, mapping: Table, version: str) -> Alongside:
    """Note by which rules a mapping was made."""
    row = {"named_by": RULES, "rules_version": version, "content_hash": None}
    return _noted(assembly, mapping, NO_DAY, pl.DataFrame([row], schema=_VERSION))


def named_by(assembly: Assembly, table: Table, day: date, mappings: Sequence[Table]) -> Alongside:
    """Note in which version these mappings, as they are now, name a day of a table."""
    marks = ", ".join("?" for _ in mappings)
    found = assembly.warehouse.query(
        _MAPPINGS.format(marks=marks), [mapping.key for mapping in mappings]
    )
    return _noted(assembly, table, day_key(day), found.select(_VERSION.names()).cast(_VERSION))


_VERSION = pl.Schema(
    {"named_by": pl.String(), "rules_version": pl.String(), "content_hash": pl.String()}
)


def _noted(assembly: Assembly, table: Table, key: str, versions: pl.DataFrame) -> Alongside:
    rows = versions.with_columns(
        table_name=pl.lit(table.key),
        partition_key=pl.lit(key),
        built_at=pl.lit(assembly.clock.now(), BUILT_WITH.frame_schema["built_at"]),
    ).select(BUILT_WITH.frame_schema.names())
    return lambda: [Rows(BUILT_WITH, rows)]


_MADE_BY = f"""
    select l.table_name, l.written_at, coalesce(b.rules_version, '{NOT_RECORDED}') as rules_version
    from ops.partition_log l
    left join ops.built_with b on b.table_name = l.table_name and b.named_by = '{RULES}'
    where l.table_name in (?, ?)
"""  # noqa: S608 - names above
_ADDED_UP = "select day, written_at from ops.partition_log where table_name = ? order by day desc"
_NAMED_BY = "select partition_key, named_by, rules_version from ops.built_with where table_name = ?"


def mappings_made_by_other_rules(assembly: Assembly, version: str) -> datetime | None:
    """Return when the older mapping was made, if these are not the rules of both; else None.

    Mappings that were never made are not told: they are due anyway.
    """
    made = assembly.warehouse.query(_MADE_BY, [QUEUES.key, AGENTS.key])
    other = made.filter(pl.col("rules_version") != version)
    return None if other.is_empty() else min(other["written_at"].to_list())


def days_named_by_other_rules(assembly: Assembly) -> list[tuple[date, datetime]]:
    """Return the days whose rollup was named by rules that the mappings no longer have.

    Newest first, each with when it was added up.
    """
    rules = {
        table: version
        for table, _at, version in assembly.warehouse.query(
            _MADE_BY, [QUEUES.key, AGENTS.key]
        ).iter_rows()
    }
    named: dict[str, dict[str, str]] = {}
    for key, mapping, version in assembly.warehouse.query(_NAMED_BY, [HANDLE_TIME.key]).iter_rows():
        named.setdefault(key, {})[mapping] = version
    added_up = assembly.warehouse.query(_ADDED_UP, [HANDLE_TIME.key]).iter_rows()
    return [(day, at) for day, at in added_up if named.get(day_key(day), {}) != rules]


_MAPPINGS_OF_THE_DAY = """
    select named_by, rules_version, content_hash from ops.built_with
    where table_name = ? and partition_key = ?
"""


def is_named_by_the_mappings_of_now(
    assembly: Assembly, day: date, *, by_content: bool = False
) -> bool:
    """Whether a day's rollup was named by the mappings of the rules of now.

    Args:
        assembly: The parts.
        day: The day.
        by_content: Ask also whether the mappings themselves are those of now. They gain rows with
            each day that is loaded, which other days do not need.
    """
    columns = ["named_by", "rules_version", *(["content_hash"] if by_content else [])]
    now = assembly.warehouse.query(_MAPPINGS.format(marks="?, ?"), [QUEUES.key, AGENTS.key])
    then = assembly.warehouse.query(_MAPPINGS_OF_THE_DAY, [HANDLE_TIME.key, day_key(day)])
    return set(then.select(columns).rows()) == set(now.select(columns).rows())
