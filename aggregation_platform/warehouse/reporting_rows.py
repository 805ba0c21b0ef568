"""The rows of schema `reporting`, out of the configuration and of what is stored.

Belongs here: organizations, clocks, the calendar; writing them when they differ.
Elsewhere: their shapes (reporting_tables.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.epochs import WriteGrant
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.membership import Members, known_members
from aggregation_platform.warehouse.reporting_tables import (
    CALENDAR,
    CLOCKS,
    ORGANIZATIONS,
    OWN_TIME,
)
from aggregation_platform.warehouse.store import Warehouse, WriteStamp

FIRST_DAY = date(2015, 1, 1)
LAST_DAY = date(2049, 12, 31)
UTC = "UTC"


def describe_for_reporting(
    warehouse: Warehouse, config: PlatformConfig, grant: WriteGrant, *, at: datetime
) -> tuple[str, ...]:
    """Bring the tables of schema `reporting` to the configuration.

    Returns:
        The keys of the tables that were different.
    """
    different = [
        (table, frame)
        for table, frame in reporting_rows(config, known_members(warehouse, config)).items()
        if not _is_stored(warehouse, table, frame)
    ]
    stamp = WriteStamp(run_id="reporting", finality="final", written_at=at)
    for table, frame in different:
        warehouse.replace_partition(table, Partition(), frame, grant, stamp=stamp)
    return tuple(table.key for table, _ in different)


def reporting_rows(config: PlatformConfig, members: Members) -> Mapping[Table, pl.DataFrame]:
    """Return each table's rows."""
    month = config.reporting.fiscal_year_start_month
    return {
        ORGANIZATIONS: organizations(members),
        CLOCKS: clocks(config, members),
        CALENDAR: calendar(FIRST_DAY, LAST_DAY, fiscal_year_start_month=month),
    }


def organizations(members: Members) -> pl.DataFrame:
    """Return one row per organization that figures count, also of those that left."""
    rows = [
        (
            each.org,
            each.name,
            each.time_zone,
            each.first_day,
            each.last_day,
            each.organization_id,
        )
        for each in members
    ]
    return pl.DataFrame(rows, schema=ORGANIZATIONS.frame_schema, orient="row")


def clocks(config: PlatformConfig, members: Members) -> pl.DataFrame:
    """Return UTC, each organization's own time, its zone for all, and the chosen zones."""
    own = [(OWN_TIME, each.org, each.time_zone) for each in members]
    zones = {UTC, *(zone for _, _, zone in own), *config.reporting.time_zones}
    common = [(zone, org, zone) for zone in sorted(zones) for org in members.orgs]
    return pl.DataFrame([*own, *common], schema=CLOCKS.frame_schema, orient="row")


def calendar(first: date, last: date, *, fiscal_year_start_month: int) -> pl.DataFrame:
    """Return one row per day, both ends included."""
    day, thursday = pl.col("calendar_day"), pl.col("thursday")
    month = fiscal_year_start_month
    days = pl.DataFrame({"calendar_day": pl.date_range(first, last, eager=True)})
    days = days.with_columns(thursday=day.dt.truncate("1w") + pl.duration(days=3))
    begins = pl.date(_fiscal_year(thursday, month) - int(month > 1), month, 1)
    return days.select(
        "calendar_day",
        week_start=day.dt.truncate("1w"),
        month_start=day.dt.truncate("1mo"),
        iso_year=day.dt.iso_year(),
        iso_week=day.dt.week(),
        fiscal_year_start_month=month,
        fiscal_year=_fiscal_year(day, month),
        fiscal_month=(day.dt.month().cast(pl.Int64) - month) % 12 + 1,
        fiscal_week_year=_fiscal_year(thursday, month),
        fiscal_week=(thursday - begins).dt.total_days() // 7 + 1,
    ).cast(CALENDAR.frame_schema)


def _fiscal_year(day: pl.Expr, month: int) -> pl.Expr:
    """Name the fiscal year for the calendar year in which it ends."""
    begun_here = day.dt.month() >= month
    return day.dt.year().cast(pl.Int64) + (begun_here & pl.lit(month > 1)).cast(pl.Int64)


def _is_stored(warehouse: Warehouse, table: Table, frame: pl.DataFrame) -> bool:
    key = table.schema.primary_key()
    return warehouse.read(table, [Partition()]).sort(key).equals(frame.sort(key))
