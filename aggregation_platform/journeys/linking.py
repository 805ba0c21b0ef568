"""Journeys: conversations of different orgs that evidence joins into one customer contact.

Belongs here: the way from evidence to the tables of a day. Elsewhere: its steps: what evidence is
(evidence.py), pairs (links.py), membership (members.py), rows (rows.py).

Every conversation is a leg of exactly one journey, often of its own. What joins is decided from
a bounded stretch of time around a conversation (rules.py), so the journeys of a day are the same
whichever other days are built with it, and in whichever order anything came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from aggregation_platform.intervals import days_between
from aggregation_platform.journeys.evidence import Evidence
from aggregation_platform.journeys.links import numbered, pairs_of
from aggregation_platform.journeys.members import members_of
from aggregation_platform.journeys.rows import (
    journeys_in,
    leg_rows,
    legs_of,
    link_rows,
    review_rows,
)
from aggregation_platform.journeys.rules import LinkingRules

_ID = ["org", "conversation_id"]


@dataclass(frozen=True)
class Journeys:
    """The four tables of journeys/tables.py, of one day or of all that were linked."""

    legs: pl.DataFrame
    journeys: pl.DataFrame
    links: pl.DataFrame
    reviews: pl.DataFrame


def days_around(day: date, rules: LinkingRules) -> list[date]:
    """Name the days whose evidence and handle time decide the journeys of a day."""
    reach = timedelta(days=rules.window_days)
    return list(days_between(day - reach, day + reach))


def conversation_handle_times(session_metrics: pl.DataFrame) -> pl.DataFrame:
    """Add up handle time per conversation, of any part of `facts.session_metrics`.

    Additive: rows of several parts are added up by `journeys_of_day`.
    """
    return (
        session_metrics.filter(pl.col("metric") == "tHandle")
        .group_by(_ID)
        .agg(handled_count=pl.len().cast(pl.Int64), handle_ms=pl.col("value_ms").sum())
    )


def journeys_of_day(
    day: date, evidence: Evidence, handle_times: pl.DataFrame, rules: LinkingRules
) -> Journeys:
    """Return the journeys whose first leg starts on the UTC day, with all their legs.

    Args:
        day: The partition's day.
        evidence: Of all orgs, of `days_around` the day; more changes nothing.
        handle_times: What `conversation_handle_times` made of the same days and, for
            conversations that live longer, of later ones; each metric once.
        rules: The limits.
    """
    return _linked(evidence, handle_times, rules, day)


def all_journeys(evidence: Evidence, handle_times: pl.DataFrame, rules: LinkingRules) -> Journeys:
    """Link everything that is there; right for the days with `window_days` on either side."""
    return _linked(evidence, handle_times, rules, None)


def _linked(
    evidence: Evidence, handle_times: pl.DataFrame, rules: LinkingRules, day: date | None
) -> Journeys:
    ordered = evidence.in_order()
    contacts = numbered(ordered)
    pairs = pairs_of(contacts, ordered, rules)
    members = members_of(contacts, pairs, rules)
    placed = pairs.with_columns(
        label=pl.Series(members.label[pairs["a"].to_numpy()]),
        label_b=pl.Series(members.label[pairs["b"].to_numpy()]),
    )
    joined = placed.filter(pl.col("doubt").is_null(), pl.col("label") == pl.col("label_b"))
    apart = placed.filter(pl.col("label") != pl.col("label_b"))
    legs = legs_of(contacts, members, joined, handle_times, day)
    return Journeys(
        legs=leg_rows(legs),
        journeys=journeys_in(legs),
        links=link_rows(contacts, joined, day),
        reviews=review_rows(contacts, apart, day),
    )
