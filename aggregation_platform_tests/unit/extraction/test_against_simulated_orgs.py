"""Extraction with the real client over a simulated org, all on one clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.config.load import load_config
from aggregation_platform.errors import RateLimitedError
from aggregation_platform.extraction.org_day import extract_org_day
from aggregation_platform.extraction.outcome import Extracted, OrgDay
from aggregation_platform.extraction.quality import quality_of
from aggregation_platform.extraction.tail import TailOrder, extract_tail
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.genesys.client import GenesysClient, client_for
from aggregation_platform.genesys.transport import RequestsTransport
from aggregation_platform.landing.zone import LandingZone
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.raw.conversations import RawConversations
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator

DAY = date(2026, 1, 5)


class Place:
    """One simulated org, its client, a landing zone and shared state."""

    def __init__(self, simulator: Simulator, clock: ManualClock, folder: Path) -> None:
        self.simulator = simulator
        self.clock = clock
        self.state = SqliteState(folder / "shared.sqlite", clock=clock)
        self.landing = LandingZone.open("landing", folder)
        config = load_config(simulator.write_platform_files(folder))
        self.client: GenesysClient = client_for(
            config.organization("us"),
            clock=clock,
            transport=RequestsTransport(clock),
            state=self.state,
        )

    def extract(self, **order: Any) -> Extracted:
        settings: dict[str, Any] = {"org": "us", "day": DAY, "page_size": 50, **order}
        return extract_org_day(
            self.client, self.landing, self.state, OrgDay(**settings), clock=self.clock
        )

    def raw(self) -> RawConversations:
        landed = self.landing.landed_day("us", DAY)
        assert landed is not None
        return RawConversations(landed.pages, org="us", day=DAY)

    def raw_ids(self) -> set[str]:
        return {known for frame in self.raw() for known in frame["conversation_id"]}

    def handle_ms(self) -> dict[str, int]:
        """Handle time by conversation."""
        chunks = [facts_of(frame, org="us", day=DAY).session_metrics for frame in self.raw()]
        handled = pl.concat(chunks).filter(pl.col("metric") == "tHandle")
        return dict(handled.group_by("conversation_id").agg(pl.col("value_ms").sum()).rows())


@contextmanager
def simulated(folder: Path, now: datetime, **options: Any) -> Generator[Place]:
    clock = ManualClock(now)
    known = SimulatorOptions(
        orgs=("us",), days=1, conversations_per_day=150, history_days=2, **options
    )
    with Simulator(known, clock) as simulator:
        yield Place(simulator, clock, folder)


@pytest.fixture
def org(tmp_path: Path) -> Callable[..., Any]:
    def over(now: datetime = datetime(2026, 1, 7, tzinfo=UTC), **options: Any) -> Any:
        return simulated(tmp_path, now, **options)

    return over


def test_with_the_lake_six_hours_behind_the_tail_has_the_rest_and_is_replaced_by_the_job(org):
    evening = datetime(2026, 1, 5, 20, tzinfo=UTC)
    with org(evening, live=True, watermark_lag_minutes=360) as place:
        settled = place.extract()
        watermark = place.client.data_available_to()
        order = TailOrder(org="us", day=DAY, watermark=watermark)
        tail = extract_tail(place.client, place.landing, place.state, order, clock=place.clock)
        known_by_evening = place.raw_ids()
        settled.mark_loaded(run_id="r1", now=place.clock.now())
        place.clock.advance(timedelta(days=1).total_seconds())
        final = place.extract()
        at_last = place.landing.landed_day("us", DAY)
        known_at_last = place.raw_ids()

    assert not settled.is_complete
    assert tail is not None
    assert tail.records > 0
    assert (evening - tail.interval.end) <= timedelta(minutes=15)
    assert final.is_complete
    assert at_last is not None
    assert {page.source for page in at_last} == {"job"}
    assert known_by_evening < known_at_last


@pytest.mark.parametrize(
    "options",
    [{"result_cap": 60}, {"too_large_page_size": 20}, {"max_page_size": 7}],
    ids=["a cap on results", "pages too large", "smaller pages than asked for"],
)
def test_limits_of_an_org_change_the_way_and_not_the_answer(org, tmp_path, options):
    with simulated(tmp_path / "calm", datetime(2026, 1, 7, tzinfo=UTC)) as calm:
        calm.extract()
        expected = calm.raw_ids()
    with org(**options) as place:
        place.extract()
        found = place.raw_ids()

    assert found == expected


def test_a_record_with_half_a_character_keeps_its_handle_time_and_its_page(org, tmp_path):
    with simulated(tmp_path / "calm", datetime(2026, 1, 7, tzinfo=UTC)) as calm:
        calm.extract()
        expected = calm.handle_ms()
    with org(malformed_rate=0.3) as place:
        result = place.extract()
        records = [row for frame in place.raw() for row in frame.rows(named=True)]
        found = place.handle_ms()
    halved = {row["conversation_id"] for row in records if "\\\\ud83d" in row["payload"]}
    handled = halved & set(expected)

    assert len(handled) > 3
    assert {each: found[each] for each in handled} == {each: expected[each] for each in handled}
    assert result.requests.get("retries", 0) == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="job_failed", remaining=1),
        Fault(kind="job_expired", remaining=1),
        Fault(kind="job_stuck", remaining=1),
        Fault(kind="cursor_expired", remaining=1, skip=1),
        Fault(kind="unfulfilled_results", remaining=2),
        Fault(kind="drop_after", route="job_create", remaining=1),
        Fault(kind="duplicates", count_of=5),
        Fault(kind="torn", route="job_results", remaining=2),
        Fault(kind="unauthorized", route="job_results", remaining=1),
        Fault(kind="down", remaining=4),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_fault_of_an_org_changes_the_way_and_not_the_answer(org, fault):
    with org() as place:
        calm = place.extract()
        expected = place.raw_ids()
        jobs = place.simulator.services["us"].counters.jobs_submitted
        place.simulator.faults.add(fault)
        place.clock.advance(60)
        result = place.extract(fresh=True)
        found = place.raw_ids()
        made = place.simulator.services["us"].counters.jobs_submitted - jobs

    assert found == expected
    assert result.attempt_id != calm.attempt_id
    assert made <= result.jobs_submitted <= 3


def test_a_job_is_kept_while_a_page_now_and_then_is_not_found(org):
    """In a storm, four such pages out of two hundred once cost a whole job, again and again."""
    with org() as place:
        for page in range(6):
            place.simulator.faults.add(
                Fault(kind="unfulfilled_results", skip=2 * page, remaining=1)
            )
        result = place.extract(page_size=20)

    assert result.jobs_submitted == 1


def test_hours_of_retry_after_end_the_run_with_who_until_when_and_why_on_record(org):
    with org() as place:
        fault = place.simulator.faults.add(Fault(kind="rate_limited", retry_after="14400"))
        with pytest.raises(RateLimitedError) as caught:
            place.extract()
        block = place.state.blocked("us")
        slept = sum(place.clock.slept)
        place.simulator.faults.remove(fault)
        place.clock.advance(14_401)
        result = place.extract()

    assert caught.value.retry_after_s == 14_400
    assert block is not None
    assert block.seconds_left == pytest.approx(14_400, abs=60)
    assert "429" in block.reason
    assert slept < 180
    assert result.pages > 0


def test_the_figures_of_an_extraction_tell_what_the_org_saw(org):
    with org() as place:
        place.simulator.faults.add(
            Fault(kind="server_error", status=503, route="job_results", remaining=2)
        )
        quality = quality_of(place.extract())
        counters = place.simulator.services["us"].counters.told()

    assert quality.requests_total == counters["requests"]
    assert quality.requests["5xx"] == quality.retries == 2
    assert quality.success_rate == pytest.approx(1 - 2 / counters["requests"])
    assert quality.received_bytes > 0
    assert quality.jobs_submitted == counters["jobs_submitted"] == 1


def test_freshness_is_how_far_the_watermark_or_the_day_lies_behind_the_fetch(org):
    evening = datetime(2026, 1, 5, 20, tzinfo=UTC)
    with org(evening, live=True, watermark_lag_minutes=360, watermark_step_minutes=1) as place:
        quality = quality_of(place.extract())

    assert quality.freshness_minutes == pytest.approx(360, abs=2)
