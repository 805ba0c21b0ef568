-- Which organizations each day counts, and which were retired. Written from ops_tables.py and
-- reporting_tables.py.
create schema if not exists "ops";
create table if not exists "ops"."day_members" (
    "table_name" {text},
    "day" {date},
    "org" {text},
    "is_counted" {boolean},
    "built_at" {instant},
    "run_id" {text}
);
comment on table "ops"."day_members" is 'One row per rollup, UTC day and organization: whether the day counts the organization.';
comment on column "ops"."day_members"."table_name" is 'layer.table of the rollup';
comment on column "ops"."day_members"."day" is 'UTC day';
comment on column "ops"."day_members"."is_counted" is 'false: the day counted it once and does no more';
comment on column "ops"."day_members"."built_at" is 'when the day was built so';
comment on column "ops"."day_members"."run_id" is 'the run that built it';
create table if not exists "ops"."retirements" (
    "org" {text},
    "retired_from" {date},
    "reason" {text},
    "noted_at" {instant},
    "noted_by" {text},
    "first_day" {date}
);
comment on table "ops"."retirements" is 'One row per decision that an organization no longer counts, or counts again.

The newest of an organization is in force. Only ever added to.';
comment on column "ops"."retirements"."retired_from" is 'first UTC day on which it no longer counts; null: it counts';
comment on column "ops"."retirements"."noted_at" is 'when it was decided';
comment on column "ops"."retirements"."noted_by" is 'who decided';
comment on column "ops"."retirements"."first_day" is 'its first day as configured then';
alter table "reporting"."organizations" add column if not exists "last_day" {date};
comment on column "reporting"."organizations"."last_day" is 'the last UTC day that figures count it on, for one that was retired or taken out of the configuration; null while there is no end';
alter table "reporting"."organizations" add column if not exists "organization_id" {text};
comment on column "reporting"."organizations"."organization_id" is 'the organization’s own id, if known';
comment on table "reporting"."organizations" is 'One row per organization that figures count: configured, or stored and configured no more.';
comment on column "ops"."restatements"."cell" is 'the cell’s key columns and their values; {} for the org’s whole day, which the figures count from now on, or no longer';
-- Days that were built before: what the rollup has rows of, and what had nothing to be counted.
insert into "ops"."day_members" ("table_name", "day", "org", "is_counted", "built_at", "run_id")
select t.name, r.day, f.org, true, r.written_at, r.run_id
from "ops"."partition_log" f
join "ops"."partition_log" r on r.table_name = 'rollups.handle_time' and r.day = f.day
cross join (
    select 'rollups.handle_time' as name union all select 'rollups.handle_time_sketches'
    union all select 'rollups.queue_intervals' union all select 'rollups.journey_days'
) t
left join (select distinct h.day, h.org from "rollups"."handle_time" h) u
    on u.day = f.day and u.org = f.org
where f.table_name = 'facts.session_metrics' and (u.org is not null or f."rows" = 0)
    and not exists (
        select 1 from "ops"."day_members" m
        where m.table_name = t.name and m.day = r.day and m.org = f.org
    );
