"""What happened in a queue: each figure in the half hour in which it happened."""

from datetime import date

import polars as pl
import pytest

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import FOR_EVER, QUEUES, SINCE_EVER
from aggregation_platform.rollups.queue_intervals import queue_intervals
from aggregation_platform.rollups.tables import QUEUE_INTERVALS

DAY = date(2026, 1, 5)


@pytest.fixture
def built(told):
    def build(metrics):
        told_metrics = told(
            SESSION_METRICS, metrics, org="us", day=DAY, media_type="voice", direction="inbound"
        )
        queues = told(
            QUEUES,
            """
            queue_id | queue_name    | global_queue | evidence
            sales    | Sales_Support | Sales        | rule_name
            """,
            org="us",
            valid_from=SINCE_EVER,
            valid_to=FOR_EVER,
        )
        rows = queue_intervals(told_metrics, day=DAY, queues=queues)
        return QUEUE_INTERVALS.schema.validate(rows)

    return build


def at(rows: pl.DataFrame, *columns):
    half_hour = pl.col("interval_start").dt.strftime("%H:%M")
    return rows.select(half_hour, "queue_id", *columns).rows()


def test_a_call_is_offered_in_one_half_hour_and_answered_in_the_next(built):
    rows = built("""
        session_id | queue_id | metric    | value_ms | emitted_at
        -----------+----------+-----------+----------+--------------------
        acd1       | sales    | nOffered  |        1 | 2026-01-05T10:29:30
        acd1       | sales    | tAcd      |   60_000 | 2026-01-05T10:30:30
        acd1       | sales    | nOverSla  |        1 | 2026-01-05T10:30:30
        agent1     | sales    | tAnswered |   60_000 | 2026-01-05T10:30:30
    """)

    assert at(rows, "offered_count", "answered_count", "answered_ms", "over_sla_count") == [
        ("10:00", "sales", 1, 0, 0, 0),
        ("10:30", "sales", 0, 1, 60_000, 1),
    ]
    assert rows["global_queue"].unique().to_list() == ["Sales"]


def test_who_gives_up_has_abandoned_and_who_gives_up_at_once_has_too(built):
    rows = built("""
        session_id | queue_id | metric        | value_ms | emitted_at
        -----------+----------+---------------+----------+--------------------
        acd1       | sales    | tAbandon      |   90_000 | 2026-01-05T10:05:00
        acd2       | sales    | tAbandon      |    2_000 | 2026-01-05T10:06:00
        acd2       | sales    | tShortAbandon |    2_000 | 2026-01-05T10:06:00
    """)

    assert at(rows, "abandoned_count", "abandoned_ms", "short_abandoned_count") == [
        ("10:00", "sales", 2, 92_000, 1)
    ]


def test_a_call_passed_on_is_offered_in_both_queues_and_transferred_in_the_first(built):
    rows = built("""
        session_id | queue_id | metric            | value_ms | emitted_at
        -----------+----------+-------------------+----------+--------------------
        acd1       | sales    | nOffered          |        1 | 2026-01-05T10:01:00
        agent1     | sales    | nTransferred      |        1 | 2026-01-05T10:05:00
        agent1     | sales    | nBlindTransferred |        1 | 2026-01-05T10:05:00
        acd2       | billing  | nOffered          |        1 | 2026-01-05T10:05:00
    """)

    assert at(rows, "offered_count", "transferred_count", "blind_transferred_count") == [
        ("10:00", "billing", 1, 0, 0),
        ("10:00", "sales", 1, 1, 1),
    ]
    assert rows["global_queue"].to_list() == ["(unmapped)", "Sales"]


def test_an_agent_who_does_not_answer_is_counted_and_offers_nothing(built):
    rows = built("""
        session_id | queue_id | metric         | value_ms | emitted_at
        -----------+----------+----------------+----------+--------------------
        agent1     | sales    | tNotResponding |   12_000 | 2026-01-05T10:01:00
        agent1     | sales    | tAlert         |   12_000 | 2026-01-05T10:01:00
    """)

    assert at(rows, "not_responding_count", "offered_count") == [("10:00", "sales", 1, 0)]


def test_handle_time_alone_makes_no_row_here(built):
    rows = built("""
        session_id | queue_id | metric  | value_ms | emitted_at
        agent1     | sales    | tHandle |   12_000 | 2026-01-05T10:01:00
    """)

    assert rows.is_empty()
