"""Which calls to several orgs are one contact, and which are not."""

from datetime import date

import polars as pl
import pytest

KEY = "00FA0812345678ABCDEF01"
CALLER = "tel:+15551234567"
OTHER_CALLER = "tel:+445557654321"
DESK = "tel:+445550000012"
TRUNK = "tel:+15550000001"


def test_calls_that_carry_one_key_are_one_contact(calls):
    calls.call("us", "a", "10:00:00", key=KEY).call("emea", "b", "10:07:00", key=KEY)

    assert calls.contacts() == ["us:a > emea:b by correlation"]


def test_a_key_may_be_in_an_attribute_on_one_side_and_the_tag_on_the_other(calls):
    calls.call("us", "a", "10:00:00", key=KEY).call("emea", "b", "10:07:00", tag=f" {KEY.lower()}")

    assert calls.contacts() == ["us:a > emea:b by correlation"]


def test_an_attribute_that_is_not_configured_is_no_key(calls):
    calls.call("us", "a", "10:00:00", key=KEY).call("emea", "b", "10:07:00", key=KEY)

    assert calls.contacts(correlation_keys=("Case",)) == []


def test_a_call_passed_on_twice_and_back_is_one_contact_of_four_legs(calls):
    calls.call("us", "a", "10:00:00", key=KEY).call("emea", "b", "10:05:00", key=KEY)
    calls.call("us", "c", "10:20:00", key=KEY).call("apac", "d", "10:10:00", key=KEY)

    assert calls.contacts() == ["us:a > emea:b > apac:d > us:c by correlation"]


def test_calls_of_one_org_alone_are_not_joined(calls):
    calls.call("us", "a", "10:00:00", key=KEY, ani=CALLER)
    calls.call("us", "b", "10:04:00", key=KEY, ani=CALLER)

    assert calls.contacts() == []


@pytest.mark.parametrize(
    "value", ["", "  ", "0", "null", "None", "unknown", "0000000000", "--------"]
)
def test_a_key_that_says_nothing_joins_nobody(calls, value):
    calls.call("us", "a", "10:00:00", key=value).call("emea", "b", "10:01:00", key=value)

    assert calls.contacts() == []


def test_a_key_on_too_many_calls_of_a_day_is_a_constant_and_joins_nobody(calls):
    for number in range(21):
        org = ("us", "emea")[number % 2]
        calls.call(org, f"c{number}", f"10:{number:02d}:00", key="version-2026-01")

    linked = calls.linked()
    assert linked.legs["link"].unique().to_list() == ["first"]
    assert set(linked.reviews["reason"]) == {"constant_key"}


def test_a_key_a_day_later_is_another_contact(calls):
    calls.call("us", "a", "2026-01-05T10:00:00", key=KEY)
    calls.call("emea", "b", "2026-01-06T10:00:00", key=KEY)

    assert calls.contacts() == []


def test_a_key_that_goes_on_for_longer_than_a_contact_can_last_is_cut_and_says_so(calls):
    calls.call("us", "a", "2026-01-05T08:00:00", key=KEY)
    calls.call("emea", "b", "2026-01-05T20:00:00", key=KEY)
    calls.call("us", "c", "2026-01-06T08:00:00", key=KEY)

    linked = calls.linked()
    assert sorted(linked.journeys.select("leg_count", "is_cut").rows()) == [(1, True), (2, True)]
    assert linked.reviews["reason"].to_list() == ["too_large"]


def test_a_line_dialled_hours_after_its_conversation_began_is_not_followed(calls):
    calls.call("us", "a", "10:00:00", minutes=300, ani=CALLER)
    calls.dials("us", "a", "14:30:00", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "14:30:03", ani=TRUNK, dnis=DESK)

    assert calls.contacts() == []


def test_a_line_to_another_org_and_the_call_that_arrives_there_are_one_contact(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "10:04:03", ani=TRUNK, dnis=DESK)

    assert calls.contacts() == ["us:a > emea:b by transfer_leg"]


