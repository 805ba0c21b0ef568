"""The warehouse, for commands that read it.

Belongs here: opening it, and what to say when nothing was ever loaded. Elsewhere: which warehouse
stands behind the configuration (assembly.py).
"""

from __future__ import annotations

from datetime import timedelta

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.remedies import pasteable
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import WarehouseError
from aggregation_platform.queries.anything_loaded import is_begun_only
from aggregation_platform.warehouse.store import Warehouse

_FIRST_DAYS = 7
"""How many days the advice loads at most: enough to look at, and soon there."""


def warehouse_to_read(config: PlatformConfig) -> Warehouse:
    """Return the configured warehouse; raises as `refuse_unless_loaded`."""
    refuse_unless_loaded(config)
    return Assembly(config).warehouse


def refuse_unless_loaded(config: PlatformConfig) -> None:
    """Say what to run when there is nothing to read.

    Raises:
        WarehouseError: If nothing was ever loaded, or the warehouse cannot be read.
    """
    if not has_tables(config):
        raise WarehouseError(
            f"nothing has been loaded yet: the warehouse {config.warehouse.duckdb.path} does not "
            f"exist or has no tables; {_first_load(config)}"
        )


def has_tables(config: PlatformConfig) -> bool:
    """Whether the warehouse is there; a file that an interrupted first command left is not."""
    if config.warehouse.kind != "duckdb":
        return True
    return config.warehouse.duckdb.path.exists() and not is_begun_only(Assembly(config).warehouse)


def _first_load(config: PlatformConfig) -> str:
    """Return the command that loads the last days that are over and may be fetched."""
    today = SystemClock().now().date()
    earliest = min(entry.first_day for entry in config.organizations)
    first = max(earliest, today - timedelta(days=_FIRST_DAYS))
    if first > today:
        return f"nothing is fetched before {earliest}, the earliest first_day in {config.file}."
    last = max(first, today - timedelta(days=1))
    return f"run `{pasteable(config, 'materialize', '--from', f'{first}', '--to', f'{last}')}`."
