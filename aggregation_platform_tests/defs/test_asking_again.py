"""Runs that wait, fail or are lost: what was needed is asked for again, and never twice at once."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from aggregation_platform.clock import ManualClock
from aggregation_platform.defs.assets.declared import key_of
from aggregation_platform.defs.assets.raw import MOST_REPETITIONS
from aggregation_platform.defs.jobs import ORG_DAY
from aggregation_platform.defs.materialize import reason_of
from aggregation_platform.defs.partitions import org_day_key
from aggregation_platform.facts.tables import TABLES as FACTS
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings, DuckDBWarehouse
from aggregation_platform_tests.simulated_platform import (
    QUIET,
    SimulatedPlatform,
    one_working_org,
    ticked,
)
from aggregation_platform_tests.warehouse_processes import holding

PRIORITY = "dagster/priority"


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    with one_working_org(tmp_path_factory.mktemp("platform")) as one_org:
        yield one_org


def clock_of(platform: SimulatedPlatform) -> ManualClock:
    assert isinstance(platform.assembly.clock, ManualClock)
    return platform.assembly.clock


def run(platform: SimulatedPlatform, job: str, asked: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Do what was asked for, with the request's tags."""
    ours = {
        name.removeprefix("aggregation_platform/"): value
        for name, value in asked.tags.items()
        if name.startswith("aggregation_platform/")
    }
    return platform.run(job, asked.partition_key, **ours)


def queued(platform: SimulatedPlatform, key: str, **tags: str) -> None:
    """Let a run of a backfill wait in the queue."""
    code = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="any"))
    waiting = dg.DagsterRun(
        job_name=ORG_DAY,
        status=dg.DagsterRunStatus.QUEUED,
        tags={"dagster/partition": key, **tags},
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(code, "any"), ORG_DAY),
    )
    platform.instance.add_run(waiting)


def test_a_need_whose_run_failed_is_asked_for_again_after_a_rest_under_a_key_of_its_own(
    platform: SimulatedPlatform,
):
    fault = Fault(kind="server_error", status=500, org="us")
    platform.simulator.faults.add(fault)
    (first,) = ticked(platform, "directories_due")
    assert not run(platform, "org_directory", first).success
    at_once = ticked(platform, "directories_due")
    since = datetime.now(UTC) - clock_of(platform).now()  # when a run ended is by Dagster's clock
    clock_of(platform).advance(since.total_seconds() + 11 * 60)
    (again,) = ticked(platform, "directories_due")

    assert at_once == []
    assert again.partition_key == first.partition_key
    assert again.run_key != first.run_key  # Dagster makes one run of a key, whatever becomes of it


def test_what_waits_in_the_queue_is_not_asked_for_again(platform: SimulatedPlatform):
    asked = ticked(platform, "org_days_due")
    for each in asked:
        queued(platform, str(each.partition_key), **each.tags)
    clock_of(platform).advance(3600)

    assert asked != []
    assert ticked(platform, "org_days_due") == []


def test_the_running_day_goes_before_a_backfill_that_waits_in_the_queue(
    platform: SimulatedPlatform,
):
    for day in (platform.days[0], platform.days[0] + timedelta(days=1)):
        queued(platform, org_day_key(Partition(org="us", day=day)))
    asked = ticked(platform, "org_days_due")

    assert len(asked) == 2
    assert [int(each.tags[PRIORITY]) for each in asked] == [2, 1]


def test_a_run_that_was_sent_away_is_repeated_as_it_was_even_if_its_repetition_got_lost(
    platform: SimulatedPlatform,
):
    platform.must(platform.org_day("us", platform.days[0]))
    platform.simulator.faults.add(
        Fault(kind="rate_limited", route="query", remaining=1, retry_after=str(3 * 3600))
    )
    today = platform.days[0] + timedelta(days=1)
    platform.must(platform.org_day("us", today))
    platform.simulator.faults.add(
        Fault(kind="rate_limited", route="query", remaining=1, retry_after=str(3 * 3600))
    )
    platform.assembly.local_state.lift_block("us")
    sent_away = platform.org_day("us", today, source="tail")
    assert not sent_away.success
    clock_of(platform).advance(3 * 3600 + 60)

    (again,) = ticked(platform, "runs_to_repeat")  # the daemon is killed before it makes the run
    (once_more,) = ticked(platform, "runs_to_repeat")
    platform.must(run(platform, ORG_DAY, once_more))

    assert again.run_key == once_more.run_key
    assert once_more.tags["aggregation_platform/source"] == "tail"
    assert ticked(platform, "runs_to_repeat") == []


