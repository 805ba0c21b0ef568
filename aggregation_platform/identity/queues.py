"""Which global queue a queue of an org was, on which day, and what it was called then.

Belongs here: names from listings and records, and the rules laid over them.
Elsewhere: the rules file (config/rules.py), how names are compared (names.py), what a person
should look at (queue_reviews.py), labelling rows (members.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from aggregation_platform.config.rules import QueueRule
from aggregation_platform.identity.stretches import claimed, tiled
from aggregation_platform.identity.tables import QUEUE_NAMES, QUEUES, UNMAPPED
from aggregation_platform.names import folded_column

AMBIGUOUS = "ambiguous"
"""The evidence of a queue that several rules name in other spellings than its own."""

_IDS = ("org", "queue_id")
_CLAIM = (*_IDS, "claim", "evidence", "rank", "valid_from", "valid_to", "rule")


SESSION_COLUMNS = (
    "org",
    "day",
    "started_at",
    "purpose",
    "queue_id",
    "participant_name",
    "flow_transfer_type",
    "flow_transfer_target_address",
    "flow_transfer_target_name",
)
"""What `queue_names` needs of `facts.sessions`; readers may leave the rest."""


def queue_names(sessions: pl.DataFrame | Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return `identity.queue_names` of the org and day whose `facts.sessions` are given.

    A queue's leg carries the queue's name as it was then, and so does a flow that passed a
    conversation on to a queue. A name that is only the id again is no name. Sessions may come in
    chunks of any cut.

    A record repeats its sessions on each day it lives, and may be fetched after the queue got
    another name. So a day's names are those of the sessions that began on it. A queue without
    such a session has the nearest name before the day, and one after it only if there is no other.
    """
    chunks = (sessions,) if isinstance(sessions, pl.DataFrame) else sessions
    seen = pl.concat([_SEEN.clear(), *map(_names_in, chunks)])
    begun = pl.col("begun_on") - pl.col("day")
    nearest = pl.when(begun > pl.duration()).then(begun + _AFTER).otherwise(-begun)
    return (
        seen.filter(nearest == nearest.min().over("org", "day", "queue_id"))
        .group_by("org", "day", "queue_id", "queue_name")
        .agg(pl.col("last_seen_at").max(), pl.col("session_count").sum())
        .select(list(QUEUE_NAMES.frame_schema))
        .sort(QUEUE_NAMES.schema.primary_key())
    )


_AFTER = pl.duration(days=1_000_000)
"""A name after the day is farther than any before it."""
_SEEN = QUEUE_NAMES.empty().with_columns(begun_on=pl.col("day"))


def _names_in(sessions: pl.DataFrame) -> pl.DataFrame:
    legs = sessions.filter(pl.col("purpose") == "acd").select(
        "org", "day", "queue_id", "started_at", queue_name="participant_name"
    )
    flows = sessions.filter(
        pl.col("flow_transfer_type").str.to_uppercase().str.starts_with("ACD")
    ).select(
        "org",
        "day",
        "started_at",
        queue_id="flow_transfer_target_address",
        queue_name="flow_transfer_target_name",
    )
    named = pl.concat([legs, flows], how="diagonal").filter(
        folded_column("queue_id") != folded_column("queue_name"),
        folded_column("queue_name") != "",
        pl.col("started_at").is_not_null(),
    )
    return (
        named.group_by(
            "org", "day", "queue_id", "queue_name", begun_on=pl.col("started_at").dt.date()
        )
        .agg(last_seen_at=pl.col("started_at").max(), session_count=pl.len().cast(pl.Int64))
        .select(_SEEN.columns)
    )


