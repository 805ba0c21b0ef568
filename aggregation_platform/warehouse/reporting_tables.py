"""The tables of schema `reporting`: what the views there need beside the layers' tables.

Belongs here: their shapes. Elsewhere: their rows (reporting_rows.py), the views (views/*.sql).
"""

from __future__ import annotations

import dataframely as dy

from aggregation_platform.tables import Table

OWN_TIME = "org"
"""The clock that shows each organization its own local time."""


class Organizations(dy.Schema):
    """One row per organization that figures count: configured, or stored and configured no more."""

    org = dy.String(primary_key=True, description="our key of the organization")
    name = dy.String()
    time_zone = dy.String(description="IANA name of its own local time")
    first_day = dy.Date(description="the first UTC day that is fetched")
    last_day = dy.Date(
        nullable=True,
        description="the last UTC day that figures count it on, for one that was retired or taken "
        "out of the configuration; null while there is no end",
    )
    organization_id = dy.String(nullable=True, description="the organization's own id, if known")


class Clocks(dy.Schema):
    """One row per clock to report by and organization: which time zone it shows there."""

    clock = dy.String(
        primary_key=True, description="UTC, a chosen time zone, or org: each its own local time"
    )
    org = dy.String(primary_key=True)
    time_zone = dy.String(description="IANA name")


class Calendar(dy.Schema):
    """One row per calendar day: the periods that it belongs to.

    Weeks begin on Monday. Week 1 of a fiscal year is the week of the first Thursday of its first
    month, as week 1 of an ISO year is that of January's. A fiscal year is named for the calendar
    year in which it ends.
    """

    calendar_day = dy.Date(primary_key=True)
    week_start = dy.Date(description="Monday of its week")
    month_start = dy.Date(description="first day of its month")
    iso_year = dy.Int64(description="year of its ISO week")
    iso_week = dy.Int64(min=1, max=53)
    fiscal_year_start_month = dy.Int64(min=1, max=12, description="as configured")
    fiscal_year = dy.Int64(description="fiscal year of its month")
    fiscal_month = dy.Int64(min=1, max=12, description="month of the fiscal year, from 1")
    fiscal_week_year = dy.Int64(description="fiscal year of its week")
    fiscal_week = dy.Int64(min=1, max=53, description="week of fiscal_week_year, from 1")


class Views(dy.Schema):
    """One row per file of reporting views, as it was when they were made."""

    file_name = dy.String(primary_key=True)
    checksum = dy.String(description="of the file")


ORGANIZATIONS = Table("reporting", "organizations", Organizations)
CLOCKS = Table("reporting", "clocks", Clocks)
CALENDAR = Table("reporting", "calendar", Calendar)
VIEWS = Table("reporting", "views", Views)

TABLES = (ORGANIZATIONS, CLOCKS, CALENDAR, VIEWS)
