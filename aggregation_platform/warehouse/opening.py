"""Opening the warehouse that the configuration names.

Belongs here: from settings to a Warehouse. Elsewhere: reading the configuration (config/).
"""

from __future__ import annotations

from pathlib import Path

from aggregation_platform.clock import Clock, SystemClock
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings, DuckDBWarehouse
from aggregation_platform.warehouse.migrations import FOLDER
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.snowflake_store import SnowflakeWarehouse
from aggregation_platform.warehouse.store import Warehouse


def open_warehouse(
    settings: DuckDBSettings | SnowflakeSettings,
    *,
    clock: Clock | None = None,
    migrations: Path = FOLDER,
) -> Warehouse:
    """Return the warehouse of these settings. Nothing is opened or connected yet."""
    clock = clock or SystemClock()
    if isinstance(settings, SnowflakeSettings):
        return SnowflakeWarehouse(settings, clock=clock, migrations=migrations)
    return DuckDBWarehouse(settings, clock=clock, migrations=migrations)
