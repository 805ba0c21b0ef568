-- AHT by day, by any clock and in UTC.
create or replace view "reporting"."handle_time_by_local_day" (
    "clock", "day", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
select
    h.clock, h.period_start, h.org, h.global_queue, h.global_agent_id, h.media_type, h.direction,
    h.handled_count, h.handle_ms, h.aht_ms, h.finality, h.orgs_missing, h.days_expected,
    h.days_present
from reporting.handle_time_by_local_period h
where h.grain = 'day';
comment on view "reporting"."handle_time_by_local_day" is 'One row per clock, local day, organization, global queue, global agent, media type and direction. Choose one clock.';
comment on column "reporting"."handle_time_by_local_day"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."handle_time_by_local_day"."day" is 'calendar day by that clock';
comment on column "reporting"."handle_time_by_local_day"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_local_day"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_local_day"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_local_day"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_local_day"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_local_day"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_local_day"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_local_day"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_local_day"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_local_day"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_local_day"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_local_day"."direction" is 'inbound or outbound; (none) where the session has none';

create or replace view "reporting"."handle_time_by_day" (
    "day", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
select
    h.period_start, h.org, h.global_queue, h.global_agent_id, h.media_type, h.direction,
    h.handled_count, h.handle_ms, h.aht_ms, h.finality, h.orgs_missing, h.days_expected,
    h.days_present
from reporting.handle_time_by_local_period h
where h.grain = 'day' and h.clock = 'UTC';
comment on view "reporting"."handle_time_by_day" is 'One row per UTC day, organization, global queue, global agent, media type and direction.';
comment on column "reporting"."handle_time_by_day"."day" is 'calendar day, UTC';
comment on column "reporting"."handle_time_by_day"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_day"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_day"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_day"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_day"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_day"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_day"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_day"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_day"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_day"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_day"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_day"."direction" is 'inbound or outbound; (none) where the session has none';
