"""An org's day as it is to be loaded: what the job brought does not depend on the tail."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregation_platform.errors import (
    DetailsJobError,
    QueryTooLargeError,
    RateLimitedError,
    RefusedError,
    SourceError,
    TransientSourceError,
)
from aggregation_platform.extraction.day_reading import DayReading, Way, read_org_day
from aggregation_platform.extraction.outcome import OrgDay

DAY = date(2026, 1, 7)
WATERMARK = datetime(2026, 1, 7, 3, tzinfo=UTC)  # six hours before the bench's clock


class WithoutTail:
    """An org whose jobs are well and whose synchronous query is not."""

    def __init__(self, bench, trouble: Exception) -> None:
        self._bench = bench
        self._trouble = trouble

    def __getattr__(self, name):
        return getattr(self._bench.org, name)

    def query_details(self, interval, *, page_number, page_size=100):
        raise self._trouble


def reading(bench, client, way: Way = Way.JOB) -> DayReading:
    order = OrgDay(org="us", day=DAY, page_size=3)
    return read_org_day(client, bench.landing, bench.claims, order, clock=bench.clock, way=way)


@pytest.mark.parametrize(
    "trouble",
    [
        QueryTooLargeError("us", "Pagination may not exceed 100000 results"),
        TransientSourceError("us", "status 503", status=503),
        RefusedError("us", "status 403", status=403),
        RateLimitedError("us", "status 429", retry_after_s=7200),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_tail_that_cannot_be_fetched_does_not_keep_the_jobs_pages_from_being_loaded(
    make_bench, trouble: SourceError
):
    bench = make_bench(4, available_to=WATERMARK)
    found = reading(bench, WithoutTail(bench, trouble))

    assert {page.source for page in found.landed} == {"job"}
    assert found.job is not None
    assert found.tail is None
    assert isinstance(found.tail_trouble, type(trouble))


def test_who_asks_for_the_tail_alone_is_told_that_it_cannot_be_fetched(make_bench):
    bench = make_bench(4, available_to=WATERMARK)
    bench.run(day=DAY)
    trouble = TransientSourceError("us", "status 503", status=503)

    with pytest.raises(TransientSourceError, match="503"):
        reading(bench, WithoutTail(bench, trouble), Way.TAIL)


def test_a_job_that_cannot_be_fetched_is_told_whatever_the_tail(make_bench):
    bench = make_bench(4, fates={1: "FAILED", 2: "FAILED"})

    with pytest.raises(DetailsJobError):
        reading(bench, WithoutTail(bench, RefusedError("us", "no")))


def test_a_reading_is_as_old_as_the_job_it_rests_on_not_as_its_last_page(make_bench):
    bench = make_bench(8, available_to=WATERMARK + timedelta(days=2), polls_needed=0)
    extraction = bench.extraction(day=DAY)
    while bench.org.submissions == 0:
        extraction.step()
    asked_at = bench.clock.now()
    extraction.close()

    bench.clock.advance(26 * 3600)
    found = reading(bench, bench.org)

    assert bench.org.submissions == 1
    assert found.read_at == asked_at
