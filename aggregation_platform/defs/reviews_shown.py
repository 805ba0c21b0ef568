"""What the UI shows of the review lists of queues and agents.

Belongs here: the metadata of the two assets: each rule that matches nothing, by file and line.
Elsewhere: the lists (identity/), the commands that print them (cli/review.py).
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl

from aggregation_platform.defs.pictures import table_of_rows
from aggregation_platform.identity.rule_reviews import NO_LINE

_ROWS_SHOWN = 100
_SHOWN_OF_A_RULE = (
    "reason",
    "org",
    "queue_name",
    "nearest_name",
    "global_queue",
    "user_id",
    "nearest_user_id",
    "advice",
)


def to_review(reviews: pl.DataFrame, file: Path | None) -> dict[str, dg.MetadataValue]:
    """Show how much waits for a person, and the rules among it.

    Args:
        reviews: `identity.queue_reviews` or `identity.agent_reviews`; neither has an address.
        file: The rules file that the lines are of.
    """
    rules = reviews.filter(pl.col("rule_line") > NO_LINE).sort("rule_line")
    columns = [name for name in _SHOWN_OF_A_RULE if name in reviews.columns]
    shown = rules.select(
        pl.format("{}: line {}", pl.lit(str(file)), "rule_line").alias("rule"), *columns
    )
    counts = {
        reason: dg.MetadataValue.int(count)
        for reason, count in reviews["reason"].value_counts().sort("reason").iter_rows()
    }
    return {
        **counts,
        "rules_to_look_at": table_of_rows(shown, rows=_ROWS_SHOWN),
        "what_to_do": dg.MetadataValue.text(
            "`aggregation-platform review queues` and `review agents` list everything, with the "
            "lines to add to the rules files."
        ),
    }
