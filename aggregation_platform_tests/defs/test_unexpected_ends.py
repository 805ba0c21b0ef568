"""`materialize`: what ends it early is told, also if nobody expected it, and Ctrl-C ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from aggregation_platform.defs.materialize import Materialization
from aggregation_platform.intervals import day_key
from aggregation_platform.simulator.faults import Fault
from aggregation_platform_tests.simulated_platform import simulated_platform


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


@pytest.mark.parametrize("at", ["submitted", "landed"], ids=["waiting for a job", "loading"])
def test_an_interruption_ends_it_at_once_and_leaves_no_run_under_way(tmp_path: Path, at: str):
    with simulated_platform(tmp_path, orgs=("us",), days=2, conversations_per_day=60) as platform:
        if at == "submitted":
            platform.simulator.faults.add(Fault(kind="job_stuck"))
        first, last = (day_key(day) for day in platform.days)
        module = [sys.executable, "-m", "aggregation_platform.defs.materialize"]
        days = ["--config", str(platform.config_file), "--from", first, "--to", last]
        process = subprocess.Popen(
            [*module, *days],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "DAGSTER_HOME": str(tmp_path)},
        )
        assert process.stderr is not None
        assert any(at in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        left = [run.status for run in instance.get_runs() if not run.is_finished]

    assert process.returncode == 1
    assert "run the same command again" in said
    assert left == []
