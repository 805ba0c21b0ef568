-- What a figure of a period covers, by any clock. A local day touches two UTC days; it is missing
-- in an organization when one of the two is. A period that is not over is provisional.
create or replace view "reporting"."periods" (
    "grain", "calendar_day", "period_start", "period_end"
) as
select 'day', c.calendar_day, c.calendar_day as period_start,
    cast(c.calendar_day + interval '1 day' as date)
from reporting.calendar c
union all
select 'week', c.calendar_day, c.week_start, cast(c.week_start + interval '7 day' as date)
from reporting.calendar c
union all
select 'month', c.calendar_day, c.month_start, cast(c.month_start + interval '1 month' as date)
from reporting.calendar c;
comment on view "reporting"."periods" is 'One row per calendar day and grain (day, week, month): the period that the day is in.';
comment on column "reporting"."periods"."period_end" is 'the first day after the period';
comment on column "reporting"."periods"."grain" is 'day, week or month';
comment on column "reporting"."periods"."calendar_day" is 'a day of the period';
comment on column "reporting"."periods"."period_start" is 'first day of the period';

create or replace view "reporting"."coverage" (
    "grain", "clock", "period_start", "org", "days_expected", "days_present", "is_over",
    "finality", "orgs_missing"
) as
with utc_days as (
    select
        c.clock, c.time_zone, d.org, d.day, d.is_covered, d.finality,
        cast(d.day as {instant}) as began_at,
        cast(d.day as {instant}) + interval '86399 second' as ended_at
    from reporting.org_days d
    join reporting.clocks c on c.org = d.org
),
touched as (
    select
        u.clock, u.time_zone, u.org, u.day, u.is_covered, u.finality,
        cast({local u.time_zone, u.began_at} as date) as local_day
    from utc_days u
    union
    select
        u.clock, u.time_zone, u.org, u.day, u.is_covered, u.finality,
        cast({local u.time_zone, u.ended_at} as date)
    from utc_days u
),
last_moment as (
    select cast(max(d.day) as {instant}) + interval '1 day' as loaded_to from reporting.org_days d
),
by_org as (
    select
        p.grain, t.clock, p.period_start, t.org,
        count(distinct t.day) as days_expected,
        count(distinct case when t.is_covered then t.day end) as days_present,
        cast(p.period_end as {instant}) <= {local t.time_zone, m.loaded_to} as is_over,
        min(case t.finality when 'final' then 2 when 'complete' then 1 else 0 end) as certainty
    from touched t
    join reporting.periods p on p.calendar_day = t.local_day
    cross join last_moment m
    group by p.grain, t.clock, p.period_start, p.period_end, t.org, t.time_zone, m.loaded_to
),
missing as (
    select
        b.grain, b.clock, b.period_start,
        {listed b.org} as orgs
    from by_org b
    where b.days_present < b.days_expected
    group by b.grain, b.clock, b.period_start
)
select
    b.grain, b.clock, b.period_start, b.org, b.days_expected, b.days_present, b.is_over,
    case
        when not b.is_over or b.certainty = 0 then 'provisional'
        when b.certainty = 1 then 'complete'
        else 'final'
    end,
    coalesce(m.orgs, '')
from by_org b
left join missing m
    on m.grain = b.grain and m.clock = b.clock and m.period_start = b.period_start;
comment on view "reporting"."coverage" is 'One row per grain, clock, period and organization: what its figures cover and how final they are.';
comment on column "reporting"."coverage"."clock" is 'UTC, a time zone, or org (each organization’s own time)';
comment on column "reporting"."coverage"."period_start" is 'first day of the period by that clock';
comment on column "reporting"."coverage"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."coverage"."days_present" is 'those of them that are loaded and rolled up';
comment on column "reporting"."coverage"."is_over" is 'false: part of the period is still to come';
comment on column "reporting"."coverage"."finality" is 'of the least final day; provisional where a day is missing or the period is not over';
comment on column "reporting"."coverage"."orgs_missing" is 'all organizations that lack a day of the period, not only this row’s; empty if none';
comment on column "reporting"."coverage"."grain" is 'day, week or month';
comment on column "reporting"."coverage"."org" is 'our key of the organization';
