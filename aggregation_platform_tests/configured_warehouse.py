"""A configuration's warehouse, for tests that come in by the configuration: its section, its rows.

Elsewhere: warehouses opened by their settings (warehouse_rig.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import duckdb
import snowflake.connector

from aggregation_platform.assembly import Assembly
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.configured import warehouse_settings
from aggregation_platform.warehouse.dialects import DUCKDB, SNOWFLAKE
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings


def in_emulator(port: int) -> dict[str, Any]:
    """Return the section `warehouse`: a database of its own in the emulator."""
    account = {"account": "emulated", "user": "writer", "password": "writer", "role": "WRITER"}
    place = {"warehouse": "W", "database": f"T{uuid4().hex[:12]}".upper()}
    address = {"host": "127.0.0.1", "port": port, "protocol": "http"}
    return {"kind": "snowflake", "snowflake": account | place | address}


def delete_rows(assembly: Assembly, tables: Iterable[Table], where: str = "true") -> None:
    """Delete rows behind the platform's back."""
    settings = warehouse_settings(assembly.config)
    if isinstance(settings, DuckDBSettings):
        connection: Any = duckdb.connect(settings.path)
        send, dialect = connection.execute, DUCKDB
    else:
        connection = snowflake.connector.connect(**settings.connector_arguments())
        send, dialect = connection.cursor().execute, SNOWFLAKE
    for table in tables:
        send(f"delete from {dialect.place(table)} where {where}")  # noqa: S608 - of tests only
    connection.close()