def test_a_run_that_was_sent_away_is_not_repeated_if_its_day_was_fetched_since(
    platform: SimulatedPlatform,
):
    platform.simulator.faults.add(
        Fault(kind="rate_limited", route="job_create", remaining=1, retry_after=str(3 * 3600))
    )
    assert not platform.org_day("us", platform.days[0]).success
    clock_of(platform).advance(3 * 3600 + 60)
    platform.must(platform.org_day("us", platform.days[0]))

    assert ticked(platform, "runs_to_repeat") == []


def test_a_run_that_meets_an_outage_is_repeated_after_ever_longer_rests_until_the_org_is_back(
    platform: SimulatedPlatform,
):
    outage = platform.simulator.faults.add(Fault(kind="down", org="us"))
    again = dg.RunRequest(partition_key=org_day_key(Partition(org="us", day=platform.days[0])))
    rests: list[float] = []
    for _ in range(3):
        assert not run(platform, ORG_DAY, again).success
        began = clock_of(platform).now()
        while not (asked := ticked(platform, "runs_to_repeat")):
            clock_of(platform).advance(60)
        (again,) = asked
        rests.append((clock_of(platform).now() - began).total_seconds() / 60)
    platform.simulator.faults.remove(outage)
    platform.must(run(platform, ORG_DAY, again))

    assert rests == [10, 20, 40]
    assert ticked(platform, "runs_to_repeat") == []


def test_an_outage_that_does_not_end_is_not_asked_for_ever(platform: SimulatedPlatform):
    platform.simulator.faults.add(Fault(kind="down", org="us"))
    key = org_day_key(Partition(org="us", day=platform.days[0]))
    ran = platform.run(ORG_DAY, key, repeated=str(MOST_REPETITIONS))
    clock_of(platform).advance(24 * 3600)

    assert not ran.success
    assert ticked(platform, "runs_to_repeat") == []


def test_facts_that_could_not_be_made_are_made_of_the_rows_that_are_there(
    platform: SimulatedPlatform,
):
    """Raw is committed before its facts; a full disk or a busy warehouse may come between."""
    day = platform.days[0]
    key = org_day_key(Partition(org="us", day=day))
    platform.must(platform.org_day("us", day))
    clock_of(platform).advance(60)
    only_raw = platform.definitions.resolve_job_def(ORG_DAY).execute_in_process(
        partition_key=key,
        instance=platform.instance,
        asset_selection=[dg.AssetKey(["raw", "conversations"])],
    )
    assert only_raw.success
    clock_of(platform).advance(60)
    asked = {each.partition_key: each for each in ticked(platform, "org_days_due")}
    platform.must(run(platform, ORG_DAY, asked[key]))
    later = {each.partition_key for each in ticked(platform, "org_days_due")}

    assert asked[key].tags["aggregation_platform/source"] == "landing"
    assert key not in later


@contextmanager
def held(platform: SimulatedPlatform) -> Generator[int]:
    """Let another process hold the warehouse, which we wait for a second instead of a minute."""
    path = platform.config.warehouse.duckdb.path
    settings = DuckDBSettings(path, wait_s=1)
    platform.assembly.warehouse = DuckDBWarehouse(settings, clock=platform.assembly.clock)
    with holding(path) as pid:
        yield pid


def test_a_run_that_finds_the_warehouse_held_says_by_whom_and_is_repeated_later(
    platform: SimulatedPlatform,
):
    day = platform.days[0]
    platform.must(platform.org_day("us", day))
    with held(platform) as pid:
        ran = platform.org_day("us", day)
        reason = reason_of(ran)
        at_once = ticked(platform, "runs_to_repeat")
    clock_of(platform).advance(11 * 60)
    (again,) = ticked(platform, "runs_to_repeat")
    platform.must(run(platform, ORG_DAY, again))

    assert f"held by process {pid} (python" in reason
    assert at_once == []
    assert ticked(platform, "runs_to_repeat") == []


def test_a_run_whose_rows_were_stored_when_the_warehouse_was_held_does_not_fetch_them_again(
    platform: SimulatedPlatform,
):
    day = platform.days[0]
    platform.must(platform.org_day("us", day))
    with held(platform):
        ran = platform.definitions.resolve_job_def(ORG_DAY).execute_in_process(
            partition_key=org_day_key(Partition(org="us", day=day)),
            instance=platform.instance,
            asset_selection=[key_of(table) for table in FACTS],
            run_config=QUIET,
            raise_on_error=False,
        )
    clock_of(platform).advance(11 * 60)
    (again,) = ticked(platform, "runs_to_repeat")

    assert not ran.success
    assert again.tags["aggregation_platform/source"] == "landing"


def test_a_warehouse_that_is_always_held_is_not_asked_for_ever(platform: SimulatedPlatform):
    platform.must(platform.org_day("us", platform.days[0]))
    with held(platform):
        platform.org_day("us", platform.days[0], repeated=str(MOST_REPETITIONS))
    clock_of(platform).advance(24 * 3600)

    assert ticked(platform, "runs_to_repeat") == []
