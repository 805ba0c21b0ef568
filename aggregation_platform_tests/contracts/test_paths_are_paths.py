"""A path is a path and no pattern, wherever a library takes one.

`[eu]` is a set of characters to a glob, `day=1` a column to a reader of partitioned files, `?`
the beginning of options to SQLAlchemy. Where Dagster keeps its history is tried beside its storage
(defs/test_instance_storage.py). DuckDB itself cannot write below a `?` or a backslash: the
configuration refuses such a path (unit/config/test_mistakes_in_the_file.py).
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregation_platform.clock import SystemClock
from aggregation_platform.landing.objects import open_objects
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform_tests.warehouse_rig import MONDAY, THINGS, Rig, emptied, things

AWKWARD = (
    "wh [eu]",
    "[",
    "q?x=1",
    "s*t",
    "it's",
    'say "hi"',
    "a\\b",
    "{0}",
    "50%20",
    "#1",
    "day=1",
)
NAMES = st.text(
    st.sampled_from("[]?*{}'\"\\%#&=;:$~!^, ()") | st.characters(categories=["L", "N"]),
    min_size=1,
    max_size=20,
).filter(lambda name: len(name.encode()) < 200)


def used(rig: Rig) -> list[list[str | None]]:
    """Write a partition, and read it in both ways."""
    rig.replace(things("us", MONDAY, "a", "b"))
    batches = rig.warehouse.read_batches(THINGS, [Partition("us", MONDAY)])
    return [rig.names(), pl.concat(list(batches))["name"].sort().to_list()]


def in_every_awkward_folder(test):
    """Try the awkward names each time, and further ones beside them."""
    for name in AWKWARD:
        test = example(name)(test)
    return settings(max_examples=10)(given(NAMES)(test))


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("somewhere")


@in_every_awkward_folder
def test_a_duckdb_warehouse_works_in_any_folder(migrated_file: Path, somewhere: Path, name: str):
    name = name.translate({ord("?"): "!", ord("\\"): "!"})
    with tempfile.TemporaryDirectory(dir=somewhere) as parent:
        file = Path(parent) / name / "warehouse.duckdb"
        file.parent.mkdir()
        shutil.copy(migrated_file, file)

        assert used(Rig(open_warehouse(DuckDBSettings(file)))) == [["a", "b"], ["a", "b"]]
        assert [each.name for each in Path(parent).iterdir()] == [name]


@pytest.mark.parametrize("name", AWKWARD)
def test_rows_reach_snowflake_from_any_folder(
    migrated_emulator: SnowflakeSettings, tmp_path: Path, name: str
):
    emptied(migrated_emulator)
    there = replace(migrated_emulator, spool=tmp_path / name / "spool")

    assert used(Rig(open_warehouse(there))) == [["a", "b"], ["a", "b"]]


@in_every_awkward_folder
def test_pages_are_kept_in_any_folder(somewhere: Path, name: str):
    with tempfile.TemporaryDirectory(dir=somewhere) as parent:
        objects = open_objects(name, Path(parent))
        objects.put("us/2026-01-05/1", b"page")

        assert objects.get("us/2026-01-05/1") == b"page"
        assert [stored.path for stored in objects.listing("us")] == ["us/2026-01-05/1"]
        assert [each.name for each in Path(parent).iterdir()] == [name]


@in_every_awkward_folder
def test_processes_share_their_state_in_any_folder(somewhere: Path, name: str):
    with tempfile.TemporaryDirectory(dir=somewhere) as parent:
        file = Path(parent) / name / "shared.sqlite"
        SqliteState(file, clock=SystemClock()).claim("day", owner="run", seconds=60)

        assert SqliteState(file, clock=SystemClock()).holder("day") == "run"
        assert file.exists()
