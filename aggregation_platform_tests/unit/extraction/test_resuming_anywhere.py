"""An extraction that is killed at any operation goes on with the same job at the next page.

The fuse counts every call to the org and every operation of the landing zone, and cuts before
or after one of them took effect. Nothing here samples: every instant is tried.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

ALL = [f"c{n}" for n in range(10)]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_every_operation_nothing_is_lost_doubled_or_asked_for_without_need(
    make_bench, make_fuse, killed, read_ids, before
):
    calm = make_bench()
    calm.run()

    for cut_at in range(1, calm.org.fuse.count + 1):
        bench = make_bench()
        bench.org.fuse = make_fuse(cut_at, before)
        with pytest.raises(killed):
            bench.run()
        given_before = len(bench.org.pages_given)
        bench.org.fuse = make_fuse()
        result = bench.run()
        pages = Counter(bench.org.pages_given)

        assert read_ids(result) == ALL, cut_at
        assert bench.org.submissions <= 2, cut_at
        assert result.jobs_submitted >= bench.org.submissions, cut_at
        if given_before:
            assert bench.org.submissions == 1, cut_at
            assert sum(pages.values()) <= 4 + 1, cut_at


def test_one_job_more_is_asked_for_only_when_killed_between_asking_and_writing_the_id(
    make_bench, make_fuse, killed
):
    calm = make_bench()
    calm.run()
    twice: list[tuple[int, bool]] = []

    for before in (True, False):
        for cut_at in range(1, calm.org.fuse.count + 1):
            bench = make_bench()
            bench.org.fuse = make_fuse(cut_at, before)
            with pytest.raises(killed):
                bench.run()
            bench.org.fuse = make_fuse()
            bench.run()
            if bench.org.submissions > 1:
                twice.append((cut_at, before))

    # After the request took effect, or before the id was written: the same instant, seen twice.
    assert len(twice) == 2
    assert {before for _, before in twice} == {True, False}


@given(cuts=st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=12))
def test_killed_again_and_again_it_still_ends_whole(cuts, make_bench, make_fuse, killed, read_ids):
    bench = make_bench()
    for cut_at, before in cuts:
        bench.org.fuse = make_fuse(cut_at, before)
        try:
            bench.run()
        except killed:
            continue
    bench.org.fuse = make_fuse()
    result = bench.run()

    assert read_ids(result) == ALL
    assert len({page.job_id for page in result.landed}) == 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_while_a_capped_window_is_being_halved_the_halves_still_add_up(
    make_bench, make_fuse, killed, read_ids, before
):
    calm = make_bench(result_cap=6)
    calm_result = calm.run()
    needed, operations = calm.org.submissions, calm.org.fuse.count
    calm_ids = sorted(read_ids(calm_result))

    for cut_at in range(1, operations + 1):
        bench = make_bench(result_cap=6)
        bench.org.fuse = make_fuse(cut_at, before)
        with pytest.raises(killed):
            bench.run()
        bench.org.fuse = make_fuse()
        result = bench.run()

        assert sorted(read_ids(result)) == calm_ids, cut_at
        assert bench.org.submissions <= needed + 1, cut_at