def queues(
    directory: pl.DataFrame, names: pl.DataFrame, rules: Iterable[QueueRule] | pl.DataFrame
) -> pl.DataFrame:
    """Return `identity.queues` of all orgs, whole.

    A queue's name is the directory's from the day of the first listing that showed it, and
    before that (or without a listing) the one its records carried. On the day of a change the
    new name holds. A rule matches by id first, else by the name valid at the time. Its exact
    spelling wins; any other that is the same when folded (`names.folded`) matches, too. Where
    rules in other spellings disagree, none is taken (`ambiguous`). A queue that no rule matches
    is there as `(unmapped)`. The name stays as the org spells it.

    Args:
        directory: `directory.queues`, all orgs.
        names: `identity.queue_names`, all orgs and days.
        rules: The queue rules, or a frame of org, queue, global_queue, valid_from, valid_to.
    """
    stretches = named_stretches(directory, names)
    claims = claims_of_rules(stretches, queue_rule_frame(rules))
    mapped = claimed(stretches, claims, ids=_IDS, disputed=AMBIGUOUS).with_columns(
        global_queue=pl.col("claim").fill_null(UNMAPPED),
        evidence=pl.col("evidence").fill_null("unmapped"),
    )
    return mapped.select(list(QUEUES.frame_schema)).sort(QUEUES.schema.primary_key())


def named_stretches(directory: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Return what each queue was called from which day to which; without a name, unmapped."""
    return tiled(_name_events(directory, names), ids=_IDS, label="queue_name").with_columns(
        pl.col("queue_name").fill_null(UNMAPPED)
    )


def queue_rule_frame(rules: Iterable[QueueRule] | pl.DataFrame) -> pl.DataFrame:
    """Return queue rules as a frame: org, queue, global_queue, valid_from, valid_to.

    A global queue that rules spell in several ways is one, in the spelling of the first of them.
    """
    schema = {
        "org": pl.String,
        "queue": pl.String,
        "global_queue": pl.String,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
    }
    if isinstance(rules, pl.DataFrame):
        frame = rules.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    else:
        rows = [(r.org, r.queue, r.global_queue, r.valid_from, r.valid_to) for r in rules]
        frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        pl.col("global_queue").first().over(folded_column("global_queue").alias("_one"))
    )


def _name_events(directory: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """One name per queue and day on which a listing, or before the first one a record, told it.

    A record's name is of the day on which its session began, whichever day's fetch brought it.
    """
    listed = (
        directory.sort("valid_from")
        .with_columns(day=pl.col("valid_from").dt.date())
        .unique([*_IDS, "day"], keep="last", maintain_order=True)
        .select(*_IDS, "day", "queue_name")
    )
    first = listed.group_by(_IDS).agg(first=pl.col("day").min())
    recorded = (
        names.with_columns(day=pl.col("last_seen_at").dt.date())
        .join(first, on=_IDS, how="left")
        .filter(pl.col("first").is_null() | (pl.col("day") < pl.col("first")))
        .sort("last_seen_at", "queue_name")
        .unique([*_IDS, "day"], keep="last", maintain_order=True)
        .select(*_IDS, "day", "queue_name")
    )
    return pl.concat([listed, recorded])


def claims_of_rules(stretches: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Lay the rules out per queue: by id, by a name while it had that name, exact before folded.

    Returns:
        The queue's ids, `claim`, `evidence`, `rank` (0 is strongest), `valid_from`, `valid_to`
        and `rule`, the place of the rule in the frame.
    """
    claim = (
        rules.rename({"global_queue": "claim", "valid_from": "from", "valid_to": "to"})
        .with_row_index("rule")
        .with_columns(key=folded_column("queue"))
    )
    named = stretches.with_columns(
        id_key=folded_column("queue_id"), name_key=folded_column("queue_name")
    )
    ranked = (
        ("queue_id", "queue", "rule_id"),
        ("queue_name", "queue", "rule_name"),
        ("id_key", "key", "rule_id"),
        ("name_key", "key", "rule_name"),
    )
    return pl.concat(
        [
            named.join(claim, left_on=["org", theirs], right_on=["org", ours])
            .with_columns(
                pl.max_horizontal("valid_from", "from").alias("valid_from"),
                pl.min_horizontal("valid_to", "to").alias("valid_to"),
                evidence=pl.lit(evidence),
                rank=pl.lit(rank),
            )
            .filter(pl.col("valid_from") < pl.col("valid_to"))
            .select(_CLAIM)
            for rank, (theirs, ours, evidence) in enumerate(ranked)
        ]
    )
