-- AHT by month, by any clock and in UTC.
create or replace view "reporting"."handle_time_by_local_month" (
    "clock", "month_start", "fiscal_year", "fiscal_month", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
select
    h.clock, h.period_start, k.fiscal_year, k.fiscal_month, h.org, h.global_queue, h.global_agent_id, h.media_type, h.direction,
    h.handled_count, h.handle_ms, h.aht_ms, h.finality, h.orgs_missing, h.days_expected,
    h.days_present
from reporting.handle_time_by_local_period h
join reporting.calendar k on k.calendar_day = h.period_start
where h.grain = 'month';
comment on view "reporting"."handle_time_by_local_month" is 'One row per clock, local month, organization, global queue, global agent, media type and direction. Choose one clock.';
comment on column "reporting"."handle_time_by_local_month"."clock" is 'UTC, a time zone, or org (each organization’s own time). Choose one: every clock counts the same sessions';
comment on column "reporting"."handle_time_by_local_month"."month_start" is 'first day of the month by that clock';
comment on column "reporting"."handle_time_by_local_month"."fiscal_year" is 'named for the year in which it ends';
comment on column "reporting"."handle_time_by_local_month"."fiscal_month" is 'month of the fiscal year, from 1';
comment on column "reporting"."handle_time_by_local_month"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_local_month"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_local_month"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_local_month"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_local_month"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_local_month"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_local_month"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_local_month"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_local_month"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_local_month"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_local_month"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_local_month"."direction" is 'inbound or outbound; (none) where the session has none';

create or replace view "reporting"."handle_time_by_month" (
    "month_start", "fiscal_year", "fiscal_month", "org", "global_queue", "global_agent_id", "media_type", "direction",
    "handled_count", "handle_ms", "aht_ms", "finality", "orgs_missing", "days_expected",
    "days_present"
) as
select
    h.period_start, k.fiscal_year, k.fiscal_month, h.org, h.global_queue, h.global_agent_id, h.media_type, h.direction,
    h.handled_count, h.handle_ms, h.aht_ms, h.finality, h.orgs_missing, h.days_expected,
    h.days_present
from reporting.handle_time_by_local_period h
join reporting.calendar k on k.calendar_day = h.period_start
where h.grain = 'month' and h.clock = 'UTC';
comment on view "reporting"."handle_time_by_month" is 'One row per UTC month, organization, global queue, global agent, media type and direction.';
comment on column "reporting"."handle_time_by_month"."month_start" is 'first day of the month, UTC';
comment on column "reporting"."handle_time_by_month"."fiscal_year" is 'named for the year in which it ends';
comment on column "reporting"."handle_time_by_month"."fiscal_month" is 'month of the fiscal year, from 1';
comment on column "reporting"."handle_time_by_month"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_by_month"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_by_month"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_by_month"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_by_month"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_by_month"."aht_ms" is 'handle_ms divided by handled_count, to the nearest millisecond; for any coarser figure divide the sums, never average this';
comment on column "reporting"."handle_time_by_month"."finality" is 'of the row’s organization in the period: provisional, complete or final';
comment on column "reporting"."handle_time_by_month"."orgs_missing" is 'all organizations that lack a day of the period; empty if none';
comment on column "reporting"."handle_time_by_month"."days_expected" is 'UTC days of the organization that the period touches, as far as days were rolled up';
comment on column "reporting"."handle_time_by_month"."days_present" is 'those of them that are in the figure';
comment on column "reporting"."handle_time_by_month"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_by_month"."direction" is 'inbound or outbound; (none) where the session has none';
