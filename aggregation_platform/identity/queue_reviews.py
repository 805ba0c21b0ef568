"""What a person should look at so that each queue has its global queue.

Belongs here: queues without a global queue, rules that match nothing, rules that are one but for
their spelling. Elsewhere: the mapping itself (queues.py), how much was handled in each queue
(queries/), showing it (cli/, defs/).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from aggregation_platform.config.rules import QueueRule
from aggregation_platform.identity.queues import (
    AMBIGUOUS,
    claims_of_rules,
    named_stretches,
    queue_rule_frame,
    queues,
)
from aggregation_platform.identity.rule_reviews import NO_LINE, lines_of, with_nearest
from aggregation_platform.identity.tables import NONE, QUEUE_REVIEWS, UNMAPPED
from aggregation_platform.names import folded_column

UNMAPPED_QUEUE = "unmapped"
AMBIGUOUS_RULES = "ambiguous_rules"
RULE_WITHOUT_QUEUE = "rule_without_queue"
ONE_NAME_IN_TWO_RULES = "one_name_in_two_rules"

_NEAR = 0.6


def queue_reviews(
    directory: pl.DataFrame, names: pl.DataFrame, rules: Iterable[QueueRule] | pl.DataFrame
) -> pl.DataFrame:
    """Return `identity.queue_reviews` of all orgs, whole.

    A rule is only said to match nothing where queues of its org are known.

    Args:
        directory: `directory.queues`, all orgs.
        names: `identity.queue_names`, all orgs and days.
        rules: As for `queues`; a frame may have `line`.
    """
    rules = rules if isinstance(rules, pl.DataFrame) else tuple(rules)
    frame = queue_rule_frame(rules).with_columns(lines_of(rules).alias("rule_line"))
    stretches = named_stretches(directory, names)
    found = pl.concat(
        [
            _without_global_queue(queues(directory, names, rules)),
            _without_queue(stretches, frame),
            _one_name_twice(frame),
        ],
        how="diagonal",
    )
    return found.select(
        pl.col(name).cast(dtype) for name, dtype in QUEUE_REVIEWS.frame_schema.items()
    ).sort(QUEUE_REVIEWS.schema.primary_key())


def _without_global_queue(mapped: pl.DataFrame) -> pl.DataFrame:
    several = pl.col("evidence") == AMBIGUOUS
    return mapped.filter(pl.col("global_queue") == UNMAPPED).select(
        *("org", "queue_id", "queue_name", "valid_from", "valid_to"),
        reason=pl.when(several).then(pl.lit(AMBIGUOUS_RULES)).otherwise(pl.lit(UNMAPPED_QUEUE)),
        rule_line=pl.lit(NO_LINE, pl.Int64),
        advice=pl.when(several)
        .then(
            pl.lit(
                "Rules that differ only in letter case or blanks name it for different global "
                "queues: write its name in one of them exactly as here, or use its id."
            )
        )
        .otherwise(pl.lit("Add a rule for it; `review queues` prints the line.")),
    )


def _without_queue(stretches: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    matched = claims_of_rules(stretches, rules)["rule"].unique()
    named = stretches.filter(pl.col("queue_name") != UNMAPPED)
    unmatched = (
        rules.with_row_index("rule")
        .filter(~pl.col("rule").is_in(matched.implode()))
        .join(stretches.select("org").unique(), on="org", how="semi")
    )
    near = with_nearest(
        unmatched, "queue", named, like="queue_name", named="queue_name", cutoff=_NEAR
    )
    return _of_rules(
        near,
        RULE_WITHOUT_QUEUE,
        "No queue of the org has, or had on those days, this name or id: correct or remove it.",
    ).with_columns(nearest_name=near["nearest"])


def _one_name_twice(rules: pl.DataFrame) -> pl.DataFrame:
    """Rules of one name in two spellings that hold on the same days."""
    keyed = rules.with_columns(key=folded_column("queue"))
    other = keyed.select(
        "org", "key", other="queue", other_from="valid_from", other_to="valid_to", line="rule_line"
    )
    both = keyed.join(other, on=["org", "key"]).filter(
        pl.col("queue") != pl.col("other"),
        pl.col("rule_line") > pl.col("line"),
        pl.col("valid_from") < pl.col("other_to"),
        pl.col("other_from") < pl.col("valid_to"),
    )
    first = both.sort("rule_line", "line").unique(["org", "queue", "rule_line"], keep="first")
    return _of_rules(first, ONE_NAME_IN_TWO_RULES, "").with_columns(
        advice=pl.format(
            "Line {} names the same queue in another spelling. The exact spelling wins: keep one, "
            "unless the org has both queues.",
            first["line"],
        )
    )


def _of_rules(rules: pl.DataFrame, reason: str, advice: str) -> pl.DataFrame:
    return rules.select(
        *("org", "rule_line", "global_queue", "valid_from", "valid_to"),
        reason=pl.lit(reason),
        queue_id=pl.lit(NONE),
        queue_name="queue",
        advice=pl.lit(advice),
    )
