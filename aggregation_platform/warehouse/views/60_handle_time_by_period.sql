-- AHT by day, week or month of any clock: the ground of the views after it.
create or replace view "reporting"."handle_time_by_local_period" (
    "grain", "clock", "period_start", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
with sums as (
    select
        p.grain, h.clock, p.period_start, h.org, h.global_queue, h.global_agent_id, h.media_type,
        h.direction,
        cast(sum(h.handled_count) as {integer}) as handled_count,
        cast(sum(h.handle_ms) as {integer}) as handle_ms
    from reporting.local_half_hours h
    join reporting.periods p on p.calendar_day = h.local_day
    group by
        p.grain, h.clock, p.period_start, h.org, h.global_queue, h.global_agent_id, h.media_type,
        h.direction
)
select
    s.grain, s.clock, s.period_start, s.org, s.global_queue, s.global_agent_id, s.media_type,
    s.direction, s.handled_count, s.handle_ms,
    case when s.handled_count > 0 then
        cast(
            (2 * s.handle_ms + s.handled_count - mod(2 * s.handle_ms + s.handled_count, 2 * s.handled_count))
            / (2 * s.handled_count) as {integer}
        )
    end,
    coalesce(c.finality, 'provisional'), coalesce(c.orgs_missing, ''),
    coalesce(c.days_expected, 0), coalesce(c.days_present, 0)
from sums s
left join reporting.coverage c
    on c.grain = s.grain and c.clock = s.clock and c.period_start = s.period_start
    and c.org = s.org;
comment on view "reporting"."handle_time_by_local_period" is 'One row per grain (day, week, month), clock, period, organization, global queue, global agent, media type and direction. Choose one grain and one clock.';
comment on column "reporting"."handle_time_by_local_period"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."handle_time_by_local_period"."grain" is 'day, week or month';
comment on column "reporting"."handle_time_by_local_period"."period_start" is 'first day of the period by that clock';
comment on column "reporting"."handle_time_by_local_period"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_local_period"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_local_period"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_local_period"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_local_period"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_local_period"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_local_period"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_local_period"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_local_period"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_local_period"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_local_period"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_local_period"."direction" is 'inbound or outbound; (none) where the session has none';
