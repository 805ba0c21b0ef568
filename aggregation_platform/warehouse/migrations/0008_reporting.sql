-- What the views need beside the layers; the views themselves are in views/. Written from reporting_tables.py.
create schema if not exists "reporting";
create table if not exists "reporting"."organizations" (
    "org" {text},
    "name" {text},
    "time_zone" {text},
    "first_day" {date}
);
comment on table "reporting"."organizations" is 'One row per configured organization.';
comment on column "reporting"."organizations"."org" is 'our key of the organization';
comment on column "reporting"."organizations"."time_zone" is 'IANA name of its own local time';
comment on column "reporting"."organizations"."first_day" is 'the first UTC day that is fetched';
create table if not exists "reporting"."clocks" (
    "clock" {text},
    "org" {text},
    "time_zone" {text}
);
comment on table "reporting"."clocks" is 'One row per clock to report by and organization: which time zone it shows there.';
comment on column "reporting"."clocks"."clock" is 'UTC, a chosen time zone, or org: each its own local time';
comment on column "reporting"."clocks"."time_zone" is 'IANA name';
create table if not exists "reporting"."calendar" (
    "calendar_day" {date},
    "week_start" {date},
    "month_start" {date},
    "iso_year" {integer},
    "iso_week" {integer},
    "fiscal_year_start_month" {integer},
    "fiscal_year" {integer},
    "fiscal_month" {integer},
    "fiscal_week_year" {integer},
    "fiscal_week" {integer}
);
comment on table "reporting"."calendar" is 'One row per calendar day: the periods that it belongs to.

Weeks begin on Monday. Week 1 of a fiscal year is the week of the first Thursday of its first
month, as week 1 of an ISO year is that of January’s. A fiscal year is named for the calendar
year in which it ends.';
comment on column "reporting"."calendar"."week_start" is 'Monday of its week';
comment on column "reporting"."calendar"."month_start" is 'first day of its month';
comment on column "reporting"."calendar"."iso_year" is 'year of its ISO week';
comment on column "reporting"."calendar"."fiscal_year_start_month" is 'as configured';
comment on column "reporting"."calendar"."fiscal_year" is 'fiscal year of its month';
comment on column "reporting"."calendar"."fiscal_month" is 'month of the fiscal year, from 1';
comment on column "reporting"."calendar"."fiscal_week_year" is 'fiscal year of its week';
comment on column "reporting"."calendar"."fiscal_week" is 'week of fiscal_week_year, from 1';
create table if not exists "reporting"."views" (
    "file_name" {text},
    "checksum" {text}
);
comment on table "reporting"."views" is 'One row per file of reporting views, as it was when they were made.';
comment on column "reporting"."views"."checksum" is 'of the file';
