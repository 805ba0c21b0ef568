"""Warehouses to measure on: made fresh, with a lease.

Belongs here: opening them. Elsewhere: what is measured (partition.py, rollup.py).
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aggregation_platform.assembly import TABLES
from aggregation_platform.clock import SystemClock
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings, DuckDBWarehouse
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.store import Warehouse, WriteStamp


def stamp() -> WriteStamp:
    """Return the stamp of a write."""
    return WriteStamp("benchmark", "final", datetime(2026, 1, 10, tzinfo=UTC))


def duckdb_warehouse(path: Path) -> tuple[DuckDBWarehouse, WriteGrant]:
    """Make a DuckDB warehouse with all tables."""
    warehouse = DuckDBWarehouse(DuckDBSettings(path), clock=SystemClock())
    return warehouse, _granted(warehouse)


def _granted(warehouse: Warehouse) -> WriteGrant:
    warehouse.migrate(TABLES)
    return warehouse.ensure_lease(WriteGrant("site1", Epoch(1)))


@contextmanager
def emulated_snowflake() -> Generator[SnowflakeSettings]:
    """Serve Snowflake's protocol on loopback from a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as server:  # noqa: S603 - ours
        try:
            _await(port)
            yield SnowflakeSettings(
                account="emulated",
                user="writer",
                password="writer",  # noqa: S106 - the emulator takes any
                database="BENCHMARK",
                host="127.0.0.1",
                port=port,
                protocol="http",
                network_timeout_s=60,
                attempts=1,
            )
        finally:
            server.kill()


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            SystemClock().sleep(0.1)
        else:
            return
    raise TimeoutError(f"no emulator on port {port}")
