-- Which days of which organization the figures of handle time cover. A day is covered when its
-- facts are loaded and rolled up; it is provisional where the facts are newer than the rollup, and
-- not covered when they came after it. `aggregation-platform aht` judges alike.
create or replace view "reporting"."org_days" ("org", "day", "is_covered", "finality") as
with facts_log as (
    select l.org, l.day, l."rows" as row_count, l.written_at, l.finality
    from ops.partition_log l where l.table_name = 'facts.session_metrics'
),
rollup_log as (
    select l.day, l.written_at from ops.partition_log l where l.table_name = 'rollups.handle_time'
),
rolled_up as (select distinct h.org, h.day from rollups.handle_time h),
last_day as (select max(r.day) as day from rollup_log r),
judged as (
    select
        o.org,
        c.calendar_day as day,
        f.finality,
        f.written_at > r.written_at as is_newer,
        f.org is not null and r.day is not null
            and not (f.written_at > r.written_at and u.org is null and f.row_count > 0)
            as is_covered
    from reporting.organizations o
    join last_day z on z.day is not null
    join reporting.calendar c on c.calendar_day between o.first_day and z.day
    left join facts_log f on f.org = o.org and f.day = c.calendar_day
    left join rollup_log r on r.day = c.calendar_day
    left join rolled_up u on u.org = o.org and u.day = c.calendar_day
)
select
    j.org, j.day, j.is_covered,
    case when not j.is_covered then null when j.is_newer then 'provisional' else j.finality end
from judged j;
comment on view "reporting"."org_days" is 'One row per organization and UTC day from its first day to the last day that was rolled up.';
comment on column "reporting"."org_days"."org" is 'our key of the organization';
comment on column "reporting"."org_days"."is_covered" is 'false: the day is missing from every figure';
comment on column "reporting"."org_days"."finality" is 'provisional, complete or final; null where the day is missing';
comment on column "reporting"."org_days"."day" is 'UTC day';
