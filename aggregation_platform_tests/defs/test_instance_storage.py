"""One dagster.yaml starts Dagster on SQLite and on PostgreSQL."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregation_platform.config.load import child_environment
from aggregation_platform.local_state.plain_folders import plain_folder
from aggregation_platform_tests.postgres_server import running_postgres

ROOT = Path(__file__).parents[2]
SAY_STORAGE = """
import dagster as dg
with dg.DagsterInstance.get() as instance:
    instance.create_run_for_job(dg.GraphDefinition(name="nothing").to_job())
    print(type(instance.run_storage).__name__, len(instance.get_runs()), instance.python_log_level)
"""


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with running_postgres() as server:
        yield server.new_database()


def started(home: Path, extra: dict[str, str]) -> str:
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster.yaml")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SAY_STORAGE],
        env=child_environment({"DAGSTER_HOME": str(home), **extra}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_without_an_address_runs_are_kept_in_sqlite_below_dagster_home(tmp_path: Path):
    said = started(tmp_path, {"AGGREGATION_PLATFORM_POSTGRES_URL": ""})

    assert said == "SqliteRunStorage 1 WARNING"
    assert (tmp_path / "history" / "runs.db").exists()


@pytest.mark.parametrize("name", ["wh [eu] q?x=1", "it's 50% #1\\2"])
def test_dagster_home_is_a_path_and_no_pattern(tmp_path: Path, name: str):
    """The name has the folder's own dagster.yaml read, which names our storage."""
    home = tmp_path / name
    home.mkdir()

    said = started(plain_folder(home), {"AGGREGATION_PLATFORM_POSTGRES_URL": ""})

    assert said == "SqliteRunStorage 1 WARNING"
    assert (home / "history" / "runs.db").exists()
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.postgres
def test_with_an_address_runs_are_kept_in_postgresql(tmp_path: Path, postgres_url: str):
    said = started(tmp_path, {"AGGREGATION_PLATFORM_POSTGRES_URL": postgres_url})

    assert said == "PostgresRunStorage 1 WARNING"
    assert not (tmp_path / "history").exists()