def test_of_two_calls_arriving_at_the_dialled_desk_the_one_with_the_number_shown_is_it(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.call("emea", "direct", "10:04:01", ani=OTHER_CALLER, dnis=DESK)
    calls.call("emea", "b", "10:04:03", ani=TRUNK, dnis=DESK)

    assert calls.contacts() == ["us:a > emea:b by transfer_leg"]


def test_a_stranger_who_calls_the_dialled_desk_at_that_moment_is_not_the_contact(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.call("emea", "direct", "10:04:03", minutes=9, ani=OTHER_CALLER, dnis=DESK)

    assert calls.contacts() == []


def test_a_call_that_hides_its_number_is_the_contact_if_it_alone_fits_the_line(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "10:04:10", minutes=9, ani="tel:anonymous", dnis=DESK)

    assert calls.contacts() == ["us:a > emea:b by transfer_leg"]


def test_a_trunk_may_change_the_number_if_the_line_and_the_call_end_together(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK, minutes=6)
    calls.call("emea", "b", "10:04:03", minutes=5.95, ani="tel:+441110002222", dnis=DESK)

    assert calls.contacts() == ["us:a > emea:b by transfer_leg"]


def test_a_call_that_arrives_too_late_was_not_dialled_by_the_line(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "10:04:11", ani=TRUNK, dnis=DESK)

    assert calls.contacts() == []
    assert calls.contacts(transfer_seconds=11) == ["us:a > emea:b by transfer_leg"]


def test_two_calls_that_fit_one_line_alike_are_kept_apart_for_review(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "10:04:02", minutes=8, ani=TRUNK, dnis=DESK)
    calls.call("emea", "c", "10:04:03", minutes=9, ani=TRUNK, dnis=DESK)

    reviews = calls.linked().reviews
    assert calls.contacts() == []
    assert reviews.select("reason", "conversation_id", "other_conversation_id").rows() == [
        ("ambiguous", "a", "b"),
        ("ambiguous", "a", "c"),
    ]


def test_the_same_caller_in_another_org_soon_after_is_the_same_contact(calls):
    calls.call("us", "a", "10:00:00", minutes=5, ani=CALLER)
    calls.call("emea", "b", "10:09:00", ani="+1 (555) 123-4567")

    assert calls.contacts() == ["us:a > emea:b by ani_window"]


def test_the_same_caller_after_the_window_is_another_contact(calls):
    calls.call("us", "a", "10:00:00", minutes=5, ani=CALLER)
    calls.call("emea", "b", "10:10:01", ani=CALLER)

    assert calls.contacts() == []


def test_the_sooner_the_call_after_the_other_the_higher_its_score(calls):
    calls.call("us", "a", "10:00:00", minutes=5, ani=CALLER)
    calls.call("emea", "b", "10:05:10", ani=CALLER)
    calls.call("us", "c", "12:00:00", minutes=5, ani=OTHER_CALLER)
    calls.call("emea", "d", "12:09:00", ani=OTHER_CALLER)

    soon, late = calls.linked().links.sort("conversation_id")["score"].to_list()
    assert soon > late


@pytest.mark.parametrize(
    "ani",
    [
        None,
        "",
        "tel:anonymous",
        "sip:anonymous@anonymous.invalid",
        "tel:+266696687",
        "tel:0000000000",
        "tel:+9999999999",
        "tel:4711",
        "sip:5f2c0a1b2c3d4e5f6a7b8c9d+example.orgspan.com@localhost",
        "Restricted",
    ],
)
def test_a_withheld_or_internal_number_joins_nobody(calls, ani):
    calls.call("us", "a", "10:00:00", ani=ani).call("emea", "b", "10:01:00", ani=ani)

    assert calls.contacts() == []


def test_a_configured_number_joins_nobody(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER).call("emea", "b", "10:01:00", ani=CALLER)

    assert calls.contacts(ignored_numbers=("+1 555 123 4567",)) == []


def test_a_number_that_calls_all_day_is_a_switchboard_and_joins_nobody(calls):
    for number in range(6):
        org = ("us", "emea")[number % 2]
        calls.call(org, f"c{number}", f"{10 + number}:00:00", minutes=58, ani=CALLER)

    assert calls.contacts() == []


def test_how_many_calls_a_day_make_a_switchboard_is_the_enterprises_to_say(calls):
    for number in range(6):
        org = ("us", "emea")[number % 2]
        calls.call(org, f"c{number}", f"{10 + number}:00:00", minutes=57, ani=CALLER)

    assert calls.contacts(common_number_per_day=5) == []
    assert calls.contacts(common_number_per_day=6) == [
        "us:c0 > emea:c1 > us:c2 > emea:c3 > us:c4 > emea:c5 by ani_window"
    ]


def test_how_many_conversations_a_day_make_a_constant_of_a_key_is_the_enterprises_to_say(calls):
    calls.call("us", "a", "10:00:00", key=KEY).call("emea", "b", "10:07:00", key=KEY)
    calls.call("apac", "c", "10:14:00", key=KEY)

    assert calls.contacts(common_value_per_day=2) == []
    assert calls.contacts(common_value_per_day=3) == ["us:a > emea:b > apac:c by correlation"]


def test_the_number_of_a_trunk_or_a_desk_joins_nobody(calls):
    for number, org in enumerate(["us", "us"]):
        calls.call(org, f"a{number}", f"10:0{number}:00", ani=f"+1555100000{number}")
        calls.dials(org, f"a{number}", f"10:0{number}:30", number="+99912345678", shows=TRUNK)
    calls.call("emea", "b", "10:01:00", ani=TRUNK).call("apac", "c", "10:02:00", ani=TRUNK)
    calls.call("emea", "d", "11:01:00", ani=DESK).call("apac", "e", "11:02:00", ani=DESK)
    calls.call("emea", "f", "12:00:00", ani=OTHER_CALLER, dnis=DESK)

    assert calls.contacts() == []


def test_of_two_calls_from_one_number_to_one_org_neither_is_taken(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER).call("us", "b", "10:01:00", ani=CALLER)
    calls.call("emea", "c", "10:03:00", ani=CALLER)

    assert calls.contacts() == []
    assert calls.linked().reviews["reason"].to_list() == ["ambiguous", "ambiguous"]


def test_a_key_tells_what_a_number_cannot(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER, key=KEY)
    calls.call("us", "b", "10:01:00", ani=CALLER)
    calls.call("emea", "c", "10:03:00", ani=CALLER, key=KEY)

    assert calls.contacts() == ["us:a > emea:c by correlation"]


def test_a_contact_over_midnight_belongs_to_the_day_on_which_it_began(calls):
    calls.call("us", "a", "2026-01-05T23:58:00", key=KEY)
    calls.call("emea", "b", "2026-01-06T00:02:00", key=KEY)

    linked = calls.linked()
    assert linked.legs.select("day", "journey_id", "leg_number", "conversation_id").rows() == [
        (date(2026, 1, 5), "us:a", 1, "a"),
        (date(2026, 1, 5), "us:a", 2, "b"),
    ]
    assert linked.journeys.select("day", "leg_count", "orgs").rows() == [
        (date(2026, 1, 5), 2, "emea,us")
    ]


def test_evidence_that_joins_too_many_calls_is_cut_at_its_widest_gap_and_says_so(calls):
    for number, minute in enumerate((0, 3, 7, 9)):
        org = ("us", "emea")[number % 2]
        key = KEY if number < 2 else None
        calls.call(org, f"c{number}", f"10:0{minute}:00", minutes=2, ani=CALLER, key=key)

    linked = calls.linked(max_legs=3)
    assert calls.contacts(max_legs=3) == [
        "us:c0 > emea:c1 by correlation",
        "us:c2 > emea:c3 by ani_window",
    ]
    assert linked.journeys["is_cut"].all()
    assert set(linked.reviews["reason"]) == {"too_large"}


def test_of_links_with_equal_gaps_the_weaker_is_cut(calls):
    for number, key in enumerate((None, KEY, KEY, None)):
        org = ("us", "emea")[number % 2]
        calls.call(org, f"c{number}", f"10:0{3 * number}:00", minutes=2, ani=CALLER, key=key)

    assert calls.contacts(max_legs=2) == ["emea:c1 > us:c2 by correlation"]


def test_a_contact_has_the_handle_time_of_all_its_legs_once(calls):
    calls.call("us", "a", "10:00:00", key=KEY).call("emea", "b", "10:07:00", key=KEY)
    calls.call("us", "alone", "11:00:00")
    handle_times = pl.DataFrame(
        [("us", "a", 1, 100_000), ("us", "a", 1, 20_000), ("emea", "b", 2, 300_000)],
        schema=["org", "conversation_id", "handled_count", "handle_ms"],
        orient="row",
    )

    journeys = calls.linked(handle_times).journeys
    assert journeys.select("journey_id", "handled_count", "handle_ms").rows() == [
        ("us:a", 4, 420_000),
        ("us:alone", 0, 0),
    ]
