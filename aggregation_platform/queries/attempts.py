"""Attempts at org-days that failed, and how fast days are being stored.

Belongs here: the reads. Elsewhere: who writes the rows (extraction/attempts.py, warehouse/), what
`status` makes of them (cli/).
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.raw.tables import CONVERSATIONS
from aggregation_platform.warehouse.store import Warehouse

_FAILED = """
SELECT org, day, failed_at, error, reason, next_try_at, requests, retries, waited_ms,
    bytes AS received_bytes, CAST(requests_by_outcome AS VARCHAR) AS requests_by_outcome
FROM ops.failed_attempts WHERE failed_at > ? ORDER BY failed_at
"""

_STORED = """
SELECT org, COUNT(*) AS days, MIN(written_at) AS first_at FROM ops.partition_log
WHERE table_name = ? AND written_at > ? AND day < ? GROUP BY org
"""


def failed_attempts(warehouse: Warehouse, since: datetime) -> pl.DataFrame:
    """Return one row per attempt that failed after an instant, oldest first.

    Columns: org, day, failed_at, error (its class), reason, next_try_at, requests, retries,
    waited_ms, received_bytes, requests_by_outcome (JSON). No rows where the warehouse was not
    migrated since the table was introduced.
    """
    try:
        return warehouse.query(_FAILED, (since,))
    except SchemaMismatchError:
        return pl.DataFrame(schema={"org": pl.String})


def stored_lately(warehouse: Warehouse, since: datetime, before: date) -> pl.DataFrame:
    """Return how many days of each org were stored after an instant: org, days, first_at.

    Args:
        warehouse: Read only.
        since: Only what was written after it.
        before: Only UTC days before this one.
    """
    return warehouse.query(_STORED, (CONVERSATIONS.key, since, before))
