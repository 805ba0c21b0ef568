"""Pairs by a shared key: conversations of different orgs that carry one correlation value.

Belongs here: correlation pairs, values that are constants, uses too far apart.
Elsewhere: which texts are a key at all (evidence.py), where journeys are cut (cutting.py).
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aggregation_platform.journeys.evidence import is_template
from aggregation_platform.journeys.pairs import (
    CONSTANT_KEY,
    CORRELATION,
    TOO_FAR,
    as_pairs,
)
from aggregation_platform.journeys.rules import LinkingRules

_DAY = ["value", "day"]


def correlation_pairs(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Join conversations of different orgs that carry one value.

    Each is joined to the nearest of another org before and after it, not to all: the result is
    the same set of legs. Two that are further apart than `max_span` are `too_far`; beyond twice
    that they have nothing to do with each other. On a day on which a value is a constant it
    joins nobody, and its first pairs are listed as `constant_key`.

    Args:
        keys: value, contact, org, started_at, day, number.
        rules: The limits.
    """
    ordered = keys.filter(pl.col("value").is_duplicated()).sort("value", "contact")
    constant = _constants(ordered, rules)
    if constant.is_empty():
        return _joined(ordered, rules)
    usable = ordered.join(constant, on=_DAY, how="anti", maintain_order="left")
    listed = ordered.join(constant, on=_DAY, how="semi", maintain_order="left")
    return pl.concat([_joined(usable, rules), _listed(listed, rules)])


def _joined(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Pair each use with its neighbours of another org, as far as twice the span."""
    near = _neighbours(keys, ["value"]).filter(pl.col("gap") <= 2 * rules.max_span)
    too_far = pl.when(pl.col("gap") > rules.max_span).then(pl.lit(TOO_FAR))
    return _as_correlation(near.with_columns(doubt=too_far))


def _listed(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Take the first pairs of each constant and day: enough to find where it is written."""
    first = _neighbours(keys, _DAY).sort("a", "b")
    few = first.filter(pl.int_range(pl.len()).over("value", "day") < rules.common_value_per_day)
    return _as_correlation(few.with_columns(doubt=pl.lit(CONSTANT_KEY)))


def _as_correlation(pairs: pl.DataFrame) -> pl.DataFrame:
    return as_pairs(
        pairs.with_columns(
            link=pl.lit(CORRELATION),
            score=pl.lit(1.0),
            gap_ms=pl.col("gap").dt.total_milliseconds(),
        )
    )


def _constants(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Return (value, day) of values that belong to no contact.

    They are templates that nobody filled, values on too many conversations of the day, and values
    that too many callers carry within minutes: a contact is passed on, one org after the other.
    """
    common = keys.filter(
        is_template(pl.col("value")) | (pl.len().over("value", "day") > rules.common_value_per_day)
    )
    return pl.concat([common.select(_DAY), _carried_by_many(keys, rules)]).unique()


def _carried_by_many(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Return (value, day) that more than `common_value_callers` carry within minutes.

    A conversation without a caller's number counts as a caller of its own.
    """
    minutes = timedelta(minutes=rules.common_value_minutes)
    dense = keys.join(_dense(keys, rules.common_value_callers, minutes), on=_DAY, how="semi")
    if dense.is_empty():
        return dense.select(_DAY)
    number = pl.col("number")
    return (
        dense.sort(*_DAY, "started_at")
        .rolling("started_at", period=minutes, closed="both", group_by=_DAY)
        .agg(callers=number.drop_nulls().n_unique() + number.null_count())
        .filter(pl.col("callers") > rules.common_value_callers)
        .select(_DAY)
    )


def _dense(keys: pl.DataFrame, most: int, minutes: timedelta) -> pl.DataFrame:
    """Return (value, day) with more conversations than `most` within minutes: few of all."""
    value, day, start = (keys[name].to_numpy() for name in (*_DAY, "started_at"))
    first = np.arange(max(len(value) - most, 0))
    last = first + most
    within = start[last] - start[first] <= np.timedelta64(minutes)
    together = (value[first] == value[last]) & (day[first] == day[last]) & within
    return keys.select(_DAY)[first[together]].unique()


def _neighbours(keys: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Pair each use with the nearest of another org before and after it, within its group.

    Returns:
        `a`, `b`, `gap` between their starts, and the groups.
    """
    earlier, later = _next_of_others(keys)
    first = keys[earlier].select(a="contact", start_a="started_at", **{g: g for g in groups})
    second = keys[later].select(b="contact", start_b="started_at", **{f"{g}_b": g for g in groups})
    return (
        pl.concat([first, second], how="horizontal")
        .filter(pl.col(group) == pl.col(f"{group}_b") for group in groups)
        .unique(["a", "b", *groups], maintain_order=True)
        .with_columns(gap=pl.col("start_b") - pl.col("start_a"))
    )


def _next_of_others(keys: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair each row with the last one before, and the first one after, its run of value and org."""
    changes = [pl.col(name) != pl.col(name).shift(1) for name in ("value", "org")]
    begins = keys.select(pl.any_horizontal(changes).fill_null(value=True)).to_series()
    heads = begins.arg_true().cast(pl.Int64).to_numpy()
    rows, sizes = np.arange(keys.height), np.diff(heads, append=keys.height)
    before = np.repeat(heads - 1, sizes)
    after = np.repeat(heads + sizes, sizes)
    earlier = np.append(before[before >= 0], rows[after < keys.height])
    later = np.append(rows[before >= 0], after[after < keys.height])
    return earlier, later
