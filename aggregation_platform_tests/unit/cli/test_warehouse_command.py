"""`warehouse migrate|status|copy`, as an operator meets them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from aggregation_platform.cli.main import cli

CONFIGURATION = """
organizations:
  - {org: us, region: us-east-1, client_id: i, client_secret: s, first_day: 2026-01-01}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "platform.yaml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["warehouse", *words])


def test_status_of_nothing_says_what_to_run(folder: Path):
    found = run("status")

    assert found.exit_code == 1
    assert "aggregation-platform warehouse migrate" in found.output.splitlines()[-1]


def test_migrate_tells_what_it_did_and_the_second_time_nothing_is_left(folder: Path):
    first, second, status = run("migrate"), run("migrate"), run("status")

    told = first.output.splitlines()
    assert "applied 0001_ops.sql" in told
    assert "filled reporting.organizations" in told
    assert len(second.output.splitlines()) == 1
    assert (status.exit_code, status.output.count("\n")) == (0, 1)


def test_status_names_what_differs_and_fails(folder: Path):
    run("migrate")
    with duckdb.connect(folder / "data" / "warehouse.duckdb") as connection:
        connection.execute("alter table identity.agents drop column agent_name")
        connection.execute("delete from reporting.views where file_name like '20%'")
    found = run("status")

    assert found.exit_code == 1
    assert "identity.agents.agent_name: declared VARCHAR, found nothing" in found.output
    assert "to be applied: 20_org_days.sql" in found.output


def test_copy_into_a_file_and_again(folder: Path):
    run("migrate")
    first, second = run("copy", "--to", "other.duckdb"), run("copy", "--to", "other.duckdb")

    assert "3 partitions copied" in first.output
    assert "0 partitions copied (0 rows), 3 were there" in second.output


def test_the_copys_first_epoch_is_above_the_sources(folder: Path):
    run("migrate")
    run("copy", "--to", "other.duckdb")

    with duckdb.connect(folder / "other.duckdb") as connection:
        assert connection.execute("select epoch from ops.lease").fetchall() == [(2,)]


@pytest.mark.parametrize("words", [[], ["--from", "a.duckdb", "--to", "b.duckdb"]])
def test_copy_takes_one_other_warehouse(folder: Path, words: list[str]):
    found = run("copy", *words)

    assert found.exit_code == 2
    assert "either --from or --to" in found.output


def test_a_warehouse_is_not_copied_onto_itself(folder: Path):
    found = run("copy", "--to", "data/warehouse.duckdb")

    assert found.exit_code == 1
    assert "onto itself" in found.output
