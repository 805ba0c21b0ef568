"""Which days of which orgs a figure should have, by any clock, and what is there of them.

Belongs here: a local day as the UTC days that it touches, and a day missing, running or to come.
Elsewhere: what the warehouse has (the states passed in), naming it in a figure (aht.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import polars as pl

from aggregation_platform.intervals import days_between
from aggregation_platform.rollups.aht import FINALITIES
from aggregation_platform.tables import INSTANT
from aggregation_platform.zones import Stretch

TOUCHED = pl.Schema({"org": pl.String(), "day": pl.Date(), "utc_day": pl.Date(), "begins": INSTANT})
"""One row per org, day by its clock, and UTC day that this day touches."""

_OPEN = FINALITIES[-1]


def touched_days(org: str, stretches: Iterable[Stretch]) -> pl.DataFrame:
    """Return the UTC days that an org's local days touch, as TOUCHED."""
    rows = {
        (org, stretch.day, utc_day): stretch.start
        for stretch in reversed(list(stretches))
        for utc_day in days_between(
            stretch.start.date(), (stretch.end - timedelta(microseconds=1)).date()
        )
    }
    return pl.DataFrame(
        [(*key, begins) for key, begins in rows.items()], schema=TOUCHED, orient="row"
    ).sort("org", "day", "utc_day")


def with_finality(touched: pl.DataFrame, states: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """Add `finality` of the UTC day: null where it is over and not there.

    The running day is provisional, and so is a day to come: neither is missing.

    Args:
        touched: TOUCHED, of the UTC days on which the org is expected.
        states: One row per org and UTC day that has been loaded: `org`, `day`, `finality`.
        now: The present instant.
    """
    known = states.select("org", "finality", utc_day="day")
    is_open = pl.col("utc_day") >= now.date()
    return touched.join(
        known, on=["org", "utc_day"], how="left", maintain_order="left"
    ).with_columns(
        pl.when(is_open & pl.col("finality").is_null())
        .then(pl.lit(_OPEN))
        .otherwise("finality")
        .alias("finality")
    )


def coverage_of(days: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """Return one row per org and day by its clock: org, day, finality, has_begun.

    A day is as final as the least final UTC day that it touches, and missing (null) with one that
    is missing.

    Args:
        days: As `with_finality` returns.
        now: The present instant.
    """
    rank = pl.col("finality").replace_strict(_RANKS, default=None, return_dtype=pl.Int32)
    missing = pl.col("finality").is_null().any()
    grouped = days.group_by("org", "day", maintain_order=True).agg(
        pl.when(~missing).then(rank.max()).alias("rank"),
        (pl.col("begins").min() <= now).alias("has_begun"),
    )
    finality = pl.col("rank").replace_strict(_NAMES, default=None, return_dtype=pl.String)
    return grouped.select("org", "day", finality.alias("finality"), "has_begun")


def missing_days(days: pl.DataFrame) -> dict[str, list[date]]:
    """Return the UTC days that are over and not there, by org.

    Args:
        days: As `with_finality` returns.
    """
    missing = days.filter(pl.col("finality").is_null()).select("org", "utc_day").unique()
    return {
        org: found["utc_day"].sort().to_list()
        for (org,), found in missing.sort("org").group_by("org", maintain_order=True)
    }


_RANKS = {name: number for number, name in enumerate(FINALITIES)}
_NAMES = dict(enumerate(FINALITIES))
