"""The organizations that a day counts, for tests that write its rollup by hand."""

from __future__ import annotations

import polars as pl

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.ops_tables import DAY_MEMBERS
from aggregation_platform.warehouse.store import Rows, Warehouse


def counted_orgs(warehouse: Warehouse, partition: Partition, table: Table = HANDLE_TIME) -> Rows:
    """Return the rows that say that a day counts every organization whose facts are stored."""
    stored = warehouse.query(
        "select org, written_at from ops.partition_log where table_name = ? and day = ?",
        [SESSION_METRICS.key, partition.day],
    )
    return Rows(
        DAY_MEMBERS,
        stored.select(
            table_name=pl.lit(table.key),
            day=pl.lit(partition.day),
            org="org",
            is_counted=pl.lit(value=True),
            built_at="written_at",
            run_id=pl.lit("a-run"),
        ).cast(DAY_MEMBERS.frame_schema),
    )
