"""Whatever the network does, no one-second window at the server sees more than the budget."""

import heapq
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.clock import ManualClock
from aggregation_platform.genesys.rate_limits import Budget, Pace
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.local_state.state import Permit

WORKERS = 6
HOLD_S = 8.0
delays = st.sampled_from([0.0, 0.0, 0.001, 0.02]) | st.floats(0, 3)
travels = st.tuples(
    delays,  # from sending to arriving at the server
    delays,  # from arriving to the head of the reply
    st.sampled_from([200, 200, 200, 429]),
    st.booleans(),  # whether the process dies before it can settle
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def arrivals_of(
    state: SqliteState,
    clock: ManualClock,
    budget: Budget,
    journeys: list[tuple[float, float, int, bool]],
) -> list[float]:
    """Let many workers send as soon as they may; return when their requests arrive."""
    pace, arrivals = Pace(), list[float]()
    events: list[tuple[float, int, Permit | None, int]] = [
        (0.0, number, None, 0) for number in range(WORKERS)
    ]
    todo = list(journeys)
    serial = WORKERS
    while todo and events:
        at, _, permit, status = heapq.heappop(events)
        clock.advance(max(0.0, at - clock.monotonic()))
        now = clock.monotonic()
        serial += 1
        if permit is not None:
            pace = pace.slower(now) if status == 429 else pace
            state.settle_permit(permit, free_after_s=pace.rest_at(budget, now))
            heapq.heappush(events, (now, serial, None, 0))
            continue
        got = state.take_permit("us", permits=budget.permits, hold_s=HOLD_S)
        if not isinstance(got, Permit):
            wait_s = getattr(got, "seconds", 1.0)
            heapq.heappush(events, (now + min(max(wait_s, 0.001), 0.25), serial, None, 0))
            continue
        out_s, back_s, status, dies = todo.pop()
        arrivals.append(now + out_s)
        if dies:
            heapq.heappush(events, (now + HOLD_S, serial, None, 0))
        else:
            heapq.heappush(events, (now + out_s + back_s, serial, got, status))
    return arrivals


@given(permits=st.integers(1, 5), journeys=st.lists(travels, min_size=10, max_size=40))
def test_no_second_sees_more_than_the_budget(
    folder: Path, permits: int, journeys: list[tuple[float, float, int, bool]]
):
    clock = ManualClock(datetime(2026, 1, 5, tzinfo=UTC))
    path = Path(tempfile.mkstemp(dir=folder, suffix=".sqlite")[1])
    state = SqliteState(path, clock=clock)
    arrivals = sorted(arrivals_of(state, clock, Budget.of(permits), journeys))
    state.close()

    spans = [later - first for first, later in zip(arrivals, arrivals[permits:], strict=False)]

    assert all(span > 1.0 for span in spans)
