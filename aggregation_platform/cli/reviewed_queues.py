"""Queues without a global queue by handled time, and the lines that would map them.

Belongs here: putting together what is stored, the rules files as they are now, and the rollups.
Elsewhere: reading (queries/), judging (identity/), printing (review.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.rules_check import rule_sentences
from aggregation_platform.config.delimited import FileForm
from aggregation_platform.identity.proposals import Proposal, proposals
from aggregation_platform.identity.queue_reviews import UNMAPPED_QUEUE, queue_reviews
from aggregation_platform.identity.queues import queues
from aggregation_platform.identity.rule_reviews import NO_LINE
from aggregation_platform.identity.tables import FOR_EVER, NONE, SINCE_EVER, UNMAPPED
from aggregation_platform.queries.review_lists import Scope, handled_by_queue
from aggregation_platform.queries.stored_names import listed_queues, recorded_queue_names

USUAL_FORM = FileForm(("org", "queue", "global_queue"))
QUEUE_COLUMNS = (
    "org",
    "queue_id",
    "queue_name",
    "reason",
    "valid_from",
    "valid_to",
    "handled_count",
    "handle_ms",
    "rule",
    "advice",
)


@dataclass(frozen=True)
class ReviewedQueues:
    """What `review queues` shows.

    Args:
        queues: Rows of QUEUE_COLUMNS, most handle time first; `rule` is the line that would map
            the queue, None where a line cannot help.
        rules: Rows of `identity.queue_reviews` about rules.
        sentences: One for each of them.
        form: How the rules file is written.
    """

    queues: Sequence[Mapping[str, Any]]
    rules: Sequence[Mapping[str, Any]]
    sentences: Sequence[str]
    form: FileForm

    @property
    def lines(self) -> list[str]:
        """The lines to add to the rules file, each once."""
        return list(dict.fromkeys(row["rule"] for row in self.queues if row["rule"]))

    @property
    def lacks_dates(self) -> bool:
        """Whether a line needs dates, for which the file has no columns."""
        dated = any(row["needs_dates"] for row in self.queues)
        return dated and not {"valid_from", "valid_to"} <= {*self.form.columns}


def reviewed_queues(assembly: Assembly, scope: Scope) -> ReviewedQueues:
    """Compare the rules files, as they are now, with what is stored.

    Raises:
        ConfigurationError: If a rules file has a mistake.
        WarehouseError: If the warehouse cannot be read.
    """
    warehouse, rules = assembly.warehouse, assembly.rules
    names = listed_queues(warehouse), recorded_queue_names(warehouse)
    reviews = queue_reviews(*names, rules.queues)
    if scope.orgs:
        reviews = reviews.filter(pl.col("org").is_in([*scope.orgs]))
    mapped = queues(*names, rules.queues)
    handled = handled_by_queue(warehouse, scope)
    of_queues = reviews.filter(pl.col("rule_line") == NO_LINE)
    of_rules = reviews.filter(pl.col("rule_line") > NO_LINE).sort("rule_line", "org")
    form = rules.queues_form or USUAL_FORM
    waiting = by_handle_time(
        pl.concat([of_queues, nameless(handled, mapped)], how="diagonal"), handled
    )
    known = [rule.global_queue for rule in rules.queues]
    proposed = proposals(mapped, known)
    return ReviewedQueues(
        queues=[_row(row, proposed, form) for row in waiting.iter_rows(named=True)],
        rules=of_rules.to_dicts(),
        sentences=list(rule_sentences(of_rules, assembly.config.rules.queues)),
        form=form,
    )


def nameless(handled: pl.DataFrame, mapped: pl.DataFrame) -> pl.DataFrame:
    """Return queues with handle time that no listing and no record names."""
    return (
        handled.filter(pl.col("queue_id") != NONE)
        .select("org", "queue_id")
        .unique()
        .join(mapped, on=["org", "queue_id"], how="anti")
        .with_columns(
            queue_name=pl.lit(UNMAPPED),
            reason=pl.lit(UNMAPPED_QUEUE),
            valid_from=pl.lit(SINCE_EVER),
            valid_to=pl.lit(FOR_EVER),
            advice=pl.lit("No listing and no record names it: look whether the org still has it."),
        )
    )


def by_handle_time(reviews: pl.DataFrame, handled: pl.DataFrame) -> pl.DataFrame:
    """Add `handled_count` and `handle_ms` of the days of each row; most handle time first."""
    keys = ["org", "queue_id", "valid_from"]
    sums = (
        reviews.join(handled, on=["org", "queue_id"])
        .filter(pl.col("day") >= pl.col("valid_from"), pl.col("day") < pl.col("valid_to"))
        .group_by(keys)
        .agg(pl.col("handled_count", "handle_ms").sum())
    )
    return (
        reviews.join(sums, on=keys, how="left")
        .with_columns(pl.col("handled_count", "handle_ms").fill_null(0))
        .sort("handle_ms", *keys, descending=[True, False, False, False])
    )


def _row(
    row: Mapping[str, Any],
    proposed: Mapping[tuple[str, str, date], Proposal],
    form: FileForm,
) -> dict[str, Any]:
    place = (row["org"], row["queue_id"], row["valid_from"])
    proposal = proposed.get(place)
    if proposal is None and row["queue_name"] == UNMAPPED:
        proposal = Proposal(row["org"], row["queue_id"], row["queue_id"])
    values = proposal.values if proposal else {}
    shown: dict[str, Any] = {name: row[name] for name in QUEUE_COLUMNS if name != "rule"}
    return {
        **shown,
        "rule": form.line(values) if proposal else None,
        "needs_dates": bool(values.get("valid_from") or values.get("valid_to")),
    }
