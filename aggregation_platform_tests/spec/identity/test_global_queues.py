"""Global queues: names as they were, rules as they held, and nothing dropped."""

from datetime import date

import polars as pl
import pytest

from aggregation_platform.config.rules import QueueRule
from aggregation_platform.directory import tables as directory
from aggregation_platform.facts.tables import SESSIONS
from aggregation_platform.identity.members import valid_on, with_queue_members
from aggregation_platform.identity.queues import queue_names, queues
from aggregation_platform.identity.tables import FOR_EVER, QUEUE_NAMES, QUEUES, SINCE_EVER

LISTED = """
    org  | queue_id | queue_name    | valid_from          | valid_to
    -----+----------+---------------+---------------------+--------------------
    us   | q1       | Sales_Support | 2026-01-05T06:00:00 |
    emea | q1       | Support_Sales | 2026-01-05T06:00:00 |
"""
FIRST_OF_FEBRUARY = date(2026, 2, 1)
NOT_SEEN = "org | day | queue_id | queue_name | last_seen_at"


def rule(org, queue, global_queue, valid_from=SINCE_EVER, valid_to=FOR_EVER):
    return QueueRule(org, queue, global_queue, valid_from, valid_to, line=2)


@pytest.fixture
def mapped(told):
    def build(*rules, listed=LISTED, seen=NOT_SEEN):
        names = told(QUEUE_NAMES, seen, session_count=1)
        return QUEUES.schema.validate(queues(told(directory.QUEUES, listed), names, rules))

    return build


def told_of(frame: pl.DataFrame, org="us"):
    rows = frame.filter(pl.col("org") == org)
    return rows.select("queue_name", "global_queue", "evidence", "valid_from", "valid_to").rows()


def test_two_queues_of_different_names_are_one_by_rule(mapped):
    built = mapped(rule("us", "Sales_Support", "Sales"), rule("emea", "q1", "Sales"))

    assert built.select("org", "global_queue", "evidence").rows() == [
        ("emea", "Sales", "rule_id"),
        ("us", "Sales", "rule_name"),
    ]


def test_a_queue_without_a_rule_is_unmapped_and_there(mapped):
    assert told_of(mapped()) == [("Sales_Support", "(unmapped)", "unmapped", SINCE_EVER, FOR_EVER)]


@pytest.mark.parametrize(
    ("listed_as", "written"),
    [
        ("Sales ", "Sales"),
        ("Sales", " Sales "),
        ("Sales_Support", "sales_support"),
        ("Back\N{NO-BREAK SPACE}Office", "Back Office"),
        ("Back  Office", "Back Office"),
        ("Facturacio\N{COMBINING ACUTE ACCENT}n", "Facturación"),
        ("Straße", "STRASSE"),
    ],
)
def test_a_name_matches_however_blanks_case_and_accents_are_written(told, listed_as, written):
    since = pl.datetime(2026, 1, 5, 6, time_zone="UTC", time_unit="us")
    listed = told(directory.QUEUES, "org | queue_id\nus | q1").with_columns(
        queue_name=pl.lit(listed_as), valid_from=since
    )

    built = queues(listed, QUEUE_NAMES.empty(), [rule("us", written, "Mapped")])

    assert told_of(built) == [(listed_as, "Mapped", "rule_name", SINCE_EVER, FOR_EVER)]


TWO_OF_ONE_NAME = """
    org | queue_id | queue_name | valid_from
    us  | q1       | Sales      | 2026-01-05T06:00:00
    us  | q2       | SALES      | 2026-01-05T06:00:00
"""


def test_of_two_queues_that_differ_in_case_each_takes_the_rule_of_its_exact_spelling(mapped):
    built = mapped(
        rule("us", "SALES", "Large"), rule("us", "Sales", "Small"), listed=TWO_OF_ONE_NAME
    )

    assert [row[:2] for row in told_of(built)] == [("Sales", "Small"), ("SALES", "Large")]


def test_one_rule_is_for_both_queues_that_differ_in_case(mapped):
    built = mapped(rule("us", "Sales", "Sales"), listed=TWO_OF_ONE_NAME)

    assert [row[:2] for row in told_of(built)] == [("Sales", "Sales"), ("SALES", "Sales")]


def test_rules_in_other_spellings_that_disagree_map_nothing(mapped):
    built = mapped(
        rule("us", "sales_support", "A", FIRST_OF_FEBRUARY), rule("us", "SALES_SUPPORT", "B")
    )

    assert told_of(built) == [
        ("Sales_Support", "B", "rule_name", SINCE_EVER, FIRST_OF_FEBRUARY),
        ("Sales_Support", "(unmapped)", "ambiguous", FIRST_OF_FEBRUARY, FOR_EVER),
    ]


