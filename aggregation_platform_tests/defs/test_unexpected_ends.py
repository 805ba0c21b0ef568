"""`materialize`: what ends it early is told, also if nobody expected it, and Ctrl-C ends it."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from aggregation_platform.defs.materialize import Materialization
from aggregation_platform.intervals import day_key
from aggregation_platform.simulator.faults import Fault
from aggregation_platform_tests.dagster_server import until
from aggregation_platform_tests.simulated_platform import simulated_platform

ROOT = Path(__file__).parents[2]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_fetching_that_ends_by_a_defect_does_not_look_like_days_that_were_done(tmp_path: Path):
    def say(line: str) -> None:
        if "submitted" in line:
            raise BrokenPipeError("nobody reads")

    with simulated_platform(tmp_path, orgs=("us",), days=1, conversations_per_day=5) as platform:
        work = Materialization(
            assembly=platform.assembly,
            instance=platform.instance,
            orgs=("us",),
            days=platform.days,
            say=say,
        )

        with pytest.raises(BrokenPipeError, match="nobody reads"):
            work.run()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "terminated"])
@pytest.mark.parametrize("at", ["waiting for a job", "within a run"])
def test_an_interruption_ends_it_at_once_and_its_run_as_canceled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, number: signal.Signals
):
    folder = tmp_path / "our platform"
    folder.mkdir()
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster.yaml")  # repeats failed runs, as ours
    monkeypatch.setenv("DAGSTER_HOME", str(home))  # where that file keeps the runs
    with simulated_platform(folder, orgs=("us",), days=2, conversations_per_day=60) as platform:
        waits = {"waiting for a job": Fault(kind="job_stuck"), "within a run": SLOW_LISTINGS}
        platform.simulator.faults.add(waits[at])
        first, last = (day_key(day) for day in platform.days)
        module = [sys.executable, "-m", "aggregation_platform.defs.materialize"]
        days = ["--config", str(platform.config_file), "--from", first, "--to", last]
        process = subprocess.Popen(
            [*module, *days],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "AGGREGATION_PLATFORM_CONFIG": str(platform.config_file)},
        )
        assert process.stderr is not None
        assert any("submitted" in line for line in process.stderr)
        if at == "within a run":
            until(lambda: bool(under_way(home)), within_s=120)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)

    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = instance.get_runs()
        canceled = [run for run in runs if run.status is dg.DagsterRunStatus.CANCELED]
        told = [entry.message for run in canceled for entry in instance.all_logs(run.run_id)]

    last_line = said.splitlines()[-1]
    command = shlex.split(last_line.removeprefix("interrupted; this resumes it: "))
    assert process.returncode == 1
    assert [run for run in runs if not run.is_finished or run.is_failure_or_canceled] == canceled
    assert not any("will_retry" in tag for run in runs for tag in run.tags)
    if at == "within a run":
        assert len(canceled) == 1
        assert any(line.startswith("interrupted; this resumes it: ") for line in told)
    assert command[1:] == ["materialize", "--from", first, "--to", last, *days[:2]]
    assert Path(command[0]).exists()


SLOW_LISTINGS = Fault(kind="slow", route="listing", seconds=20)


def under_way(home: Path) -> Sequence[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
