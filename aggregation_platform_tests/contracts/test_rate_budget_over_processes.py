"""The budget holds at the server, over real processes, on every LocalState.

A failure here is never noise: a request is recorded before its reply is sent, and the next one on
the same permit leaves more than a second after that reply, however slow the machine is.
"""

import bisect
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregation_platform_tests.postgres_server import PostgresServer, running_postgres
from aggregation_platform_tests.unit.genesys.scripted_server import (
    Answer,
    ScriptedServer,
    Seen,
    scripted_server,
)

BUDGET = 8
SECONDS = 3.0

HAMMER = """
import sys, threading, time
from datetime import date
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.deferred import Secret
from aggregation_platform.config.models import OrganizationConfig
from aggregation_platform.genesys.client import client_for
from aggregation_platform.genesys.transport import RequestsTransport, Timeouts
from aggregation_platform.local_state.opening import local_state_at
url, address, budget, seconds = sys.argv[1:]
clock = SystemClock()
organization = OrganizationConfig(
    org="us", api_url=url, login_url=url, client_id=Secret("id"), client_secret=Secret("secret"),
    first_day=date(2026, 1, 1), requests_per_second=int(budget))
state = local_state_at(address, clock=clock)
transport = RequestsTransport(clock, Timeouts(connect_s=5, read_s=10, whole_s=20))
print("ready", flush=True)
sys.stdin.readline()
end = time.monotonic() + float(seconds)
def hammer():
    client = client_for(organization, clock=clock, transport=transport, state=state)
    while time.monotonic() < end:
        client.organization()
threads = [threading.Thread(target=hammer) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "local.sqlite")
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.on("GET /api/v2/organizations/me", varied)
        yield running


def varied(seen: Seen) -> Answer:
    """Answer at once, late, or not at all."""
    turn = int(seen.at * 1000) % 10
    whole = Answer(200, {"id": "o", "name": "O"}, pause_s=0.15 if turn < 4 else 0.0)
    return Answer(drop=True) if turn == 9 else whole


def start(server: ScriptedServer, address: str, count: int) -> list[subprocess.Popen[str]]:
    arguments = [server.url, address, str(BUDGET), str(SECONDS)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return processes


def begin(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def most_in_one_second(arrivals: list[float]) -> int:
    arrivals = sorted(arrivals)
    return max(
        bisect.bisect_left(arrivals, first + 1.0) - number for number, first in enumerate(arrivals)
    )


def test_no_second_at_the_server_sees_more_than_the_budget(server: ScriptedServer, address: str):
    processes = start(server, address, 4)
    begin(processes)
    codes = [process.wait(120) for process in processes]
    for process in processes:
        process.communicate()

    arrivals = [seen.at for seen in server.seen]

    assert codes == [0, 0, 0, 0]
    assert most_in_one_second(arrivals) <= BUDGET
    assert len(arrivals) >= 0.5 * BUDGET * SECONDS, "the budget is there to be used"
    assert len(server.asked("POST /oauth/token")) == 1, "one process logs in for all"


def test_the_budget_holds_while_processes_are_killed(server: ScriptedServer, address: str):
    victims, others = start(server, address, 2), start(server, address, 2)
    begin([*victims, *others])
    time.sleep(1.2)
    for process in victims:
        process.kill()
    for process in [*victims, *others]:
        process.wait(120)
        process.communicate()

    assert most_in_one_second([seen.at for seen in server.seen]) <= BUDGET
    assert [process.returncode for process in others] == [0, 0]


def test_counting_a_window_finds_one_request_too_many():
    assert most_in_one_second([0.0, 0.5, 0.999, 1.0]) == 3
    assert most_in_one_second([0.0, 0.5, 0.999, 0.9995]) == 4
