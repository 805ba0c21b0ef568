"""What the contracts are tried on.

Warehouses: DuckDB, Snowflake emulated, Snowflake itself. Landing zones: a folder, memory, S3 served
by a small server. Azure Blob and Google Cloud Storage go through the same client; nobody serves
them here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform_tests.s3_server import S3Server, running_s3
from aggregation_platform_tests.warehouse_relay import Relay, relayed
from aggregation_platform_tests.warehouse_rig import TABLES, Rig, emptied, emulated

LANDING_ZONES = ["folder", "memory", "s3"]
WAREHOUSES = ["duckdb", "emulator", pytest.param("account", marks=pytest.mark.snowflake)]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "warehouse.duckdb"
    open_warehouse(DuckDBSettings(path)).migrate(TABLES)
    return path


@pytest.fixture(scope="session")
def migrated_emulator(emulator_port: int) -> SnowflakeSettings:
    """A database in the emulator with all tables."""
    settings = emulated(emulator_port)
    open_warehouse(settings).migrate(TABLES)
    return settings


@pytest.fixture(scope="session")
def relay_server(emulator_port: int) -> Iterator[Relay]:
    with relayed(emulator_port) as relay:
        yield relay


@pytest.fixture
def relay(relay_server: Relay) -> Iterator[Relay]:
    """Between the connector and the emulator; passes everything on until told otherwise."""
    relay_server.statements.clear()
    yield relay_server
    relay_server.restore()
    relay_server.end_sessions()


@pytest.fixture(scope="session")
def migrated_account() -> SnowflakeSettings:
    """A database of a real account, which is emptied before each test."""
    settings = SnowflakeSettings(
        account=os.environ["SNOWFLAKE_ACCOUNT"],
        user=os.environ["SNOWFLAKE_USER"],
        database=os.environ["SNOWFLAKE_DATABASE"],
        role=os.environ.get("SNOWFLAKE_ROLE"),
        warehouse=os.environ.get("SNOWFLAKE_WAREHOUSE"),
        private_key_path=Path(os.environ["SNOWFLAKE_PRIVATE_KEY_PATH"]),
    )
    open_warehouse(settings).migrate(TABLES)
    return settings


@pytest.fixture(params=WAREHOUSES)
def warehouse_settings(
    request: pytest.FixtureRequest, tmp_path: Path
) -> DuckDBSettings | SnowflakeSettings:
    """Settings of a warehouse with all tables and no rows."""
    if request.param == "duckdb":
        path = tmp_path / "warehouse.duckdb"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        return DuckDBSettings(path)
    settings: SnowflakeSettings = request.getfixturevalue(f"migrated_{request.param}")
    emptied(settings)
    return settings


@pytest.fixture
def rig(warehouse_settings: DuckDBSettings | SnowflakeSettings) -> Rig:
    return Rig(open_warehouse(warehouse_settings))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """A server that the standard variables lead to."""
    for name, value in s3_server.variables.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(params=LANDING_ZONES)
def landing_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty landing zone, as a configuration would have it."""
    match request.param:
        case "folder":
            return "landing"
        case "memory":
            return "memory:///"
        case _:
            server: S3Server = request.getfixturevalue("s3")
            return f"{server.new_bucket()}/platform/landing"
