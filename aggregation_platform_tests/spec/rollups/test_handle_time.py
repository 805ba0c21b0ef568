"""Handle time: what it is made of, when it counts, and under whose name."""

from datetime import date

import polars as pl
import pytest

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import (
    AGENTS,
    FOR_EVER,
    QUEUES,
    SINCE_EVER,
)
from aggregation_platform.rollups.aht import aht
from aggregation_platform.rollups.handle_time import METRICS, handle_time, relabelled

DAY = date(2026, 1, 5)


@pytest.fixture
def built(told):
    def build(metrics: str, *, queues: str = "queue_id", agents: str = "user_id", **constants):
        shared = {"org": "us", "day": DAY, "conversation_id": "c1", "media_type": "voice"}
        always = {"org": "us", "valid_from": SINCE_EVER, "valid_to": FOR_EVER}
        return handle_time(
            told(SESSION_METRICS, metrics, **{**shared, "direction": "inbound", **constants}),
            day=DAY,
            queues=told(QUEUES, queues, **always),
            agents=told(AGENTS, agents, **always),
        )

    return build


def figures(cells: pl.DataFrame, *by: str) -> list[tuple[object, ...]]:
    """AHT per group, without completeness."""
    states = cells.select("org", "day", finality=pl.lit("final")).unique()
    orgs, days = cells["org"].unique().to_list(), cells["day"].unique().to_list()
    rows = aht(cells, states, by=by, orgs=orgs, days=days).rows
    return rows.select(*by, "handled_count", "handle_ms", "aht_ms").rows()


def test_talk_hold_and_after_call_work_are_handle_time_and_the_wait_in_queue_is_not(built):
    cells = built("""
        session_id | user_id | queue_id | metric        | value_ms | emitted_at
        -----------+---------+----------+---------------+----------+--------------------
        acd1       |         | sales    | tAcd          |   45_000 | 2026-01-05T10:00:45
        agent1     | ann     | sales    | tAnswered     |   45_000 | 2026-01-05T10:00:45
        agent1     | ann     | sales    | tTalkComplete |  120_000 | 2026-01-05T10:05:45
        agent1     | ann     | sales    | tHeldComplete |  180_000 | 2026-01-05T10:05:45
        agent1     | ann     | sales    | tAcw          |   60_000 | 2026-01-05T10:06:45
        agent1     | ann     | sales    | tHandle       |  360_000 | 2026-01-05T10:06:45
    """)

    assert cells.select(
        "handled_count", "handle_ms", "talk_ms", "held_ms", "acw_ms", "contacting_ms"
    ).rows() == [(1, 360_000, 120_000, 180_000, 60_000, 0)]


def test_dialing_and_contacting_are_part_of_outbound_handle_time(built):
    cells = built(
        """
        session_id | user_id | metric        | value_ms | emitted_at
        -----------+---------+---------------+----------+--------------------
        s1         | ann     | tContacting   |    1_896 | 2026-01-05T10:00:02
        s1         | ann     | tDialing      |   57_910 | 2026-01-05T10:01:00
        s1         | ann     | tTalkComplete |   21_563 | 2026-01-05T10:01:22
        s1         | ann     | tAcw          |   29_509 | 2026-01-05T10:01:52
        s1         | ann     | tHandle       |  110_878 | 2026-01-05T10:01:52
        """,
        direction="outbound",
    )

    assert figures(cells, "direction") == [("outbound", 1, 110_878, 110_878)]
    assert cells.select("contacting_ms", "dialing_ms").rows() == [(1_896, 57_910)]


def test_handle_time_is_what_the_source_says_even_where_its_parts_disagree(built):
    cells = built("""
        session_id | user_id | metric  | value_ms | emitted_at
        -----------+---------+---------+----------+--------------------
        s1         | ann     | tAcw    |   61_000 | 2026-01-05T10:00:00
        s1         | ann     | tHandle |   57_000 | 2026-01-05T10:00:00
    """)

    assert figures(cells) == [(1, 57_000, 57_000)]


def test_outbound_without_a_queue_stays_in_the_total_under_none(built):
    cells = built("""
        session_id | user_id | queue_id | metric  | value_ms | emitted_at
        -----------+---------+----------+---------+----------+--------------------
        s1         | ann     | sales    | tHandle |  100_000 | 2026-01-05T10:00:00
        s2         | ann     |          | tHandle |   50_000 | 2026-01-05T10:10:00
    """, queues="""
        queue_id | queue_name    | global_queue | evidence
        sales    | Sales_Support | Sales        | rule_id
    """)  # fmt: skip

    assert figures(cells, "global_queue") == [
        ("(none)", 1, 50_000, 50_000),
        ("Sales", 1, 100_000, 100_000),
    ]
    assert figures(cells) == [(2, 150_000, 75_000)]


