"""`unblock` on the shared state that runs of the same configuration use."""

from __future__ import annotations

import re

import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.local_state.sqlite_state import SqliteState


@pytest.fixture
def here(platform):
    return platform(us="2026-01-05", emea="2026-01-05")


@pytest.fixture
def state(here):
    state = SqliteState(here.file.parent / "data" / "shared.sqlite", clock=SystemClock())
    yield state
    state.close()


def test_it_lifts_the_block_of_that_org_alone_and_says_until_when_it_was_and_why(here, state):
    state.block("us", seconds=14_400, reason="status 429, Retry-After 14400 s")
    state.block("emea", seconds=60, reason="status 503, Retry-After 60 s")
    run = here.run("unblock", "--org", "us")

    assert run.exit_code == 0, run.output
    assert re.match(
        r"us: lifted the block until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC "
        r"\(status 429, Retry-After 14400 s\)\.",
        run.stdout,
    )
    assert state.blocked("us") is None
    assert state.blocked("emea") is not None


def test_an_org_that_is_not_blocked_is_no_failure_and_makes_no_file(here):
    run = here.run("unblock", "--org", "us")

    assert (run.exit_code, run.stdout) == (0, "us: not blocked; nothing to lift.\n")
    assert not (here.file.parent / "data" / "shared.sqlite").exists()


def test_an_org_that_is_not_configured_is_refused_by_name(here):
    run = here.run("unblock", "--org", "mars")

    assert run.exit_code == 1
    assert "mars" in run.stderr


def test_without_an_org_it_lifts_nothing(here):
    run = here.run("unblock")

    assert run.exit_code == 2
    assert "--org" in run.stderr
