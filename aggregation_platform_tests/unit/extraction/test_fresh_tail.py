"""The fresh tail: what the lake lacks, in small buckets, whatever way the org rounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from aggregation_platform.errors import (
    QueryTooLargeError,
    TransientSourceError,
    UnexpectedReplyError,
)
from aggregation_platform.extraction.buckets import buckets
from aggregation_platform.extraction.tail import DEEPEST, Tail, TailOrder, extract_tail
from aggregation_platform.genesys.details import DetailsPage
from aggregation_platform.genesys.tally import RequestTally
from aggregation_platform.intervals import Interval, spelled

DAY = date(2026, 1, 7)
MIDNIGHT = datetime(2026, 1, 7, tzinfo=UTC)
WATERMARK = datetime(2026, 1, 7, 3, tzinfo=UTC)  # six hours before the bench's clock


@dataclass
class QueriedOrg:
    """Answers queries over conversations of ten minutes; drifts and rounds as it is told."""

    starts: dict[str, datetime]
    rounds: bool = True
    repeat_last_of_page: bool = False
    cap: int | None = None
    over_cap: Exception = field(
        default_factory=lambda: QueryTooLargeError("us", "Pagination may not exceed 100000 results")
    )
    hits: Callable[[list[str]], int] = lambda _: 7
    asked: list[tuple[Interval, int]] = field(default_factory=list)
    tally: RequestTally = field(default_factory=RequestTally)

    def query_details(self, interval, *, page_number, page_size=100):
        self.asked.append((interval, page_number))
        found = sorted(known for known in self.starts if self._matches(known, interval))
        if self.cap is not None and len(found) > self.cap:
            raise self.over_cap
        step = page_size - 1 if self.repeat_last_of_page else page_size
        shown = found[(page_number - 1) * step :][:page_size]
        records = [self._record(known) for known in shown]
        hits = self.hits(found)
        body = {"totalHits": hits} | ({"conversations": records} if records else {})
        return DetailsPage(json.dumps(body).encode(), "identity", tuple(shown), total_hits=hits)

    def _matches(self, known, interval):
        start = self.starts[known]
        last = (interval.end - timedelta(microseconds=1)).date()
        touched = interval.start.date() <= start.date() <= last
        overlaps = start < interval.end and start + timedelta(minutes=10) >= interval.start
        return touched and (self.rounds or overlaps)

    def _record(self, known):
        start = self.starts[known]
        return {
            "conversationId": known,
            "conversationStart": spelled(start),
            "conversationEnd": spelled(start + timedelta(minutes=10)),
        }


def every_five_minutes(first: datetime, count: int) -> dict[str, datetime]:
    return {f"c{n:04d}": first + timedelta(minutes=5 * n) for n in range(count)}


def tail_of(bench, org, **order) -> Tail:
    tail = asked_tail(bench, org, **order)
    assert tail is not None
    return tail


def asked_tail(bench, org, *, requests_per_second: float = 2.0, **order) -> Tail | None:
    settings: dict[str, Any] = {"org": "us", "day": DAY, "watermark": WATERMARK, **order}
    asked = TailOrder(**settings)
    return extract_tail(
        org,
        bench.landing,
        bench.claims,
        asked,
        clock=bench.clock,
        requests_per_second=requests_per_second,
    )


def stored_ids(tail) -> set[str]:
    return {known for page in tail.landed for known in page.conversation_ids if known}


@pytest.mark.parametrize("rounds", [True, False], ids=["whole days", "to the minute"])
def test_every_conversation_since_the_watermark_is_in_the_tail(make_bench, rounds):
    org = QueriedOrg(every_five_minutes(MIDNIGHT, 108), rounds)
    tail = tail_of(make_bench(), org)
    since = {known for known, start in org.starts.items() if start >= WATERMARK}

    assert since <= stored_ids(tail)
    assert tail.interval == Interval(WATERMARK, datetime(2026, 1, 7, 9, tzinfo=UTC))


def test_a_conversation_that_began_yesterday_and_lives_on_is_in_the_tail(make_bench):
    org = QueriedOrg({"old": MIDNIGHT - timedelta(hours=9)})
    tail = tail_of(make_bench(), org)

    assert stored_ids(tail) == {"old"}


def test_an_org_that_rounds_to_days_is_asked_once_a_day_not_once_a_bucket(make_bench):
    org = QueriedOrg(every_five_minutes(MIDNIGHT - timedelta(days=1), 396), rounds=True)
    tail_of(make_bench(), org)
    asked = {interval for interval, _ in org.asked}

    assert len(asked) == 2


def test_pages_that_overlap_are_stored_and_their_conversations_counted_once(make_bench):
    org = QueriedOrg(every_five_minutes(MIDNIGHT, 108), repeat_last_of_page=True)
    tail = tail_of(make_bench(), org)

    assert tail.records == 108
    assert stored_ids(tail) == set(org.starts)


def test_paging_goes_on_until_a_page_is_empty_whatever_the_hits_are_said_to_be(make_bench):
    org = QueriedOrg(every_five_minutes(MIDNIGHT - timedelta(days=2), 600))
    tail = tail_of(make_bench(), org)

    assert max(number for _, number in org.asked) == 4
    assert tail.records == 288 + 24


def test_too_many_hits_halve_the_bucket(make_bench):
    org = QueriedOrg(every_five_minutes(WATERMARK, 72), rounds=False, cap=20)
    tail = tail_of(make_bench(), org)

    assert stored_ids(tail) == set(org.starts)


def test_a_bucket_that_says_it_is_too_deep_is_halved_before_it_is_paged_through(make_bench):
    org = QueriedOrg(every_five_minutes(WATERMARK, 72), rounds=False)
    org.hits = lambda found: DEEPEST + 1 if len(found) > 20 else len(found)
    tail = tail_of(make_bench(), org)
    deepest = dict(org.asked)

    assert stored_ids(tail) == set(org.starts)
    assert all(n == 1 for interval, n in deepest.items() if interval.duration.seconds >= 4 * 3600)


def test_an_org_that_answers_with_the_whole_day_is_not_asked_for_smaller_and_smaller_parts(
    make_bench,
):
    org = QueriedOrg(every_five_minutes(MIDNIGHT, 108), rounds=True)
    org.hits = lambda found: DEEPEST + 1

    with pytest.raises(QueryTooLargeError, match="details job brings"):
        tail_of(make_bench(), org)
    assert len(org.asked) == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_query_that_takes_the_org_too_long_is_asked_for_in_smaller_parts(make_bench, status):
    org = QueriedOrg(every_five_minutes(WATERMARK, 72), rounds=False, cap=20)
    org.over_cap = TransientSourceError("us", "timed out", status=status)
    tail = tail_of(make_bench(), org)

    assert stored_ids(tail) == set(org.starts)


def test_an_org_that_is_down_is_not_asked_for_smaller_parts(make_bench):
    org = QueriedOrg(every_five_minutes(WATERMARK, 72), rounds=False, cap=0)
    org.over_cap = TransientSourceError("us", "down", status=503)

    with pytest.raises(TransientSourceError):
        tail_of(make_bench(), org)
    assert len(org.asked) == 1


def test_a_quiet_tail_is_one_empty_page(make_bench):
    tail = tail_of(make_bench(), QueriedOrg({}))

    assert (tail.pages, tail.records) == (1, 0)


def test_nothing_is_asked_when_the_lake_lacks_nothing_of_the_day(make_bench):
    org = QueriedOrg({})

    assert asked_tail(make_bench(), org, watermark=MIDNIGHT + timedelta(days=1)) is None
    assert org.asked == []


def test_a_second_process_leaves_the_tail_to_the_first(make_bench):
    bench = make_bench()
    assert bench.claims.claim("tail:us/2026-01-07", owner="other", seconds=60)

    assert asked_tail(bench, QueriedOrg({})) is None


@pytest.mark.parametrize(("requests_per_second", "rest_s"), [(5, 0.4), (20, 0.1), (0.5, 4.0)])
def test_the_tail_rests_between_requests_so_that_bulk_keeps_half_the_budget(
    make_bench, requests_per_second, rest_s
):
    bench = make_bench()
    org = QueriedOrg(every_five_minutes(MIDNIGHT, 108))
    tail_of(bench, org, requests_per_second=requests_per_second)

    assert bench.clock.slept == [pytest.approx(rest_s)] * len(org.asked)


def test_the_tail_is_read_with_its_source_and_gone_once_a_job_reaches_past_it(make_bench):
    bench = make_bench(4, available_to=WATERMARK)
    tail_of(bench, QueriedOrg(every_five_minutes(WATERMARK, 3)))
    behind = bench.landing.landed_day("us", DAY)
    bench.run(day=DAY)
    both = bench.landing.landed_day("us", DAY)
    bench.org.available_to = MIDNIGHT + timedelta(days=1)
    bench.run(day=DAY, fresh=True)
    settled = bench.landing.landed_day("us", DAY)

    assert {page.source for page in behind} == {"query"}
    assert {page.source for page in both} == {"job", "query"}
    assert {page.source for page in settled} == {"job"}


def test_of_many_tails_of_a_day_two_are_kept(make_bench):
    bench = make_bench()
    made: list[str] = []
    for _ in range(5):
        bench.clock.advance(900)
        made.append(tail_of(bench, QueriedOrg({})).attempt_id)
    kept = bench.landing.attempts("us", DAY, "query")

    assert [journal.attempt_id for journal in kept] == made[-2:]


def test_a_tail_that_fails_leaves_the_one_before_in_place(make_bench):
    bench = make_bench()
    before = tail_of(bench, QueriedOrg({"c": WATERMARK}))
    bench.clock.advance(900)

    class Broken(QueriedOrg):
        def query_details(self, interval, *, page_number, page_size=100):
            raise UnexpectedReplyError("us", "odd")

    with pytest.raises(UnexpectedReplyError):
        tail_of(bench, Broken({}))

    assert bench.landing.landed_day("us", DAY).attempt_ids == (before.attempt_id,)


def test_buckets_add_up_to_the_span_without_crossing_midnight_and_are_short():
    span = Interval(
        datetime(2026, 1, 5, 22, 17, tzinfo=UTC), datetime(2026, 1, 7, 1, 3, tzinfo=UTC)
    )
    found = sorted(bucket.interval for bucket in buckets(span))

    assert (found[0].start, found[-1].end) == (span.start, span.end)
    assert all(one.end == two.start for one, two in pairwise(found))
    assert all(bucket.duration <= timedelta(hours=6) for bucket in found)
    assert all(
        (bucket.end - timedelta(microseconds=1)).date() == bucket.start.date() for bucket in found
    )
