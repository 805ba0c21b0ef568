"""Opening the warehouse that the configuration names.

Belongs here: from settings to a Warehouse. Elsewhere: reading the configuration (config/).
"""

from __future__ import annotations

from aggregation_platform.clock import Clock, SystemClock
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings, DuckDBWarehouse
from aggregation_platform.warehouse.store import Warehouse


def open_warehouse(settings: DuckDBSettings, *, clock: Clock | None = None) -> Warehouse:
    """Return the warehouse of these settings. Nothing is opened or connected yet."""
    return DuckDBWarehouse(settings, clock=clock or SystemClock())
