"""Global agents: a rule, an address, or a person of one's own; never a name alone."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from aggregation_platform.config.rules import AgentRule
from aggregation_platform.directory.tables import USERS
from aggregation_platform.identity.agents import agent_reviews, agents
from aggregation_platform.identity.tables import AGENT_REVIEWS, AGENTS, FOR_EVER, SINCE_EVER


def rule(org, user, person, valid_from=SINCE_EVER, valid_to=FOR_EVER):
    by_email = "@" in user
    return AgentRule(
        org,
        None if by_email else user,
        user if by_email else None,
        person,
        valid_from,
        valid_to,
        line=2,
    )


@pytest.fixture
def users(told):
    def read(text):
        since = pl.datetime(2026, 1, 5, 6, time_zone="UTC", time_unit="us")
        frame = told(USERS, text)
        return frame.with_columns(pl.col("valid_from").fill_null(since))

    return read


def people(frame):
    return frame.select("org", "user_id", "global_agent_id", "evidence").rows()


def test_agent_101_of_two_orgs_are_two_people_however_alike_their_names(users):
    listed = users("""
        org  | user_id | user_name | email
        us   | 101     | Ann Bauer | ann@us.example.com
        emea | 101     | Ann Bauer | ann@emea.example.com
    """)

    assert people(agents(listed, [])) == [
        ("emea", "101", "emea:101", "own"),
        ("us", "101", "us:101", "own"),
    ]


def test_one_address_in_two_orgs_is_one_person_letter_case_aside(users):
    listed = users("""
        org  | user_id | user_name | email
        us   | u1      | Ann Bauer | Ann.Bauer@Example.com
        emea | e7      | A. Bauer  | ann.bauer@example.com
    """)

    assert people(agents(listed, [])) == [
        ("emea", "e7", "emea:e7", "email"),
        ("us", "u1", "emea:e7", "email"),
    ]


def test_the_first_known_account_gives_the_person_its_id_and_a_new_org_does_not_change_it(users):
    listed = users("""
        org  | user_id | email         | valid_from
        us   | u1      | a@example.com | 2026-01-05T06:00:00
        apac | p1      | a@example.com | 2026-02-01T06:00:00
    """)

    assert set(agents(listed, [])["global_agent_id"]) == {"us:u1"}


def test_a_rule_comes_before_an_address(users):
    listed = users("""
        org  | user_id | email
        us   | u1      | a@example.com
        emea | e1      | a@example.com
        emea | e2      | b@example.com
    """)

    built = agents(listed, [rule("us", "u1", "P-1"), rule("emea", "B@example.com", "P-2")])

    assert people(built) == [
        ("emea", "e1", "P-1", "email"),
        ("emea", "e2", "P-2", "rule"),
        ("us", "u1", "P-1", "rule"),
    ]


def test_two_rules_part_what_an_address_joins(users):
    listed = users("""
        org  | user_id | email
        us   | u1      | desk@example.com
        emea | e1      | desk@example.com
    """)

    built = agents(listed, [rule("us", "u1", "P-1"), rule("emea", "e1", "P-2")])

    assert people(built) == [("emea", "e1", "P-2", "rule"), ("us", "u1", "P-1", "rule")]


def test_where_rules_disagree_a_third_account_under_the_address_follows_neither(users):
    listed = users("""
        org  | user_id | email
        us   | u1      | desk@example.com
        emea | e1      | desk@example.com
        apac | p1      | desk@example.com
    """)

    built = agents(listed, [rule("us", "u1", "P-1"), rule("emea", "e1", "P-2")])

    assert people(built)[0] == ("apac", "p1", "apac:p1", "email")


def test_an_account_handed_on_is_another_person_from_that_day(users):
    listed = users("""
        org | user_id | user_name
        us  | u1      | Desk 1
    """)

    built = agents(
        listed,
        [
            rule("us", "u1", "P-1", valid_to=date(2026, 2, 1)),
            rule("us", "u1", "P-2", valid_from=date(2026, 2, 1)),
        ],
    )

    assert built.select("global_agent_id", "valid_from", "valid_to").rows() == [
        ("P-1", SINCE_EVER, date(2026, 2, 1)),
        ("P-2", date(2026, 2, 1), FOR_EVER),
    ]


def test_of_two_accounts_of_one_org_the_one_still_there_is_joined(users):
    listed = users("""
        org  | user_id | email         | state
        us   | old     | a@example.com | deleted
        us   | new     | a@example.com | active
        emea | e1      | a@example.com | active
    """)

    built = agents(listed, [])

    assert people(built) == [
        ("emea", "e1", "emea:e1", "email"),
        ("us", "new", "emea:e1", "email"),
        ("us", "old", "us:old", "own"),
    ]


def test_two_accounts_still_there_under_one_address_are_joined_to_nobody(users):
    listed = users("""
        org  | user_id | email            | state
        us   | u1      | desk@example.com | active
        us   | u2      | desk@example.com | active
        emea | e1      | desk@example.com | active
    """)

    assert set(agents(listed, [])["evidence"]) == {"own"}
    assert agent_reviews(listed, []).select("reason", "user_id", "other_user_id").rows() == [
        ("shared_email", "u2", "u1")
    ]


def test_a_leaver_whose_address_is_gone_stays_the_person_he_was(users):
    listed = users("""
        org  | user_id | email         | state   | valid_from          | valid_to
        us   | u1      | a@example.com | active  | 2026-01-05T06:00:00 | 2026-02-01T06:00:00
        us   | u1      |               | deleted | 2026-02-01T06:00:00 |
        emea | e1      | a@example.com | active  | 2026-01-05T06:00:00 |
    """)

    assert set(agents(listed, [])["global_agent_id"]) == {"emea:e1"}


def test_no_address_joins_nobody(users):
    listed = users("""
        org  | user_id | email
        us   | u1      |
        emea | e1      |
        apac | p1      | not an address
        anz  | z1      | not an address
    """)

    assert set(agents(listed, [])["evidence"]) == {"own"}


def test_a_changed_name_begins_a_row_and_no_person(users):
    listed = users("""
        org | user_id | user_name | valid_from          | valid_to
        us  | u1      | Ann Bauer | 2026-01-05T06:00:00 | 2026-02-01T06:00:00
        us  | u1      | Ann Costa | 2026-02-01T06:00:00 |
    """)

    assert agents(listed, []).select("agent_name", "global_agent_id", "valid_from").rows() == [
        ("Ann Bauer", "us:u1", SINCE_EVER),
        ("Ann Costa", "us:u1", date(2026, 2, 1)),
    ]


def test_namesakes_and_rules_without_an_account_are_for_a_person_to_look_at(users):
    listed = users("""
        org  | user_id | user_name | email
        us   | 101     | Ann Bauer | ann@us.example.com
        emea | 101     | ann bauer | ann@emea.example.com
        apac | 7       | Omar Diaz | omar@example.com
        anz  | 8       | Omar Diaz | omar@example.com
    """)

    reviews = agent_reviews(listed, [rule("us", "nobody", "P-9")])

    AGENT_REVIEWS.schema.validate(reviews)
    assert reviews.select("reason", "org", "user_id", "other_org", "other_user_id").rows() == [
        ("rule_without_user", "us", "nobody", "(none)", "P-9"),
        ("same_name", "us", "101", "emea", "101"),
    ]


@pytest.mark.parametrize(
    ("listed_as", "written"),
    [
        ("anna.groß@firma.example", "anna.groß@firma.example"),
        ("anna.groß@firma.example", "ANNA.GROSS@firma.example"),
        ("o\N{LATIN SMALL LIGATURE FFI}ce@firma.example", "office@firma.example"),
        ("ΝΊΚΟΣ@firma.example", "νίκος@firma.example"),
        (" ann@firma.example\N{NO-BREAK SPACE}", "Ann@firma.example"),
    ],
)
def test_an_address_matches_however_it_is_written_on_either_side(users, listed_as, written):
    listed = users("org | user_id\nus | u1").with_columns(email=pl.lit(listed_as))

    built = agents(listed, [rule("us", written, "P-1")])

    assert people(built) == [("us", "u1", "P-1", "rule")]
    assert agent_reviews(listed, [rule("us", written, "P-1")]).is_empty()


def test_a_rule_without_an_account_is_named_with_its_line_and_the_account_nearest_to_it(users):
    listed = users("""
        org  | user_id      | email
        us   | 5f2c-aaaa-01 | ann.bauer@example.com
        emea | e1           | ann.bauer@emea.example.com
    """)
    by_address = replace(rule("us", "ann.baur@example.com", "P-1"), line=4)
    by_id = replace(rule("us", "5f2c-aaab-01", "P-2"), line=7)

    reviews = agent_reviews(listed, [by_address, by_id])

    assert reviews.select("rule_line", "user_id", "other_user_id", "nearest_user_id").rows() == [
        (4, "(by e-mail)", "P-1", "5f2c-aaaa-01"),
        (7, "5f2c-aaab-01", "P-2", "5f2c-aaaa-01"),
    ]
    assert "@" not in reviews.write_csv()


def test_two_rules_by_address_for_one_person_are_two_rows(users):
    listed = users("org | user_id | email\nus | u1 | ann@example.com")
    rules = [
        replace(rule("us", f"{name}@elsewhere.example", "P-1"), line=line)
        for line, name in enumerate(("a", "b"), start=2)
    ]

    assert agent_reviews(listed, rules)["rule_line"].to_list() == [2, 3]


def test_a_rule_of_an_org_without_any_listing_is_not_said_to_match_nothing(users):
    listed = users("org | user_id | email\nus | u1 | ann@example.com")

    assert agent_reviews(listed, [rule("emea", "e1", "P-1")]).is_empty()


def test_no_identity_table_has_an_address():
    assert not [
        name for table in (AGENTS, AGENT_REVIEWS) for name in table.frame_schema if "mail" in name
    ]
