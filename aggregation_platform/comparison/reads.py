"""What the warehouse holds of one org's day, for a comparison.

Belongs here: the reads. Elsewhere: what is compared with what (stored.py, org_day.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from aggregation_platform.facts.facts import facts_of
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.intervals import Interval
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.journey_days import COUNTS
from aggregation_platform.rollups.rollup_check import METRICS
from aggregation_platform.rollups.tables import JOURNEY_DAYS
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Warehouse

METRIC_COLUMNS = (
    *("org", "conversation_id", "session_id", "session_number", "user_id", "queue_id"),
    *("media_type", "direction", "metric", "value_ms", "emitted_at"),
)
METRIC_ROW = ("conversation_id", "session_id", "session_number", "metric", "emitted_at", "value_ms")
"""What two equal rows of `facts.session_metrics` have in common."""

_HALF_HOUR = timedelta(minutes=30)
_WATERMARK = """
SELECT MAX(data_available_to) AS until FROM ops.extraction_ledger
WHERE org = ? AND interval_from < ? AND interval_to > ?
"""
_ROLLUP = "SELECT * FROM {table} WHERE org = ? AND day = ?"
_DOUBLED = """
SELECT COUNT(*) AS doubled FROM (
    SELECT {key} FROM {table} WHERE day = ? GROUP BY {key} HAVING COUNT(*) > 1
) AS keys
"""
_REPEATED = """
SELECT conversation_id, session_id, session_number, metric, emitted_at, value_ms,
    COUNT(*) AS row_count
FROM facts.session_metrics WHERE org = ? AND day = ?
GROUP BY conversation_id, session_id, session_number, metric, emitted_at, value_ms
HAVING COUNT(*) > 1
"""
_CONVERSATIONS = """
SELECT COUNT(*) AS begun, COUNT(DISTINCT conversation_id) AS different,
    (SELECT COUNT(*) FROM facts.rejects WHERE org = ? AND day = ?
        AND (level = 'record' OR path = 'conversationStart')) AS rejected
FROM facts.conversations WHERE org = ? AND day = ? AND started_at >= ? AND started_at < ?
"""
_REJECTS = """
SELECT conversation_id, level, name, reason, path FROM facts.rejects WHERE org = ? AND day = ?
ORDER BY conversation_id, path
"""
_CONTACTS = """
SELECT COUNT(*) AS contact_count,
    CAST(COALESCE(SUM(CASE WHEN org_count > 1 THEN 1 ELSE 0 END), 0) AS BIGINT)
        AS cross_org_contact_count,
    CAST(COALESCE(SUM(leg_count), 0) AS BIGINT) AS leg_count,
    CAST(COALESCE(SUM(handled_count), 0) AS BIGINT) AS handled_count,
    CAST(COALESCE(SUM(handle_ms), 0) AS BIGINT) AS handle_ms
