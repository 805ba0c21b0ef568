"""The pace: never above the budget, slower on 429 and on a nearly used-up window."""

from pathlib import Path

import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.errors import RateLimitedError
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.genesys.rate_limits import (
    RECOVERY_S,
    SLOWEST,
    SPACING_S,
    Budget,
    Pace,
    RateBudget,
    Window,
)
from aggregation_platform.genesys.tally import RequestTally
from aggregation_platform.genesys.transport import Timeouts
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.local_state.state import Block, Permit, Wait
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer

FIVE = Budget.of(5)


@pytest.mark.parametrize(
    ("requests_per_second", "permits", "rest_s"),
    [(5, 5, 1.01), (1, 1, 1.01), (2.9, 2, 1.01), (0.5, 1, 2.02), (100, 100, 1.01)],
)
def test_a_budget_is_whole_permits_that_rest_a_second(
    requests_per_second: float, permits: int, rest_s: float
):
    budget = Budget.of(requests_per_second)

    assert (budget.permits, budget.rest_s) == (permits, pytest.approx(rest_s))


def test_a_429_halves_the_pace_and_time_brings_it_back_slowly():
    slow = Pace().slower(1000.0)

    assert slow.rest_at(FIVE, 1000.0) == pytest.approx(2 * SPACING_S)
    assert slow.rest_at(FIVE, 1000.0 + RECOVERY_S) == pytest.approx(1.5 * SPACING_S)
    assert slow.rest_at(FIVE, 1000.0 + 20 * RECOVERY_S) == pytest.approx(SPACING_S, rel=1e-4)


def test_the_pace_never_exceeds_the_budget_nor_falls_without_end():
    pace = Pace()
    for number in range(100):
        pace = pace.slower(1000.0 + 2 * number)

    assert pace.slowness == SLOWEST
    assert Pace(slowed_at_s=2000.0).rest_at(FIVE, 1000.0) == SPACING_S


def test_429s_that_arrive_together_slow_us_down_once():
    assert Pace().slower(1000.0).slower(1000.4) == Pace().slower(1000.0)


@pytest.mark.parametrize(
    ("remaining", "reset_s", "rest_s"),
    [
        (300, 60, SPACING_S),  # 5 a second would use 300: nothing to spread
        (150, 60, 2.0),  # half of what the budget would use
        (10, 60, 30.0),
        (0, 60, 60.0),  # nothing left: wait for the reset
        (0, 5, 5.0),
    ],
)
def test_what_a_window_has_left_is_spread_until_its_reset(
    remaining: int, reset_s: float, rest_s: float
):
    pace = Pace().spread(FIVE, Window(remaining, reset_s), 1000.0)

    assert pace.rest_at(FIVE, 1000.0) == pytest.approx(rest_s)
    assert pace.rest_at(FIVE, 1000.0 + reset_s) == SPACING_S


def test_a_new_window_with_plenty_left_ends_the_spreading():
    pace = Pace().spread(FIVE, Window(1, 60), 1000.0)

    assert pace.spread(FIVE, Window(299, 10), 1030.0).rest_at(FIVE, 1030.0) == SPACING_S


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"inin-ratelimit-count": "1"},
        {
            "inin-ratelimit-count": "x",
            "inin-ratelimit-allowed": "300",
            "inin-ratelimit-reset": "61",
        },
        {"inin-ratelimit-count": "1", "inin-ratelimit-allowed": "0", "inin-ratelimit-reset": "61"},
        {
            "inin-ratelimit-count": "1",
            "inin-ratelimit-allowed": "300",
            "inin-ratelimit-reset": "99999999",
        },
    ],
)
def test_headers_that_say_nothing_usable_are_no_window(headers: dict[str, str]):
    assert Window.of(headers) is None


def test_a_window_is_read_from_the_headers():
    headers = {
        "inin-ratelimit-count": "250",
        "inin-ratelimit-allowed": "300",
        "inin-ratelimit-reset": "61",
    }

    assert Window.of(headers) == Window(50, 61.0)


def test_a_nearly_used_up_window_slows_the_next_requests(
    server: ScriptedServer, client: GenesysClient, clock: ManualClock
):
    headers = {
        "inin-ratelimit-count": "290",
        "inin-ratelimit-allowed": "300",
        "inin-ratelimit-reset": "60",
    }
    server.on("GET /api/v2/organizations/me", Answer(200, {"id": "o"}, headers=headers))
    began = clock.monotonic()
    for _ in range(70):
        client.organization()

    assert clock.monotonic() - began > 55


def budget_of(
    state: SqliteState, clock: ManualClock, *, keep_free: int = 0, patience_s: float = 900.0
) -> RateBudget:
    return RateBudget(
        "us", 2, state=state, clock=clock, tally=RequestTally(), timeouts=Timeouts(),
        keep_free=keep_free, patience_s=patience_s,
    )  # fmt: skip


def test_a_permit_rests_a_second_after_its_answer_however_long_that_took(
    shared_state: SqliteState, clock: ManualClock
):
    budget = budget_of(shared_state, clock)
    first, second = budget.take(), budget.take()
    clock.advance(20)
    budget.answered(first, 200, {})
    budget.answered(second, 200, {})
    answered_at = clock.monotonic()
    budget.take()

    assert clock.monotonic() - answered_at >= 1.0


def test_a_request_that_timed_out_rests_longer(shared_state: SqliteState, clock: ManualClock):
    budget = budget_of(shared_state, clock)
    first, second = budget.take(), budget.take()
    budget.failed(first, timed_out=True)
    budget.failed(second, timed_out=True)
    failed_at = clock.monotonic()
    budget.take()

    assert clock.monotonic() - failed_at >= 4.0


def test_the_wait_for_a_permit_has_an_end(shared_state: SqliteState, clock: ManualClock):
    budget_of(shared_state, clock).take()
    budget_of(shared_state, clock).take()

    with pytest.raises(RateLimitedError, match="other processes use up") as raised:
        budget_of(shared_state, clock, patience_s=30.0).take()

    assert raised.value.retry_after_s > 0


class StoppingClock(ManualClock):
    """A clock of a process that is stopped once, between asking for a permit and getting it."""

    stop_s = 0.0
    readings = 0

    def monotonic(self) -> float:
        at = super().monotonic()
        self.readings += 1
        if self.stop_s and self.readings == 2:
            self.advance(self.stop_s)
            self.stop_s = 0.0
        return at


class CountingState(SqliteState):
    """Counts the permits that were taken."""

    taken = 0

    def take_permit(
        self, org: str, *, permits: int, hold_s: float, keep_free: int = 0
    ) -> Permit | Wait | Block:
        self.taken += 1
        return super().take_permit(org, permits=permits, hold_s=hold_s, keep_free=keep_free)


@pytest.mark.parametrize(("stop_s", "taken"), [(0.0, 1), (100.0, 2)])
def test_a_permit_grown_old_while_the_process_was_stopped_is_given_back(
    tmp_path: Path, clock: ManualClock, stop_s: float, taken: int
):
    state = CountingState(tmp_path / "counting.sqlite", clock=clock)
    stopping = StoppingClock(clock.now())
    budget = budget_of(state, stopping)
    stopping.stop_s = stop_s
    budget.take()

    assert state.taken == taken
    assert isinstance(state.take_permit("us", permits=2, hold_s=60), Permit)

    state.close()
