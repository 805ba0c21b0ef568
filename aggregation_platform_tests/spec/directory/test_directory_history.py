"""The directory remembers: what was renamed, moved or deleted keeps its past."""

from datetime import UTC, datetime

import pytest

from aggregation_platform.directory.listings import listing_of, next_history
from aggregation_platform.directory.tables import QUEUES, TABLES, TEAMS, USERS

MONDAY, TUESDAY, FRIDAY = (datetime(2026, 1, day, 6, tzinfo=UTC) for day in (5, 6, 9))
SALES = {"id": "q1", "name": "Sales_Support", "division": {"id": "d1", "name": "Retail"}}
HELP = {"id": "q2", "name": "Help", "division": {"id": "d1", "name": "Retail"}}


@pytest.fixture
def history():
    def grow(*listings, table=QUEUES):
        known = table.empty()
        for seen_at, whole, entities in listings:
            listing = listing_of(table, entities, org="us")
            known = next_history(known, listing, table=table, seen_at=seen_at, whole=whole)
        return table.schema.validate(known)

    return grow


def told(frame, *columns):
    return frame.select(*columns, "valid_from", "valid_to").rows()


def test_a_renamed_queue_keeps_its_old_name_for_its_old_days(history):
    renamed = {**SALES, "name": "Sales"}

    grown = history((MONDAY, True, [SALES]), (FRIDAY, True, [renamed]))

    assert told(grown, "queue_name") == [
        ("Sales_Support", MONDAY, FRIDAY),
        ("Sales", FRIDAY, None),
    ]


def test_a_queue_moved_to_another_division_begins_a_version(history):
    moved = {**SALES, "division": {"id": "d2", "name": "Wholesale"}}

    grown = history((MONDAY, True, [SALES]), (FRIDAY, True, [moved]))

    assert told(grown, "division_name") == [("Retail", MONDAY, FRIDAY), ("Wholesale", FRIDAY, None)]


def test_a_deleted_queue_ends_and_stays(history):
    grown = history((MONDAY, True, [SALES, HELP]), (FRIDAY, True, [HELP]))

    assert told(grown, "queue_id") == [("q1", MONDAY, FRIDAY), ("q2", MONDAY, None)]


def test_a_listing_cut_short_ends_nobody(history):
    grown = history((MONDAY, True, [SALES, HELP]), (FRIDAY, False, [HELP]))

    assert told(grown, "queue_id") == [("q1", MONDAY, None), ("q2", MONDAY, None)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_listing_cut_short_ends_nobody_of_any_kind(history, table):
    one, two = {"id": "one", "name": "One"}, {"id": "two", "name": "Two"}

    cut, whole = (
        history((MONDAY, True, [one, two]), (FRIDAY, is_whole, [one]), table=table)
        for is_whole in (False, True)
    )

    assert cut["valid_to"].to_list() == [None, None]
    assert whole["valid_to"].to_list() == [None, FRIDAY]


def test_a_listing_cut_short_still_brings_what_is_new_and_changed(history):
    renamed = {**HELP, "name": "Helpdesk"}

    grown = history((MONDAY, True, [HELP]), (FRIDAY, False, [renamed, SALES]))

    assert told(grown, "queue_name") == [
        ("Sales_Support", FRIDAY, None),
        ("Help", MONDAY, FRIDAY),
        ("Helpdesk", FRIDAY, None),
    ]


def test_an_empty_listing_ends_nobody_since_it_means_a_permission_was_taken_away(history):
    grown = history((MONDAY, True, [SALES]), (FRIDAY, True, []))

    assert told(grown, "queue_id") == [("q1", MONDAY, None)]


def test_the_same_listing_again_changes_nothing(history):
    once = history((MONDAY, True, [SALES, HELP]))

    assert history((MONDAY, True, [SALES, HELP]), (FRIDAY, True, [HELP, SALES])).equals(once)


def test_a_listing_read_again_at_the_same_instant_replaces_what_that_instant_said(history):
    corrected = {**SALES, "name": "Sales"}

    grown = history((MONDAY, True, [SALES]), (MONDAY, True, [corrected]))

    assert told(grown, "queue_name") == [("Sales", MONDAY, None)]


def test_an_older_listing_that_arrives_late_says_nothing_about_today(history):
    renamed = {**SALES, "name": "Sales"}

    grown = history((MONDAY, True, [SALES]), (FRIDAY, True, [renamed]), (TUESDAY, True, [SALES]))

    assert told(grown, "queue_name") == [
        ("Sales_Support", MONDAY, FRIDAY),
        ("Sales", FRIDAY, None),
    ]


def test_who_comes_back_has_a_gap_and_a_new_version(history):
    grown = history((MONDAY, True, [SALES, HELP]), (TUESDAY, True, [HELP]), (FRIDAY, True, [SALES]))

    assert told(grown, "queue_id")[:2] == [("q1", MONDAY, TUESDAY), ("q1", FRIDAY, None)]


def test_a_leaver_is_a_new_version_of_the_same_user(history):
    here = {"id": "u1", "name": "Ann Bauer", "email": "ann@example.com", "state": "active"}
    gone = {**here, "state": "deleted"}

    grown = history((MONDAY, True, [here]), (FRIDAY, True, [gone]), table=USERS)

    assert told(grown, "state") == [("active", MONDAY, FRIDAY), ("deleted", FRIDAY, None)]


def test_a_renamed_team_keeps_its_old_name_for_its_old_days(history):
    early = {"id": "t1", "name": "Early", "division": {"id": "d1"}, "memberCount": 12}
    grown = {**early, "memberCount": 15}

    known = history(
        (MONDAY, True, [early]),
        (TUESDAY, True, [grown]),
        (FRIDAY, True, [{**grown, "name": "Morning"}]),
        table=TEAMS,
    )

    assert told(known, "team_name") == [("Early", MONDAY, FRIDAY), ("Morning", FRIDAY, None)]


def test_what_paging_repeats_is_taken_once_and_what_has_no_id_is_left_out(history):
    grown = history((MONDAY, True, [SALES, HELP, SALES, {"name": "nameless"}]))

    assert grown["queue_id"].to_list() == ["q1", "q2"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_kind_of_entity_is_read_however_little_it_says(history, table):
    full = {"id": "x", "name": "X", "state": "active", "type": "official", "homeDivision": True}

    grown = history((MONDAY, True, [{**full, "division": None}, {"id": "y"}]), table=table)

    assert grown.height == 2


def test_only_users_have_an_e_mail_address():
    assert [table.name for table in TABLES if "email" in table.frame_schema] == ["users"]
