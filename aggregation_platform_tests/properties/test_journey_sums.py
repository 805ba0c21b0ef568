"""What holds for all journeys, whatever the evidence: nothing twice, nothing by chance of order."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.facts.tables import ATTRIBUTES, CONVERSATIONS, SESSION_METRICS, SESSIONS
from aggregation_platform.journeys.evidence import Evidence, evidence_of
from aggregation_platform.journeys.linking import (
    all_journeys,
    conversation_handle_times,
    days_around,
    journeys_of_day,
)
from aggregation_platform.journeys.rules import LinkingRules

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
RULES = LinkingRules(
    max_span_hours=10,
    max_legs=4,
    common_number_per_day=6,
    common_value_callers=2,
    common_value_minutes=10,
    transfer_seconds=60,
    countries={"us": "US", "emea": "US", "apac": "US"},
)
"""Small limits, so that a few calls reach them; journeys span ten hours at most."""

NUMBERS = (None, "tel:+15551230001", "tel:+15551230002", "tel:anonymous")
SPELLINGS = {
    "tel:+15551230001": ("5551230001", "sip:%2B15551230001@pbx", "1-555-123-0001"),
    "tel:+15551230002": ("(555) 123-0002", "tel:+1 555 123 0002", "01115551230002"),
    "tel:+445550000001": ("sip:+445550000001@10.0.0.1:5060", "011445550000001", "+44 555 0000001"),
}
DESKS = (None, "tel:+445550000001")
KEYS = (None, "00FA081111", "00FA082222", "0", "${Call.Id}")

# Times are dense, on a grid, and often near midnight: that is where days part.
moments = st.one_of(
    st.integers(0, 6 * 24 * 12).map(lambda step: timedelta(minutes=5 * step)),
    st.integers(-20, 20).map(lambda step: timedelta(days=3, minutes=step)),
)
told_calls = st.lists(
    st.fixed_dictionaries(
        {
            "org": st.sampled_from(["us", "emea", "apac"]),
            "start": moments,
            "minutes": st.integers(0, 600),
            "ani": st.sampled_from(NUMBERS),
            "dnis": st.sampled_from(DESKS),
            "key": st.sampled_from(KEYS),
            "dials_after": st.one_of(st.none(), st.integers(0, 10), st.integers(200, 900)),
            "handle_ms": st.lists(st.integers(0, 10**7), max_size=2),
        }
    ),
    max_size=40,
)


def facts_of(calls):
    conversations, sessions, attributes, metrics = [], [], [], []
    for number, call in enumerate(calls):
        start = FIRST + call["start"]
        end = start + timedelta(minutes=call["minutes"])
        shared = {"org": call["org"], "day": start.date(), "conversation_id": f"c{number:02d}"}
        told = {"started_at": start, "ended_at": end, "external_tag": call["key"]}
        conversations.append({**shared, **told, "originating_direction": "inbound"})
        line = {**shared, "purpose": "customer", "media_type": "voice", "ended_at": end}
        inbound = {"direction": "inbound", "ani": call["ani"], "dnis": call["dnis"]}
        sessions.append({**line, **inbound, "session_number": 1, "started_at": start})
        if call["dials_after"] is not None:
            began = start + timedelta(minutes=call["dials_after"])
            outbound = {"direction": "outbound", "ani": call["ani"], "dnis": DESKS[1]}
            sessions.append({**line, **outbound, "session_number": 2, "started_at": began})
        attributes.append({**shared, "name": "IVR_UU_ID", "value": call["key"]})
        metrics += [
            {**shared, "metric": "tHandle", "value_ms": value} for value in call["handle_ms"]
        ]
    return [
        pl.DataFrame(rows, schema=table.frame_schema, orient="row")
        for rows, table in (
            (conversations, CONVERSATIONS),
            (sessions, SESSIONS),
            (attributes, ATTRIBUTES),
            (metrics, SESSION_METRICS),
        )
    ]


def shuffled(facts, random):
    return [frame.sample(fraction=1, shuffle=True, seed=random.randrange(2**32)) for frame in facts]


@given(told_calls)
def test_each_conversation_is_a_leg_of_exactly_one_journey(calls):
    conversations, sessions, attributes, metrics = facts_of(calls)
    evidence = evidence_of(conversations, sessions, attributes, RULES)
    linked = all_journeys(evidence, conversation_handle_times(metrics), RULES)

    told = conversations.select("org", "conversation_id").sort("org", "conversation_id")
    assert linked.legs.select("org", "conversation_id").sort("org", "conversation_id").equals(told)
    assert linked.journeys["leg_count"].sum() == len(calls)
    assert linked.journeys["journey_id"].is_unique().all()
    assert (linked.journeys["leg_count"] <= RULES.max_legs).all()


@given(told_calls)
def test_no_journey_lasts_longer_than_a_contact_can(calls):
    conversations, sessions, attributes, metrics = facts_of(calls)
    evidence = evidence_of(conversations, sessions, attributes, RULES)
    legs = all_journeys(evidence, conversation_handle_times(metrics), RULES).legs

    start = pl.col("started_at")
    spans = legs.group_by("journey_id").agg(span=start.max() - start.min())["span"]
    assert (spans <= RULES.max_span).all()


@given(told_calls)
def test_handle_time_of_journeys_is_the_handle_time_of_their_sessions(calls):
    conversations, sessions, attributes, metrics = facts_of(calls)
    evidence = evidence_of(conversations, sessions, attributes, RULES)
    journeys = all_journeys(evidence, conversation_handle_times(metrics), RULES).journeys

    handled = [value for call in calls for value in call["handle_ms"]]
    assert journeys["handle_ms"].sum() == sum(handled)
    assert journeys["handled_count"].sum() == len(handled)


@given(told_calls, st.randoms(use_true_random=False))
def test_journeys_do_not_depend_on_the_order_in_which_anything_came(calls, random):
    facts = facts_of(calls)
    mixed = shuffled(facts, random)
    in_order, in_disorder = (
        all_journeys(
            evidence_of(conversations, sessions, attributes, RULES),
            conversation_handle_times(metrics),
            RULES,
        )
        for conversations, sessions, attributes, metrics in (facts, mixed)
    )

    for name in ("legs", "journeys", "links", "reviews"):
        assert getattr(in_order, name).equals(getattr(in_disorder, name)), name


@given(told_calls)
def test_a_day_built_alone_has_the_journeys_it_has_among_all_days(calls):
    conversations, sessions, attributes, metrics = facts_of(calls)
    handle_times = conversation_handle_times(metrics)
    days = sorted({(FIRST + call["start"]).date() for call in calls})
    of_day = {
        day: evidence_of(
            conversations.filter(pl.col("day") == day),
            sessions.filter(pl.col("day") == day),
            attributes.filter(pl.col("day") == day),
            RULES,
        )
        for day in days
    }
    together = all_journeys(Evidence.sum_of(of_day.values()), handle_times, RULES)

    for day in days:
        around = [of_day[near] for near in days_around(day, RULES) if near in of_day]
        alone = journeys_of_day(day, Evidence.sum_of(around), handle_times, RULES)
        for name in ("legs", "journeys", "links", "reviews"):
            expected = getattr(together, name).filter(pl.col("day") == day)
            assert getattr(alone, name).equals(expected), (name, day)


@given(told_calls, st.randoms(use_true_random=False))
def test_journeys_do_not_depend_on_how_numbers_are_spelled(calls, random):
    def spelled(address):
        return random.choice((address, *SPELLINGS.get(address, ())))

    conversations, sessions, attributes, metrics = facts_of(calls)
    handle_times = conversation_handle_times(metrics)
    otherwise = sessions.with_columns(
        pl.Series(name, [spelled(address) for address in sessions[name]], dtype=pl.String)
        for name in ("ani", "dnis")
    )
    one, other = (
        all_journeys(evidence_of(conversations, told, attributes, RULES), handle_times, RULES)
        for told in (sessions, otherwise)
    )

    for name in ("legs", "journeys", "links", "reviews"):
        assert getattr(one, name).equals(getattr(other, name)), name


@given(
    st.lists(st.tuples(st.sampled_from(["us", "emea", "apac"]), st.integers(0, 3000)), max_size=30),
    st.integers(1, 23 * 60),
)
def test_where_a_key_is_cut_does_not_depend_on_where_a_day_begins(uses, minutes):
    rules = LinkingRules(
        max_span_hours=10, max_legs=4, common_value_callers=1000, common_value_per_day=1000
    )

    def cut(shift):
        keyed = [
            {
                "org": org,
                "start": timedelta(minutes=at + shift),
                "minutes": 1,
                "ani": None,
                "dnis": None,
                "key": "CASE-0004711",
                "dials_after": None,
                "handle_ms": [],
            }
            for org, at in uses
        ]
        conversations, sessions, attributes, metrics = facts_of(keyed)
        evidence = evidence_of(conversations, sessions, attributes, rules)
        found = all_journeys(evidence, conversation_handle_times(metrics), rules)
        legs = found.legs.select("journey_id", "leg_number", "org", "conversation_id")
        return legs.sort("org", "conversation_id"), found.reviews.drop("day").height

    legs, reviews = cut(0)
    shifted_legs, shifted_reviews = cut(minutes)
    assert shifted_legs.equals(legs)
    assert shifted_reviews == reviews
