"""Shapes of the identity tables: the mappings, effective-dated, and what a person should look at.

Belongs here: schemas, and the explicit members that keep totals whole. `valid_from` is the first
day of a mapping and `valid_to` the first day on which it no longer holds; both are always set
(SINCE_EVER, FOR_EVER), and the rows of one id tile all of time.
Elsewhere: how mappings arise (queues.py, agents.py), how rows are labelled (members.py).
"""

from __future__ import annotations

from datetime import date

import dataframely as dy
import polars as pl

from aggregation_platform.tables import Table, instant

NONE = "(none)"
"""The member of what has no queue (agent, media type, direction) on its session."""

UNMAPPED = "(unmapped)"
"""The member of a queue or agent that has an id, but no mapping."""

SINCE_EVER = date(1970, 1, 1)
FOR_EVER = date(9999, 12, 31)


class QueueNames(dy.Schema):
    """One row per queue and name that an org's records of a day carry: the name as it was then."""

    org = dy.String(primary_key=True)
    day = dy.Date(primary_key=True)
    queue_id = dy.String(primary_key=True)
    queue_name = dy.String(primary_key=True)
    last_seen_at = instant(description="start of the latest session that carries the name")
    session_count = dy.Int64(min=1)


class Queues(dy.Schema):
    """One row per queue of an org and stretch of days with one name and one global queue."""

    org = dy.String(primary_key=True)
    queue_id = dy.String(primary_key=True)
    queue_name = dy.String(description=f"{UNMAPPED} where no listing and no record names it")
    global_queue = dy.String(description=f"{UNMAPPED} where no rule names it")
    evidence = dy.String(
        description="rule_id, rule_name, ambiguous (rules disagree, so unmapped) or unmapped"
    )
    valid_from = dy.Date(primary_key=True)
    valid_to = dy.Date(description="the first day on which the row no longer holds")

    @dy.rule()
    def holds_for_a_day_at_least(cls) -> pl.Expr:
        """A row holds for at least one day."""
        return pl.col("valid_from") < pl.col("valid_to")


class QueueReviews(dy.Schema):
    """One row per queue without a global queue, and per queue rule that does nothing."""

    reason = dy.String(
        primary_key=True,
        description="unmapped, ambiguous_rules, rule_without_queue or one_name_in_two_rules",
    )
    org = dy.String(primary_key=True)
    queue_id = dy.String(primary_key=True, description=f"{NONE} where a rule is meant")
    queue_name = dy.String(primary_key=True, description="as the org spells it, or as the rule")
    rule_line = dy.Int64(
        primary_key=True, min=0, description="line of the rules file; 0 where a queue is meant"
    )
    global_queue = dy.String(nullable=True, description="of the rule")
    nearest_name = dy.String(
        nullable=True, description="the org's queue name that is most like the rule's"
    )
    valid_from = dy.Date(primary_key=True, description="first day of which this is so")
    valid_to = dy.Date(description="the first day of which it no longer is")
    advice = dy.String()


class Agents(dy.Schema):
    """One row per user of an org and stretch of days with one name and one global agent."""

    org = dy.String(primary_key=True)
    user_id = dy.String(primary_key=True)
    agent_name = dy.String(nullable=True)
    global_agent_id = dy.String(description="the rule's, or org:user_id of the first known account")
    evidence = dy.String(description="rule, email or own")
    valid_from = dy.Date(primary_key=True)
    valid_to = dy.Date(description="the first day on which the row no longer holds")

    @dy.rule()
    def holds_for_a_day_at_least(cls) -> pl.Expr:
        """A row holds for at least one day."""
        return pl.col("valid_from") < pl.col("valid_to")


class AgentReviews(dy.Schema):
    """One row per pair of users that may or may not be one person; a rule settles it."""

    reason = dy.String(primary_key=True, description="same_name, shared_email or rule_without_user")
    org = dy.String(primary_key=True)
    user_id = dy.String(primary_key=True)
    agent_name = dy.String(nullable=True)
    other_org = dy.String(primary_key=True)
    other_user_id = dy.String(primary_key=True)
    other_agent_name = dy.String(nullable=True)
    advice = dy.String()
    rule_line = dy.Int64(
        primary_key=True, min=0, description="line of the rules file; 0 where a pair is meant"
    )
    nearest_user_id = dy.String(
        nullable=True, description="the org's account whose id or address is most like the rule's"
    )


QUEUE_NAMES = Table("identity", "queue_names", QueueNames, ("org", "day"))
QUEUES = Table("identity", "queues", Queues)
QUEUE_REVIEWS = Table("identity", "queue_reviews", QueueReviews)
AGENTS = Table("identity", "agents", Agents)
AGENT_REVIEWS = Table("identity", "agent_reviews", AgentReviews)

TABLES = (QUEUE_NAMES, QUEUES, QUEUE_REVIEWS, AGENTS, AGENT_REVIEWS)
