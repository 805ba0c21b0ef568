"""journeys: one customer contact over several orgs, by the day on which it began.

Belongs here: the asset, which reads the days around its own one org's day at a time.
Elsewhere: evidence and linking (journeys/).
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import key_of, outs_of
from aggregation_platform.defs.built_from import built_from_days_around
from aggregation_platform.defs.finalities import finality_of_the_world
from aggregation_platform.defs.io_managers import PartitionOutput
from aggregation_platform.defs.linking_rules import rules_of
from aggregation_platform.defs.partitions import Partitions, every_org_of_the_day
from aggregation_platform.defs.pictures import table_of_rows
from aggregation_platform.facts.tables import (
    ATTRIBUTES,
    CONVERSATIONS,
    SESSION_METRICS,
    SESSIONS,
)
from aggregation_platform.intervals import parse_day
from aggregation_platform.journeys.evidence import (
    ATTRIBUTE_COLUMNS,
    CONVERSATION_COLUMNS,
    OUTSIDE,
    SESSION_COLUMNS,
    VOICE,
    Evidence,
    evidence_of,
)
from aggregation_platform.journeys.linking import (
    Journeys,
    conversation_handle_times,
    days_around,
    journeys_of_day,
)
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.journeys.tables import TABLES
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.partition_states import partition_states

_SOURCES = (CONVERSATIONS, SESSIONS, ATTRIBUTES, SESSION_METRICS)


def journeys_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""
    around = every_org_of_the_day()

    @dg.multi_asset(
        name="journeys",
        deps=[dg.AssetDep(key_of(table), partition_mapping=around) for table in _SOURCES],
        outs=outs_of(TABLES),
        partitions_def=partitions.days,
    )
    def journeys(
        context: dg.AssetExecutionContext, assembly: dg.ResourceParam[Assembly]
    ) -> Iterator[dg.Output[PartitionOutput]]:
        day = parse_day(context.partition_key)
        built_from = {table: built_from_days_around(assembly, table, day) for table in TABLES}
        found = linked(assembly, day)
        finality = finality_of_the_world(assembly, SESSION_METRICS, day)
        shown = found.journeys.filter(pl.col("leg_count") > 1).sort(
            "leg_count", "journey_id", descending=[True, False]
        )
        for table in TABLES:
            frame: pl.DataFrame = getattr(found, table.name)
            yield dg.Output(
                PartitionOutput(
                    frame,
                    finality=finality.value,
                    alongside=built_from[table],
                    metadata=lambda: {
                        "contacts": found.journeys.height,
                        "contacts_over_several_orgs": shown.height,
                        "kept_apart_for_review": found.reviews.height,
                        "longest": table_of_rows(
                            shown.select("journey_id", "leg_count", "orgs", "handle_ms")
                        ),
                    },
                ),
                output_name=table.name,
            )

    return [journeys]


def linked(assembly: Assembly, day: date) -> Journeys:
    """Link the contacts that began on a day, from what is stored of the days around it."""
    evidence = evidence_around(assembly, day)
    return journeys_of_day(day, evidence, handle_times_around(assembly, day), rules_of(assembly))


def evidence_around(assembly: Assembly, day: date) -> Evidence:
    """Read what can link the conversations of a day, one org's day at a time."""
    rules = rules_of(assembly)
    days = days_around(day, rules)
    stored = partition_states(assembly.warehouse, CONVERSATIONS, days[0], days[-1])
    members = known_members(assembly.warehouse, assembly.config)
    partitions = [
        Partition(org=org, day=each)
        for org, each in stored.select("org", "day").sort("day", "org").iter_rows()
        if members.is_counted(org, each)
    ]
    return Evidence.sum_of(_evidence(assembly, partition, rules) for partition in partitions)


def _evidence(assembly: Assembly, partition: Partition, rules: LinkingRules) -> Evidence:
    place = [partition.org, partition.day]
    names = ", ".join("?" for _ in rules.correlation_keys) or "null"
    return evidence_of(
        assembly.warehouse.read(CONVERSATIONS, [partition], columns=CONVERSATION_COLUMNS),
        _rows(assembly, SESSIONS, SESSION_COLUMNS, _LINES, [*OUTSIDE, VOICE, *place, *place]),
        _rows(
            *(assembly, ATTRIBUTES, ATTRIBUTE_COLUMNS),
            *(f"name in ({names}) and org = ? and day = ?", [*rules.correlation_keys, *place]),
        ),
        rules,
    )


_LINES = """
    (purpose in (?, ?) and media_type = ? or conversation_id in (
        select conversation_id from facts.conversations
        where started_at is null and org = ? and day = ?
    )) and org = ? and day = ?
"""
"""What evidence takes of sessions: lines to the outside, and all where a record has no start."""


def handle_times_around(assembly: Assembly, day: date) -> pl.DataFrame:
    """Add up handle time of the days around, and the later handle time of what began on them."""
    days = days_around(day, rules_of(assembly))
    retired = [
        (each.org, each.retired_from)
        for each in known_members(assembly.warehouse, assembly.config)
        if each.retired_from is not None
    ]
    ends = [value for end in retired for value in end]
    handled = "metric = 'tHandle' and day = ?" + " and not (org = ? and day >= ?)" * len(retired)
    near = (
        conversation_handle_times(
            _rows(assembly, SESSION_METRICS, _HANDLE_TIME_COLUMNS, handled, [each, *ends])
        )
        for each in days
    )
    later = assembly.warehouse.query(
        _LATER_HANDLE_TIME.format(ended=" and not (m.org = ? and m.day >= ?)" * len(retired)),
        [days[-1], days[-1], days[0], days[-1] + timedelta(days=1), *ends],
    )
    return pl.concat([later.select(_HANDLED.names()).cast(_HANDLED), *near])


def _rows(
    assembly: Assembly, table: Table, columns: Sequence[str], where: str, values: Sequence[object]
) -> pl.DataFrame:
    """Read what is needed of a partition: most of its rows never leave the warehouse."""
    sql = f"select {', '.join(columns)} from {table.key} where {where}"  # noqa: S608 - our own names
    types = pl.Schema({name: table.frame_schema[name] for name in columns})
    return assembly.warehouse.query(sql, values).select(columns).cast(types)


_HANDLE_TIME_COLUMNS = ("org", "conversation_id", "metric", "value_ms")

_HANDLED = pl.Schema(
    {
        "org": pl.String(),
        "conversation_id": pl.String(),
        "handled_count": pl.Int64(),
        "handle_ms": pl.Int64(),
    }
)


_LATER_HANDLE_TIME = """
    select m.org, m.conversation_id, count(*) as handled_count, sum(m.value_ms) as handle_ms
    from facts.session_metrics m
    join facts.conversations c
      on c.org = m.org and c.day = m.day and c.conversation_id = m.conversation_id
    where m.metric = 'tHandle' and m.day > ? and c.day > ?
      and c.started_at >= ? and c.started_at < ?{ended}
    group by m.org, m.conversation_id
"""
