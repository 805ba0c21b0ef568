"""Pairs by a shared key: conversations of different orgs that carry one correlation value.

Belongs here: correlation pairs, values that are constants, uses too far apart.
Elsewhere: which texts are a key at all (evidence.py), where journeys are cut (cutting.py).
"""

from __future__ import annotations

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
from aggregation_platform.journeys.rules import CONSTANT_HOLDS, LinkingRules

_DAY = ["value", "day"]


def correlation_pairs(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Join conversations of different orgs that carry one value.

    Each is joined to the nearest of another org before and after it, not to all: the result is
    the same set of legs. Two that are further apart than `max_span` are `too_far`; beyond twice
    that they have nothing to do with each other. Where a value is a constant it joins nobody, and
    its first pairs of a day are listed as `constant_key`.

    Args:
        keys: value, contact, org, started_at, day, number.
        rules: The limits.
    """
    ordered = keys.filter(pl.col("value").is_duplicated()).sort("value", "contact")
    is_constant = _constant(ordered, rules)
    if not is_constant.any():
        return _joined(ordered, rules)
    usable, listed = ordered.filter(~is_constant), ordered.filter(is_constant)
    return pl.concat([_joined(usable, rules), _listed(listed, rules)])


def _joined(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Pair each use with its neighbours of another org, as far as twice the span."""
    near = _neighbours(keys).filter(pl.col("gap") <= 2 * rules.max_span)
    too_far = pl.when(pl.col("gap") > rules.max_span).then(pl.lit(TOO_FAR))
    return _as_correlation(near.with_columns(doubt=too_far))


def _listed(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Take the first pairs of each constant and day: enough to find where it is written."""
    near = _neighbours(keys).filter(pl.col("gap") <= CONSTANT_HOLDS).sort("a", "b")
    few = near.filter(pl.int_range(pl.len()).over("value", "day") < rules.common_value_per_day)
    return _as_correlation(few.with_columns(doubt=pl.lit(CONSTANT_KEY)))


def _as_correlation(pairs: pl.DataFrame) -> pl.DataFrame:
    return as_pairs(
        pairs.with_columns(
            link=pl.lit(CORRELATION),
            score=pl.lit(1.0),
            gap_ms=pl.col("gap").dt.total_milliseconds(),
        )
    )


def _constant(keys: pl.DataFrame, rules: LinkingRules) -> pl.Series:
    """Tell of each use whether its value is a constant there, and belongs to no contact.

    It is a template that nobody filled, or on too many conversations of the day, or too many
    callers carry it within minutes: a contact is passed on, one org after the other. The last
    holds for the day, and for the hours around where a day begins.
    """
    in_common = pl.len().over(_DAY) > rules.common_value_per_day
    known = keys.select(is_template(pl.col("value")) | in_common).to_series()
    dense = _dense(keys, rules)
    if dense.is_empty():
        return known
    of_day = _crowds(dense, _DAY, rules).select(_DAY).unique()
    crowds = _crowds(dense, ["value"], rules).select("value", "started_at", is_near=True)
    found = (
        keys.join(of_day.with_columns(is_on_day=True), on=_DAY, how="left", maintain_order="left")
        .with_row_index("row")
        .sort("started_at")
        .join_asof(
            crowds.sort("started_at"),
            on="started_at",
            by="value",
            strategy="nearest",
            tolerance=CONSTANT_HOLDS,
            check_sortedness=False,
        )
        .sort("row")
    )
    marked = pl.any_horizontal(pl.col("is_on_day", "is_near").fill_null(value=False))
    return known | found.select(marked).to_series()


def _crowds(keys: pl.DataFrame, groups: list[str], rules: LinkingRules) -> pl.DataFrame:
    """Return the uses with which a value has been carried by too many callers within minutes.

    A conversation without a caller's number counts as a caller of its own.
    """
    number = pl.col("number")
    return (
        keys.sort(*groups, "started_at")
        .rolling("started_at", period=rules.crowd, closed="both", group_by=groups)
        .agg(callers=number.drop_nulls().n_unique() + number.null_count())
        .filter(pl.col("callers") > rules.common_value_callers)
    )


def _dense(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Keep the values that have more conversations within minutes than a contact: few of all."""
    value, start = (keys[name].to_numpy() for name in ("value", "started_at"))
    first = np.arange(max(len(value) - rules.common_value_callers, 0))
    last = first + rules.common_value_callers
    within = start[last] - start[first] <= np.timedelta64(rules.crowd)
    values = keys["value"].gather(first[within & (value[first] == value[last])]).unique()
    return keys.filter(pl.col("value").is_in(values.implode()))


def _neighbours(keys: pl.DataFrame) -> pl.DataFrame:
    """Pair each use with the nearest of another org before and after it.

    Returns:
        `a`, `b`, `gap` between their starts, the `value`, and the `day` of `a`.
    """
    earlier, later = _next_of_others(keys)
    first = keys[earlier].select("value", "day", a="contact", start_a="started_at")
    second = keys[later].select(b="contact", start_b="started_at", value_b="value")
    return (
        pl.concat([first, second], how="horizontal")
        .filter(pl.col("value") == pl.col("value_b"))
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
    # The last of a run and the first of the next find one another from both sides: once is enough.
    ahead = (after < keys.height) & (rows + 1 != after)
    earlier = np.append(before[before >= 0], rows[ahead])
    later = np.append(rows[before >= 0], after[ahead])
    return earlier, later
