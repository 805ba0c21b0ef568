"""What every LocalState promises, on SQLite and on a real PostgreSQL."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.local_state.opening import local_state_at
from aggregation_platform.local_state.state import Block, LocalState, Permit, Wait
from aggregation_platform_tests.postgres_server import PostgresServer, running_postgres

Open = Callable[[], LocalState]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres").new_database()
    return str(tmp_path / "state" / "local.sqlite")


@pytest.fixture
def open_state(address: str) -> Iterator[Open]:
    """Open the same state as another process would."""
    opened: list[LocalState] = []

    def one_more() -> LocalState:
        opened.append(local_state_at(address, clock=SystemClock()))
        return opened[-1]

    yield one_more
    for state in opened:
        state.close()


def wait_until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


# permits


def test_no_more_permits_are_out_than_there_are(open_state: Open):
    one, other = open_state(), open_state()

    got = [state.take_permit("us", permits=3, hold_s=60) for state in (one, other, one, other)]

    assert [type(each) for each in got] == [Permit, Permit, Permit, Wait]


def test_each_org_has_its_own_permits(open_state: Open):
    state = open_state()
    state.take_permit("us", permits=1, hold_s=60)

    assert isinstance(state.take_permit("emea", permits=1, hold_s=60), Permit)


def test_a_settled_permit_rests_and_is_free_again(open_state: Open):
    state = open_state()
    permit = state.take_permit("us", permits=1, hold_s=60)
    assert isinstance(permit, Permit)
    state.settle_permit(permit, free_after_s=0.3)
    wait = state.take_permit("us", permits=1, hold_s=60)
    time.sleep(0.35)

    assert isinstance(wait, Wait)
    assert 0.2 < wait.seconds <= 0.3
    assert isinstance(state.take_permit("us", permits=1, hold_s=60), Permit)


def test_a_permit_nobody_settles_is_free_again_after_its_hold(open_state: Open):
    state = open_state()
    state.take_permit("us", permits=1, hold_s=0.2)
    time.sleep(0.25)

    assert isinstance(state.take_permit("us", permits=1, hold_s=60), Permit)


def test_the_wait_is_for_the_first_permit_that_will_do(open_state: Open):
    state = open_state()
    for rest_s in (30.0, 10.0, 20.0):
        permit = state.take_permit("us", permits=3, hold_s=60)
        assert isinstance(permit, Permit)
        state.settle_permit(permit, free_after_s=rest_s)

    wait = state.take_permit("us", permits=3, hold_s=60)
    polite = state.take_permit("us", permits=3, hold_s=60, keep_free=1)

    assert isinstance(wait, Wait)
    assert isinstance(polite, Wait)
    assert 9 < wait.seconds <= 10
    assert 19 < polite.seconds <= 20


def test_who_keeps_permits_free_takes_none_of_the_last(open_state: Open):
    state = open_state()
    first = state.take_permit("us", permits=2, hold_s=60, keep_free=1)
    polite = state.take_permit("us", permits=2, hold_s=60, keep_free=1)
    bulk = state.take_permit("us", permits=2, hold_s=60)

    assert [type(each) for each in (first, polite, bulk)] == [Permit, Wait, Permit]


def test_who_keeps_permits_free_still_gets_the_only_one(open_state: Open):
    state = open_state()

    assert isinstance(state.take_permit("us", permits=1, hold_s=60, keep_free=5), Permit)


def test_many_threads_and_connections_never_get_one_permit_too_many(open_state: Open):
    states = [open_state() for _ in range(4)]

    def take(number: int) -> object:
        return states[number % 4].take_permit("us", permits=7, hold_s=60)

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(take, range(40)))

    assert sum(isinstance(each, Permit) for each in got) == 7


# blocks


def test_a_block_keeps_every_process_away_and_says_why(open_state: Open):
    one, other = open_state(), open_state()
    one.block("us", seconds=100, reason="status 429")

    got = other.take_permit("us", permits=5, hold_s=60)

    assert isinstance(got, Block)
    assert got.reason == "status 429"
    assert 98 < got.seconds_left <= 100
    assert other.blocked("emea") is None


def test_a_shorter_block_does_not_shorten_a_longer_one(open_state: Open):
    state = open_state()
    state.block("us", seconds=100, reason="long")
    state.block("us", seconds=1, reason="short")

    block = state.blocked("us")

    assert block is not None
    assert block.reason == "long"


def test_a_block_ends(open_state: Open):
    state = open_state()
    state.block("us", seconds=0.2, reason="soon over")
    time.sleep(0.25)

    assert state.blocked("us") is None
    assert isinstance(state.take_permit("us", permits=1, hold_s=60), Permit)


def test_an_operator_lifts_a_block(open_state: Open):
    one, other = open_state(), open_state()
    one.block("us", seconds=100, reason="by mistake")
    other.lift_block("us")

    assert one.blocked("us") is None


# shared values


def test_a_value_is_shared_until_its_time_is_over(open_state: Open):
    one, other = open_state(), open_state()
    one.put_value("token/us", b"\x00sealed", seconds=0.3)
    shared = other.value("token/us")
    time.sleep(0.35)

    assert shared == b"\x00sealed"
    assert other.value("token/us") is None


def test_a_value_is_replaced_and_dropped(open_state: Open):
    state = open_state()
    state.put_value("pace", b"1", seconds=60)
    state.put_value("pace", b"2", seconds=60)
    replaced = state.value("pace")
    state.drop_value("pace")
    state.drop_value("pace")

    assert replaced == b"2"
    assert state.value("pace") is None


# claims


def test_a_claim_is_held_by_one_owner(open_state: Open):
    one, other = open_state(), open_state()

    assert one.claim("us/2026-01-05", owner="run-1", seconds=60)
    assert not other.claim("us/2026-01-05", owner="run-2", seconds=60)
    assert other.claim("us/2026-01-06", owner="run-2", seconds=60)
    assert other.holder("us/2026-01-05") == "run-1"


def test_an_owner_may_claim_again(open_state: Open):
    one, other = open_state(), open_state()
    one.claim("day", owner="run-1", seconds=60)

    assert other.claim("day", owner="run-1", seconds=60)


def test_a_released_claim_is_free_and_only_its_owner_releases_it(open_state: Open):
    state = open_state()
    state.claim("day", owner="run-1", seconds=60)
    state.release("day", owner="run-2")
    still = state.holder("day")
    state.release("day", owner="run-1")

    assert still == "run-1"
    assert state.holder("day") is None
    assert state.claim("day", owner="run-2", seconds=60)


def test_a_claim_that_is_not_renewed_runs_out(open_state: Open):
    one, other = open_state(), open_state()
    one.claim("day", owner="run-1", seconds=0.2)
    time.sleep(0.25)

    assert other.holder("day") is None
    assert other.claim("day", owner="run-2", seconds=60)
    assert not one.renew("day", owner="run-1", seconds=60)


def test_a_renewed_claim_lasts(open_state: Open):
    one, other = open_state(), open_state()
    one.claim("day", owner="run-1", seconds=0.4)
    renewed = one.renew("day", owner="run-1", seconds=60)
    time.sleep(0.45)

    assert renewed
    assert not other.claim("day", owner="run-2", seconds=60)


def test_a_claim_that_ran_out_cannot_be_renewed_even_if_nobody_took_it(open_state: Open):
    state = open_state()
    state.claim("day", owner="run-1", seconds=0.2)
    time.sleep(0.25)

    assert not state.renew("day", owner="run-1", seconds=60)


def test_of_many_who_claim_at_once_one_gets_it(open_state: Open):
    states = [open_state() for _ in range(4)]

    def claim(number: int) -> bool:
        return states[number % 4].claim("day", owner=f"run-{number}", seconds=60)

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(claim, range(24)))

    assert sum(got) == 1


# the death of a process

DIE_HOLDING = """
import os, signal, sys
from aggregation_platform.clock import SystemClock
from aggregation_platform.local_state.opening import local_state_at
state = local_state_at(sys.argv[1], clock=SystemClock())
for _ in range(2):
    state.take_permit("us", permits=2, hold_s=2.0)
state.claim("day", owner="killed", seconds=2.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_nothing_behind_for_long(address: str, open_state: Open):
    died = subprocess.run([sys.executable, "-c", DIE_HOLDING, address], check=False)
    state = open_state()
    assert died.returncode == -9

    wait_until(lambda: isinstance(state.take_permit("us", permits=2, hold_s=60), Permit))
    wait_until(lambda: state.claim("day", owner="next", seconds=60))


OPEN_AND_COUNT = """
import sys
from aggregation_platform.clock import SystemClock
from aggregation_platform.local_state.opening import local_state_at
from aggregation_platform.local_state.state import Permit
state = local_state_at(sys.argv[1], clock=SystemClock())
got = [state.take_permit("us", permits=10, hold_s=60) for _ in range(10)]
print(sum(isinstance(each, Permit) for each in got), flush=True)
sys.stdin.read()
"""


def test_processes_that_open_a_new_state_at_once_share_its_permits(address: str):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_AND_COUNT, address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    counts = [int(process.stdout.readline()) for process in processes if process.stdout]
    for process in processes:
        process.communicate()

    assert sum(counts) == 10
