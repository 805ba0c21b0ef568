"""A metric is its session's: queue of the first segment with one, agent of the participant."""

from datetime import date

from aggregation_platform.facts.facts import facts_of
from aggregation_platform_tests.records import Record, raw_frame, told

DAY = date(2026, 1, 5)


def handled(record: Record) -> list[tuple[object, ...]]:
    """Handle time with whom and where it belongs, in the record's order."""
    metrics = facts_of(raw_frame([record], day=DAY), org="us", day=DAY).session_metrics
    named = metrics.filter(metric="tHandle")
    return named.select("session_id", "user_id", "queue_id", "value_ms").rows()


def test_one_agent_participant_with_six_sessions_on_two_queues():
    message = told("""
        purpose | user | session | what     | queue   | from        | to          | value
        --------+------+---------+----------+---------+-------------+-------------+------
        agent   | ann  | s1      | alert    | sales   | 05T10:00:00 | 05T10:00:05 |
        agent   | ann  | s1      | interact | sales   | 05T10:00:05 | 05T10:01:00 |
        agent   | ann  | s1      | tHandle  |         |             | 05T10:01:00 | 1
        agent   | ann  | s2      | interact | support | 05T10:02:00 | 05T10:03:00 |
        agent   | ann  | s2      | tHandle  |         |             | 05T10:03:00 | 2
        agent   | ann  | s3      | interact | sales   | 05T10:04:00 | 05T10:05:00 |
        agent   | ann  | s3      | tHandle  |         |             | 05T10:05:00 | 3
        agent   | ann  | s4      | interact | support | 05T10:06:00 | 05T10:07:00 |
        agent   | ann  | s4      | tHandle  |         |             | 05T10:07:00 | 4
        agent   | ann  | s5      | interact | support | 05T10:08:00 | 05T10:09:00 |
        agent   | ann  | s5      | tHandle  |         |             | 05T10:09:00 | 5
        agent   | ann  | s6      | interact | sales   | 05T10:10:00 | 05T10:11:00 |
        agent   | ann  | s6      | tHandle  |         |             | 05T10:11:00 | 6
    """)

    assert handled(message) == [
        ("s1", "ann", "sales", 1),
        ("s2", "ann", "support", 2),
        ("s3", "ann", "sales", 3),
        ("s4", "ann", "support", 4),
        ("s5", "ann", "support", 5),
        ("s6", "ann", "sales", 6),
    ]


def test_an_agent_who_did_not_answer_but_had_after_call_work_has_handle_time():
    call = told("""
        purpose | user | session | what           | queue | from        | to          | value
        --------+------+---------+----------------+-------+-------------+-------------+-------
        agent   | bob  | s1      | alert          | sales | 05T10:00:00 | 05T10:00:20 |
        agent   | bob  | s1      | wrapup         | sales | 05T10:00:20 | 05T10:01:21 |
        agent   | bob  | s1      | tNotResponding |       |             | 05T10:00:20 | 20_000
        agent   | bob  | s1      | tHandle        |       |             | 05T10:01:17 | 57_000
        agent   | ann  | s2      | interact       | sales | 05T10:01:30 | 05T10:02:30 |
        agent   | ann  | s2      | tHandle        |       |             | 05T10:02:30 | 60_000
    """)

    assert handled(call) == [("s1", "bob", "sales", 57_000), ("s2", "ann", "sales", 60_000)]


def test_two_agents_on_one_call_are_two_handled_sessions():
    call = told("""
        purpose | user | session | what     | queue   | from        | to          | value
        --------+------+---------+----------+---------+-------------+-------------+--------
        agent   | ann  | s1      | interact | sales   | 05T10:00:00 | 05T10:05:00 |
        agent   | ann  | s1      | tHandle  |         |             | 05T10:05:00 | 300_000
        agent   | bob  | s2      | interact | support | 05T10:05:00 | 05T10:07:00 |
        agent   | bob  | s2      | tHandle  |         |             | 05T10:07:00 | 120_000
    """)

    assert handled(call) == [("s1", "ann", "sales", 300_000), ("s2", "bob", "support", 120_000)]


def test_the_queue_is_that_of_the_first_segment_that_has_one():
    call = told("""
        user | session | what     | queue   | from        | to          | value
        -----+---------+----------+---------+-------------+-------------+------
        ann  | s1      | dialing  |         | 05T10:00:00 | 05T10:00:05 |
        ann  | s1      | interact | sales   | 05T10:00:05 | 05T10:05:00 |
        ann  | s1      | wrapup   | support | 05T10:05:00 | 05T10:06:00 |
        ann  | s1      | tHandle  |         |             | 05T10:06:00 | 9
    """)

    assert handled(call) == [("s1", "ann", "sales", 9)]


def test_an_outbound_call_without_queue_keeps_its_handle_time_under_no_queue():
    call = told("""
        purpose | user | session | what     | from        | to          | value
        --------+------+---------+----------+-------------+-------------+------
        user    | ann  | s1      | dialing  | 05T10:00:00 | 05T10:00:05 |
        user    | ann  | s1      | interact | 05T10:00:05 | 05T10:05:00 |
        user    | ann  | s1      | tHandle  |             | 05T10:05:00 | 9
    """)

    assert handled(call) == [("s1", "ann", None, 9)]


def test_sessions_without_an_id_are_told_apart_by_their_place():
    call = told("""
        user | session | what     | queue   | from        | to          | value
        -----+---------+----------+---------+-------------+-------------+------
        ann  | s1      | interact | sales   | 05T10:00:05 | 05T10:05:00 |
        ann  | s1      | tHandle  |         |             | 05T10:05:00 | 1
        ann  | s2      | interact | support | 05T10:06:00 | 05T10:07:00 |
        ann  | s2      | tHandle  |         |             | 05T10:07:00 | 2
    """)
    for session in call["participants"][0]["sessions"]:
        del session["sessionId"]

    facts = facts_of(raw_frame([call], day=DAY), org="us", day=DAY)

    assert handled(call) == [(None, "ann", "sales", 1), (None, "ann", "support", 2)]
    assert facts.sessions["session_number"].to_list() == [1, 2]
    assert facts.segments["session_number"].to_list() == [1, 2]


def test_a_session_ends_with_its_last_segment_and_not_while_one_is_open():
    call = told("""
        user | session | what     | from        | to
        -----+---------+----------+-------------+------------
        ann  | s1      | interact | 05T10:00:00 | 05T10:05:00
        ann  | s1      | wrapup   | 05T10:05:00 | 05T10:06:00
        bob  | s2      | interact | 05T10:01:00 |
    """)
    sessions = facts_of(raw_frame([call], day=DAY), org="us", day=DAY).sessions

    times = sessions.select(
        "session_id",
        started=sessions["started_at"].dt.strftime("%H:%M"),
        ended=sessions["ended_at"].dt.strftime("%H:%M"),
    )

    assert times.rows() == [("s1", "10:00", "10:06"), ("s2", "10:01", None)]