def test_a_global_queue_in_several_spellings_is_one_in_the_first_of_them(mapped):
    built = mapped(
        rule("us", "q1", "Sales Support"), rule("emea", "q1", "sales\N{NO-BREAK SPACE}support")
    )

    assert set(built["global_queue"]) == {"Sales Support"}


def test_an_id_in_capital_letters_is_the_same_id(mapped):
    assert told_of(mapped(rule("us", "Q1", "Sales")))[0][1:3] == ("Sales", "rule_id")


def test_a_rule_for_the_id_wins_over_one_for_the_name(mapped):
    built = mapped(rule("us", "Sales_Support", "By name"), rule("us", "q1", "By id"))

    assert told_of(built)[0][1:3] == ("By id", "rule_id")


def test_a_rule_of_one_org_says_nothing_about_another(mapped):
    built = mapped(rule("us", "q1", "Sales"))

    assert told_of(built, "emea")[0][1] == "(unmapped)"


def test_a_rule_holds_from_its_first_day_up_to_the_day_it_ends(mapped):
    built = mapped(rule("us", "q1", "Sales", date(2026, 1, 10), date(2026, 2, 1)))

    assert [row[1:] for row in told_of(built)] == [
        ("(unmapped)", "unmapped", SINCE_EVER, date(2026, 1, 10)),
        ("Sales", "rule_id", date(2026, 1, 10), date(2026, 2, 1)),
        ("(unmapped)", "unmapped", date(2026, 2, 1), FOR_EVER),
    ]


def test_a_rule_by_name_holds_only_while_the_queue_has_the_name(mapped):
    listed = """
        org | queue_id | queue_name | valid_from          | valid_to
        us  | q1       | Old        | 2026-01-05T06:00:00 | 2026-01-10T06:00:00
        us  | q1       | New        | 2026-01-10T06:00:00 |
    """

    built = mapped(rule("us", "Old", "Sales"), rule("us", "New", "Billing"), listed=listed)

    assert told_of(built) == [
        ("Old", "Sales", "rule_name", SINCE_EVER, date(2026, 1, 10)),
        ("New", "Billing", "rule_name", date(2026, 1, 10), FOR_EVER),
    ]


def test_before_the_first_listing_the_name_on_the_record_counts(mapped):
    seen = """
        org | day        | queue_id | queue_name | last_seen_at
        us  | 2026-01-01 | q1       | Orders     | 2026-01-01T23:00:00
        us  | 2026-01-03 | q1       | Tracking   | 2026-01-03T09:00:00
        us  | 2026-01-05 | q1       | Stale      | 2026-01-05T23:00:00
        us  | 2026-01-07 | q1       | Stale      | 2026-01-07T09:00:00
    """

    built = mapped(rule("us", "Orders", "Orders"), seen=seen)

    assert told_of(built) == [
        ("Orders", "Orders", "rule_name", SINCE_EVER, date(2026, 1, 3)),
        ("Tracking", "(unmapped)", "unmapped", date(2026, 1, 3), date(2026, 1, 5)),
        ("Sales_Support", "(unmapped)", "unmapped", date(2026, 1, 5), FOR_EVER),
    ]


def test_a_queue_that_no_listing_has_is_known_by_its_records(mapped):
    seen = """
        org | day        | queue_id | queue_name | last_seen_at
        us  | 2026-01-07 | gone     | Legacy     | 2026-01-07T09:00:00
        us  | 2026-01-07 | gone     | Loyalty    | 2026-01-07T11:00:00
    """

    built = mapped(rule("us", "Loyalty", "Retention"), seen=seen).filter(queue_id="gone")

    assert told_of(built) == [("Loyalty", "Retention", "rule_name", SINCE_EVER, FOR_EVER)]


def test_a_deleted_queue_keeps_its_last_name_for_records_that_come_late(mapped):
    listed = """
        org | queue_id | queue_name | valid_from          | valid_to
        us  | q1       | Legacy     | 2026-01-05T06:00:00 | 2026-01-10T06:00:00
    """

    built = mapped(rule("us", "Legacy", "Retention"), listed=listed)

    assert valid_on(built, date(2026, 3, 1))["global_queue"].to_list() == ["Retention"]


