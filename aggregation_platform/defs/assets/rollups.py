"""rollups: a day of all orgs, as sums and counts.

Belongs here: the assets. Elsewhere: the sums (rollups/), which day is built when (sensors.py).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.io_managers import PartitionBatches, PartitionOutput
from aggregation_platform.defs.partitions import Partitions, every_org_of_the_day
from aggregation_platform.defs.pictures import (
    handle_time_plot,
    minutes_and_seconds,
    table_of_rows,
)
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.intervals import parse_day
from aggregation_platform.raw.finality import Finality, slowest
from aggregation_platform.rollups.aht import aht
from aggregation_platform.rollups.handle_time import handle_time as handle_time_of
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.partition_states import orgs_missing, partition_states

METRIC_COLUMNS = [
    *("org", "queue_id", "media_type", "direction", "user_id", "metric", "value_ms", "emitted_at")
]


def rollups_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""
    metrics = dg.AssetIn(
        key=_key(SESSION_METRICS),
        partition_mapping=every_org_of_the_day(),
        metadata={"columns": METRIC_COLUMNS},
    )

    @dg.asset(
        name=HANDLE_TIME.name,
        key_prefix=HANDLE_TIME.layer,
        group_name=HANDLE_TIME.layer,
        ins={
            "metrics": metrics,
            "queues": dg.AssetIn(key=_key(QUEUES)),
            "agents": dg.AssetIn(key=_key(AGENTS)),
        },
        partitions_def=partitions.days,
        io_manager_key="warehouse",
        description=HANDLE_TIME.grain,
        kinds={"polars"},
    )
    def handle_time(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        metrics: PartitionBatches,
        queues: pl.DataFrame,
        agents: pl.DataFrame,
    ) -> PartitionOutput:
        day = parse_day(context.partition_key)
        cells = handle_time_of(metrics, day=day, queues=queues, agents=agents)
        states = partition_states(assembly.warehouse, SESSION_METRICS, day, day)
        return PartitionOutput(
            cells,
            finality=finality_of_the_world(states, assembly.config.orgs, day).value,
            metadata=lambda: _shown(cells, states, assembly.config.orgs, day),
        )

    return [handle_time]


def _key(table: Table) -> dg.AssetKey:
    return dg.AssetKey([table.layer, table.name])


def finality_of_the_world(states: pl.DataFrame, orgs: tuple[str, ...], day: date) -> Finality:
    """Return the least final of the orgs' partitions; provisional while one is missing."""
    if orgs_missing(states, orgs, day):
        return Finality.PROVISIONAL
    return slowest(Finality(state) for state in states["finality"])


def _shown(
    cells: pl.DataFrame, states: pl.DataFrame, orgs: tuple[str, ...], day: date
) -> Mapping[str, Any]:
    by_org = aht(cells, states, by=["org"], orgs=orgs, days=[day])
    by_queue = aht(cells, states, by=["global_queue"], orgs=orgs, days=[day])
    world = by_org.total.row(0, named=True)
    missing = orgs_missing(states, orgs, day)
    return {
        "aht": minutes_and_seconds(world["aht_ms"]),
        "aht_seconds": round((world["aht_ms"] or 0) / 1000, 3),
        "handled_count": world["handled_count"],
        "orgs_missing": ", ".join(missing) or "none",
        "aht_by_org": table_of_rows(_readable(by_org.rows, "org")),
        "aht_by_global_queue": table_of_rows(_readable(by_queue.rows, "global_queue")),
        "course_of_the_day": handle_time_plot(cells, orgs),
    }


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
