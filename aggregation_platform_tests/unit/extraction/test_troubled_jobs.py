"""Jobs that fail, vanish, hang or hold too much: replaced or halved, within bounds, and counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aggregation_platform.errors import DetailsJobError, QueryTooLargeError
from aggregation_platform.genesys.retries import OutcomeUnknownError

ALL = [f"c{n}" for n in range(10)]


def test_a_calm_day_takes_one_job_and_each_page_once(make_bench, read_ids):
    bench = make_bench()
    result = bench.run()

    assert read_ids(result) == ALL
    assert (result.pages, result.records, result.jobs_submitted) == (4, 10, 1)
    assert bench.org.pages_given == [
        ("job-1", None),
        ("job-1", "3"),
        ("job-1", "6"),
        ("job-1", "9"),
    ]


def test_an_empty_day_is_one_page_without_conversations(make_bench, read_ids):
    result = make_bench(0).run()

    assert read_ids(result) == []
    assert (result.pages, result.records) == (1, 0)


def test_a_body_that_came_unpacked_is_stored_packed_and_reads_the_same(make_bench, read_ids):
    result = make_bench(packed=False).run()

    assert read_ids(result) == ALL


@pytest.mark.parametrize("fate", ["FAILED: out of memory", "CANCELLED"])
def test_a_job_that_failed_is_replaced_once(make_bench, read_ids, fate):
    bench = make_bench(fates={1: fate})
    result = bench.run()

    assert read_ids(result) == ALL
    assert result.jobs_submitted == bench.org.submissions == 2


def test_a_day_whose_second_job_fails_too_is_an_error_that_says_why(make_bench):
    bench = make_bench(fates={1: "FAILED: out of memory", 2: "FAILED: out of memory"})

    with pytest.raises(DetailsJobError, match=r"us: 2026-01-05: details job job-2 is FAILED: out"):
        bench.run()
    assert bench.org.submissions == 2


def test_the_next_run_after_such_an_error_asks_again(make_bench, read_ids):
    bench = make_bench(fates={1: "FAILED: x", 2: "FAILED: x"})
    with pytest.raises(DetailsJobError):
        bench.run()
    result = bench.run()

    assert read_ids(result) == ALL


def test_a_job_that_expired_before_it_was_read_is_replaced(make_bench, read_ids):
    result = make_bench(fates={1: "EXPIRED"}).run()

    assert read_ids(result) == ALL
    assert result.job_ids == ("job-2",)


def test_when_the_job_is_gone_after_a_restart_a_new_one_begins_at_page_one_and_nothing_is_doubled(
    make_bench, make_fuse, killed, read_ids
):
    bench = make_bench()
    calm = make_bench()
    calm.run()
    bench.org.fuse = make_fuse(calm.org.fuse.count - 4)
    with pytest.raises(killed):
        bench.run()
    given = len(bench.org.pages_given)
    bench.org.gone.add("job-1")
    bench.org.fuse = make_fuse()
    result = bench.run()

    assert given >= 2
    assert read_ids(result) == ALL
    assert {page.job_id for page in result.landed} == {"job-2"}


def test_a_lost_reply_to_the_submission_costs_one_job_and_is_counted(make_bench, read_ids):
    bench = make_bench(lost_replies={1})
    result = bench.run()

    assert read_ids(result) == ALL
    assert result.jobs_submitted == bench.org.submissions == 2


def test_replies_lost_again_and_again_end_the_run_within_bounds(make_bench):
    bench = make_bench(lost_replies=set(range(1, 100)))

    with pytest.raises(OutcomeUnknownError):
        bench.run()
    assert bench.org.submissions == 4


def test_a_page_too_large_is_asked_for_in_halves_of_its_size_with_the_same_job(
    make_bench, read_ids
):
    bench = make_bench(largest_page=2)
    result = bench.run(page_size=8)

    assert read_ids(result) == ALL
    assert [entry.count for entry in result.landed] == [2, 2, 2, 2, 2]
    assert bench.org.submissions == 1


def test_a_page_of_one_that_is_too_large_is_an_error(make_bench):
    with pytest.raises(QueryTooLargeError):
        make_bench(largest_page=0).run()


def test_a_job_that_never_ends_is_cancelled_and_its_window_halved(make_bench, read_ids):
    bench = make_bench(fates={1: "PENDING"})
    result = bench.run()

    assert sorted(set(read_ids(result))) == sorted(ALL)
    assert bench.org.cancelled == ["job-1"]
    assert bench.clock.now() - datetime(2026, 1, 7, 9, tzinfo=UTC) < timedelta(minutes=40)


def test_when_every_job_hangs_the_wait_is_bounded_and_the_error_says_stuck(make_bench):
    bench = make_bench(fates=dict.fromkeys(range(1, 100), "PENDING"))

    with pytest.raises(DetailsJobError, match="is STUCK: did not end within 30 minutes"):
        bench.run()
    assert bench.clock.now() - datetime(2026, 1, 7, 9, tzinfo=UTC) < timedelta(hours=3)


def test_a_job_that_failed_at_the_cap_is_halved_like_a_capped_page(make_bench, read_ids):
    bench = make_bench(fates={1: "FAILED: Pagination may not exceed 400000 results"})
    result = bench.run()

    assert sorted(set(read_ids(result))) == sorted(ALL)
    assert len(result.job_ids) == 2


def test_a_window_that_cannot_be_halved_further_is_an_error(make_bench, make_conversation):
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    at_once = [make_conversation(f"c{n}", noon, noon + timedelta(hours=1)) for n in range(9)]

    with pytest.raises(DetailsJobError, match="TOO_LARGE"):
        make_bench(at_once, result_cap=5).run()


minutes = st.integers(-2000, 3000)


@given(
    lives=st.lists(st.tuples(minutes, st.none() | st.integers(0, 3000)), max_size=60),
    cap=st.integers(20, 40),
    ends_count=st.booleans(),
)
def test_halves_of_a_capped_window_add_up_to_the_whole_whether_or_not_its_ends_count(
    lives, cap, ends_count, make_bench, make_conversation, read_ids
):
    """Nothing that the whole day would have returned is missing; nothing else is there."""
    midnight = datetime(2026, 1, 5, tzinfo=UTC)
    known = [
        make_conversation(
            f"c{n}",
            midnight + timedelta(minutes=start),
            None if length is None else midnight + timedelta(minutes=start + length),
        )
        for n, (start, length) in enumerate(lives)
    ]

    def lives_strictly_in(conversation, interval):
        after = conversation.end is None or conversation.end > interval.start
        return conversation.start < interval.end and after

    how = {} if ends_count else {"lives_in": lives_strictly_in}
    whole = set(read_ids(make_bench(known, **how).run()))
    bench = make_bench(known, result_cap=cap, **how)
    try:
        parts = set(read_ids(bench.run()))
    except DetailsJobError as error:
        assume(error.state != "TOO_LARGE")  # more than the cap live at one instant
        raise

    assert parts == whole


def test_a_conversation_that_only_touches_the_middle_is_in_one_half_at_least(
    make_bench, make_conversation, read_ids
):
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    known = [make_conversation("touching", noon, noon)] + [
        make_conversation(f"c{n}", noon + timedelta(hours=h), noon + timedelta(hours=h + 1))
        for n, h in enumerate((-5, -4, -3, 3, 4, 5))
    ]

    def strictly(conversation, interval):
        return conversation.start < interval.end and conversation.end > interval.start

    result = make_bench(known, result_cap=5, lives_in=strictly).run()

    assert "touching" in read_ids(result)
    assert len(result.job_ids) == 2
