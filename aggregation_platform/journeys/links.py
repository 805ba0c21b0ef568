"""Pairs of conversations of different orgs, of all kinds of evidence.

Belongs here: contacts by number and day, the sum of all pairs.
Elsewhere: each kind of them (keys.py, transfers.py, callers.py), what the evidence is made of
(evidence.py), journeys made of pairs (linking.py).
"""

from __future__ import annotations

import polars as pl

from aggregation_platform.journeys.callers import caller_pairs
from aggregation_platform.journeys.evidence import Evidence
from aggregation_platform.journeys.keys import correlation_pairs
from aggregation_platform.journeys.pairs import with_contact
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.journeys.runs import repeated
from aggregation_platform.journeys.transfers import transfer_pairs


def numbered(evidence: Evidence) -> pl.DataFrame:
    """Give contacts their row number, `contact`, and the UTC day on which they start.

    Args:
        evidence: In order (`Evidence.in_order`), so that the smaller number starts first.
    """
    days = pl.col("started_at").dt.date()
    return evidence.contacts.with_columns(day=days).with_row_index("contact")


def pairs_of(contacts: pl.DataFrame, evidence: Evidence, rules: LinkingRules) -> pl.DataFrame:
    """Return every pair that evidence joins, with what is doubtful about it; `a` starts first.

    Args:
        contacts: What `numbered` made of the evidence.
        evidence: Its lines and keys.
        rules: The limits.
    """
    shared = evidence.keys[repeated(evidence.keys["value"])]
    told = with_contact(contacts, shared, "org", "started_at", "day", "number")
    keyed = correlation_pairs(told, rules)
    lines = with_contact(contacts, evidence.lines, "org", "day")
    dialled = transfer_pairs(contacts, lines, rules, keyed.filter(pl.col("doubt").is_null()))
    called = caller_pairs(contacts, lines, rules)
    pairs = pl.concat([keyed, dialled, called]).with_columns(
        a=pl.min_horizontal("a", "b"), b=pl.max_horizontal("a", "b")
    )
    return pairs.sort("doubt", "score", descending=[False, True]).unique(
        ["a", "b", "link"], keep="first", maintain_order=True
    )
