"""The sensors on a real instance: what they ask for runs, and then they ask no more."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from aggregation_platform.cli.status import status_of
from aggregation_platform.clock import ManualClock
from aggregation_platform.defs.assets.raw import RUN_AGAIN_AT
from aggregation_platform.simulator.faults import Fault
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, one_working_org, ticked


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    with one_working_org(tmp_path_factory.mktemp("platform")) as one_org:
        yield one_org


def test_from_nothing_to_the_world_by_sensors_alone(platform: SimulatedPlatform):
    for request in ticked(platform, "directories_due"):
        platform.must(platform.run("org_directory", request.partition_key))
    org_days = ticked(platform, "org_days_due")
    for request in org_days:
        platform.must(platform.run("org_day", request.partition_key))
    for _ in ticked(platform, "identity_due"):
        platform.must(platform.run("world_identity"))
    for request in ticked(platform, "world_days_due"):
        platform.must(platform.run("world_day", request.partition_key))

    assert {request.tags["aggregation_platform/source"] for request in org_days} == {"job"}
    handled = platform.assembly.warehouse.query(
        "select sum(handled_count)::bigint, sum(handle_ms)::bigint from rollups.handle_time"
        " where day = ?",
        [platform.days[0]],
    ).row(0)
    assert handled == platform.simulator.truth.handle_time("us", platform.days[0])
    assert [
        ticked(platform, name)
        for name in ("directories_due", "org_days_due", "identity_due", "world_days_due")
    ] == [[], [], [], []]


def test_a_settled_day_is_compared_with_its_org_once_for_each_reading(
    platform: SimulatedPlatform,
):
    clock = platform.assembly.clock
    assert isinstance(clock, ManualClock)
    platform.must(platform.org_day("us", platform.days[0]))
    assert ticked(platform, "reconciliations_due") == []

    clock.advance(4 * 24 * 3600)
    (due,) = ticked(platform, "reconciliations_due")
    platform.must(platform.run("reconcile_org_day", due.partition_key))
    (again,) = ticked(platform, "reconciliations_due")

    assert due.run_key == again.run_key


def test_a_run_sent_away_for_hours_fails_at_once_says_why_and_is_repeated_when_it_is_time(
    platform: SimulatedPlatform,
):
    clock = platform.assembly.clock
    assert isinstance(clock, ManualClock)
    platform.simulator.faults.add(
        Fault(kind="rate_limited", route="job_create", remaining=1, retry_after=str(3 * 3600))
    )
    sent_away = platform.org_day("us", platform.days[0])

    assert not sent_away.success
    run = platform.instance.get_run_by_id(sent_away.run_id)
    assert run is not None
    assert datetime.fromisoformat(run.tags[RUN_AGAIN_AT]) >= clock.now() + timedelta(hours=2)
    assert max(clock.slept, default=0) < 200
    blocked = platform.assembly.local_state.blocked("us")
    assert blocked is not None
    assert ticked(platform, "runs_to_repeat") == []
    assert ticked(platform, "org_days_due") == []

    clock.advance(3 * 3600 + 60)
    (again,) = ticked(platform, "runs_to_repeat")
    platform.must(platform.run("org_day", again.partition_key))

    assert ticked(platform, "runs_to_repeat") == []
    status = status_of(platform.assembly.warehouse, platform.config, now=clock.now())
    assert status.orgs[0].days["complete"] == 1
