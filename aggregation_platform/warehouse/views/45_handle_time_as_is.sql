-- Handle time by today's mapping, beside the mapping of its day. No sum changes by it.
-- The same as a pure function: rollups/handle_time.py, relabelled.
create or replace view "reporting"."handle_time_as_is" (
    "day", "interval_start", "org", "queue_id", "queue_name", "global_queue",
    "global_queue_as_was", "user_id", "global_agent_id", "global_agent_id_as_was", "media_type",
    "direction", "handled_count", "handle_ms", "talk_count", "talk_ms", "held_count", "held_ms",
    "acw_count", "acw_ms", "contacting_count", "contacting_ms", "dialing_count", "dialing_ms",
    "finality", "orgs_missing", "days_expected", "days_present"
) as
select
    h.day, h.interval_start, h.org, h.queue_id,
    coalesce(q.queue_name, case when h.queue_id = '(none)' then '(none)' else '(unmapped)' end),
    coalesce(q.global_queue, case when h.queue_id = '(none)' then '(none)' else '(unmapped)' end),
    h.global_queue, h.user_id,
    coalesce(a.global_agent_id, case when h.user_id = '(none)' then '(none)' else '(unmapped)' end),
    h.global_agent_id, h.media_type, h.direction, h.handled_count, h.handle_ms, h.talk_count,
    h.talk_ms, h.held_count, h.held_ms, h.acw_count, h.acw_ms, h.contacting_count,
    h.contacting_ms, h.dialing_count, h.dialing_ms, coalesce(c.finality, 'provisional'),
    coalesce(c.orgs_missing, ''), coalesce(c.days_expected, 0), coalesce(c.days_present, 0)
from rollups.handle_time h
left join identity.queues q
    on q.org = h.org and q.queue_id = h.queue_id
    and q.valid_from <= current_date and q.valid_to > current_date
left join identity.agents a
    on a.org = h.org and a.user_id = h.user_id
    and a.valid_from <= current_date and a.valid_to > current_date
left join reporting.coverage c
    on c.grain = 'day' and c.clock = 'UTC' and c.period_start = h.day and c.org = h.org;
comment on view "reporting"."handle_time_as_is" is 'One row per row of rollups.handle_time, under the names of today’s mapping.';
comment on column "reporting"."handle_time_as_is"."day" is 'UTC day';
comment on column "reporting"."handle_time_as_is"."interval_start" is 'half hour (UTC) of the emit time';
comment on column "reporting"."handle_time_as_is"."org" is 'our key of the organization';
comment on column "reporting"."handle_time_as_is"."queue_name" is 'as it is today';
comment on column "reporting"."handle_time_as_is"."global_queue" is 'by the mapping valid today; (none) without a queue, (unmapped) without a rule';
comment on column "reporting"."handle_time_as_is"."global_queue_as_was" is 'by the mapping valid on the day';
comment on column "reporting"."handle_time_as_is"."global_agent_id" is 'by the mapping valid today; (none) without an agent';
comment on column "reporting"."handle_time_as_is"."global_agent_id_as_was" is 'by the mapping valid on the day';
comment on column "reporting"."handle_time_as_is"."handled_count" is 'sessions with handle time (number of tHandle)';
comment on column "reporting"."handle_time_as_is"."handle_ms" is 'sum of tHandle, milliseconds';
comment on column "reporting"."handle_time_as_is"."queue_id" is 'the organization’s id of the queue; (none) without one';
comment on column "reporting"."handle_time_as_is"."user_id" is 'the organization’s id of the agent; (none) without one';
comment on column "reporting"."handle_time_as_is"."media_type" is 'voice, callback, message, …; (none) where the session has none';
comment on column "reporting"."handle_time_as_is"."direction" is 'inbound or outbound; (none) where the session has none';
comment on column "reporting"."handle_time_as_is"."talk_count" is 'sessions with talk (number of tTalkComplete)';
comment on column "reporting"."handle_time_as_is"."talk_ms" is 'sum of tTalkComplete, milliseconds';
comment on column "reporting"."handle_time_as_is"."held_count" is 'sessions with hold (number of tHeldComplete)';
comment on column "reporting"."handle_time_as_is"."held_ms" is 'sum of tHeldComplete, milliseconds';
comment on column "reporting"."handle_time_as_is"."acw_count" is 'sessions with after-call work (number of tAcw)';
comment on column "reporting"."handle_time_as_is"."acw_ms" is 'sum of tAcw, milliseconds';
comment on column "reporting"."handle_time_as_is"."contacting_count" is 'number of tContacting';
comment on column "reporting"."handle_time_as_is"."contacting_ms" is 'sum of tContacting, milliseconds';
comment on column "reporting"."handle_time_as_is"."dialing_count" is 'number of tDialing';
comment on column "reporting"."handle_time_as_is"."dialing_ms" is 'sum of tDialing, milliseconds';
comment on column "reporting"."handle_time_as_is"."finality" is 'of the row’s organization on the day: provisional, complete or final';
comment on column "reporting"."handle_time_as_is"."orgs_missing" is 'all organizations that lack the day; empty if none';
comment on column "reporting"."handle_time_as_is"."days_expected" is '1 if the organization should have the day';
comment on column "reporting"."handle_time_as_is"."days_present" is '1 if the day is in the figure';
