-- What a figure of all organizations covers: as final as the least final of them.
create or replace view "reporting"."coverage_of_world" (
    "grain", "clock", "period_start", "finality", "orgs_missing"
) as
select
    c.grain, c.clock, c.period_start,
    case min(case c.finality when 'final' then 2 when 'complete' then 1 else 0 end)
        when 2 then 'final' when 1 then 'complete' else 'provisional'
    end,
    max(c.orgs_missing)
from reporting.coverage c
group by c.grain, c.clock, c.period_start;
comment on view "reporting"."coverage_of_world" is 'One row per grain, clock and period: how final a figure of all organizations is, and which of them are missing.';
comment on column "reporting"."coverage_of_world"."grain" is 'day, week or month. Choose one';
comment on column "reporting"."coverage_of_world"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."coverage_of_world"."period_start" is 'first day of the period by that clock';
comment on column "reporting"."coverage_of_world"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."coverage_of_world"."orgs_missing" is 'organizations that miss a day of the period; empty if none';

-- AHT of all organizations together by day, week and month: nothing is left to add up or to judge.
create or replace view "reporting"."aht_of_world_by_local_period" (
    "grain", "clock", "period_start", "handled_count", "handle_ms", "aht_ms", "aht_seconds",
    "finality", "orgs_missing"
) as
with figures (grain, clock, period_start, handled_count, handle_ms, finality, orgs_missing) as (
    select
        c.grain, c.clock, c.period_start, coalesce(s.handled_count, 0), coalesce(s.handle_ms, 0),
        c.finality, c.orgs_missing
    from reporting.coverage_of_world c
    left join (
        select
            h.grain, h.clock, h.period_start,
            cast(sum(h.handled_count) as {integer}) as handled_count,
            cast(sum(h.handle_ms) as {integer}) as handle_ms
        from reporting.handle_time_by_local_period h
        group by h.grain, h.clock, h.period_start
    ) s on s.grain = c.grain and s.clock = c.clock and s.period_start = c.period_start
),
averages as (
    select
        f.*,
        case when f.handled_count > 0 then
            cast(
                (2 * f.handle_ms + f.handled_count - mod(2 * f.handle_ms + f.handled_count, 2 * f.handled_count))
                / (2 * f.handled_count) as {integer}
            )
        end as aht_ms
    from figures f
)
select
    a.grain, a.clock, a.period_start, a.handled_count, a.handle_ms,
    a.aht_ms, cast(a.aht_ms as {float}) / 1000, a.finality, a.orgs_missing
from averages a;
comment on view "reporting"."aht_of_world_by_local_period" is 'One row per grain (day, week, month), clock, period. Choose one grain and one clock.';
comment on column "reporting"."aht_of_world_by_local_period"."grain" is 'day, week or month. Choose one';
comment on column "reporting"."aht_of_world_by_local_period"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."aht_of_world_by_local_period"."period_start" is 'first day of the period by that clock';
comment on column "reporting"."aht_of_world_by_local_period"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."aht_of_world_by_local_period"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."aht_of_world_by_local_period"."aht_ms" is 'handle_ms divided by handled_count, divided last, to the nearest millisecond; null where nothing was handled';
comment on column "reporting"."aht_of_world_by_local_period"."aht_seconds" is 'the same in seconds';
comment on column "reporting"."aht_of_world_by_local_period"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."aht_of_world_by_local_period"."orgs_missing" is 'organizations that miss a day of the period; empty if none';

create or replace view "reporting"."aht_of_world_by_local_day" (
    "clock", "day", "handled_count", "handle_ms", "aht_ms", "aht_seconds", "finality",
    "orgs_missing"
) as
select
    p.clock, p.period_start, p.handled_count, p.handle_ms, p.aht_ms, p.aht_seconds, p.finality,
    p.orgs_missing
from reporting.aht_of_world_by_local_period p
where p.grain = 'day';
comment on view "reporting"."aht_of_world_by_local_day" is 'One row per clock, local day: AHT, how final it is and who is missing. Choose one clock.';
comment on column "reporting"."aht_of_world_by_local_day"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."aht_of_world_by_local_day"."day" is 'calendar day by that clock';
comment on column "reporting"."aht_of_world_by_local_day"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."aht_of_world_by_local_day"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."aht_of_world_by_local_day"."aht_ms" is 'handle_ms divided by handled_count, divided last, to the nearest millisecond; null where nothing was handled';
comment on column "reporting"."aht_of_world_by_local_day"."aht_seconds" is 'the same in seconds';
comment on column "reporting"."aht_of_world_by_local_day"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."aht_of_world_by_local_day"."orgs_missing" is 'organizations that miss a day of the period; empty if none';

create or replace view "reporting"."aht_of_world_by_day" (
    "day", "handled_count", "handle_ms", "aht_ms", "aht_seconds", "finality", "orgs_missing"
) as
select
    p.period_start, p.handled_count, p.handle_ms, p.aht_ms, p.aht_seconds, p.finality,
    p.orgs_missing
from reporting.aht_of_world_by_local_period p
where p.grain = 'day' and p.clock = 'UTC';
comment on view "reporting"."aht_of_world_by_day" is 'One row per UTC day: AHT, how final it is and who is missing.';
comment on column "reporting"."aht_of_world_by_day"."day" is 'calendar day, UTC';
comment on column "reporting"."aht_of_world_by_day"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."aht_of_world_by_day"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."aht_of_world_by_day"."aht_ms" is 'handle_ms divided by handled_count, divided last, to the nearest millisecond; null where nothing was handled';
comment on column "reporting"."aht_of_world_by_day"."aht_seconds" is 'the same in seconds';
comment on column "reporting"."aht_of_world_by_day"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."aht_of_world_by_day"."orgs_missing" is 'organizations that miss a day of the period; empty if none';

