"""A warehouse becomes what the code declares, however often and from wherever it starts."""

from __future__ import annotations

from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from aggregation_platform.errors import SchemaMismatchError, WarehouseError
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.ddl import add_column_statements, migration_text
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.migrations import load_migrations
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.ops_tables import TABLES as OPS
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.store import Migrated, Warehouse, WriteStamp
from aggregation_platform_tests.warehouse_rig import (
    MONDAY,
    NOON,
    TABLES,
    THINGS,
    Rig,
    emulated,
    things,
)


class HeavierThings(THINGS.schema):
    """One row per thing of an org's day."""

    weight = dy.Int64(nullable=True, description="grams")


HEAVIER = Table("facts", "things", HeavierThings, ("org", "day"))


@pytest.fixture(params=["duckdb", "emulator"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> DuckDBSettings | SnowflakeSettings:
    """Of a warehouse without anything in it."""
    if request.param == "duckdb":
        return DuckDBSettings(tmp_path / "fresh.duckdb")
    return emulated(request.getfixturevalue("emulator_port"))


@pytest.fixture
def fresh(settings: DuckDBSettings | SnowflakeSettings) -> Warehouse:
    """A warehouse without anything in it, and the migrations of the code."""
    return open_warehouse(settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for migrations of the test's own."""
    path = tmp_path / "migrations"
    path.mkdir()
    return path


@pytest.fixture
def numbered(settings: DuckDBSettings | SnowflakeSettings, folder: Path) -> Warehouse:
    """A warehouse without anything in it, and the migrations of the folder."""
    return open_warehouse(settings, migrations=folder)


def test_the_migrations_make_exactly_the_declared_tables_of_ops(fresh: Warehouse):
    migrated = fresh.migrate()

    assert fresh.differences(OPS) == []
    assert migrated.version == len(load_migrations())


def test_migrating_again_does_nothing(fresh: Warehouse):
    fresh.migrate(TABLES)
    again = fresh.migrate(TABLES)

    assert (again.applied, again.added) == ((), ())
    assert fresh.differences(TABLES) == []


def test_a_declared_column_that_lacks_is_added_and_old_rows_have_null_in_it(fresh: Warehouse):
    fresh.migrate(TABLES)
    Rig(fresh).replace(things("us", MONDAY, "old"))

    assert [str(one) for one in fresh.differences([HEAVIER])] == [
        f"facts.things.weight: declared {_whole(fresh)}, found nothing"
    ]
    assert fresh.migrate([HEAVIER]).added == ("facts.things.weight",)
    found = fresh.read(HEAVIER, [Partition("us", MONDAY)], columns=["name", "weight"])
    assert found.rows() == [("old", None)]


def test_a_new_column_comes_by_a_numbered_migration_beside_the_rows_that_are_there(
    numbered: Warehouse, folder: Path
):
    (folder / "0001_things.sql").write_text(migration_text([*OPS, THINGS]))
    numbered.migrate()
    Rig(numbered).replace(things("us", MONDAY, "old"))
    added = ";\n".join(add_column_statements(HEAVIER, HEAVIER.columns[-1]))
    (folder / "0002_weight.sql").write_text(f"{added};\n")

    assert numbered.migrate([HEAVIER]) == Migrated(2, applied=("0002_weight.sql",))
    found = numbered.read(HEAVIER, [Partition("us", MONDAY)], columns=["name", "weight"])
    assert found.rows() == [("old", None)]


def test_a_write_adds_no_column_by_chance(fresh: Warehouse):
    fresh.migrate(TABLES)
    rig = Rig(fresh)
    rig.replace(things("us", MONDAY, "old"))
    heavier = things("us", MONDAY, "new").with_columns(weight=pl.lit(7, pl.Int64))

    with pytest.raises(SchemaMismatchError, match="weight, which the table does not declare"):
        rig.replace(heavier)
    with pytest.raises(SchemaMismatchError, match="aggregation-platform warehouse migrate"):
        fresh.replace_partition(
            HEAVIER,
            Partition("us", MONDAY),
            heavier,
            rig.grant,
            stamp=WriteStamp("r", "final", NOON),
        )
    assert fresh.differences([THINGS]) == []
    assert rig.names() == ["old"]


def test_a_numbered_migration_is_applied_once(numbered: Warehouse, folder: Path):
    (folder / "0001_things.sql").write_text(migration_text([THINGS]))
    first, second = numbered.migrate(), numbered.migrate()

    assert (first.version, first.applied, second.applied) == (1, ("0001_things.sql",), ())
    assert numbered.differences([THINGS]) == []


def test_a_migration_that_died_half_way_is_finished_by_the_next_try(
    numbered: Warehouse, folder: Path
):
    whole = migration_text([THINGS])
    file = folder / "0001_things.sql"
    file.write_text(whole + 'alter table "facts"."nowhere" add column "x" {text};')
    with pytest.raises(WarehouseError):
        numbered.migrate()
    file.write_text(whole)

    assert numbered.migrate().applied == ("0001_things.sql",)
    assert numbered.differences([THINGS]) == []


def test_a_database_newer_than_the_code_is_refused(numbered: Warehouse, folder: Path):
    (folder / "0001_things.sql").write_text(migration_text([THINGS]))
    numbered.migrate()
    (folder / "0001_things.sql").unlink()

    with pytest.raises(WarehouseError, match="is at migration 1, this code knows 0"):
        numbered.migrate()


def test_a_migration_changed_after_it_was_applied_is_refused(numbered: Warehouse, folder: Path):
    file = folder / "0001_things.sql"
    file.write_text(migration_text([THINGS]))
    numbered.migrate()
    file.write_text(migration_text([HEAVIER]))

    with pytest.raises(WarehouseError, match=r"0001_things\.sql was changed"):
        numbered.migrate()


def test_a_column_of_another_type_is_a_difference(numbered: Warehouse, folder: Path):
    text = migration_text([THINGS]).replace('"number" {integer}', '"number" {text}')
    (folder / "0001_things.sql").write_text(text)
    numbered.migrate()

    (difference,) = numbered.differences([THINGS])
    assert (difference.column, difference.declared) == ("number", _whole(numbered))


def _whole(warehouse: Warehouse) -> str:
    return "BIGINT" if warehouse.kind == "duckdb" else "NUMBER"
