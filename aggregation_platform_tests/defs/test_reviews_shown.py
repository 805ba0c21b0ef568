"""The UI names each rule that matches nothing, and shows no address."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from aggregation_platform.config.rules import FOR_EVER, SINCE_EVER, AgentRule, QueueRule
from aggregation_platform.defs.reviews_shown import to_review
from aggregation_platform.directory import tables as directory
from aggregation_platform.identity.agents import agent_reviews
from aggregation_platform.identity.queue_reviews import queue_reviews
from aggregation_platform.identity.tables import QUEUE_NAMES

LISTED_AT = datetime(2026, 1, 5, 6, tzinfo=UTC)


def rows(shown):
    return [record.data for record in shown["rules_to_look_at"].records]


def test_a_queue_rule_that_matches_nothing_is_shown_with_file_line_and_nearest_name():
    listed = pl.DataFrame(
        [{"org": "us", "queue_id": "q1", "queue_name": "Sales", "valid_from": LISTED_AT}],
        schema=directory.QUEUES.frame_schema,
    )
    rule = QueueRule("us", "Salse", "G", SINCE_EVER, FOR_EVER, line=7)

    shown = to_review(queue_reviews(listed, QUEUE_NAMES.empty(), [rule]), Path("rules/queues.csv"))

    (row,) = rows(shown)
    assert (row["rule"], row["queue_name"], row["nearest_name"]) == (
        "rules/queues.csv: line 7",
        "Salse",
        "Sales",
    )
    assert (shown["unmapped"].value, shown["rule_without_queue"].value) == (1, 1)


def test_an_agent_rule_that_matches_nothing_is_shown_without_its_address():
    listed = pl.DataFrame(
        [{"org": "us", "user_id": "u1", "email": "ann@example.com", "valid_from": LISTED_AT}],
        schema=directory.USERS.frame_schema,
    )
    rule = AgentRule("us", None, "an@example.com", "P-1", SINCE_EVER, FOR_EVER, line=3)

    shown = to_review(agent_reviews(listed, [rule]), Path("agents.csv"))

    (row,) = rows(shown)
    assert (row["rule"], row["nearest_user_id"]) == ("agents.csv: line 3", "u1")
    assert "@" not in str(shown)
