"""Shapes of the journeys: contacts, their legs, the evidence, and what was left apart.

Belongs here: schemas. `day` is the UTC day on which a journey's first leg starts; legs may start
on later days. No phone number and no attribute value is in these tables.
Elsewhere: what is evidence (links.py), how evidence becomes journeys (linking.py).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from aggregation_platform.tables import Table, instant


class Legs(dy.Schema):
    """One row per conversation: each is a leg of exactly one journey."""

    day = dy.Date(primary_key=True)
    journey_id = dy.String(description="org:conversation_id of the first leg")
    leg_number = dy.Int32(min=1, description="by start, then org, then conversation id")
    org = dy.String(primary_key=True)
    conversation_id = dy.String(primary_key=True)
    started_at = instant()
    link = dy.String(description="first, correlation, transfer_leg or ani_window")
    score = dy.Float64(min=0, max=1, description="1 for first and correlation")
    handled_count = dy.Int64(min=0)
    handle_ms = dy.Int64(min=0)


class Journeys(dy.Schema):
    """One row per journey: conversations of different orgs that are one customer contact."""

    day = dy.Date(primary_key=True)
    journey_id = dy.String(primary_key=True)
    started_at = instant()
    ended_at = instant(nullable=True, description="latest end; null while a leg is open")
    leg_count = dy.Int32(min=1)
    org_count = dy.Int32(min=1)
    orgs = dy.String(description="distinct, sorted, comma-separated")
    first_org = dy.String()
    handle_ms = dy.Int64(min=0, description="sum over its legs, each counted once")
    handled_count = dy.Int64(min=0)
    is_cut = dy.Bool(description="evidence joined it to more than one contact can be; see reviews")

    @dy.rule()
    def one_org_is_one_leg(cls) -> pl.Expr:
        """Conversations of one org alone are never joined."""
        return (pl.col("org_count") > 1) | (pl.col("leg_count") == 1)


class Links(dy.Schema):
    """One row per piece of evidence inside a journey: two conversations of different orgs."""

    day = dy.Date(primary_key=True)
    journey_id = dy.String()
    org = dy.String(primary_key=True, description="of the conversation that starts first")
    conversation_id = dy.String(primary_key=True)
    other_org = dy.String(primary_key=True)
    other_conversation_id = dy.String(primary_key=True)
    link = dy.String(primary_key=True, description="correlation, transfer_leg or ani_window")
    score = dy.Float64(min=0, max=1)
    gap_ms = dy.Int64(description="between the two starts; for transfer_leg from the dialled leg")


class Reviews(dy.Schema):
    """One row per pair that evidence joins and that was kept apart, with the reason."""

    day = dy.Date(primary_key=True, description="on which the earlier conversation starts")
    reason = dy.String(
        primary_key=True,
        description="ambiguous, ruled_out, constant_key, too_far or too_large",
    )
    org = dy.String(primary_key=True)
    conversation_id = dy.String(primary_key=True)
    other_org = dy.String(primary_key=True)
    other_conversation_id = dy.String(primary_key=True)
    link = dy.String(primary_key=True)
    score = dy.Float64(min=0, max=1)
    gap_ms = dy.Int64()


LEGS = Table("journeys", "legs", Legs, ("day",))
JOURNEYS = Table("journeys", "journeys", Journeys, ("day",))
LINKS = Table("journeys", "links", Links, ("day",))
REVIEWS = Table("journeys", "reviews", Reviews, ("day",))

TABLES = (LEGS, JOURNEYS, LINKS, REVIEWS)
