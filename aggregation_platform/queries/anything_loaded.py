"""Whether a warehouse has tables to read, or was only begun.

Belongs here: the read. Elsewhere: what a command says then (cli/reading.py).
"""

from __future__ import annotations

from aggregation_platform.warehouse.store import Warehouse

_TABLES = """
    select lower(table_schema || '.' || table_name) as name from information_schema.tables
    where lower(table_schema || '.' || table_name)
        in ('ops.partition_log', 'reporting.organizations')
"""
_PARTITIONS = "select count(*) as partitions from ops.partition_log"


def is_begun_only(warehouse: Warehouse) -> bool:
    """Whether no partition was ever written and the last of the tables and views are missing.

    The first command makes the file, then its tables. An interruption between the two leaves this.
    """
    there = set(warehouse.query(_TABLES)["name"])
    if "reporting.organizations" in there:
        return False
    return "ops.partition_log" not in there or not warehouse.query(_PARTITIONS).item()
