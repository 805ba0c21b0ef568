"""Fixtures of the client's tests: a scripted server and clients of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from aggregation_platform.clock import Clock, ManualClock
from aggregation_platform.config.deferred import Secret
from aggregation_platform.config.models import OrganizationConfig
from aggregation_platform.genesys.client import GenesysClient, client_for
from aggregation_platform.genesys.transport import RequestsTransport, Timeouts
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform_tests.unit.genesys.scripted_server import (
    ScriptedServer,
    scripted_server,
)

MakeClient = Callable[..., GenesysClient]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 5, 12, tzinfo=UTC))


@pytest.fixture
def shared_state(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteState]:
    opened = SqliteState(tmp_path / "state.sqlite", clock=clock)
    yield opened
    opened.close()


def organization(url: str, **changes: Any) -> OrganizationConfig:
    given: dict[str, Any] = {
        "org": "emea",
        "api_url": url,
        "login_url": url,
        "client_id": Secret("client-1"),
        "client_secret": Secret("s3cret-value"),
        "first_day": date(2026, 1, 1),
        "requests_per_second": 50,
    }
    return OrganizationConfig.model_validate(given | changes)


@pytest.fixture
def make_client(
    server: ScriptedServer, shared_state: SqliteState, clock: ManualClock
) -> MakeClient:
    """Make clients of the scripted server that share one state; time moves by sleeping alone."""

    def make(
        *,
        clock: Clock = clock,
        state: SqliteState = shared_state,
        timeouts: Timeouts | None = None,
        policy: Any = None,
        keep_free: int = 0,
        **changes: Any,
    ) -> GenesysClient:
        return client_for(
            organization(server.url, **changes),
            clock=clock,
            transport=RequestsTransport(clock, timeouts or Timeouts(5, 5, 60)),
            state=state,
            policy=policy,
            keep_free=keep_free,
        )

    return make


@pytest.fixture
def client(make_client: MakeClient) -> GenesysClient:
    return make_client()
