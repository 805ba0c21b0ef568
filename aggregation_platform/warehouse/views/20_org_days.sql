-- Which days of which organization the figures of handle time cover. A day is covered when the
-- organization's facts are loaded and the day was built with them (ops.day_members); it is
-- provisional where the facts are newer than the rollup. An organization is expected from its first
-- to its last day. `aggregation-platform aht` judges alike.
create or replace view "reporting"."org_days" ("org", "day", "is_covered", "finality") as
with facts_log as (
    select l.org, l.day, l.written_at, l.finality
    from ops.partition_log l where l.table_name = 'facts.session_metrics'
),
rollup_log as (
    select l.day, l.written_at from ops.partition_log l where l.table_name = 'rollups.handle_time'
),
counted as (
    select m.org, m.day from ops.day_members m
    where m.table_name = 'rollups.handle_time' and m.is_counted
),
last_day as (select max(r.day) as day from rollup_log r),
judged as (
    select
        o.org,
        c.calendar_day as day,
        f.finality,
        f.written_at > r.written_at as is_newer,
        f.org is not null and r.day is not null and m.org is not null as is_covered
    from reporting.organizations o
    join last_day z on z.day is not null
    join reporting.calendar c on c.calendar_day <= z.day
    left join counted m on m.org = o.org and m.day = c.calendar_day
    left join facts_log f on f.org = o.org and f.day = c.calendar_day
    left join rollup_log r on r.day = c.calendar_day
    where m.org is not null
        or (c.calendar_day >= o.first_day and c.calendar_day <= coalesce(o.last_day, z.day))
)
select
    j.org, j.day, j.is_covered,
    case when not j.is_covered then null when j.is_newer then 'provisional' else j.finality end
from judged j;
comment on view "reporting"."org_days" is 'One row per organization and UTC day from its first day to its last, or to the last day that was rolled up; and per day that counts it all the same.';
comment on column "reporting"."org_days"."org" is 'our key of the organization';
comment on column "reporting"."org_days"."is_covered" is 'false: the day is missing from every figure';
comment on column "reporting"."org_days"."finality" is 'provisional, complete or final; null where the day is missing';
comment on column "reporting"."org_days"."day" is 'UTC day';
