-- Handle time by half hour, by every clock: the ground of the views by local time.
create or replace view "reporting"."local_half_hours" (
    "clock", "org", "day", "interval_start", "local_start", "utc_offset_minutes", "local_hour",
    "local_day", "global_queue", "global_agent_id", "media_type", "direction", "handled_count",
    "handle_ms"
) as
with placed as (
    select c.clock, h.*, {local c.time_zone, h.interval_start} as local_start
    from rollups.handle_time h
    join reporting.clocks c on c.org = h.org
)
select
    p.clock, p.org, p.day, p.interval_start, p.local_start,
    datediff('minute', p.interval_start, p.local_start),
    date_trunc('hour', p.local_start),
    cast(p.local_start as date),
    p.global_queue, p.global_agent_id, p.media_type, p.direction, p.handled_count, p.handle_ms
from placed p;
comment on view "reporting"."local_half_hours" is 'One row per clock and row of rollups.handle_time. Choose one clock: every clock counts the same sessions.';
comment on column "reporting"."local_half_hours"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."local_half_hours"."day" is 'UTC day';
comment on column "reporting"."local_half_hours"."interval_start" is 'UTC';
comment on column "reporting"."local_half_hours"."local_start" is 'the same instant on the clock’s wall';
comment on column "reporting"."local_half_hours"."utc_offset_minutes" is 'local minus UTC; tells the two hours apart that bear one name when clocks are set back';
comment on column "reporting"."local_half_hours"."org" is 'our key of the organization';
comment on column "reporting"."local_half_hours"."local_hour" is 'start of the hour on the clock’s wall';
comment on column "reporting"."local_half_hours"."local_day" is 'day by that clock';
comment on column "reporting"."local_half_hours"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."local_half_hours"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."local_half_hours"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."local_half_hours"."direction" is 'inbound or outbound; (none) where the session has none';
comment on column "reporting"."local_half_hours"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."local_half_hours"."handle_ms" is 'sum of tHandle, milliseconds';
