-- AHT by hour. When clocks are set back, two rows bear the same local hour and differ in
-- utc_offset_minutes; when they are set forward, one local hour has no row.
create or replace view "reporting"."handle_time_by_local_hour" (
    "clock", "local_hour", "utc_offset_minutes", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
with sums as (
    select
        h.clock, h.local_hour, h.utc_offset_minutes, h.local_day, h.org, h.global_queue,
        h.global_agent_id, h.media_type, h.direction,
        cast(sum(h.handled_count) as {integer}) as handled_count,
        cast(sum(h.handle_ms) as {integer}) as handle_ms
    from reporting.local_half_hours h
    group by
        h.clock, h.local_hour, h.utc_offset_minutes, h.local_day, h.org, h.global_queue,
        h.global_agent_id, h.media_type, h.direction
)
select
    s.clock, s.local_hour, s.utc_offset_minutes, s.org, s.global_queue, s.global_agent_id,
    s.media_type, s.direction, s.handled_count, s.handle_ms,
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
    on c.grain = 'day' and c.clock = s.clock and c.period_start = s.local_day and c.org = s.org;
comment on view "reporting"."handle_time_by_local_hour" is 'One row per clock, local hour, organization, global queue, global agent, media type and direction. Choose one clock. Finality and completeness are those of the local day.';
comment on column "reporting"."handle_time_by_local_hour"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."handle_time_by_local_hour"."local_hour" is 'start of the hour on the clock’s wall';
comment on column "reporting"."handle_time_by_local_hour"."utc_offset_minutes" is 'local minus UTC; tells the two hours apart that bear one name when clocks are set back';
comment on column "reporting"."handle_time_by_local_hour"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_local_hour"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_local_hour"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_local_hour"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_local_hour"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_local_hour"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_local_hour"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_local_hour"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_local_hour"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_local_hour"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_local_hour"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_local_hour"."direction" is 'inbound or outbound; (none) where the session has none';

create or replace view "reporting"."handle_time_by_hour" (
    "hour_start", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
select
    h.local_hour, h.org, h.global_queue, h.global_agent_id, h.media_type, h.direction,
    h.handled_count, h.handle_ms, h.aht_ms, h.finality, h.orgs_missing, h.days_expected,
    h.days_present
from reporting.handle_time_by_local_hour h
where h.clock = 'UTC';
comment on view "reporting"."handle_time_by_hour" is 'One row per hour (UTC), organization, global queue, global agent, media type and direction.';
comment on column "reporting"."handle_time_by_hour"."hour_start" is 'start of the hour, UTC';
comment on column "reporting"."handle_time_by_hour"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_hour"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_hour"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_hour"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_hour"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_hour"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_hour"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_hour"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_hour"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_hour"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_hour"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_hour"."direction" is 'inbound or outbound; (none) where the session has none';
