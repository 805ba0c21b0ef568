"""What a person reads in the Dagster UI: advice only where it is needed, and our own last line."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.defs.asset_checks import has_every_org, is_complete
from aggregation_platform.defs.jobs import ORG_DAY, WORLD_DAY
from aggregation_platform.defs.run_log import RESULT, report_result
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.tables import Partition
from aggregation_platform_tests.simulated_platform import (
    SimulatedPlatform,
    clock_within_today,
    simulated_platform,
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    """Two organizations; the second day is running, and only `us` has facts of it."""
    clock = clock_within_today()
    today = clock.now().date()
    with simulated_platform(
        tmp_path_factory.mktemp("platform"),
        clock=clock,
        orgs=("us", "emea"),
        first_day=today - timedelta(days=1),
        days=2,
        conversations_per_day=20,
        history_days=0,
        live=True,
    ) as filled:
        yesterday, running = filled.days
        for org, day in (("us", yesterday), ("emea", yesterday), ("us", running)):
            filled.must(filled.org_day(org, day))
        filled.must(filled.run("world_identity"))
        filled.must(filled.world_day(yesterday))
        filled.must(filled.world_day(running))
        yield filled


def later(platform: SimulatedPlatform, **after_midnight: int) -> ManualClock:
    """Set the clock to so long after the running day's end, for one test."""
    clock = platform.assembly.clock
    assert isinstance(clock, ManualClock)
    end = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return ManualClock(end + timedelta(**after_midnight))


def test_a_check_that_passed_gives_no_advice(platform: SimulatedPlatform):
    day = platform.days[0]

    found = [
        is_complete(platform.assembly, Partition("us", day)),
        has_every_org(platform.assembly, day),
    ]

    assert [(one.passed, "what_to_do" in one.metadata) for one in found] == [(True, False)] * 2


@pytest.mark.parametrize("hours", [None, 0, 7])
def test_a_day_that_runs_or_has_just_ended_is_awaited_and_not_failed(
    platform: SimulatedPlatform, monkeypatch: pytest.MonkeyPatch, hours: int | None
):
    if hours is not None:
        monkeypatch.setattr(platform.assembly, "clock", later(platform, hours=hours))
    day = platform.days[1]

    complete = is_complete(platform.assembly, Partition("us", day))
    whole = has_every_org(platform.assembly, day)

    assert (complete.passed, whole.passed) == (True, True)
    assert whole.metadata["orgs_missing"].value == "emea"
    expected = "the day is running" if hours is None else "the day is awaited until "
    for found in (complete, whole):
        assert str(found.metadata["not_judged_yet"].value).startswith(expected)


def test_a_day_that_is_awaited_too_long_fails_and_says_what_to_do(
    platform: SimulatedPlatform, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(platform.assembly, "clock", later(platform, hours=8))
    day = platform.days[1]

    complete = is_complete(platform.assembly, Partition("us", day))
    whole = has_every_org(platform.assembly, day)

    assert (complete.passed, whole.passed) == (False, False)
    assert "runbooks/OrgDelayed.md" in str(complete.metadata["what_to_do"].value)
    assert "runbooks/OrgStuck.md" in str(whole.metadata["what_to_do"].value)


def last_line(platform: SimulatedPlatform, run_id: str) -> str:
    run = platform.instance.get_run_by_id(run_id)
    assert run is not None
    report_result(platform.instance, run)
    report_result(platform.instance, run)  # a second sensor tick adds nothing
    messages = [entry.message for entry in platform.instance.all_logs(run_id)]
    assert sum(message.startswith(RESULT) for message in messages) == 1
    return messages[-1]


def test_the_last_line_of_a_run_says_what_came_of_it(platform: SimulatedPlatform):
    yesterday, running = platform.days
    of_org = platform.org_day("us", yesterday)
    of_world = platform.world_day(running)

    assert last_line(platform, of_org.run_id).startswith(f"Result: {yesterday} us: ")
    assert last_line(platform, of_org.run_id).endswith(" of raw, complete.")
    said = last_line(platform, of_world.run_id)
    assert said.startswith(f"Result: {running}: AHT ")
    assert said.endswith(" handled. Provisional. Missing: emea.")


def test_the_last_line_of_a_run_that_failed_says_why(platform: SimulatedPlatform):
    platform.simulator.faults.add(Fault(kind="job_failed", org="us"))
    failed = platform.org_day("us", platform.days[1])
    platform.simulator.faults.clear()

    assert not failed.success
    assert last_line(platform, failed.run_id).startswith(
        f"Result: {platform.days[1]} us: not done: "
    )


def test_the_last_lines_are_written_from_the_start(platform: SimulatedPlatform):
    sensors = platform.definitions.get_repository_def().sensor_defs
    watching = [sensor for sensor in sensors if sensor.name.startswith("result_of_runs_that_")]

    assert len(watching) == 2
    assert {sensor.default_status for sensor in watching} == {dg.DefaultSensorStatus.RUNNING}


@pytest.mark.parametrize("job", [ORG_DAY, WORLD_DAY])
def test_a_terminal_shows_warnings_while_the_run_log_keeps_progress(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], job: str
):
    folder = tmp_path / "dagster"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(
        "python_logs: {python_log_level: WARNING}\ntelemetry: {enabled: false}\n"
    )
    with (
        simulated_platform(tmp_path, orgs=("us",), days=1, conversations_per_day=5) as platform,
        dg.DagsterInstance.from_config(str(folder)) as instance,
    ):
        platform.fill()
        capfd.readouterr()
        key = str(platform.days[0])
        ran = platform.definitions.resolve_job_def(job).execute_in_process(
            partition_key=dg.MultiPartitionKey({"org": "us", "day": key})
            if job == ORG_DAY
            else key,
            instance=instance,
        )
        shown = capfd.readouterr().err
        kept = [entry.message for entry in instance.all_logs(ran.run_id)]

    assert ran.success
    assert "DEBUG" not in shown
    assert "INFO" not in shown
    assert (job != ORG_DAY) or any(" conversations" in message for message in kept)