FROM journeys.journeys WHERE first_org = ? AND day = ?
"""


@dataclass(frozen=True)
class Begun:
    """The conversations of `facts.conversations` that began on an org's day.

    Args:
        rows: Their rows.
        different: Their different ids; fewer than rows if one is there twice.
        rejected: Records of the day whose start is not known: facts could not read the record, or
            not its start. Parts that were set aside do not count.
    """

    rows: int
    different: int
    rejected: int


def settled_until(warehouse: Warehouse, org: str, day: date) -> datetime | None:
    """Return up to when a day can be compared; None if it is not loaded.

    A provisional day is comparable up to the watermark that its extraction saw, in half hours.
    """
    states = partition_states(warehouse, SESSION_METRICS, day, day)
    finality = states.filter(pl.col("org") == org)["finality"].to_list()
    if not finality:
        return None
    whole = Interval.of_day(day)
    if finality[0] != "provisional":
        return whole.end
    watermark = warehouse.query(_WATERMARK, (org, whole.end, whole.start))["until"].to_list()[0]
    if watermark is None or watermark <= whole.start:
        return whole.start
    return whole.start + (min(watermark, whole.end) - whole.start) // _HALF_HOUR * _HALF_HOUR


def metric_batches(warehouse: Warehouse, org: str, day: date) -> Iterator[pl.DataFrame]:
    """Yield the rows of `facts.session_metrics` that the rollups are made of: METRIC_COLUMNS."""
    rows = warehouse.read_batches(SESSION_METRICS, [Partition(org, day)], columns=METRIC_COLUMNS)
    for batch in rows:
        yield batch.filter(pl.col("metric").is_in(METRICS))


def rollup_rows(warehouse: Warehouse, table: Table, org: str, day: date) -> pl.DataFrame:
    """Return an org's rows of a rollup's day, as many as there are."""
    rows = warehouse.query(_ROLLUP.format(table=table.key), (org, day))
    return rows.select(pl.col(name).cast(kind) for name, kind in table.frame_schema.items())


def written_at(warehouse: Warehouse, table: Table, org: str | None, day: date) -> datetime | None:
    """Return when a partition was last written; None if it never was."""
    states = partition_states(warehouse, table, day, day)
    mine = states.filter(pl.col("org").eq_missing(pl.lit(org, pl.String)))
    return mine["written_at"].to_list()[0] if mine.height else None


def doubled_keys(warehouse: Warehouse, table: Table, key: Sequence[str], day: date) -> int:
    """Count the keys of a rollup's day, over all orgs, that have several rows."""
    found = warehouse.query(_DOUBLED.format(table=table.key, key=", ".join(key)), [day])
    return int(found["doubled"].to_list()[0])


def repeated_metrics(warehouse: Warehouse, org: str, day: date) -> pl.DataFrame:
    """Return the metrics that are in the facts more than once: METRIC_ROW, row_count."""
    return warehouse.query(_REPEATED, (org, day))


def conversations_begun(warehouse: Warehouse, org: str, day: date) -> Begun:
    """Count the conversations that began on the day."""
    whole = Interval.of_day(day)
    here = warehouse.query(_CONVERSATIONS, (org, day, org, day, whole.start, whole.end))
    ((begun, different, rejected),) = here.rows()
    return Begun(begun, different, rejected)


def rejects(warehouse: Warehouse, org: str, day: date) -> pl.DataFrame:
    """Return what was set aside of the day: conversation_id, level, name, reason, path."""
    return warehouse.query(_REJECTS, (org, day))


def contact_counts(warehouse: Warehouse, org: str, day: date) -> pl.DataFrame:
    """Return the row that `rollups.journey_days` should have of an org; none if nothing began."""
    counts = warehouse.query(_CONTACTS, (org, day)).with_columns(
        org=pl.lit(org),
        conversation_count=pl.lit(conversations_begun(warehouse, org, day).rows, pl.Int64),
    )
    is_there = (pl.col("contact_count") > 0) | (pl.col("conversation_count") > 0)
    counted = counts.select(JOURNEY_DAYS.schema.primary_key()[-1], *COUNTS)
    return counted.cast(dict.fromkeys(COUNTS, pl.Int64())).filter(is_there)


def metrics_from_raw(
    warehouse: Warehouse, org: str, day: date, *, of: Collection[str] | None = None
) -> pl.DataFrame | None:
    """Make the day's metrics anew from raw; None if raw is not kept of that day.

    Args:
        warehouse: Where raw is.
        org: Our key of the organization.
        day: The partition's day.
        of: Only of these conversations; None: of all.
    """
    kept = partition_states(warehouse, RAW, day, day)
    if kept.filter(pl.col("org") == org).is_empty():
        return None
    made = list[pl.DataFrame]()
    for batch in warehouse.read_batches(RAW, [Partition(org, day)]):
        wanted = batch if of is None else batch.filter(pl.col("conversation_id").is_in(list(of)))
        made.append(facts_of(wanted, org=org, day=day).session_metrics)
    return pl.concat(made) if made else SESSION_METRICS.empty()
