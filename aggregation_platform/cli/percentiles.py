"""The median and other percentiles of handle time, beside the average of `aht`.

Belongs here: the option, reading the buckets of a slice, adding columns. Elsewhere: the buckets and
their error (rollups/sketches.py), the question itself (aht.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import click
import polars as pl

from aggregation_platform.cli.options import Days
from aggregation_platform.rollups.aht import GROUPS, Aht
from aggregation_platform.rollups.sketches import quantiles
from aggregation_platform.warehouse.store import Warehouse

_COLUMNS = GROUPS | {"hour": "CAST(EXTRACT(HOUR FROM interval_start) AS INTEGER)"}


class Percentiles(click.ParamType[tuple[int, ...]]):
    """A comma-separated list of whole percentages."""

    name = "percentiles"

    def convert(
        self,
        value: str | tuple[int, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, ...]:
        """Split and check the list, or fail as wrong usage."""
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        for part in (part.strip() for part in value.split(",")):
            if not part.isdecimal() or not 1 <= int(part) <= 99:
                self.fail(f"{part!r} is no percentile; use whole numbers from 1 to 99.", param, ctx)
            found.append(int(part))
        return tuple(dict.fromkeys(found))


def column_of(percentile: int) -> str:
    """Return the column's name: p50_ms."""
    return f"p{percentile}_ms"


def title_of(percentile: int) -> str:
    """Return the column's title for people."""
    return f"{'Median' if percentile == 50 else f'P{percentile}'} ±2 % (m:ss)"


def with_percentiles(
    answer: Aht,
    warehouse: Warehouse,
    *,
    days: Days,
    by: Sequence[str],
    orgs: Sequence[str],
    percentiles: Sequence[int],
) -> Aht:
    """Add a column per percentile to rows and total; null where nothing was handled.

    They come from buckets, so each is within 2 % of the true one, over any slice.
    """
    if not percentiles:
        return answer
    buckets = warehouse.query(*_buckets(days, by, orgs))
    buckets = buckets.cast({name: answer.rows.schema[name] for name in by})
    _say_if_others(int(buckets["handled_count"].sum()), answer)
    rows, total = answer.rows, answer.total
    for percentile in percentiles:
        name, share = column_of(percentile), percentile / 100
        of_all = quantiles(buckets, share)["quantile_ms"].to_list() or [None]
        total = total.with_columns(pl.Series(name, of_all, dtype=pl.Int64))
        if by:
            of_rows = quantiles(buckets, share, by=by).select(
                *by, pl.col("quantile_ms").alias(name)
            )
            rows = rows.join(of_rows, on=list(by), how="left", maintain_order="left")
        else:
            rows = rows.with_columns(pl.Series(name, of_all, dtype=pl.Int64))
    return Aht(rows=rows, total=total)


def _buckets(days: Days, by: Sequence[str], orgs: Sequence[str]) -> tuple[str, tuple[object, ...]]:
    """Return the statement that adds the buckets of each slice up, and its parameters."""
    kept = "".join(f"{_COLUMNS[name]} AS {name}, " for name in by)
    groups = ", ".join([*(_COLUMNS[name] for name in by), "bucket"])
    statement = (
        f"SELECT {kept}bucket, CAST(SUM(handled_count) AS BIGINT) AS handled_count "  # noqa: S608 - names out of GROUPS
        "FROM rollups.handle_time_sketches WHERE day BETWEEN ? AND ? "
        f"AND org IN ({', '.join('?' for _ in orgs)}) GROUP BY {groups}"
    )
    return statement, (days.first, days.last, *orgs)


def _say_if_others(handled_count: int, answer: Aht) -> None:
    of_answer = int(answer.total["handled_count"].sum())
    if handled_count != of_answer:
        click.echo(
            f"percentiles are of {handled_count:,} handled sessions, the average of {of_answer:,}: "
            "they were not built together; `materialize` of these days builds both.",
            err=True,
        )
