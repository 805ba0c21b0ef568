"""What a person looks at in the Dagster UI: small tables and one plot.

Belongs here: frames to Dagster's metadata values. Elsewhere: the figures (rollups/).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from aggregation_platform.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS_SHOWN = 15


def table_of_rows(frame: pl.DataFrame, *, rows: int = _ROWS_SHOWN) -> dg.TableMetadataValue:
    """Show the first rows; instants and days as text."""
    records = [
        dg.TableRecord({name: _shown(value) for name, value in row.items()})
        for row in frame.head(rows).iter_rows(named=True)
    ]
    schema = dg.TableSchema(
        columns=[dg.TableColumn(name=name, type=str(dtype)) for name, dtype in frame.schema.items()]
    )
    return dg.MetadataValue.table(records=records, schema=schema)


def column_schema(table: Table) -> dg.TableSchema:
    """Show a table's columns: type, whether null, meaning."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type="json" if column.is_json else str(column.dtype),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table.columns
        ]
    )


def _shown(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def minutes_and_seconds(ms: int | None) -> str:
    """Spell a duration as m:ss; a dash where there is none."""
    if ms is None:
        return "-"
    seconds = round(ms / 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"


def handle_time_plot(rollup: pl.DataFrame, orgs: Sequence[str]) -> dg.MarkdownMetadataValue:
    """Draw a day: handled sessions by half hour stacked by org, and the world's AHT above them."""
    from matplotlib.figure import Figure  # heavy; only the process that draws pays for it

    by_org = (
        rollup.group_by("interval_start", "org")
        .agg(pl.col("handled_count").sum(), pl.col("handle_ms").sum())
        .sort("interval_start")
    )
    world = (
        by_org.group_by("interval_start", maintain_order=True)
        .agg(pl.col("handled_count").sum(), pl.col("handle_ms").sum())
        .filter(pl.col("handled_count") > 0)
    )
    figure = Figure(figsize=(9, 4.2), dpi=80, layout="constrained")
    counts = figure.add_subplot()
    bottom = dict.fromkeys(world["interval_start"], 0)
    for org in orgs:
        mine = by_org.filter(pl.col("org") == org)
        heights = dict(zip(mine["interval_start"], mine["handled_count"], strict=True))
        bars = [heights.get(start, 0) for start in bottom]
        counts.bar(
            [_hour(start) for start in bottom],
            bars,
            width=0.45,
            align="edge",
            bottom=list(bottom.values()),
            label=org,
        )
        bottom = {
            start: base + bar for (start, base), bar in zip(bottom.items(), bars, strict=True)
        }
    counts.set_xlabel("hour of the day (UTC)")
    counts.set_ylabel("handled sessions in half an hour")
    counts.set_xlim(0, 24)
    counts.set_xticks(range(0, 25, 3))
    average = counts.twinx()
    average.plot(
        [_hour(start) + 0.25 for start in world["interval_start"]],
        (world["handle_ms"] / world["handled_count"] / 60_000).to_list(),
        color="black",
        marker=".",
        linewidth=1,
        label="AHT, all organizations",
    )
    average.set_ylabel("AHT in minutes")
    average.set_ylim(bottom=0)
    figure.legend(loc="outside upper center", ncols=len(orgs) + 1, frameon=False)
    return dg.MetadataValue.md(f"![handle time]({_data_uri(figure)})")


def _hour(start: datetime) -> float:
    return start.hour + start.minute / 60


def _data_uri(figure: Figure) -> str:
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode("ascii")