create or replace view "reporting"."aht_of_world_by_local_week" (
    "clock", "week_start", "iso_year", "iso_week", "handled_count", "handle_ms", "aht_ms",
    "aht_seconds", "finality", "orgs_missing"
) as
select
    p.clock, p.period_start, k.iso_year, k.iso_week, p.handled_count, p.handle_ms, p.aht_ms,
    p.aht_seconds, p.finality, p.orgs_missing
from reporting.aht_of_world_by_local_period p
join reporting.calendar k on k.calendar_day = p.period_start
where p.grain = 'week';
comment on view "reporting"."aht_of_world_by_local_week" is 'One row per clock, local week: AHT, how final it is and who is missing. Choose one clock.';
comment on column "reporting"."aht_of_world_by_local_week"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."aht_of_world_by_local_week"."week_start" is 'Monday of the week by that clock';
comment on column "reporting"."aht_of_world_by_local_week"."iso_year" is 'year of the ISO week';
comment on column "reporting"."aht_of_world_by_local_week"."iso_week" is 'ISO week, from Monday';
comment on column "reporting"."aht_of_world_by_local_week"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."aht_of_world_by_local_week"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."aht_of_world_by_local_week"."aht_ms" is 'handle_ms divided by handled_count, divided last, to the nearest millisecond; null where nothing was handled';
comment on column "reporting"."aht_of_world_by_local_week"."aht_seconds" is 'the same in seconds';
comment on column "reporting"."aht_of_world_by_local_week"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."aht_of_world_by_local_week"."orgs_missing" is 'organizations that miss a day of the period; empty if none';

create or replace view "reporting"."aht_of_world_by_week" (
    "week_start", "iso_year", "iso_week", "handled_count", "handle_ms", "aht_ms", "aht_seconds",
    "finality", "orgs_missing"
) as
select
    p.period_start, k.iso_year, k.iso_week, p.handled_count, p.handle_ms, p.aht_ms, p.aht_seconds,
    p.finality, p.orgs_missing
from reporting.aht_of_world_by_local_period p
join reporting.calendar k on k.calendar_day = p.period_start
where p.grain = 'week' and p.clock = 'UTC';
comment on view "reporting"."aht_of_world_by_week" is 'One row per UTC week: AHT, how final it is and who is missing.';
comment on column "reporting"."aht_of_world_by_week"."week_start" is 'Monday of the week, UTC';
comment on column "reporting"."aht_of_world_by_week"."iso_year" is 'year of the ISO week';
comment on column "reporting"."aht_of_world_by_week"."iso_week" is 'ISO week, from Monday';
comment on column "reporting"."aht_of_world_by_week"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."aht_of_world_by_week"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."aht_of_world_by_week"."aht_ms" is 'handle_ms divided by handled_count, divided last, to the nearest millisecond; null where nothing was handled';
comment on column "reporting"."aht_of_world_by_week"."aht_seconds" is 'the same in seconds';
comment on column "reporting"."aht_of_world_by_week"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."aht_of_world_by_week"."orgs_missing" is 'organizations that miss a day of the period; empty if none';

create or replace view "reporting"."aht_of_world_by_local_month" (
    "clock", "month_start", "handled_count", "handle_ms", "aht_ms", "aht_seconds", "finality",
    "orgs_missing"
) as
select
    p.clock, p.period_start, p.handled_count, p.handle_ms, p.aht_ms, p.aht_seconds, p.finality,
    p.orgs_missing
from reporting.aht_of_world_by_local_period p
where p.grain = 'month';
comment on view "reporting"."aht_of_world_by_local_month" is 'One row per clock, local month: AHT, how final it is and who is missing. Choose one clock.';
comment on column "reporting"."aht_of_world_by_local_month"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."aht_of_world_by_local_month"."month_start" is 'first day of the month by that clock';
comment on column "reporting"."aht_of_world_by_local_month"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."aht_of_world_by_local_month"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."aht_of_world_by_local_month"."aht_ms" is 'handle_ms divided by handled_count, divided last, to the nearest millisecond; null where nothing was handled';
comment on column "reporting"."aht_of_world_by_local_month"."aht_seconds" is 'the same in seconds';
comment on column "reporting"."aht_of_world_by_local_month"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."aht_of_world_by_local_month"."orgs_missing" is 'organizations that miss a day of the period; empty if none';

create or replace view "reporting"."aht_of_world_by_month" (
    "month_start", "handled_count", "handle_ms", "aht_ms", "aht_seconds", "finality",
    "orgs_missing"
) as
select
    p.period_start, p.handled_count, p.handle_ms, p.aht_ms, p.aht_seconds, p.finality,
    p.orgs_missing
from reporting.aht_of_world_by_local_period p
where p.grain = 'month' and p.clock = 'UTC';
comment on view "reporting"."aht_of_world_by_month" is 'One row per UTC month: AHT, how final it is and who is missing.';
comment on column "reporting"."aht_of_world_by_month"."month_start" is 'first day of the month, UTC';
comment on column "reporting"."aht_of_world_by_month"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."aht_of_world_by_month"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."aht_of_world_by_month"."aht_ms" is 'handle_ms divided by handled_count, divided last, to the nearest millisecond; null where nothing was handled';
comment on column "reporting"."aht_of_world_by_month"."aht_seconds" is 'the same in seconds';
comment on column "reporting"."aht_of_world_by_month"."finality" is 'provisional, complete or final: that of the least final organization and day; provisional where one is missing or the period is not over';
comment on column "reporting"."aht_of_world_by_month"."orgs_missing" is 'organizations that miss a day of the period; empty if none';
