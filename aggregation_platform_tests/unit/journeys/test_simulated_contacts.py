"""Journeys of simulated orgs, held against what their world knows."""

from itertools import combinations

import polars as pl
import pytest

from aggregation_platform.journeys.evidence import evidence_of
from aggregation_platform.journeys.linking import all_journeys, conversation_handle_times
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform_tests.simulated_facts import simulated_facts

RULES = LinkingRules()
SEEDS = (20260105, 31337, 4711)


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed {seed}")
def told(request):
    """What is true, what was found, and whether both records of a pair carry one key."""
    world = simulated_facts(request.param)
    evidence = evidence_of(
        world.frame("conversations"), world.frame("sessions"), world.frame("attributes"), RULES
    )
    handle_times = conversation_handle_times(world.frame("session_metrics"))
    linked = all_journeys(evidence, handle_times, RULES)
    keys: dict[tuple[str, str], set[int]] = {}
    names = evidence.contacts.select("org", "conversation_id").rows()
    for contact, value in evidence.keys.rows():
        keys.setdefault(names[contact], set()).add(value)

    def keyed(pair):
        return bool(keys.get(pair[0], set()) & keys.get(pair[1], set()))

    return world.true_pairs(), _pairs(linked.legs), keyed


def _pairs(legs: pl.DataFrame):
    of_several = legs.filter(pl.len().over("journey_id") > 1)
    return {
        pair
        for _, of_one in of_several.group_by("journey_id")
        for pair in combinations(sorted(of_one.select("org", "conversation_id").rows()), 2)
    }


def test_pairs_that_carry_a_key_are_found_all_and_no_others(told):
    true, found, keyed = told

    assert len({pair for pair in true if keyed(pair)}) > 50
    assert {pair for pair in found if keyed(pair)} == {pair for pair in true if keyed(pair)}


def test_pairs_that_carry_no_key_are_found_nearly_all_and_nearly_no_others(told):
    true, found, keyed = told
    true = {pair for pair in true if not keyed(pair)}
    found = {pair for pair in found if not keyed(pair)}

    assert len(true) > 50
    assert len(true & found) / len(found) >= 0.98
    assert len(true & found) / len(true) >= 0.90
