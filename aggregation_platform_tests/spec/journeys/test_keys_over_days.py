"""How long one key holds conversations together, and where it is cut."""

from datetime import UTC, datetime, timedelta

import pytest

CASE = "CASE-0004711-88"
FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)
ORGS = ("us", "emea")

MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)


def uses(calls, *offsets, value=CASE):
    """Uses of one case number, in two orgs by turns, named by their place (us:1, emea:2)."""
    for place, offset in enumerate(offsets):
        at = (FIRST + offset).replace(tzinfo=None).isoformat()
        calls.call(ORGS[place % 2], str(place + 1), at, tag=value)
    return calls


def cut_pairs(linked):
    """Return what is kept apart: reason, and the two by name."""
    return linked.reviews.select("reason", "conversation_id", "other_conversation_id").rows()


def legs_of(linked):
    """Return the sizes of the journeys in the order of their first legs."""
    return linked.journeys.sort("started_at")["leg_count"].to_list()


@pytest.mark.parametrize(
    ("span", "offsets", "journeys"),
    [
        # span in hours, uses in hours after the first  ->  who is in one journey
        (24, (0, 1 / 60, 21, 42), ["us:1 > emea:2 > us:3"]),
        (20, (0, 1 / 60, 21, 42), ["us:1 > emea:2"]),
        (24, (0, 23), ["us:1 > emea:2"]),
        (24, (0, 25), []),
        (72, (0, 30, 60), ["us:1 > emea:2 > us:3"]),
        (72, (0, 71, 73), ["emea:2 > us:3"]),
        (48, (0, 2, 26, 50, 51), ["us:1 > emea:2 > us:3", "emea:4 > us:5"]),
        (168, (0, 1, 167), ["us:1 > emea:2 > us:3"]),
    ],
)
def test_a_case_number_joins_within_the_span_and_is_cut_at_its_widest_gap(
    calls, span, offsets, journeys
):
    uses(calls, *(hours * HOURS for hours in offsets))

    assert calls.contacts(max_span_hours=span) == sorted(
        f"{journey} by correlation" for journey in journeys
    )


def test_between_equal_gaps_a_near_pair_is_never_cut(calls):
    uses(calls, *(hours * HOURS for hours in (0, 12, 24, 36, 36.1)))

    assert "emea:4 > us:5 by correlation" in calls.contacts(max_span_hours=11)


def test_what_is_cut_is_on_the_review_list_with_its_reason(calls):
    linked = uses(calls, 0 * HOURS, 1 * MINUTES, 21 * HOURS, 42 * HOURS).linked()

    assert cut_pairs(linked) == [("too_large", "3", "4")]
    assert linked.journeys.sort("started_at")["is_cut"].to_list() == [True, True]


def test_a_case_number_used_again_after_the_span_is_on_the_review_list(calls):
    linked = uses(calls, 0 * HOURS, 23 * HOURS).linked()

    assert legs_of(linked) == [1, 1]
    assert cut_pairs(linked) == [("too_far", "1", "2")]


def test_a_case_number_used_again_after_two_spans_is_a_new_contact_and_no_question(calls):
    linked = uses(calls, 0 * HOURS, 45 * HOURS).linked()

    assert legs_of(linked) == [1, 1]
    assert linked.reviews.is_empty()


def test_a_contact_of_too_many_legs_keeps_its_near_pairs(calls):
    pairs = [start + near for start in range(0, 50, 5) for near in (0, 1)]
    linked = uses(calls, *(minute * MINUTES for minute in pairs)).linked(max_legs=6)

    legs = linked.legs.sort("started_at")
    for place in range(0, len(pairs), 2):
        assert legs["journey_id"][place] == legs["journey_id"][place + 1]
    assert max(legs_of(linked)) <= 6
    assert set(linked.reviews["reason"]) == {"too_large"}


def test_a_contact_of_too_many_legs_is_cut_at_its_widest_gap(calls):
    minutes = (0, 4, 8, 30, 34, 38)
    linked = uses(calls, *(minute * MINUTES for minute in minutes)).linked(max_legs=5)

    assert legs_of(linked) == [3, 3]
    assert cut_pairs(linked) == [("too_large", "3", "4")]


