"""Pairs by a dialled line: the conversation that an outbound line reached in another org.

Belongs here: which calls a line may have reached, their scores, whose is whose.
Elsewhere: the fullest explanation of lines and calls that coincide (matching.py).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from aggregation_platform.journeys.matching import verdicts
from aggregation_platform.journeys.pairs import TRANSFER_LEG, as_pairs, with_contact
from aggregation_platform.journeys.rules import LONGEST_CALL, LinkingRules

CLOCKS_APART = timedelta(seconds=2)
"""How far two orgs' clocks may disagree."""

_ENOUGH = 0.5
_CERTAIN = 2.0
"""Where a key has joined the pair: no score by number and time comes near."""


def transfer_pairs(
    contacts: pl.DataFrame, lines: pl.DataFrame, rules: LinkingRules, keyed: pl.DataFrame
) -> pl.DataFrame:
    """Join a line to the conversation that it reached in another org.

    The number dialled is one that the conversation was called at, and it began when the line
    did, or up to `transfer_seconds` later, while the line was up. The score grows where the
    number shown is the one the conversation saw, and where both ended together; it falls where
    the numbers differ. A line reaches one conversation and a conversation is reached by one
    line: `matching.verdicts` finds whose is whose. A pair that a key has joined is certain.

    Args:
        contacts: What `links.numbered` made.
        lines: contact, org, day, line_started_at, line_ended_at, dialled, shown.
        rules: The limits.
        keyed: The pairs joined by a key.
    """
    met = _met(contacts, lines, rules)
    keys = pl.concat([keyed.select("a", "b"), keyed.select(a="b", b="a")])
    known = met.join(keys.with_columns(keyed=pl.lit(value=True)), on=["a", "b"], how="left")
    scored = (
        known.with_columns(score=pl.when("keyed").then(_CERTAIN).otherwise(_transfer_score(rules)))
        .filter(pl.col("score") >= _ENOUGH)
        .unique(["line", "b"])
    )
    return as_pairs(
        scored.with_columns(
            verdicts(scored),
            score=pl.col("score").clip(upper_bound=1.0),
            link=pl.lit(TRANSFER_LEG),
            gap_ms=pl.col("gap").dt.total_milliseconds(),
        )
    )


def _met(contacts: pl.DataFrame, lines: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Pair lines with conversations by number and time, by steps of time to keep it linear."""
    latest = timedelta(seconds=rules.transfer_seconds)
    step_ms = max(int((latest + CLOCKS_APART).total_seconds() * 1000), 1000)
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
        with_contact(contacts, lines, "started_at", "number")
        .rename({"started_at": "conversation_at", "number": "caller"})
        .with_row_index("line")
    )
    early = dialling.with_columns(step=_step("line_started_at", step_ms))
    spread = pl.concat([early.with_columns(pl.col("step") + shift) for shift in (-1, 0, 1)])
    gap = pl.col("started_at") - pl.col("line_started_at")
    reach = (pl.col("started_at") - pl.col("conversation_at")).abs()
    was_up = (pl.col("line_ended_at") >= pl.col("started_at") - CLOCKS_APART).fill_null(value=True)
    return (
        spread.join(calls, on=["dialled", "step"])
        .with_columns(gap=gap)
        .rename({"contact": "a"})
        .filter(pl.col("org") != pl.col("org_b"))
        .filter(pl.col("gap").is_between(-CLOCKS_APART, latest), reach <= LONGEST_CALL, was_up)
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


def _step(column: str, step_ms: int) -> pl.Expr:
    return pl.col(column).dt.epoch("ms") // step_ms
