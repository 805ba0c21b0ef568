"""The numbered migrations alone make what the layers declare, on either warehouse.

A declared table or column that fails here needs a new migration: the next number, its statements
from `ddl.create_statements` or `ddl.add_column_statements`.
"""

from __future__ import annotations

import pytest

from aggregation_platform.assembly import TABLES
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.store import Warehouse
from aggregation_platform_tests.warehouse_rig import emulated

VIEWS = (
    "conversations",
    "org_days",
    "coverage",
    "handle_time_distribution",
    *(f"handle_time_by_{grain}" for grain in ("hour", "day", "week", "month")),
    *(f"handle_time_by_local_{grain}" for grain in ("hour", "day", "week", "month")),
)


@pytest.fixture(params=["duckdb", "emulator"], scope="module")
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    if request.param == "duckdb":
        path = tmp_path_factory.mktemp("empty") / "warehouse.duckdb"
        return open_warehouse(DuckDBSettings(path))
    return open_warehouse(emulated(request.getfixturevalue("emulator_port")))


def test_the_migrations_leave_nothing_to_be_added(empty: Warehouse):
    first, again = empty.migrate(TABLES), empty.migrate(TABLES)

    assert first.added == ()
    assert empty.differences(TABLES) == []
    assert (again.applied, again.added, again.views) == ((), (), ())
    assert not empty.standing(TABLES).is_behind


def test_every_view_can_be_asked(empty: Warehouse):
    empty.migrate(TABLES)
    found = {view: empty.query(f"select * from reporting.{view}").height for view in VIEWS}  # noqa: S608 - names above

    assert found == dict.fromkeys(VIEWS, 0)
