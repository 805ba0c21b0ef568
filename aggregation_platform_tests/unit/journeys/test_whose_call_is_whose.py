"""Pairs that are certain, possible or ruled out, held against all explanations there are."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.journeys.matching import explained

edges_of_few = st.sets(st.tuples(st.integers(0, 4), st.integers(10, 14)), max_size=9)


def largest_explanations(edges):
    """List every largest set of pairs in which no line and no call is twice."""
    for count in range(len(edges), 0, -1):
        found = [
            set(chosen)
            for chosen in combinations(sorted(edges), count)
            if len({line for line, _ in chosen}) == len({call for _, call in chosen}) == count
        ]
        if found:
            return found
    return [set()]


@given(edges_of_few)
def test_certain_is_what_all_largest_explanations_have_and_possible_what_any_has(edges):
    certain, possible = explained(edges)

    every = largest_explanations(edges)
    assert certain == set.intersection(*every)
    assert possible == set.union(*every)
