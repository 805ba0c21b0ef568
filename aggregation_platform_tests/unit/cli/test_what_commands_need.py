"""Which environment variables each command needs: those of what it uses, and no other.

One table over all commands. A new command is a line here, too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from aggregation_platform.cli.main import cli

PROGRAM = Path(sys.executable).with_name("aggregation-platform")

ORGS = {"US_ID", "US_SECRET", "EMEA_ID", "EMEA_SECRET"}
WAREHOUSE = {"SF_ACCOUNT", "SF_USER", "SF_PASSWORD"}
LANDING = {"LANDING_URL"}
EVERYTHING = ORGS | WAREHOUSE | LANDING

DAYS = "--from 2026-01-05 --to 2026-01-05"
NEEDS: dict[str, set[str]] = {
    f"aht {DAYS}": WAREHOUSE,
    "status": WAREHOUSE,
    "explain --day 2026-01-05": WAREHOUSE,
    "warehouse status": WAREHOUSE,
    "warehouse migrate": WAREHOUSE,
    "warehouse copy --to copy.duckdb": WAREHOUSE,
    "review queues": WAREHOUSE,
    "review agents": WAREHOUSE,
    "review totals": WAREHOUSE,
    "review rejects": WAREHOUSE,
    "review drift": WAREHOUSE,
    f"reconcile {DAYS} --stored": WAREHOUSE,
    "org retire --org us --from 2026-02-01 --reason sold": WAREHOUSE,
    "org rejoin --org us --reason bought": WAREHOUSE,
    "unblock --org us": set(),
    "dev": set(),
    "check": EVERYTHING,
    f"materialize {DAYS}": EVERYTHING,
    f"reconcile {DAYS}": EVERYTHING,
}
WITH_A_CONFIGURATION_OF_THEIR_OWN = ("demo", "simulate", "dev-production")

ORGANIZATIONS = """
organizations:
  - org: us
    region: us-east-1
    client_id: ${US_ID}
    client_secret: ${US_SECRET}
    first_day: 2026-01-05
  - org: emea
    region: eu-central-1
    client_id: ${EMEA_ID}
    client_secret: ${EMEA_SECRET}
    first_day: 2026-01-05
landing: {url: "${LANDING_URL}"}
"""
ACCOUNT = """
  snowflake: {account: "${SF_ACCOUNT}", user: "${SF_USER}", password: "${SF_PASSWORD}",
              role: r, warehouse: w, database: d}
"""
SNOWFLAKE = f"{ORGANIZATIONS}warehouse:\n  kind: snowflake{ACCOUNT}"
DUCKDB = f"{ORGANIZATIONS}warehouse:\n  kind: duckdb{ACCOUNT}"


def commands(group: click.Group, *before: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name))


def served(*_: object, **__: object) -> int:
    """Serve no Dagster UI."""
    return 0


def named_as_missing(output: str) -> set[str]:
    return set(re.findall(r"environment variable (\w+) is not set", output))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Result]:
    """Run a command in this process, with no variable of the configuration set."""
    for name in EVERYTHING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("aggregation_platform.cli.dev.serve_ui", served)

    def run(configuration: str, command: str) -> Result:
        (tmp_path / "platform.yaml").write_text(configuration)
        return CliRunner().invoke(cli, command.split())

    return run


@pytest.fixture
def loaded(tmp_path: Path, empty_warehouse: Path) -> None:
    """Let there be a DuckDB warehouse with tables and no rows."""
    (tmp_path / "data").mkdir()
    shutil.copyfile(empty_warehouse, tmp_path / "data" / "warehouse.duckdb")


def test_every_command_has_a_line_in_the_table():
    listed = {re.split(r" --", line)[0] for line in NEEDS} | set(WITH_A_CONFIGURATION_OF_THEIR_OWN)

    assert set(commands(cli)) == listed


@pytest.mark.parametrize("command", list(NEEDS))
def test_a_command_on_snowflake_names_just_the_variables_of_what_it_uses(run, command):
    ended = run(SNOWFLAKE, command)

    assert named_as_missing(ended.output) == NEEDS[command]
    assert ended.exit_code == (1 if NEEDS[command] else 0)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "command", [line for line, needed in NEEDS.items() if not needed & (ORGS | LANDING)]
)
def test_on_duckdb_a_command_that_asks_no_org_needs_no_variable_at_all(run, command):
    ended = run(DUCKDB, command)

    assert named_as_missing(ended.output) == set()


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("command", ["check", f"materialize {DAYS}", f"reconcile {DAYS}"])
def test_a_command_that_asks_the_orgs_names_their_secrets(run, command):
    ended = run(DUCKDB, command)

    assert named_as_missing(ended.output) >= ORGS
    assert ended.exit_code == 1


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("command", ["status", "warehouse status", f"aht {DAYS}"])
def test_in_a_shell_with_an_empty_environment_figures_can_be_read(tmp_path, command):
    (tmp_path / "platform.yaml").write_text(DUCKDB)

    ended = subprocess.run(
        [PROGRAM, *command.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.defpath},
        timeout=120,
        check=False,
    )

    assert "environment variable" not in ended.stderr
    if command != "warehouse status":  # the copy has a part of the tables only
        assert ended.returncode == 0, ended.stderr
