"""The warehouse, for commands that read it.

Belongs here: opening it, and what to say when nothing was ever loaded. Elsewhere: which warehouse
stands behind the configuration (assembly.py).
"""

from __future__ import annotations

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import WarehouseError
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.store import Warehouse


def warehouse_to_read(config: PlatformConfig) -> Warehouse:
    """Return the configured warehouse.

    Raises:
        WarehouseError: If it is a file that does not exist: nothing was ever loaded.
    """
    path = config.warehouse.duckdb.path
    if config.warehouse.kind == "duckdb" and not path.exists():
        raise WarehouseError(
            f"nothing has been loaded yet: there is no warehouse {path}; run "
            "`aggregation-platform materialize --from yyyy-mm-dd --to yyyy-mm-dd`."
        )
    return open_warehouse(DuckDBSettings(path))
