"""What could not be read, counted: whole records apart from parts of records.

Belongs here: the counts that people are shown. Elsewhere: what is set aside and why (rows.py), the
table (tables.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

HANDLE_TIME = "tHandle"


def rejected_counts(rejects: pl.DataFrame) -> Mapping[str, int]:
    """Count rows of `rejects`; the first three add up to all rows.

    - `rejects`: records that could not be read, which are in no other table
    - `handle_times_set_aside`: of records that are otherwise there
    - `parts_set_aside`: other metrics, segments, sessions, participants and dates; a participant,
      a session or a whole list of metrics may have had handle time

    Args:
        rejects: With `level` and `name`.
    """
    is_record = pl.col("level") == "record"
    is_handle_time = ~is_record & (pl.col("name") == HANDLE_TIME).fill_null(value=False)
    records, handle_times = rejects.select(
        is_record.sum().alias("records"), is_handle_time.sum().alias("handle_times")
    ).row(0)
    return {
        "rejects": records,
        "handle_times_set_aside": handle_times,
        "parts_set_aside": rejects.height - records - handle_times,
    }
