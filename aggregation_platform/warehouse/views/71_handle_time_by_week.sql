-- AHT by week, by any clock and in UTC.
create or replace view "reporting"."handle_time_by_local_week" (
    "clock", "week_start", "iso_year", "iso_week", "fiscal_week_year", "fiscal_week", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
select
    h.clock, h.period_start, k.iso_year, k.iso_week, k.fiscal_week_year, k.fiscal_week, h.org, h.global_queue, h.global_agent_id, h.media_type, h.direction,
    h.handled_count, h.handle_ms, h.aht_ms, h.finality, h.orgs_missing, h.days_expected,
    h.days_present
from reporting.handle_time_by_local_period h
join reporting.calendar k on k.calendar_day = h.period_start
where h.grain = 'week';
comment on view "reporting"."handle_time_by_local_week" is 'One row per clock, local week, organization, global queue, global agent, media type and direction. Choose one clock.';
comment on column "reporting"."handle_time_by_local_week"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."handle_time_by_local_week"."week_start" is 'Monday of the week by that clock';
comment on column "reporting"."handle_time_by_local_week"."iso_year" is 'year of the ISO week';
comment on column "reporting"."handle_time_by_local_week"."iso_week" is 'ISO week, from Monday';
comment on column "reporting"."handle_time_by_local_week"."fiscal_week_year" is 'fiscal year of the week, named for the year in which it ends';
comment on column "reporting"."handle_time_by_local_week"."fiscal_week" is 'week of that fiscal year; week 1 is that of the first Thursday of its first month';
comment on column "reporting"."handle_time_by_local_week"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_local_week"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_local_week"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_local_week"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_local_week"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_local_week"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_local_week"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_local_week"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_local_week"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_local_week"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_local_week"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_local_week"."direction" is 'inbound or outbound; (none) where the session has none';

create or replace view "reporting"."handle_time_by_week" (
    "week_start", "iso_year", "iso_week", "fiscal_week_year", "fiscal_week", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
select
    h.period_start, k.iso_year, k.iso_week, k.fiscal_week_year, k.fiscal_week, h.org, h.global_queue, h.global_agent_id, h.media_type, h.direction,
    h.handled_count, h.handle_ms, h.aht_ms, h.finality, h.orgs_missing, h.days_expected,
    h.days_present
from reporting.handle_time_by_local_period h
join reporting.calendar k on k.calendar_day = h.period_start
where h.grain = 'week' and h.clock = 'UTC';
comment on view "reporting"."handle_time_by_week" is 'One row per UTC week, organization, global queue, global agent, media type and direction.';
comment on column "reporting"."handle_time_by_week"."week_start" is 'Monday of the week, UTC';
comment on column "reporting"."handle_time_by_week"."iso_year" is 'year of the ISO week';
comment on column "reporting"."handle_time_by_week"."iso_week" is 'ISO week, from Monday';
comment on column "reporting"."handle_time_by_week"."fiscal_week_year" is 'fiscal year of the week, named for the year in which it ends';
comment on column "reporting"."handle_time_by_week"."fiscal_week" is 'week of that fiscal year; week 1 is that of the first Thursday of its first month';
comment on column "reporting"."handle_time_by_week"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_week"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_week"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_week"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_week"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_week"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_week"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_week"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_week"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_week"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_week"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_week"."direction" is 'inbound or outbound; (none) where the session has none';