def test_equal_gaps_are_cut_into_parts_as_large_as_they_may_be(calls):
    linked = uses(calls, *(place * 10 * MINUTES for place in range(20))).linked(
        max_legs=8, common_value_per_day=100
    )

    assert legs_of(linked) == [8, 8, 4]


def test_a_key_that_is_used_for_ever_still_joins_near_pairs(calls):
    days = range(0, 240, 24)
    linked = uses(calls, *(day * HOURS + near for day in days for near in (0 * HOURS, MINUTES)))

    assert legs_of(linked.linked(max_span_hours=6)) == [2] * 10


def test_a_link_by_number_is_not_lost_where_a_key_is_cut(calls):
    uses(calls, 0 * HOURS, 20 * HOURS, 40 * HOURS)
    calls.call("apac", "x", "2026-01-05T09:06:00", ani="+15551230099")
    calls.call("us", "y", "2026-01-05T09:08:00", ani="+15551230099", tag=CASE)

    assert "apac:x" in "".join(calls.contacts())


@pytest.mark.parametrize("value", ["ABCDEFGH12345678", "version-2026-01"])
def test_a_value_that_many_callers_carry_within_minutes_is_a_constant(calls, value):
    for place in range(6):
        calls.call(
            ("us", "emea", "apac")[place % 3],
            f"c{place}",
            f"10:0{place // 2}:{place % 2 * 30:02d}",
            ani=f"+1555123{place:04d}",
            key=value,
        )

    linked = calls.linked()
    assert linked.links.is_empty()
    assert set(linked.reviews["reason"]) == {"constant_key"}
    named = (
        linked.reviews["conversation_id"].to_list()
        + linked.reviews["other_conversation_id"].to_list()
    )
    assert set(named) == {f"c{place}" for place in range(6)}


def test_a_constant_is_none_for_the_whole_day_on_which_it_was_recognised(calls):
    for place in range(5):
        org = ORGS[place % 2]
        calls.call(org, f"c{place}", f"10:0{place}:00", ani=f"+1555123{place:04d}", key="CONSTANT")
    calls.call("us", "late", "15:00:00", ani="+15551239999", key="CONSTANT")
    calls.call("emea", "later", "15:02:00", ani="+15551239998", key="CONSTANT")

    assert calls.contacts() == []


def test_a_constant_is_recognised_across_midnight_too(calls):
    for place, at in enumerate(("05T23:58:00", "05T23:59:00", "06T00:00:30", "06T00:01:30")):
        ani = f"+1555123{place:04d}"
        calls.call(ORGS[place % 2], f"c{place}", f"2026-01-{at}", ani=ani, key="CONSTANT")

    assert calls.contacts() == []


def test_one_caller_who_is_passed_on_often_within_minutes_is_one_contact(calls):
    for place in range(6):
        org = ("us", "emea", "apac")[place % 3]
        calls.call(org, f"c{place}", f"10:0{place}:00", ani="+15551234567", key="00FA08AB1277")

    assert [name.count(">") for name in calls.contacts()] == [5]


@pytest.mark.parametrize(
    "value",
    ["${Call.ConversationId}", "{{conversation_id}}", "<%= call.id %>", "%CONVERSATION_ID%"],
)
def test_a_template_left_unfilled_is_no_key_and_on_the_review_list(calls, value):
    calls.call("us", "a", "10:00:00", key=value).call("emea", "b", "10:07:00", tag=value)

    linked = calls.linked()
    assert linked.links.is_empty()
    assert linked.reviews["reason"].to_list() == ["constant_key"]


def test_the_review_list_of_a_constant_stays_short(calls):
    for place in range(60):
        org = ORGS[place % 2]
        calls.call(org, f"c{place:02d}", f"1{place // 20}:{place % 20:02d}:00", key="version-1")

    assert calls.linked(common_value_per_day=20).reviews.height == 20
