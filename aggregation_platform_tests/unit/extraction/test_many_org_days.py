"""Several orgs and days at once: trouble stays with its org, or with its day."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.errors import RateLimitedError, RefusedError
from aggregation_platform.extraction.many import extract_many
from aggregation_platform.extraction.outcome import OrgDay
from aggregation_platform.extraction.patience import Patience

DAY = date(2026, 1, 5)
HASTE = Patience(first_poll_s=0.0, longest_poll_s=0.0, claim_poll_s=0.01)


def run(benches, days=1, **settings):
    """The benches' orgs under the names org0, org1, …, on the landing zone of the first."""
    clients = {f"org{n}": bench.org for n, bench in enumerate(benches)}
    orders = [
        OrgDay(org=org, day=DAY + timedelta(days=n), page_size=3)
        for n in range(days)
        for org in clients
    ]
    first = benches[0]
    return extract_many(
        clients,
        first.landing,
        first.claims,
        orders,
        clock=SystemClock(),
        patience=HASTE,
        **settings,
    )


def named(ends) -> set[tuple[str, int]]:
    return {(end.org, end.day.day) for end in ends}


def test_every_org_day_is_extracted_and_told_of_as_it_is(make_bench):
    told, heard = [], []
    outcome = run(
        [make_bench(4), make_bench(7)], days=3, extracted=told.append, progress=heard.append
    )

    assert named(outcome.extracted) == {(f"org{o}", d) for o in (0, 1) for d in (5, 6, 7)}
    assert named(told) == named(outcome.extracted)
    assert {progress.state for progress in heard} >= {"submitted", "paging", "landed"}
    assert outcome.failures == []


def test_one_org_that_refuses_does_not_stop_the_others_and_its_later_days_are_not_tried(
    make_bench,
):
    good, bad = make_bench(), make_bench()
    asked = []

    def refuse(interval):
        asked.append(interval)
        raise RefusedError("org1", "credentials are wrong")

    bad.org.submit_details_job = refuse
    outcome = run([good, bad], days=4)

    assert named(outcome.extracted) == {("org0", d) for d in (5, 6, 7, 8)}
    assert named(outcome.failures) == {("org1", d) for d in (5, 6, 7, 8)}
    assert len(asked) == 1
    assert [failure.was_tried for failure in outcome.failures].count(True) == 1


def test_a_day_whose_jobs_fail_does_not_stop_the_orgs_other_days(make_bench):
    bench = make_bench(fates={1: "FAILED: x", 3: "FAILED: x", 2: "FULFILLED"})
    outcome = run([bench], days=3, jobs_per_org=1)

    assert {day for _, day in named(outcome.extracted)} == {5, 6, 7}

    ill = make_bench(fates={1: "FAILED: x", 2: "FAILED: x"})
    outcome = run([ill], days=3, jobs_per_org=1)

    assert named(outcome.failures) == {("org0", 5)}
    assert {day for _, day in named(outcome.extracted)} == {6, 7}


def test_hours_of_retry_after_are_not_slept_but_handed_back_with_when_to_run_again(make_bench):
    bench = make_bench()

    def limited(job_id, *, cursor, page_size):
        raise RateLimitedError("org0", "daily limit", retry_after_s=14_400)

    bench.org.details_page = limited
    outcome = run([bench], days=2)

    assert [failure.retry_after_s for failure in outcome.failures] == [14_400, 14_400]
    assert bench.org.submissions <= 2


def test_after_such_a_failure_the_next_run_goes_on_with_the_same_jobs(make_bench):
    bench = make_bench()
    healthy = bench.org.details_page

    def limited(job_id, *, cursor, page_size):
        raise RateLimitedError("org0", "daily limit", retry_after_s=14_400)

    bench.org.details_page = limited
    run([bench])
    bench.org.details_page = healthy
    outcome = run([bench])

    assert named(outcome.extracted) == {("org0", 5)}
    assert bench.org.submissions == 1


def test_at_most_so_many_jobs_of_an_org_are_under_way_and_the_next_is_asked_for_ahead(make_bench):
    bench = make_bench()
    under_way, most = set(), []
    submit, page = bench.org.submit_details_job, bench.org.details_page

    def submitting(interval):
        job_id = submit(interval)
        under_way.add(job_id)
        most.append(len(under_way))
        return job_id

    def paging(job_id, *, cursor, page_size):
        came = page(job_id, cursor=cursor, page_size=page_size)
        if came.cursor is None:
            under_way.discard(job_id)
        return came

    bench.org.submit_details_job, bench.org.details_page = submitting, paging
    run([bench], days=6)

    assert max(most) == 2


def test_orgs_are_fetched_at_once(make_bench):
    benches = [make_bench(), make_bench(), make_bench()]
    meeting = threading.Barrier(3)
    for bench in benches:
        submit = bench.org.submit_details_job

        def meet(interval, submit=submit):
            meeting.wait(timeout=20)  # breaks if they came one after the other
            return submit(interval)

        bench.org.submit_details_job = meet
    outcome = run(benches)

    assert len(outcome.extracted) == 3


def test_claims_are_given_up_whatever_happens(make_bench):
    bench = make_bench()

    def broken(interval):
        raise ZeroDivisionError

    bench.org.submit_details_job = broken
    with pytest.raises(ZeroDivisionError):
        run([bench], days=2)

    assert bench.claims.owners == {}


def test_each_failed_attempt_is_told_of_once_with_what_it_cost(make_bench):
    good, bad = make_bench(), make_bench()

    def refuse(interval):
        bad.org.tally.answered(503, 10)
        raise RefusedError("org1", "credentials are wrong")

    bad.org.submit_details_job = refuse
    told = []
    run([good, bad], days=3, failed=told.append)

    assert [(one.org, one.day) for one in told] == [("org1", DAY)]
    assert told[0].requests["requests_5xx"] == 1
