"""The warehouse, for commands that read it.

Belongs here: opening it, and what to say when nothing was ever loaded. Elsewhere: which warehouse
stands behind the configuration (assembly.py).
"""

from __future__ import annotations

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import WarehouseError
from aggregation_platform.warehouse.store import Warehouse


def warehouse_to_read(config: PlatformConfig) -> Warehouse:
    """Return the configured warehouse; raises as `refuse_unless_loaded`."""
    refuse_unless_loaded(config)
    return Assembly(config).warehouse


def refuse_unless_loaded(config: PlatformConfig) -> None:
    """Say what to run when there is nothing to read.

    Raises:
        WarehouseError: If it is a file that does not exist: nothing was ever loaded.
    """
    path = config.warehouse.duckdb.path
    if config.warehouse.kind == "duckdb" and not path.exists():
        raise WarehouseError(
            f"nothing has been loaded yet: there is no warehouse {path}; run "
            "`aggregation-platform materialize --from yyyy-mm-dd --to yyyy-mm-dd`."
        )
