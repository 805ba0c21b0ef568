"""While an org does not answer, `status` shows it: attempts, errors, requests, the next try."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from aggregation_platform.cli.standing import Standing
from aggregation_platform.cli.status import status_of
from aggregation_platform.clock import ManualClock
from aggregation_platform.simulator.faults import Fault
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, one_working_org


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    with one_working_org(tmp_path_factory.mktemp("platform")) as one_org:
        yield one_org


def clock_of(platform: SimulatedPlatform) -> ManualClock:
    assert isinstance(platform.assembly.clock, ManualClock)
    return platform.assembly.clock


def shown(platform: SimulatedPlatform) -> Standing:
    (us,) = status_of(
        platform.assembly.warehouse, platform.config, now=platform.assembly.clock.now()
    ).orgs
    return us


def test_an_org_that_answers_503_is_no_success_and_its_error_and_next_try_are_shown(
    platform: SimulatedPlatform,
):
    day = platform.days[0]
    platform.must(platform.org_day("us", day))
    before = shown(platform).ingestion
    clock_of(platform).advance(60)
    fault = platform.simulator.faults.add(Fault(kind="server_error", status=503, org="us"))
    assert not platform.org_day("us", day).success
    failing = shown(platform)
    platform.simulator.faults.remove(fault)
    clock_of(platform).advance(60)
    platform.must(platform.org_day("us", day))
    after = shown(platform)

    assert before.success_rate == 1.0
    assert failing.ingestion.failed_attempts == 1
    assert failing.ingestion.requests_by_outcome["5xx"] >= 7
    assert failing.ingestion.retries >= 6
    assert failing.ingestion.success_rate is not None
    assert failing.ingestion.success_rate < 0.9
    assert failing.attempts.is_failing
    assert "503" in (failing.attempts.error or "")
    assert failing.attempts.failed_day == day
    assert failing.attempts.next_try_at == failing.attempts.failed_at + timedelta(minutes=10)  # type: ignore[operator]
    assert not after.attempts.is_failing
    assert after.ingestion.failed_attempts == 1  # the past is not forgotten


def test_a_429_that_ends_an_attempt_is_counted(platform: SimulatedPlatform):
    platform.simulator.faults.add(
        Fault(kind="rate_limited", route="job_create", remaining=1, retry_after=str(3 * 3600))
    )
    assert not platform.org_day("us", platform.days[0]).success

    us = shown(platform)

    assert us.ingestion.requests_by_outcome["429"] == 1
    assert us.attempts.error_class == "RateLimitedError"
    assert us.attempts.next_try_at is not None


def test_requests_behind_stored_pages_are_counted_once_when_the_attempt_goes_on(
    platform: SimulatedPlatform,
):
    day = platform.days[0]
    fault = platform.simulator.faults.add(
        Fault(kind="server_error", status=503, org="us", route="job_results")
    )
    assert not platform.org_day("us", day).success
    platform.simulator.faults.remove(fault)
    platform.must(platform.org_day("us", day))
    us = shown(platform).ingestion

    served = sum(us.requests_by_outcome.values())
    assert us.requests == served
    assert us.requests_by_outcome["5xx"] == 7


def test_a_missing_secret_is_a_failed_attempt_too(
    platform: SimulatedPlatform, monkeypatch: pytest.MonkeyPatch
):
    from aggregation_platform.errors import MissingVariableError

    def refuse(_: str) -> None:
        raise MissingVariableError("client_secret: environment variable X is not set; set it")

    platform.must(platform.org_day("us", platform.days[0]))
    monkeypatch.setattr(platform.assembly, "client", refuse)
    assert not platform.org_day("us", platform.days[0]).success

    us = shown(platform)

    assert us.attempts.error_class == "MissingVariableError"
    assert us.attempts.next_try_at is None
