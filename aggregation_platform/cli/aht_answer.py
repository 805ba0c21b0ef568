"""The answer to one question about AHT: figures, what they miss, and the period before.

Belongs here: putting a question to the warehouse. Elsewhere: the options (aht.py, periods.py), the
statements (queries/), the arithmetic (rollups/), what is printed (aht_print.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from aggregation_platform.cli.coverage import read_coverage
from aggregation_platform.cli.options import Days
from aggregation_platform.cli.periods import OWN_TIME, UTC, zones_of
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.queries.handle_time import Slice, handle_time_buckets, handle_time_sums
from aggregation_platform.rollups.aht import Aht, aht_of, sliced
from aggregation_platform.rollups.comparisons import Period, beside
from aggregation_platform.rollups.expected_days import (
    coverage_of,
    missing_days,
    touched_days,
    with_finality,
)
from aggregation_platform.rollups.sketches import quantiles
from aggregation_platform.warehouse.membership import Member, Members, known_members
from aggregation_platform.warehouse.store import Warehouse
from aggregation_platform.zones import Stretch, local_days


@dataclass(frozen=True)
class Question:
    """What is asked about handle time.

    Args:
        days: The days, by the clock of `zone`.
        by: Names out of rollups.aht.GROUPS.
        orgs: Whose handle time; in the configuration's order.
        zone: UTC, a time zone, or org: each organization's own time.
        chosen: As queries.handle_time.Slice.
        percentiles: Whole percentages.
        before: The days to compare with.
        left: The orgs that count no more on the last day.
    """

    days: Days
    by: tuple[str, ...]
    orgs: tuple[str, ...]
    zone: str = UTC
    chosen: tuple[Mapping[str, Sequence[str]], ...] = ()
    percentiles: tuple[int, ...] = ()
    before: Days | None = None
    left: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The figures of one question.

    Args:
        figures: Rows and total; with percentiles and the period before, if asked for.
        missing: UTC days that are over and not there, by org; of the period before, too.
        not_yet: Days asked about that have not begun.
        is_expected: Whether any org's day is in the figures, or is expected there.
        percentiles_of: How many handled sessions the percentiles are of.
    """

    figures: Aht
    missing: Mapping[str, Sequence[date]] = field(default_factory=dict[str, list[date]])
    not_yet: Days | None = None
    is_expected: bool = True
    percentiles_of: int | None = None


def answer_of(
    warehouse: Warehouse, config: PlatformConfig, asked: Question, *, now: datetime
) -> Answer:
    """Answer one question from the warehouse.

    Args:
        warehouse: Read only.
        config: Names the orgs that a figure should have, and their time zones.
        asked: The question.
        now: The present instant; no day after it is missing.
    """
    found = _of_days(warehouse, config, asked, asked.days, now)
    figures, percentiles_of = aht_of(found.cells, found.coverage, by=asked.by), None
    touched = found.touched
    if asked.before is not None:
        before = _of_days(warehouse, config, asked, asked.before, now)
        figures = beside(found.period, before.period, by=asked.by)
        touched = pl.concat([before.touched, touched])
    if asked.percentiles:
        buckets = handle_time_buckets(warehouse, found.slice)
        figures = with_percentiles(figures, sliced(buckets, asked.by), asked)
        percentiles_of = int(buckets["handled_count"].sum())
    return Answer(
        figures=figures,
        missing=missing_days(touched),
        not_yet=_not_yet(found.touched, asked.days, now),
        is_expected=bool(found.coverage["has_begun"].any() or found.cells.height),
        percentiles_of=percentiles_of,
    )


@dataclass(frozen=True)
class _OfDays:
    slice: Slice
    cells: pl.DataFrame
    touched: pl.DataFrame
    coverage: pl.DataFrame

    @property
    def period(self) -> Period:
        days = self.slice
        return self.cells, self.coverage, list(Days(days.first, days.last))


def _of_days(
    warehouse: Warehouse, config: PlatformConfig, asked: Question, days: Days, now: datetime
) -> _OfDays:
    members = known_members(warehouse, config)
    stretches = stretches_of(config, asked.zone, asked.orgs, days, members)
    touched = pl.concat([touched_days(org, stretches[org]) for org in asked.orgs])
    states = _states(warehouse, touched)
    touched = with_finality(_expected(members, touched, states), states, now=now)
    part = Slice(
        by=asked.by,
        first=days.first,
        last=days.last,
        orgs=asked.orgs,
        stretches=None if asked.zone == UTC else stretches,
        chosen=asked.chosen,
    )
    cells = handle_time_sums(warehouse, part)
    return _OfDays(part, cells, touched, coverage_of(touched, now=now))


def stretches_of(
    config: PlatformConfig, zone: str, orgs: Sequence[str], days: Days, members: Members
) -> dict[str, list[Stretch]]:
    """Return the local days of each org as stretches of UTC; also of orgs that left."""
    left = {each.org: each.time_zone if zone == OWN_TIME else zone for each in members.left}
    zones = left | zones_of(zone, config)
    return {org: list(local_days(zones[org], days.first, days.last)) for org in orgs}


def _states(warehouse: Warehouse, touched: pl.DataFrame) -> pl.DataFrame:
    """Return which org-days the rollup covers, over all UTC days that are touched."""
    days = touched["utc_day"]
    if days.is_empty():
        return pl.DataFrame(schema={"org": pl.String, "day": pl.Date, "finality": pl.String})
    return read_coverage(warehouse, days.min(), days.max())  # pyright: ignore[reportArgumentType]  # dates


def _expected(members: Members, touched: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Keep the days on which an org is expected or has figures."""
    pairs = [(org, day) for day in touched["utc_day"].unique() for org in members.expected_on(day)]
    expected = pl.DataFrame(pairs, schema={"org": pl.String, "utc_day": pl.Date}, orient="row")
    there = states.select("org", utc_day="day")
    return touched.join(pl.concat([expected, there]), on=["org", "utc_day"], how="semi")


def _not_yet(touched: pl.DataFrame, days: Days, now: datetime) -> Days | None:
    """Return the days that have begun for no org."""
    begun = touched.filter(pl.col("begins") <= now)["day"].to_list()
    future = touched.filter(pl.col("begins") > now)["day"].to_list()
    first = min((day for day in future if day not in set(begun)), default=None)
    return None if first is None else Days(first, days.last)


def with_percentiles(figures: Aht, buckets: pl.DataFrame, asked: Question) -> Aht:
    """Add a column per percentile to rows and total; null where nothing was handled.

    They come from buckets, so each is within 2 % of the true one, over any slice.
    """
    by, rows, total = asked.by, figures.rows, figures.total
    buckets = buckets.cast({name: rows.schema[name] for name in by})
    for percentile in asked.percentiles:
        name, share = f"p{percentile}_ms", percentile / 100
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
