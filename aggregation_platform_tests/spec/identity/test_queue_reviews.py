"""What a person should look at so that each queue has its global queue."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from aggregation_platform.config.rules import FOR_EVER, SINCE_EVER, QueueRule
from aggregation_platform.directory import tables as directory
from aggregation_platform.identity.queue_reviews import queue_reviews
from aggregation_platform.identity.tables import QUEUE_NAMES, QUEUE_REVIEWS

LISTED = """
    org  | queue_id | queue_name    | valid_from          | valid_to
    us   | q1       | Sales         | 2026-01-05T06:00:00 | 2026-01-10T06:00:00
    us   | q1       | Sales_Support | 2026-01-10T06:00:00 |
    us   | q2       | Billing       | 2026-01-05T06:00:00 |
"""
RENAMED = date(2026, 1, 10)


def rule(line, queue, global_queue="G", *, org="us", valid_from=SINCE_EVER, valid_to=FOR_EVER):
    return QueueRule(org, queue, global_queue, valid_from, valid_to, line)


@pytest.fixture
def reviewed(told):
    def review(*rules, listed=LISTED) -> pl.DataFrame:
        found = queue_reviews(told(directory.QUEUES, listed), QUEUE_NAMES.empty(), rules)
        return QUEUE_REVIEWS.schema.validate(found)

    return review


def of_reason(reviews, reason, *columns):
    return reviews.filter(pl.col("reason") == reason).select(columns).rows()


def test_a_queue_without_a_rule_is_named_with_the_days_of_which_that_is_so(reviewed):
    reviews = reviewed(rule(2, "Billing"), rule(3, "Sales"))

    assert of_reason(reviews, "unmapped", "queue_id", "queue_name", "valid_from", "valid_to") == [
        ("q1", "Sales_Support", RENAMED, FOR_EVER)
    ]


def test_a_rule_that_matches_nothing_is_named_with_its_line_and_the_nearest_real_name(reviewed):
    reviews = reviewed(rule(2, "q2"), rule(3, "Sales Suport"), rule(4, "Nowhere at all"))

    assert of_reason(
        reviews, "rule_without_queue", "rule_line", "queue_name", "nearest_name", "global_queue"
    ) == [(4, "Nowhere at all", None, "G"), (3, "Sales Suport", "Sales_Support", "G")]


def test_a_rule_for_a_name_that_the_queue_had_on_other_days_matches_nothing(reviewed):
    reviews = reviewed(rule(2, "Sales", valid_from=RENAMED), rule(3, "Sales", valid_to=RENAMED))

    assert of_reason(reviews, "rule_without_queue", "rule_line") == [(2,)]


def test_a_rule_of_an_org_of_which_no_queue_is_known_is_not_said_to_match_nothing(reviewed):
    assert of_reason(reviewed(rule(2, "Sales", org="emea")), "rule_without_queue", "org") == []


def test_two_rules_that_are_one_but_for_their_spelling_are_named_with_both_lines(reviewed):
    reviews = reviewed(rule(2, "Billing", "A"), rule(5, "billing ", "A"), rule(6, "Sales"))

    ((line, name, advice),) = of_reason(
        reviews, "one_name_in_two_rules", "rule_line", "queue_name", "advice"
    )
    assert (line, name) == (5, "billing ")
    assert advice.startswith("Line 2 names the same queue in another spelling.")


def test_two_spellings_that_hold_one_after_the_other_are_no_mistake(reviewed):
    reviews = reviewed(rule(2, "Billing", valid_to=RENAMED), rule(3, "BILLING", valid_from=RENAMED))

    assert of_reason(reviews, "one_name_in_two_rules", "org") == []


def test_a_queue_for_which_rules_disagree_is_named(reviewed):
    reviews = reviewed(rule(2, "BILLING", "A"), rule(3, "billing", "B"))

    assert of_reason(reviews, "ambiguous_rules", "queue_id", "queue_name") == [("q2", "Billing")]


def test_where_every_queue_has_its_rule_there_is_nothing_to_look_at(reviewed):
    assert reviewed(rule(2, "q1"), rule(3, "Billing")).is_empty()
