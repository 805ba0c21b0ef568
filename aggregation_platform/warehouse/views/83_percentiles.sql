-- The median and other percentiles of handle time by day, week and month (UTC), within 2 %.
-- For other slices or other percentiles see 46_handle_time_distribution.sql.
create or replace view "reporting"."percentiles_of_world" (
    "grain", "period_start", "handled_count", "p50_ms", "p90_ms", "p95_ms"
) as
with spread as (
    select p.grain, p.period_start, d.handle_ms, sum(d.handled_count) as session_count
    from reporting.handle_time_distribution d
    join reporting.periods p on p.calendar_day = d.day
    group by p.grain, p.period_start, d.handle_ms
),
reached as (
    select
        s.*,
        sum(s.session_count) over (partition by s.grain, s.period_start order by s.handle_ms) as so_far,
        sum(s.session_count) over (partition by s.grain, s.period_start) as handled_count
    from spread s
)
select
    r.grain, r.period_start, cast(max(r.handled_count) as {integer}),
    min(case when r.so_far >= 0.5 * r.handled_count then r.handle_ms end),
    min(case when r.so_far >= 0.9 * r.handled_count then r.handle_ms end),
    min(case when r.so_far >= 0.95 * r.handled_count then r.handle_ms end)
from reached r
group by r.grain, r.period_start;
comment on view "reporting"."percentiles_of_world" is 'One row per grain (day, week, month), UTC period: percentiles of handle time, within 2 %. Choose one grain.';
comment on column "reporting"."percentiles_of_world"."grain" is 'day, week or month. Choose one';
comment on column "reporting"."percentiles_of_world"."period_start" is 'first day of the period, UTC';
comment on column "reporting"."percentiles_of_world"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."percentiles_of_world"."p50_ms" is 'the median, within 2 %';
comment on column "reporting"."percentiles_of_world"."p90_ms" is 'nine of ten sessions are at most that long, within 2 %';
comment on column "reporting"."percentiles_of_world"."p95_ms" is '19 of 20 sessions are at most that long, within 2 %';

create or replace view "reporting"."percentiles_of_orgs" (
    "grain", "period_start", "org", "handled_count", "p50_ms", "p90_ms", "p95_ms"
) as
with spread as (
    select p.grain, p.period_start, d.org, d.handle_ms, sum(d.handled_count) as session_count
    from reporting.handle_time_distribution d
    join reporting.periods p on p.calendar_day = d.day
    group by p.grain, p.period_start, d.org, d.handle_ms
),
reached as (
    select
        s.*,
        sum(s.session_count) over (partition by s.grain, s.period_start, s.org order by s.handle_ms) as so_far,
        sum(s.session_count) over (partition by s.grain, s.period_start, s.org) as handled_count
    from spread s
)
select
    r.grain, r.period_start, r.org, cast(max(r.handled_count) as {integer}),
    min(case when r.so_far >= 0.5 * r.handled_count then r.handle_ms end),
    min(case when r.so_far >= 0.9 * r.handled_count then r.handle_ms end),
    min(case when r.so_far >= 0.95 * r.handled_count then r.handle_ms end)
from reached r
group by r.grain, r.period_start, r.org;
comment on view "reporting"."percentiles_of_orgs" is 'One row per grain (day, week, month), UTC period, organization: percentiles of handle time, within 2 %. Choose one grain.';
comment on column "reporting"."percentiles_of_orgs"."grain" is 'day, week or month. Choose one';
comment on column "reporting"."percentiles_of_orgs"."period_start" is 'first day of the period, UTC';
comment on column "reporting"."percentiles_of_orgs"."org" is 'our key of the organization';
comment on column "reporting"."percentiles_of_orgs"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."percentiles_of_orgs"."p50_ms" is 'the median, within 2 %';
comment on column "reporting"."percentiles_of_orgs"."p90_ms" is 'nine of ten sessions are at most that long, within 2 %';
comment on column "reporting"."percentiles_of_orgs"."p95_ms" is '19 of 20 sessions are at most that long, within 2 %';

create or replace view "reporting"."percentiles_of_global_queues" (
    "grain", "period_start", "global_queue", "handled_count", "p50_ms", "p90_ms", "p95_ms"
) as
with spread as (
    select p.grain, p.period_start, d.global_queue, d.handle_ms, sum(d.handled_count) as session_count
    from reporting.handle_time_distribution d
    join reporting.periods p on p.calendar_day = d.day
    group by p.grain, p.period_start, d.global_queue, d.handle_ms
),
reached as (
    select
        s.*,
        sum(s.session_count) over (partition by s.grain, s.period_start, s.global_queue order by s.handle_ms) as so_far,
        sum(s.session_count) over (partition by s.grain, s.period_start, s.global_queue) as handled_count
    from spread s
)
select
    r.grain, r.period_start, r.global_queue, cast(max(r.handled_count) as {integer}),
    min(case when r.so_far >= 0.5 * r.handled_count then r.handle_ms end),
    min(case when r.so_far >= 0.9 * r.handled_count then r.handle_ms end),
    min(case when r.so_far >= 0.95 * r.handled_count then r.handle_ms end)
from reached r
group by r.grain, r.period_start, r.global_queue;
comment on view "reporting"."percentiles_of_global_queues" is 'One row per grain (day, week, month), UTC period, global queue: percentiles of handle time, within 2 %. Choose one grain.';
comment on column "reporting"."percentiles_of_global_queues"."grain" is 'day, week or month. Choose one';
comment on column "reporting"."percentiles_of_global_queues"."period_start" is 'first day of the period, UTC';
comment on column "reporting"."percentiles_of_global_queues"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."percentiles_of_global_queues"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."percentiles_of_global_queues"."p50_ms" is 'the median, within 2 %';
comment on column "reporting"."percentiles_of_global_queues"."p90_ms" is 'nine of ten sessions are at most that long, within 2 %';
comment on column "reporting"."percentiles_of_global_queues"."p95_ms" is '19 of 20 sessions are at most that long, within 2 %';
