"""How final the partitions of a table are, as the partition log has it.

Belongs here: asking the log. Elsewhere: writing it (sql_store.py), what finality means
(raw/finality.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from aggregation_platform.tables import Table
from aggregation_platform.warehouse.store import Warehouse

# ROWS is a reserved word in Snowflake; DuckDB finds the name in any case.
_STATES = """
    select org, day, finality, "ROWS", written_at
    from ops.partition_log
    where table_name = ? and day between ? and ?
"""


def partition_states(warehouse: Warehouse, table: Table, first: date, last: date) -> pl.DataFrame:
    """Return one row per stored partition of those days: org, day, finality, rows, written_at.

    Args:
        warehouse: Where the log is.
        table: A table partitioned by day.
        first: The first day.
        last: The last day, included.
    """
    return warehouse.query(_STATES, [table.key, first, last])


def orgs_missing(states: pl.DataFrame, orgs: Sequence[str], day: date) -> list[str]:
    """Return the orgs, in order, that have no partition of that day."""
    there = set(states.filter(pl.col("day") == day)["org"])
    return [org for org in orgs if org not in there]
