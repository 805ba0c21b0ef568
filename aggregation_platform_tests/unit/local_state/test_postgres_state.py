"""What only production's state has to bear: its server goes away and comes back."""

from collections.abc import Iterator

import pytest

from aggregation_platform.errors import LocalStateError
from aggregation_platform.local_state.postgres_state import PostgresState
from aggregation_platform_tests.postgres_server import PostgresServer, running_postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


def test_a_restarted_server_is_used_again_and_nothing_is_lost(postgres: PostgresServer):
    state = PostgresState(postgres.new_database())
    state.claim("day", owner="me", seconds=600)
    postgres.restart()

    assert state.holder("day") == "me"

    state.close()


def test_a_server_that_is_down_is_named_without_its_password(postgres: PostgresServer):
    address = f"postgresql://postgres:hunter2@127.0.0.1:{postgres.port}/postgres"
    state = PostgresState(address)
    postgres.stop()
    with pytest.raises(LocalStateError, match="Look at the PostgreSQL server") as raised:
        state.blocked("us")
    postgres.start()

    assert f"127.0.0.1/{'postgres'}" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert state.blocked("us") is None

    state.close()


def test_an_address_that_is_none_is_an_error_that_says_so():
    state = PostgresState("postgresql://nobody:hunter2@[half/an/address")

    with pytest.raises(LocalStateError, match="its address in the configuration") as raised:
        state.blocked("us")

    assert "hunter2" not in str(raised.value)
