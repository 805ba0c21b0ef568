"""rollups: a day of all orgs, as sums and counts.

Belongs here: the assets. Elsewhere: the sums (rollups/), which day is built when (sensors.py).
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import asset_of, key_of
from aggregation_platform.defs.built_from import built_from_days_around, built_from_metrics
from aggregation_platform.defs.day_picture import answer, course_of_the_day
from aggregation_platform.defs.finalities import finality_of_the_world
from aggregation_platform.defs.io_managers import (
    ORGS_OF_THE_DAY,
    STORED,
    PartitionBatches,
    PartitionOutput,
)
from aggregation_platform.defs.membership import members_noted, orgs_of
from aggregation_platform.defs.partitions import Partitions, every_org_of_the_day
from aggregation_platform.defs.pictures import (
    handle_time_plot,
    minutes_and_seconds,
    table_of_rows,
)
from aggregation_platform.defs.versions import Alongside, named_by
from aggregation_platform.facts.tables import CONVERSATIONS, SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.intervals import parse_day
from aggregation_platform.journeys.tables import JOURNEYS
from aggregation_platform.rollups.aht import aht
from aggregation_platform.rollups.handle_time import handle_time as handle_time_of
from aggregation_platform.rollups.journey_days import journey_days as journey_days_of
from aggregation_platform.rollups.match_rates import match_rates
from aggregation_platform.rollups.queue_intervals import queue_intervals as queue_intervals_of
from aggregation_platform.rollups.sketches import handle_time_sketches as sketches_of
from aggregation_platform.rollups.sketches import quantiles
from aggregation_platform.rollups.tables import (
    HANDLE_TIME,
    HANDLE_TIME_SKETCHES,
    JOURNEY_DAYS,
    QUEUE_INTERVALS,
)
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.partition_states import partition_states

METRIC_COLUMNS = [
    *("org", "queue_id", "media_type", "direction", "user_id", "metric", "value_ms", "emitted_at")
]


def rollups_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""
    metrics = dg.AssetIn(
        key=key_of(SESSION_METRICS),
        partition_mapping=every_org_of_the_day(),
        metadata={"columns": METRIC_COLUMNS, STORED: ORGS_OF_THE_DAY},
    )
    queues = dg.AssetIn(key=key_of(QUEUES))
    agents = dg.AssetIn(key=key_of(AGENTS))

    @asset_of(
        HANDLE_TIME,
        partitions.days,
        ins={"metrics": metrics, "queues": queues, "agents": agents},
    )
    def handle_time(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        metrics: PartitionBatches,
        queues: pl.DataFrame,
        agents: pl.DataFrame,
    ) -> PartitionOutput:
        day = parse_day(context.partition_key)
        built_from = built_from_metrics(assembly, HANDLE_TIME, day)
        cells = handle_time_of(metrics, day=day, queues=queues, agents=agents)
        named = named_by(assembly, HANDLE_TIME, day, (QUEUES, AGENTS))
        noted = _noted(context, assembly, HANDLE_TIME, metrics.orgs, cells)
        shown = _handle_time_shown(assembly, cells, day)
        return _output(assembly, day, cells, shown, built_from, named, noted)

    @asset_of(
        HANDLE_TIME_SKETCHES,
        partitions.days,
        ins={"metrics": metrics, "queues": queues, "agents": agents},
    )
    def handle_time_sketches(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        metrics: PartitionBatches,
        queues: pl.DataFrame,
        agents: pl.DataFrame,
    ) -> PartitionOutput:
        day = parse_day(context.partition_key)
        built_from = built_from_metrics(assembly, HANDLE_TIME_SKETCHES, day)
        sketches = sketches_of(metrics, day=day, queues=queues, agents=agents)
        medians = quantiles(sketches, 0.5, by=("org",))
        named = named_by(assembly, HANDLE_TIME_SKETCHES, day, (QUEUES, AGENTS))
        noted = _noted(context, assembly, HANDLE_TIME_SKETCHES, metrics.orgs, sketches)
        shown = {"median_by_org": table_of_rows(medians)}
        return _output(assembly, day, sketches, shown, built_from, named, noted)

    @asset_of(QUEUE_INTERVALS, partitions.days, ins={"metrics": metrics, "queues": queues})
    def queue_intervals(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        metrics: PartitionBatches,
        queues: pl.DataFrame,
    ) -> PartitionOutput:
        day = parse_day(context.partition_key)
        built_from = built_from_metrics(assembly, QUEUE_INTERVALS, day)
        cells = queue_intervals_of(metrics, day=day, queues=queues)
        sums = pl.col("offered_count", "answered_count", "abandoned_count", "transferred_count")
        by_queue = cells.group_by("global_queue").agg(sums.sum()).sort("global_queue")
        named = named_by(assembly, QUEUE_INTERVALS, day, (QUEUES,))
        noted = _noted(context, assembly, QUEUE_INTERVALS, metrics.orgs, cells)
        shown = {"by_global_queue": table_of_rows(by_queue)}
        return _output(assembly, day, cells, shown, built_from, named, noted)

    @asset_of(
        JOURNEY_DAYS,
        partitions.days,
        ins={
            "journeys": dg.AssetIn(key=key_of(JOURNEYS)),
            "conversations": dg.AssetIn(
                key=key_of(CONVERSATIONS),
                partition_mapping=every_org_of_the_day(),
                metadata={"columns": ["org", "started_at"], STORED: ORGS_OF_THE_DAY},
            ),
        },
    )
    def journey_days(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        journeys: pl.DataFrame,
        conversations: PartitionBatches,
    ) -> PartitionOutput:
        day = parse_day(context.partition_key)
        built_from = built_from_days_around(assembly, JOURNEY_DAYS, day)
        found = journey_days_of(journeys, _frame_of(conversations), day=day)
        noted = _noted(context, assembly, JOURNEY_DAYS, conversations.orgs, found)
        shown = {"by_org": table_of_rows(found)}
        return _output(assembly, day, found, shown, built_from, noted)

    return [handle_time, handle_time_sketches, queue_intervals, journey_days]


def _output(
    assembly: Assembly,
    day: date,
    cells: pl.DataFrame,
    shown: Mapping[str, Any],
    *alongside: Alongside,
) -> PartitionOutput:
    finality = finality_of_the_world(assembly, SESSION_METRICS, day)
    return PartitionOutput(
        cells,
        finality=finality.value,
        alongside=lambda: [rows for each in alongside for rows in each()],
        metadata=lambda: shown,
    )


def _frame_of(batches: PartitionBatches) -> pl.DataFrame:
    """Read an input here, after the note of what it is made of; without rows it has no shape."""
    frames = list(batches)
    return pl.concat(frames) if frames else _STARTS


_STARTS = pl.DataFrame(
    schema={name: CONVERSATIONS.frame_schema[name] for name in ("org", "started_at")}
)


def _noted(
    context: dg.AssetExecutionContext,
    assembly: Assembly,
    table: Table,
    orgs: Collection[str],
    cells: pl.DataFrame,
) -> Alongside:
    day = parse_day(context.partition_key)
    return members_noted(assembly, table, day, orgs, cells, run_id=context.run.run_id)


def _handle_time_shown(assembly: Assembly, cells: pl.DataFrame, day: date) -> Mapping[str, Any]:
    of_day = orgs_of(assembly, day)
    orgs = of_day.all
    states = partition_states(assembly.warehouse, SESSION_METRICS, day, day)
    by_org = aht(cells, states, by=["org"], orgs=orgs, days=[day])
    by_queue = aht(cells, states, by=["global_queue"], orgs=orgs, days=[day])
    world = by_org.total.row(0, named=True)
    missing = list(of_day.missing)
    return {
        "answer": answer(world, missing),
        "course_of_the_day": course_of_the_day(cells),
        "aht_by_org": table_of_rows(_readable(by_org.rows, "org")),
        "aht_by_global_queue": table_of_rows(_readable(by_queue.rows, "global_queue")),
        "half_hours_by_org": handle_time_plot(cells, orgs),
        **_plotted(world, by_org.rows),
        "orgs_missing": ", ".join(missing) or "none",
        "orgs_retired": _left(assembly, day) or "none",
        "match_rates": table_of_rows(match_rates(cells)),
    }


def _plotted(world: Mapping[str, Any], by_org: pl.DataFrame) -> Mapping[str, float | int]:
    """Return the numbers that the UI plots over days: AHT of the world and of each org."""
    times = {"aht_seconds": world["aht_ms"]}
    times |= {f"aht_seconds_{org}": ms for org, ms in by_org.select("org", "aht_ms").iter_rows()}
    plotted = {name: round(ms / 1000, 3) for name, ms in times.items() if ms is not None}
    return {**plotted, "handled_count": world["handled_count"]}


def _left(assembly: Assembly, day: date) -> str:
    """Name the organizations that count no more on the day, with the last day of each."""
    left = known_members(assembly.warehouse, assembly.config).left_by(day)
    return ", ".join(f"{each.org} (until {each.last_day})" for each in left)


def _readable(rows: pl.DataFrame, label: str) -> pl.DataFrame:
    return rows.select(
        label,
        "handled_count",
        pl.col("aht_ms")
        .map_elements(minutes_and_seconds, return_dtype=pl.String, skip_nulls=False)
        .alias("aht"),
        "handle_ms",
        "finality",
    ).sort("handled_count", descending=True)
