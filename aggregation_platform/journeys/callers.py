"""Pairs by the caller's number: one number calls one org, and soon after another.

Belongs here: caller pairs, their scores, which numbers are a person's.
Elsewhere: which addresses are a number (numbers.py).
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aggregation_platform.journeys.numbers import over_common
from aggregation_platform.journeys.pairs import AMBIGUOUS, ANI_WINDOW, as_pairs
from aggregation_platform.journeys.rules import LONGEST_CALL, LinkingRules
from aggregation_platform.journeys.runs import repeated


def caller_pairs(contacts: pl.DataFrame, lines: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Join calls of one number to different orgs, the later begun while the other lived or soon.

    Never on a number that is a switchboard's, an org's own, or a trunk's. The sooner after the
    other's end, the higher the score. Where one call has two candidates in one org, neither
    side tells which, and all its pairs there are ambiguous.

    Args:
        contacts: What `links.numbered` made.
        lines: contact, org, day, shown.
        rules: The limits.
    """
    window = timedelta(minutes=rules.ani_window_minutes)
    calls = contacts.select(
        "number", "contact", "org", "started_at", lives_until=_end_of_life(window)
    )[_traceable(contacts, lines, rules)]
    earlier, later = _soon_after(calls.with_columns(pl.col("lives_until") + window))
    first = calls[earlier].select(
        a="contact", org_a="org", start_a="started_at", end_a="lives_until"
    )
    second = calls[later].select(b="contact", org_b="org", start_b="started_at")
    met = (
        pl.concat([first, second], how="horizontal")
        .filter(pl.col("org_a") != pl.col("org_b"))
        .with_columns(gap=pl.col("start_b") - pl.col("end_a"))
    )
    rivals = (pl.len().over("a", "org_b") > 1) | (pl.len().over("b", "org_a") > 1)
    return as_pairs(
        met.with_columns(
            link=pl.lit(ANI_WINDOW),
            score=_caller_score(window),
            gap_ms=(pl.col("start_b") - pl.col("start_a")).dt.total_milliseconds(),
            doubt=pl.when(rivals).then(pl.lit(AMBIGUOUS)),
        )
    )


def _end_of_life(window: timedelta) -> pl.Expr:
    longest = pl.col("started_at") + LONGEST_CALL
    return pl.min_horizontal(pl.coalesce("line_ended_at", "ended_at", longest), longest - window)


def _soon_after(calls: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair each call with those of its number that begin later, until it no longer lives.

    Each step looks one row further, and only from where the step before has met one: calls are
    in order of number and start, so whoever does not meet the next meets nobody behind it.

    Returns:
        Rows of the earlier and of the later call.
    """
    number, start, until = (
        calls[name].to_numpy() for name in ("number", "started_at", "lives_until")
    )
    met = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
    rows, step = np.arange(calls.height), 0
    while rows.size:
        step += 1
        rows = rows[rows + step < calls.height]
        later = rows + step
        rows = rows[(number[rows] == number[later]) & (start[later] <= until[rows])]
        met.append((rows, rows + step))
    earlier, later = zip(*met, strict=True)
    return np.concatenate(earlier), np.concatenate(later)


def _caller_score(window: timedelta) -> pl.Expr:
    late = pl.col("gap").dt.total_milliseconds() / max(window.total_seconds() * 1000, 1)
    return pl.when(late < 0).then(0.5).otherwise(0.8 - 0.3 * late.clip(0, 1))


def _traceable(contacts: pl.DataFrame, lines: pl.DataFrame, rules: LinkingRules) -> pl.Series:
    """Return the calls whose number is a person's, as far as the day tells, by number and start."""
    uses = contacts.select("number", "day", "contact")[repeated(contacts["number"])]
    common = over_common(uses, most=rules.common_number_per_day)
    shown = lines.select("contact", "day", number="shown").drop_nulls().unique()
    never = pl.concat([common, _own(contacts, uses["number"]), over_common(shown, most=1)])
    traceable = uses.join(never, on=["number", "day"], how="anti", maintain_order="left")
    return traceable.sort("number", maintain_order=True)["contact"]


def _own(contacts: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
    """Return (number, day) of those numbers at which a conversation of the day was called."""
    own: list[pl.DataFrame] = []
    for name in ("dnis", "session_dnis"):
        hit = numbers.filter(numbers.is_in(contacts[name].unique().implode())).unique()
        rows = contacts.filter(pl.col(name).is_in(hit.implode())) if len(hit) else contacts.clear()
        own.append(rows.select(pl.col(name).alias("number"), "day"))
    return pl.concat(own)
