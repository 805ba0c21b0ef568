"""Rules that do nothing, and what they were probably meant for.

Belongs here: the line of each rule, and the nearest real name. Elsewhere: which rules match
(queues.py, agents.py), how names are compared (names.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from aggregation_platform.config.rules import AgentRule, QueueRule
from aggregation_platform.names import nearest

NO_LINE = 0


def lines_of(rules: Sequence[QueueRule] | Sequence[AgentRule] | pl.DataFrame) -> pl.Series:
    """Return the line of each rule in its file; 0 where a frame has no column `line`."""
    if not isinstance(rules, pl.DataFrame):
        return pl.Series("line", [rule.line for rule in rules], pl.Int64)
    if "line" in rules.columns:
        return rules["line"].cast(pl.Int64)
    return pl.repeat(NO_LINE, rules.height, dtype=pl.Int64, eager=True).alias("line")


def with_nearest(
    rules: pl.DataFrame, written: str, known: pl.DataFrame, *, like: str, named: str, cutoff: float
) -> pl.DataFrame:
    """Add `nearest` to rules: of what their org has, the one that is most like what they say.

    Args:
        rules: Rows with `org` and the column `written`.
        written: The column that says what the rule is for.
        known: What the orgs have: `org` and the columns `like` and `named`.
        like: The column that is compared.
        named: The column whose value is the answer.
        cutoff: From 0 (anything) to 1 (only what is equal).
    """
    choices: dict[str, dict[str, str]] = {}
    for org, compared, answer in known.select(
        "org", pl.col(like).alias("_like"), pl.col(named).alias("_named")
    ).iter_rows():
        choices.setdefault(org, {}).setdefault(compared, answer)
    found = [
        _answer(text, choices.get(org, {}), cutoff)
        for org, text in rules.select("org", written).iter_rows()
    ]
    return rules.with_columns(pl.Series("nearest", found, pl.String))


def _answer(written: str, answers: dict[str, str], cutoff: float) -> str | None:
    near = nearest(written, answers, cutoff=cutoff)
    return None if near is None else answers[near]
