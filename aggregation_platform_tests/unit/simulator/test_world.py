"""What overlaps an interval is found without looking at everything, and completely."""

from datetime import date

import pytest

from aggregation_platform.simulator.day_plan import LONG_MS, MULTI_DAYS, ORPHAN_DAYS, SHORT_MS
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.timestamps import DAY_MS, HOUR_MS, day_start
from aggregation_platform.simulator.world import Ref, World

OPTIONS = SimulatorOptions(
    orgs=("us", "emea", "apac"), first_day=date(2026, 1, 5), days=3, conversations_per_day=100,
    history_days=62, orphan_every=50, open_every=90, multi_day_every=40, pair_every=15,
)  # fmt: skip
FIRST = day_start(OPTIONS.first_day)


@pytest.fixture(scope="module")
def world() -> World:
    return World(OPTIONS)


@pytest.fixture(scope="module")
def everything(world: World) -> list[tuple[int, int | None, str, Ref, str]]:
    """Every conversation of every org, by walking through all days and legs."""
    found: list[tuple[int, int | None, str, Ref, str]] = []
    for org in OPTIONS.orgs:
        for day in range(world.first_day_number, world.end_day_number):
            for place in range(world.plan(org, day).count):
                for leg in range(3):
                    ref = Ref(org, day, place, leg)
                    if leg and world.plan(org, day).class_of(place) != "pair":
                        break
                    if not world.org_of(ref):
                        break
                    story = world.story(ref)
                    found.append((story.start, story.end, world.org_of(ref), ref, story.kind))
    return found


@pytest.mark.parametrize(
    ("from_hour", "hours"),
    [(0, 24), (24, 24), (48, 24), (13, 2), (23, 2), (0, 72), (71, 5), (80, 24), (-1, 1), (30, 0)],
)
def test_a_span_is_all_that_overlaps_in_the_order_of_start(world, everything, from_hour, hours):
    start = FIRST + from_hour * HOUR_MS
    end = start + hours * HOUR_MS
    for org in OPTIONS.orgs:
        span = world.span(org, start, end)
        told = [span.ref(place) for place in range(len(span))]
        expected = {
            ref
            for began, ended, where, ref, _ in everything
            if where == org and began < end and (ended is None or ended >= start)
            and (began < start or hours)
        }  # fmt: skip

        assert set(told) == expected
        assert len(told) == len(expected)
        starts = [world.start_of(ref) for ref in told]
        assert starts == sorted(starts)


def test_no_kind_outlives_the_time_that_later_days_search_for_it(world, everything):
    limits = {
        "email": LONG_MS, "long_message": LONG_MS, "multi_day": MULTI_DAYS * DAY_MS,
        "orphan": ORPHAN_DAYS * DAY_MS, "orphan_callback": ORPHAN_DAYS * DAY_MS,
    }  # fmt: skip
    for began, ended, _, _, kind in everything:
        if ended is not None:
            assert ended - began < limits.get(kind, SHORT_MS), kind


def test_every_kind_of_conversation_happens(everything):
    assert {kind for *_, kind in everything} >= {
        "simple", "not_responding", "blind_transfer", "consult_transfer", "conference",
        "menu_hang_up", "abandon", "callback", "message", "long_message", "email",
        "outbound_direct", "outbound_queue", "outbound_campaign", "midnight_call", "multi_day",
        "orphan", "orphan_callback", "open_line", "open_wrap_up", "hand_over", "handed_over",
    }  # fmt: skip


def test_an_id_leads_back_to_its_conversation_and_a_stranger_to_none(world, everything):
    ids = {world.conversation_id(ref): ref for *_, ref, _ in everything}

    assert len(ids) == len(everything)
    assert all(world.ref_of(conversation_id) == ref for conversation_id, ref in ids.items())
    assert world.ref_of("7120c0d4-b32d-45dc-b3c2-53c15fc7aa64") is None
    assert world.ref_of("no id") is None


def test_an_org_day_has_about_the_volume_that_was_asked_for(world, everything):
    for org in OPTIONS.orgs:
        began = [s for s, _, where, *_ in everything if where == org and s >= FIRST]

        assert len(began) / OPTIONS.days == pytest.approx(OPTIONS.conversations_per_day, rel=0.15)


def test_the_midnight_call_is_wrapped_up_on_the_next_day(world, everything):
    calls = [(s, e) for s, e, _, _, kind in everything if kind == "midnight_call"]

    assert calls
    for began, ended in calls:
        assert began % DAY_MS // 60_000 == 23 * 60 + 50
        assert ended is not None
        assert ended % DAY_MS == 5 * 60_000


def test_a_million_conversations_are_reached_without_telling_them():
    world = World(SimulatorOptions(conversations_per_day=1_000_000, history_days=0, days=1))
    plan = world.plan("us", world.first_day_number)
    noon = plan.start_ms + 12 * HOUR_MS

    place = plan.first_from(noon)

    assert plan.start_of(place - 1) < noon <= plan.start_of(place)
    assert world.story(Ref("us", world.first_day_number, place, 0)).start == plan.start_of(place)
