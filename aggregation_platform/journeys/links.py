"""Pairs of conversations of different orgs, by the evidence that joins them.

Belongs here: correlation, transfer_leg and ani_window pairs, their scores, which are ambiguous.
Elsewhere: what the evidence is made of (evidence.py), journeys made of pairs (linking.py).

Pairs are (a, b) of row numbers of the contacts. Every pair starts within `max_span`; every
other decision looks no further than one call's life around its two conversations.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aggregation_platform.journeys.evidence import Evidence
from aggregation_platform.journeys.numbers import over_common
from aggregation_platform.journeys.rules import LONGEST_CALL, LinkingRules
from aggregation_platform.journeys.runs import repeated

CORRELATION, TRANSFER_LEG, ANI_WINDOW = "correlation", "transfer_leg", "ani_window"
STRENGTHS = (CORRELATION, TRANSFER_LEG, ANI_WINDOW)
"""Strongest first."""

PAIR = {
    "a": pl.UInt32(),
    "b": pl.UInt32(),
    "link": pl.String(),
    "score": pl.Float64(),
    "gap_ms": pl.Int64(),
    "is_ambiguous": pl.Boolean(),
}

_EARLY = timedelta(seconds=2)
"""How far two orgs' clocks may disagree."""

_ENOUGH = 0.5
_MARGIN = 0.1


def numbered(evidence: Evidence) -> pl.DataFrame:
    """Give contacts their row number, `contact`, and the UTC day on which they start.

    Args:
        evidence: In order (`Evidence.in_order`), so that the smaller number starts first.
    """
    days = pl.col("started_at").dt.date()
    return evidence.contacts.with_columns(day=days).with_row_index("contact")


def pairs_of(contacts: pl.DataFrame, evidence: Evidence, rules: LinkingRules) -> pl.DataFrame:
    """Return every pair that evidence joins, ambiguous ones marked; `a` starts before `b`.

    Args:
        contacts: What `numbered` made of the evidence.
        evidence: Its lines and keys.
        rules: The limits.
    """
    shared = evidence.keys[repeated(evidence.keys["value"])]
    keyed = correlation_pairs(_with(contacts, shared, "org", "started_at", "day"), rules)
    lines = _with(contacts, evidence.lines, "org", "day")
    dialled = transfer_pairs(contacts, lines, rules, keyed)
    called = caller_pairs(contacts, lines, rules)
    pairs = pl.concat([keyed, dialled, called]).with_columns(
        a=pl.min_horizontal("a", "b"), b=pl.max_horizontal("a", "b")
    )
    return pairs.sort("is_ambiguous", "score", descending=[False, True]).unique(
        ["a", "b", "link"], keep="first", maintain_order=True
    )


