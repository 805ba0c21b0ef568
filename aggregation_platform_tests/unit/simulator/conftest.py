"""Two small simulated orgs, asked without a socket, on a clock that tests move."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.replies import Reply
from aggregation_platform.simulator.server import Simulator

DAY = "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z"
JOBS = "/api/v2/analytics/conversations/details/jobs"


class Org:
    """A client of one org: no socket, no retry, no opinion."""

    def __init__(self, simulator: Simulator, org: str, clock: ManualClock) -> None:
        self.simulator, self.org, self.clock = simulator, org, clock
        self.place = simulator.world.directories[org]
        self.token = ""

    def basic(self, secret: str | None = None) -> dict[str, str]:
        pair = f"{self.place.client_id}:{secret or self.place.client_secret}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def log_in(self) -> "Org":
        answer = self.simulator.request(
            "POST", f"/{self.org}/oauth/token?grant_type=client_credentials", self.basic()
        )
        self.token = json.loads(answer.body)["access_token"]
        return self

    def send(self, method: str, path: str, body: object = None) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        return self.simulator.request(method, f"/{self.org}{path}", headers, sent)

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def post(self, path: str, body: object) -> Any:
        answer = self.send("POST", path, body)
        assert answer.status in (200, 202), answer.body
        return json.loads(answer.body)

    def job(self, interval: str = DAY, **more: object) -> str:
        """Submit a job and let it finish."""
        job_id = self.post(JOBS, {"interval": interval, **more})["jobId"]
        self.clock.advance(1)
        return job_id

    def pages(self, job_id: str, size: int = 100) -> Iterator[Any]:
        cursor = ""
        while True:
            page = self.get(f"{JOBS}/{job_id}/results?pageSize={size}{cursor}")
            yield page
            if "cursor" not in page:
                return
            cursor = f"&cursor={page['cursor']}"

    def records(self, interval: str = DAY, **more: object) -> list[Any]:
        pages = self.pages(self.job(interval, **more))
        return [record for page in pages for record in page.get("conversations", [])]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 2, 1, 12, 7, 31, tzinfo=UTC))


@pytest.fixture
def simulate(clock: ManualClock) -> Callable[..., Simulator]:
    """Make a simulator of two orgs and 120 conversations a day; options as keywords."""

    def make(**more: Any) -> Simulator:
        given: dict[str, Any] = {
            "orgs": ("us", "emea"),
            "conversations_per_day": 120,
            "history_days": 5,
            "open_every": 60,
            "multi_day_every": 50,
            **more,
        }
        return Simulator(SimulatorOptions(**given), clock)

    return make


@pytest.fixture
def us(simulate: Callable[..., Simulator], clock: ManualClock) -> Org:
    """The org `us` of a plain simulator, logged in."""
    return Org(simulate(), "us", clock).log_in()


@pytest.fixture
def org(simulate: Callable[..., Simulator], clock: ManualClock) -> Callable[..., Org]:
    """Make a logged-in client of a simulator with these options."""

    def make(name: str = "us", **more: Any) -> Org:
        return Org(simulate(**more), name, clock).log_in()

    return make
