"""`materialize` as real processes on an instance on disk: two that meet on a day, odd folders.

Elsewhere: two writers of one partition on every warehouse (contracts/test_warehouse_races.py).
"""

import os
import subprocess
import sys
from pathlib import Path

from aggregation_platform.intervals import day_key
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform

PROGRAM = Path(sys.executable).with_name("aggregation-platform")


def test_two_materializations_at_once_leave_one_whole_partition(tmp_path: Path):
    with simulated_platform(tmp_path, orgs=("us", "emea"), days=1) as platform:
        together = [_materializing(platform) for _ in range(2)]
        ended = [process.communicate(timeout=300) for process in together]
        whole = _sums(platform)

    assert [process.returncode for process in together] == [0, 0], ended
    assert whole == {
        org: platform.simulator.truth.handle_time(org, platform.days[0])
        for org in platform.config.orgs
    }


def test_a_day_is_made_below_a_folder_whose_name_is_a_pattern(tmp_path: Path):
    folder = tmp_path / "wh [eu] it's"
    folder.mkdir()
    with simulated_platform(folder, orgs=("us",), days=1, conversations_per_day=5) as platform:
        day = day_key(platform.days[0])
        days = ["materialize", "--from", day, "--to", day]
        ended = subprocess.run(
            [PROGRAM, "--config", str(platform.config_file), *days],
            capture_output=True,
            text=True,
            check=False,
        )
        made = _sums(platform)

    assert ended.returncode == 0, ended.stderr
    assert made == {"us": platform.simulator.truth.handle_time("us", platform.days[0])}
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]


def _materializing(platform: SimulatedPlatform) -> subprocess.Popen[str]:
    folder = platform.config_file.parent
    day = day_key(platform.days[0])
    module = [sys.executable, "-m", "aggregation_platform.defs.materialize"]
    return subprocess.Popen(
        [*module, "--config", str(platform.config_file), "--from", day, "--to", day],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DAGSTER_HOME": str(folder)},
    )


def _sums(platform: SimulatedPlatform) -> dict[str, tuple[int, int]]:
    found = platform.assembly.warehouse.query(
        "select org, sum(handled_count)::bigint, sum(handle_ms)::bigint"
        " from rollups.handle_time group by org"
    )
    return {org: (handled, ms) for org, handled, ms in found.rows()}