def correlation_pairs(keys: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Join conversations of different orgs that carry one value.

    Each is joined to the nearest of another org before and after it, not to all: the result is
    the same set of legs. A value on too many conversations of a day is a constant.

    Args:
        keys: value, contact, org, started_at, day.
        rules: The limits.
    """
    ordered = (
        keys.filter(pl.col("value").is_duplicated())
        .filter(pl.len().over("value", "day") <= rules.common_value_per_day)
        .sort("value", "contact")
    )
    earlier, later = _next_of_others(ordered)
    first = ordered[earlier].select(a="contact", value_a="value", start_a="started_at")
    second = ordered[later].select(b="contact", value_b="value", start_b="started_at")
    return (
        pl.concat([first, second], how="horizontal")
        .with_columns(gap=pl.col("start_b") - pl.col("start_a"))
        .filter(pl.col("value_a") == pl.col("value_b"), pl.col("gap") <= rules.max_span)
        .unique(["a", "b"])
        .select(
            "a",
            "b",
            link=pl.lit(CORRELATION),
            score=pl.lit(1.0),
            gap_ms=pl.col("gap").dt.total_milliseconds(),
            is_ambiguous=pl.lit(value=False),
        )
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


def transfer_pairs(
    contacts: pl.DataFrame, lines: pl.DataFrame, rules: LinkingRules, keyed: pl.DataFrame
) -> pl.DataFrame:
    """Join a line to the conversation that it reached in another org.

    The number dialled is one that the conversation was called at, and it began when the line
    did, or up to `transfer_seconds` later. The score grows where the number shown is the one
    the conversation saw, and where both ended together; it falls where the numbers differ.
    A line reaches one conversation and a conversation is reached by one line: a pair that is
    not clearly the best of both is ambiguous. Where a key has joined the pair, it is the best.

    Args:
        contacts: What `numbered` made.
        lines: contact, org, day, line_started_at, line_ended_at, dialled, shown.
        rules: The limits.
        keyed: The pairs joined by a key.
    """
    met = _met(contacts, lines, rules)
    keys = pl.concat([keyed.select("a", "b"), keyed.select(a="b", b="a")])
    known = met.join(keys.with_columns(keyed=pl.lit(value=True)), on=["a", "b"], how="left")
    scored = (
        known.with_columns(score=pl.when("keyed").then(1.0).otherwise(_transfer_score(rules)))
        .filter(pl.col("score") >= _ENOUGH)
        .unique()
    )
    best = [pl.col("score") >= pl.col("score").max().over(side) - _MARGIN for side in ("line", "b")]
    contenders = scored.filter(best[0] & best[1])
    alone = [pl.len().over(side) == 1 for side in ("line", "b")]
    return _as_pairs(
        contenders.with_columns(
            link=pl.lit(TRANSFER_LEG),
            gap_ms=pl.col("gap").dt.total_milliseconds(),
            is_ambiguous=~(alone[0] & alone[1]) & pl.col("keyed").is_null(),
        )
    )


def _met(contacts: pl.DataFrame, lines: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Pair lines with conversations by number and time, by steps of time to keep it linear."""
    latest = timedelta(seconds=rules.transfer_seconds)
    step_ms = max(int((latest + _EARLY).total_seconds() * 1000), 1000)
    calls = _called(contacts, lines["dialled"]).select(
        "dialled",
        b="contact",
        org_b="org",
        started_at="started_at",
        number="number",
        call_ended_at="line_ended_at",
        step=_step("started_at", step_ms),
    )
    dialling = (
        _with(contacts, lines, "started_at", "number")
        .rename({"started_at": "conversation_at", "number": "caller"})
        .with_row_index("line")
    )
    early = dialling.with_columns(step=_step("line_started_at", step_ms))
    spread = pl.concat([early.with_columns(pl.col("step") + shift) for shift in (-1, 0, 1)])
    gap = pl.col("started_at") - pl.col("line_started_at")
    reach = (pl.col("started_at") - pl.col("conversation_at")).abs()
    return (
        spread.join(calls, on=["dialled", "step"])
        .with_columns(gap=gap)
        .rename({"contact": "a"})
        .filter(pl.col("org") != pl.col("org_b"))
        .filter(pl.col("gap").is_between(-_EARLY, latest), reach <= LONGEST_CALL)
    )


def _called(contacts: pl.DataFrame, dialled: pl.Series) -> pl.DataFrame:
    """Keep calls to a number that some line dialled, as `dialled`: once for each such number."""
    known = dialled.unique().implode()
    by_number = contacts.filter(pl.col("dnis").is_in(known)).with_columns(dialled="dnis")
    by_session = contacts.filter(
        pl.col("session_dnis").is_in(known), pl.col("session_dnis").ne_missing(pl.col("dnis"))
    ).with_columns(dialled="session_dnis")
    return pl.concat([by_number, by_session])


def _transfer_score(rules: LinkingRules) -> pl.Expr:
    seen, shown, caller = pl.col("number"), pl.col("shown"), pl.col("caller")
    agrees = ((seen == shown) | (seen == caller)).fill_null(value=False)
    differs = ~agrees & seen.is_not_null() & (shown.is_not_null() | caller.is_not_null())
    apart = (pl.col("line_ended_at") - pl.col("call_ended_at")).abs()
    together = (apart <= timedelta(seconds=2)).fill_null(value=False)
    late = pl.col("gap").abs().dt.total_milliseconds() / (1000 * max(rules.transfer_seconds, 2))
    number = pl.when(agrees).then(0.25).when(differs).then(-0.15).otherwise(0.0)
    return 0.5 + number + pl.when(together).then(0.2).otherwise(0.0) + 0.05 * (1 - late)


def caller_pairs(contacts: pl.DataFrame, lines: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Join calls of one number to different orgs, the later begun while the other lived or soon.

    Never on a number that is a switchboard's, an org's own, or a trunk's. The sooner after the
    other's end, the higher the score. Where one call has two candidates in one org, neither
    side tells which, and all its pairs there are ambiguous.

    Args:
        contacts: What `numbered` made.
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
    return _as_pairs(
        met.with_columns(
            link=pl.lit(ANI_WINDOW),
            score=_caller_score(window),
            gap_ms=(pl.col("start_b") - pl.col("start_a")).dt.total_milliseconds(),
            is_ambiguous=rivals,
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


def _step(column: str, step_ms: int) -> pl.Expr:
    return pl.col(column).dt.epoch("ms") // step_ms


def _with(contacts: pl.DataFrame, frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Add columns of the contacts that the frame names."""
    return pl.concat([frame, contacts.select(columns)[frame["contact"]]], how="horizontal")


def _as_pairs(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in PAIR.items())
