-- How handle times are spread, for the median or any percentile of any slice without the facts:
--
--   select global_queue, min(handle_ms) as median_ms from (
--       select global_queue, handle_ms,
--           sum(sum(handled_count)) over (partition by global_queue order by handle_ms) as reached,
--           sum(sum(handled_count)) over (partition by global_queue) as handled_count
--       from reporting.handle_time_distribution
--       where day between '2026-01-05' and '2026-01-11'
--       group by global_queue, handle_ms
--   ) slices
--   where reached >= 0.5 * handled_count
--   group by global_queue
--
-- The same as a pure function: rollups/sketches.py, quantiles. `aht --percentiles 50` asks it.
create or replace view "reporting"."handle_time_distribution" (
    "day", "interval_start", "org", "queue_id", "queue_name", "global_queue", "user_id",
    "global_agent_id", "media_type", "direction", "handle_ms", "handled_count", "finality",
    "orgs_missing", "days_expected", "days_present"
) as
select
    s.day, s.interval_start, s.org, s.queue_id, s.queue_name, s.global_queue, s.user_id,
    s.global_agent_id, s.media_type, s.direction,
    case when s.bucket > 0
        then cast(round(power(1.02e0 / 0.98e0, s.bucket - 1) * 0.98e0) as {integer})
        else 0
    end,
    s.handled_count, coalesce(c.finality, 'provisional'), coalesce(c.orgs_missing, ''),
    coalesce(c.days_expected, 0), coalesce(c.days_present, 0)
from rollups.handle_time_sketches s
left join reporting.coverage c
    on c.grain = 'day' and c.clock = 'UTC' and c.period_start = s.day and c.org = s.org;
comment on view "reporting"."handle_time_distribution" is 'One row per cell of handle time and length of it, to within 2 %: counts of sessions, for percentiles of any slice. For sums and averages take the other views.';
comment on column "reporting"."handle_time_distribution"."day" is 'UTC day';
comment on column "reporting"."handle_time_distribution"."interval_start" is 'half hour (UTC) of the emit time';
comment on column "reporting"."handle_time_distribution"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_distribution"."queue_id" is 'the organization’s id of the queue; (none) without one';
comment on column "reporting"."handle_time_distribution"."queue_name" is 'as it was on the day';
comment on column "reporting"."handle_time_distribution"."global_queue" is 'by the mapping valid on the day; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_distribution"."user_id" is 'the organization’s id of the agent; (none) without one';
comment on column "reporting"."handle_time_distribution"."global_agent_id" is 'by the mapping valid on the day; (none) without an agent';
comment on column "reporting"."handle_time_distribution"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_distribution"."direction" is 'inbound or outbound; (none) where the session has none';
comment on column "reporting"."handle_time_distribution"."handle_ms" is 'handle time of these sessions, each within 2 % of it, milliseconds';
comment on column "reporting"."handle_time_distribution"."handled_count" is 'sessions with about that handle time';
comment on column "reporting"."handle_time_distribution"."finality" is 'of the row’s organization on the day: provisional, complete or final';
comment on column "reporting"."handle_time_distribution"."orgs_missing" is 'all organizations that lack the day; empty if none';
comment on column "reporting"."handle_time_distribution"."days_expected" is '1 if the organization should have the day';
comment on column "reporting"."handle_time_distribution"."days_present" is '1 if the day is in the figure';
