"""Shapes of the rollups: sums and counts by half hour, additive over every dimension.

Belongs here: schemas. No dimension is null: what a session lacks is `(none)`, what no rule or
listing knows is `(unmapped)` (identity/tables.py), so every total is whole.
Elsewhere: how the sums arise (handle_time.py, queue_intervals.py, journey_days.py, sketches.py).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from aggregation_platform.tables import Table, instant


class QueueCell(dy.Schema):
    """Where and when: a half hour (UTC), an org's queue, a medium, a direction."""

    day = dy.Date(primary_key=True)
    interval_start = instant(primary_key=True, description="half hour (UTC) of the emit time")
    org = dy.String(primary_key=True)
    queue_id = dy.String(primary_key=True)
    queue_name = dy.String(description="as it was on the day")
    global_queue = dy.String(description="by the mapping valid on the day")
    media_type = dy.String(primary_key=True)
    direction = dy.String(primary_key=True)


class HandleTime(QueueCell):
    """One row per half hour (UTC), org, queue, agent, media type and direction with handle time.

    Each metric counts in the half hour in which it was emitted, so talk may stand in an earlier
    row than the handle time that it is a part of. The average of a part divides by the part's own
    count. Names and global members follow from the ids on the day.
    """

    user_id = dy.String(primary_key=True)
    global_agent_id = dy.String(description="by the mapping valid on the day")
    handled_count = dy.Int64(min=0, description="number of tHandle")
    handle_ms = dy.Int64(min=0, description="sum of tHandle; never recomputed from its parts")
    talk_count = dy.Int64(min=0, description="number of tTalkComplete: sessions with talk")
    talk_ms = dy.Int64(min=0)
    held_count = dy.Int64(min=0, description="number of tHeldComplete: sessions with hold")
    held_ms = dy.Int64(min=0)
    acw_count = dy.Int64(min=0)
    acw_ms = dy.Int64(min=0)
    contacting_count = dy.Int64(min=0)
    contacting_ms = dy.Int64(min=0)
    dialing_count = dy.Int64(min=0)
    dialing_ms = dy.Int64(min=0)

    @dy.rule()
    def handle_time_needs_a_handled_session(cls) -> pl.Expr:
        """Without a handled session there is no handle time."""
        return (pl.col("handled_count") > 0) | (pl.col("handle_ms") == 0)


class HandleTimeSketches(QueueCell):
    """One row per cell of `handle_time` and bucket of handle times: additive, for medians.

    Bucket 0 holds handle times of 0 ms; bucket i the times in (g^(i-2), g^(i-1)] ms with
    g = 1.02 / 0.98, so that a quantile read from the buckets is within 2 % of the true one.
    """

    user_id = dy.String(primary_key=True)
    global_agent_id = dy.String()
    bucket = dy.Int32(primary_key=True, min=0)
    handled_count = dy.Int64(min=1)


class QueueIntervals(QueueCell):
    """One row per half hour (UTC), org, queue, media type and direction in which a queue moved.

    Service level is not here: the source's denominator is not the number offered.
    """

    offered_count = dy.Int64(min=0, description="nOffered")
    answered_count = dy.Int64(min=0, description="number of tAnswered")
    answered_ms = dy.Int64(min=0, description="wait until answered")
    abandoned_count = dy.Int64(min=0, description="number of tAbandon, short ones included")
    abandoned_ms = dy.Int64(min=0, description="wait until abandoned")
    short_abandoned_count = dy.Int64(min=0, description="number of tShortAbandon")
    flowed_out_count = dy.Int64(min=0, description="number of tFlowOut")
    transferred_count = dy.Int64(min=0, description="nTransferred: blind and consult")
    blind_transferred_count = dy.Int64(min=0)
    consult_transferred_count = dy.Int64(min=0)
    over_sla_count = dy.Int64(min=0, description="nOverSla")
    not_responding_count = dy.Int64(min=0, description="number of tNotResponding")
    acd_count = dy.Int64(min=0, description="number of tAcd")
    acd_ms = dy.Int64(min=0, description="time waited in the queue")


class JourneyDays(dy.Schema):
    """One row per day and org: customer contacts against conversations.

    A contact counts once, on the day and in the org of its first leg, so the world is the sum
    over orgs. `leg_count` counts the conversations of those contacts, in whichever org and on
    whichever day; `conversation_count` those that the org itself saw begin on the day.
    """

    day = dy.Date(primary_key=True)
    org = dy.String(primary_key=True)
    contact_count = dy.Int64(min=0)
    cross_org_contact_count = dy.Int64(min=0)
    leg_count = dy.Int64(min=0)
    conversation_count = dy.Int64(min=0)
    handled_count = dy.Int64(min=0, description="handled sessions of the contacts")
    handle_ms = dy.Int64(min=0, description="handle time of the contacts, each leg's once")


HANDLE_TIME = Table("rollups", "handle_time", HandleTime, ("day",))
HANDLE_TIME_SKETCHES = Table("rollups", "handle_time_sketches", HandleTimeSketches, ("day",))
QUEUE_INTERVALS = Table("rollups", "queue_intervals", QueueIntervals, ("day",))
JOURNEY_DAYS = Table("rollups", "journey_days", JourneyDays, ("day",))

TABLES = (HANDLE_TIME, HANDLE_TIME_SKETCHES, QUEUE_INTERVALS, JOURNEY_DAYS)