def test_a_call_passed_to_another_queue_is_handled_once_in_each(built):
    cells = built("""
        session_id | user_id | queue_id | metric  | value_ms | emitted_at
        -----------+---------+----------+---------+----------+--------------------
        s1         | ann     | sales    | tHandle |  100_000 | 2026-01-05T10:05:00
        s2         | bob     | billing  | tHandle |  300_000 | 2026-01-05T10:15:00
    """, queues="""
        queue_id | queue_name | global_queue | evidence
        sales    | S          | Sales        | rule_id
        billing  | B          | Billing      | rule_id
    """)  # fmt: skip

    assert figures(cells, "global_queue") == [
        ("Billing", 1, 300_000, 300_000),
        ("Sales", 1, 100_000, 100_000),
    ]


def test_two_agents_on_one_call_are_two_handled(built):
    cells = built("""
        session_id | user_id | queue_id | metric  | value_ms | emitted_at
        -----------+---------+----------+---------+----------+--------------------
        s1         | ann     | sales    | tHandle |  200_000 | 2026-01-05T10:05:00
        s2         | bob     | sales    | tHandle |  100_000 | 2026-01-05T10:05:00
    """, agents="""
        user_id | agent_name | global_agent_id | evidence
        ann     | Ann        | P-1             | rule
        bob     | Bob        | P-2             | rule
    """)  # fmt: skip

    assert figures(cells) == [(2, 300_000, 150_000)]
    assert figures(cells, "global_agent") == [
        ("P-1", 1, 200_000, 200_000),
        ("P-2", 1, 100_000, 100_000),
    ]


def test_an_agent_who_did_not_answer_but_did_after_call_work_has_handled(built):
    cells = built("""
        session_id | user_id | queue_id | metric         | value_ms | emitted_at
        -----------+---------+----------+----------------+----------+--------------------
        s1         | ann     | sales    | tAlert         |   12_000 | 2026-01-05T10:00:12
        s1         | ann     | sales    | tNotResponding |   12_000 | 2026-01-05T10:00:12
        s1         | ann     | sales    | tAcw           |   57_000 | 2026-01-05T10:01:09
        s1         | ann     | sales    | tHandle        |   57_000 | 2026-01-05T10:01:09
        s2         | bob     | sales    | tAlert         |    8_000 | 2026-01-05T10:01:20
        s2         | bob     | sales    | tNotResponding |    8_000 | 2026-01-05T10:01:20
    """)

    assert cells.select("user_id", "handled_count", "handle_ms", "talk_count").rows() == [
        ("ann", 1, 57_000, 0)
    ]


def test_the_averages_of_the_parts_do_not_add_up_to_the_average_handle_time(built):
    cells = built("""
        session_id | user_id | metric        | value_ms | emitted_at
        -----------+---------+---------------+----------+--------------------
        s1         | ann     | tTalkComplete |  100_000 | 2026-01-05T10:05:00
        s1         | ann     | tHandle       |  100_000 | 2026-01-05T10:05:00
        s2         | ann     | tTalkComplete |  100_000 | 2026-01-05T10:10:00
        s2         | ann     | tHeldComplete |   60_000 | 2026-01-05T10:10:00
        s2         | ann     | tAcw          |   40_000 | 2026-01-05T10:11:00
        s2         | ann     | tHandle       |  200_000 | 2026-01-05T10:11:00
    """).sum()
    average_of_parts = sum(
        cells[f"{part}_ms"].item() // cells[f"{part}_count"].item()
        for part in ("talk", "held", "acw")
    )

    assert average_of_parts == 200_000
    assert cells["handle_ms"].item() // cells["handled_count"].item() == 150_000


def test_a_45_minute_call_counts_in_the_half_hour_in_which_its_handling_ended(built):
    cells = built("""
        session_id | user_id | metric        |  value_ms | emitted_at
        -----------+---------+---------------+-----------+--------------------
        s1         | ann     | tAnswered     |     5_000 | 2026-01-05T10:10:00
        s1         | ann     | tTalkComplete | 2_700_000 | 2026-01-05T10:55:00
        s1         | ann     | tAcw          |   400_000 | 2026-01-05T11:01:40
        s1         | ann     | tHandle       | 3_100_000 | 2026-01-05T11:01:40
    """)

    assert cells.select(
        pl.col("interval_start").dt.strftime("%H:%M"), "handled_count", "handle_ms", "talk_ms"
    ).rows() == [
        ("10:30", 0, 0, 2_700_000),
        ("11:00", 1, 3_100_000, 0),
    ]