def test_rows_are_labelled_as_of_their_day(mapped):
    built = mapped(rule("us", "q1", "Sales", date(2026, 1, 10)))
    cells = pl.DataFrame({"org": ["us"] * 3, "queue_id": ["q1", "(none)", "never heard of"]})

    before = with_queue_members(cells, built, date(2026, 1, 9))
    after = with_queue_members(cells, built, date(2026, 1, 10))

    assert before["global_queue"].to_list() == ["(unmapped)", "(none)", "(unmapped)"]
    assert after["global_queue"].to_list() == ["Sales", "(none)", "(unmapped)"]
    assert after["queue_name"].to_list() == ["Sales_Support", "(none)", "(unmapped)"]


def test_records_name_their_queue_on_its_own_leg_and_where_a_flow_passed_them_on(told):
    sessions = told(
        SESSIONS,
        """
        purpose | queue_id | participant_name | flow_transfer_type | flow_transfer_target_address
        acd     | q1       | Sales            |                    |
        acd     | q1       | Sales            |                    |
        acd     | q2       | q2               |                    |
        agent   | q1       | Ann Bauer        |                    |
        ivr     |          | Main menu        | ACD                | q3
        ivr     |          | Main menu        | NUMBER             | +15550100
        """,
        org="us",
        day=date(2026, 1, 5),
        started_at=None,
        flow_transfer_target_name="Billing",
    ).with_columns(started_at=pl.datetime(2026, 1, 5, 9, time_zone="UTC"))

    names = queue_names(sessions)

    assert names.select("queue_id", "queue_name", "session_count").rows() == [
        ("q1", "Sales", 2),
        ("q3", "Billing", 1),
    ]


OF_A_CONVERSATION_THAT_LIVES_ON = """
    day        | purpose | queue_id | participant_name | started_at
    2026-01-05 | acd     | q1       | Billing          | 2026-01-05T09:00:00
    2026-01-05 | acd     | q1       | Accounts         | 2026-01-06T08:00:00
    2026-01-06 | acd     | q1       | Billing          | 2026-01-05T09:00:00
    2026-01-06 | acd     | q1       | Accounts         | 2026-01-06T08:00:00
"""
"""The queue was renamed in the night; the record of the first day was fetched after that."""


@pytest.fixture
def recorded(told):
    """Name the queues of `us` from sessions, each day read by itself, without any listing."""

    def build(text, *rules, order=slice(None)):
        sessions = told(SESSIONS, text, org="us")
        days = sessions.partition_by("day")[order]
        names = pl.concat([queue_names(of_a_day) for of_a_day in days])
        return names, QUEUES.schema.validate(queues(directory.QUEUES.empty(), names, rules))

    return build


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1), slice(1)])
def test_a_name_that_a_queue_got_later_does_not_reach_back(recorded, order):
    _, built = recorded(
        OF_A_CONVERSATION_THAT_LIVES_ON,
        *(rule("us", "Billing", "Money"), rule("us", "Accounts", "Customers")),
        order=order,
    )

    on_the_day = valid_on(built, date(2026, 1, 5))
    assert on_the_day.select("queue_name", "global_queue").rows() == [("Billing", "Money")]


def test_the_names_of_a_day_are_those_of_its_own_sessions(recorded):
    names, _ = recorded(OF_A_CONVERSATION_THAT_LIVES_ON)

    assert names.select("day", "queue_name", "session_count").rows() == [
        (date(2026, 1, 5), "Billing", 1),
        (date(2026, 1, 6), "Accounts", 1),
    ]


def test_a_queue_without_a_session_of_the_day_keeps_the_nearest_name_before_it(recorded):
    names, built = recorded("""
        day        | purpose | queue_id | participant_name | started_at
        2026-01-07 | acd     | q1       | Orders           | 2026-01-02T09:00:00
        2026-01-07 | acd     | q1       | Billing          | 2026-01-05T09:00:00
        2026-01-07 | acd     | q1       | Accounts         | 2026-01-08T09:00:00
    """)

    assert names["queue_name"].to_list() == ["Billing"]
    assert valid_on(built, date(2026, 1, 7))["queue_name"].to_list() == ["Billing"]


def test_a_record_of_long_ago_does_not_bring_an_old_name_back(recorded):
    _, built = recorded("""
        day        | purpose | queue_id | participant_name | started_at
        2026-01-06 | acd     | q1       | Accounts         | 2026-01-06T09:00:00
        2026-01-07 | acd     | q1       | Billing          | 2026-01-02T09:00:00
    """)

    assert valid_on(built, date(2026, 1, 7))["queue_name"].to_list() == ["Accounts"]


def test_a_later_name_is_taken_only_where_no_other_is_known(recorded):
    _, built = recorded("""
        day        | purpose | queue_id | participant_name | started_at
        2026-01-05 | acd     | q1       | Accounts         | 2026-01-06T08:00:00
    """)

    assert told_of(built)[0][0] == "Accounts"
