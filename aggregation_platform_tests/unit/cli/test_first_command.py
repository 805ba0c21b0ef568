"""What a command answers before anything was loaded, and for days of an organization that left."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import duckdb
import pytest

from aggregation_platform.cli import reading
from aggregation_platform.clock import ManualClock
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.ops_tables import TABLES as OPS_TABLES

READING = (
    ("status",),
    ("aht", "--from", "2026-01-05", "--to", "2026-01-05"),
    ("explain", "--day", "2026-01-05"),
    ("review", "drift"),
    ("reconcile", "--stored", "--from", "2026-01-05", "--to", "2026-01-05"),
)


@pytest.fixture
def _on_20_january(monkeypatch):
    monkeypatch.setattr(
        reading, "SystemClock", lambda: ManualClock(datetime(2026, 1, 20, 9, tzinfo=UTC))
    )


@pytest.mark.usefixtures("_on_20_january")
@pytest.mark.parametrize("first_day", ["2026-01-05", "2026-01-17"])
def test_the_first_load_that_is_advised_names_the_file_and_days_that_may_be_fetched(
    platform, first_day
):
    here = platform(us=first_day)
    (here.file.parent / "data" / "warehouse.duckdb").unlink()

    run = here.run("status")

    first = max(first_day, "2026-01-13")
    told = f"aggregation-platform --config {here.file} materialize --from {first} --to 2026-01-19"
    assert run.exit_code == 1
    assert f"`{told}`" in run.stderr


@pytest.mark.usefixtures("_on_20_january")
def test_before_every_first_day_the_advice_says_that_nothing_is_fetched_yet(platform):
    here = platform(us="2026-02-01")
    (here.file.parent / "data" / "warehouse.duckdb").unlink()

    run = here.run("status")

    assert "nothing is fetched before 2026-02-01" in run.stderr
    assert "materialize" not in run.stderr


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_file_without_tables_counts_as_nothing_loaded(platform, words):
    """The first `materialize` was interrupted after it made the file."""
    here = platform(us="2026-01-05")
    file = here.file.parent / "data" / "warehouse.duckdb"
    file.unlink()
    duckdb.connect(file).close()

    run = here.run(*words)

    assert run.exit_code == 1
    assert "nothing has been loaded yet" in run.stderr
    assert "Catalog Error" not in run.stderr


def test_tables_without_views_and_rows_count_as_nothing_loaded(platform):
    here = platform(us="2026-01-05")
    file = here.file.parent / "data" / "warehouse.duckdb"
    file.unlink()
    open_warehouse(DuckDBSettings(file)).migrate(OPS_TABLES)
    with duckdb.connect(file) as connection:
        connection.execute("drop schema reporting cascade")

    assert "nothing has been loaded yet" in here.run("status").stderr


def test_a_loaded_warehouse_that_misses_its_views_is_to_be_migrated(platform):
    here = platform(us="2026-01-05")
    here.load_facts("us", date(2026, 1, 5))
    with duckdb.connect(here.file.parent / "data" / "warehouse.duckdb") as connection:
        connection.execute("drop schema reporting cascade")

    run = here.run("status")

    assert "warehouse migrate" in run.stderr
    assert "nothing has been loaded yet" not in run.stderr


def test_a_missing_day_of_an_org_that_left_asks_for_its_entry_and_not_for_a_refused_command(
    platform,
):
    here = platform(us="2026-01-05", emea="2026-01-05")
    for org, days in {"us": (5, 6, 7), "emea": (5, 7)}.items():
        for day in days:
            here.load_facts(org, date(2026, 1, day))
    for day in (5, 6, 7):
        here.roll_up(date(2026, 1, day), [])
    text = here.file.read_text()
    here.file.write_text(text[: text.index("  - org: emea")])

    run = here.run("aht", "--from", "2026-01-05", "--to", "2026-01-07")

    assert run.exit_code == 0
    assert "emea: missing 2026-01-06" in run.stderr
    assert "put its entry back first" in run.stderr
    assert "--org emea" not in run.stderr


def test_an_organization_that_left_platform_yaml_keeps_a_name_beside_its_figures(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    for org in ("us", "emea"):
        here.load_facts(org, date(2026, 1, 5))
    row = {"org": "emea", "global_queue": "Sales", "handled_count": 1, "handle_ms": 60_000}
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    here.roll_up(date(2026, 1, 5), [{**row, "interval_start": noon}])
    text = here.file.read_text()
    here.file.write_text(text[: text.index("  - org: emea")])

    run = here.run(
        *("aht", "--from", "2026-01-05", "--to", "2026-01-05"), *("--by", "org", "--format", "json")
    )

    (emea,) = (row for row in json.loads(run.stdout)["rows"] if row["org"] == "emea")
    assert emea["org_name"] == "emea"