def test_the_half_hour_begins_with_its_own_first_instant(built):
    cells = built("""
        session_id | user_id | metric  | value_ms | emitted_at
        -----------+---------+---------+----------+------------------------
        s1         | ann     | tHandle |        1 | 2026-01-05T10:29:59.999
        s2         | ann     | tHandle |       10 | 2026-01-05T10:30:00.000
    """)

    assert cells["handle_ms"].to_list() == [1, 10]


def test_a_callback_is_told_apart_from_the_call_it_answers(built):
    cells = built("""
        session_id | user_id | media_type | direction | metric  | value_ms | emitted_at
        -----------+---------+------------+-----------+---------+----------+--------------------
        s1         | ann     | callback   | inbound   | tHandle |   23_838 | 2026-01-05T10:05:00
        s2         | ann     | voice      | outbound  | tHandle |  110_878 | 2026-01-05T10:05:00
    """)

    assert figures(cells, "media_type", "direction") == [
        ("callback", "inbound", 1, 23_838, 23_838),
        ("voice", "outbound", 1, 110_878, 110_878),
    ]


def test_six_sessions_of_one_agent_on_two_queues_are_six_handled(built):
    cells = built("""
        session_id | user_id | queue_id | metric  | value_ms | emitted_at
        -----------+---------+----------+---------+----------+--------------------
        s1         | ann     | first    | tHandle |  100_000 | 2026-01-05T10:01:00
        s2         | ann     | second   | tHandle |  100_000 | 2026-01-05T10:03:00
        s3         | ann     | first    | tHandle |  100_000 | 2026-01-05T10:05:00
        s4         | ann     | second   | tHandle |  100_000 | 2026-01-05T10:07:00
        s5         | ann     | first    | tHandle |  100_000 | 2026-01-05T10:09:00
        s6         | ann     | second   | tHandle |  400_000 | 2026-01-05T10:11:00
    """, media_type="message")  # fmt: skip

    assert cells.select("queue_id", "handled_count", "handle_ms").rows() == [
        ("first", 3, 300_000),
        ("second", 3, 600_000),
    ]


def test_the_record_that_closes_sixty_days_later_adds_nothing_to_the_day_it_closes(built):
    cells = built("""
        session_id | purpose  | metric     |      value_ms | emitted_at
        -----------+----------+------------+---------------+--------------------
        s1         | customer | tConnected | 5_170_000_000 | 2026-01-05T03:00:00
    """)

    assert cells.is_empty()


def test_a_queue_and_an_agent_that_nobody_knows_stay_in_the_total(built):
    cells = built("""
        session_id | user_id | queue_id | metric  | value_ms | emitted_at
        -----------+---------+----------+---------+----------+--------------------
        s1         | ghost   | gone     | tHandle |  100_000 | 2026-01-05T10:01:00
        s2         |         |          | tHandle |    1_000 | 2026-01-05T10:01:00
    """)

    assert cells.select("queue_name", "global_queue", "global_agent_id", "handle_ms").rows() == [
        ("(none)", "(none)", "(none)", 1_000),
        ("(unmapped)", "(unmapped)", "(unmapped)", 100_000),
    ]


def test_talk_is_told_once_though_the_source_emits_it_twice_under_two_names():
    assert not {"tTalk", "tHeld"} & set(METRICS)


def test_the_past_is_told_by_the_mapping_of_its_day_or_by_todays(built, told):
    merged = told(
        QUEUES,
        """
        queue_id | queue_name | global_queue | evidence | valid_from | valid_to
        sales    | S          | Sales        | rule_id  | 1970-01-01 | 2026-02-01
        sales    | S          | Commerce     | rule_id  | 2026-02-01 | 9999-12-31
        """,
        org="us",
    )
    as_was = built("""
        session_id | user_id | queue_id | metric  | value_ms | emitted_at
        s1         | ann     | sales    | tHandle |  100_000 | 2026-01-05T10:05:00
    """, queues="""
        queue_id | queue_name | global_queue | evidence
        sales    | S          | Sales        | rule_id
    """)  # fmt: skip
    then = relabelled(as_was, as_of=DAY, queues=merged, agents=AGENTS.empty())
    as_is = relabelled(as_was, as_of=date(2026, 3, 1), queues=merged, agents=AGENTS.empty())

    assert then.equals(as_was)
    assert figures(as_is, "global_queue") == [("Commerce", 1, 100_000, 100_000)]
