-- Sums and counts by half hour. Written from rollups/tables.py.
create schema if not exists "rollups";
create table if not exists "rollups"."handle_time" (
    "day" {date},
    "interval_start" {instant},
    "org" {text},
    "queue_id" {text},
    "queue_name" {text},
    "global_queue" {text},
    "media_type" {text},
    "direction" {text},
    "user_id" {text},
    "global_agent_id" {text},
    "handled_count" {integer},
    "handle_ms" {integer},
    "talk_count" {integer},
    "talk_ms" {integer},
    "held_count" {integer},
    "held_ms" {integer},
    "acw_count" {integer},
    "acw_ms" {integer},
    "contacting_count" {integer},
    "contacting_ms" {integer},
    "dialing_count" {integer},
    "dialing_ms" {integer}
);
comment on table "rollups"."handle_time" is 'One row per half hour (UTC), org, queue, agent, media type and direction with handle time.

Each metric counts in the half hour in which it was emitted, so talk may stand in an earlier
row than the handle time that it is a part of. The average of a part divides by the part’s own
count. Names and global members follow from the ids on the day.';
comment on column "rollups"."handle_time"."interval_start" is 'half hour (UTC) of the emit time';
comment on column "rollups"."handle_time"."queue_name" is 'as it was on the day';
comment on column "rollups"."handle_time"."global_queue" is 'by the mapping valid on the day';
comment on column "rollups"."handle_time"."global_agent_id" is 'by the mapping valid on the day';
comment on column "rollups"."handle_time"."handled_count" is 'number of tHandle';
comment on column "rollups"."handle_time"."handle_ms" is 'sum of tHandle; never recomputed from its parts';
comment on column "rollups"."handle_time"."talk_count" is 'number of tTalkComplete: sessions with talk';
comment on column "rollups"."handle_time"."held_count" is 'number of tHeldComplete: sessions with hold';
create table if not exists "rollups"."handle_time_sketches" (
    "day" {date},
    "interval_start" {instant},
    "org" {text},
    "queue_id" {text},
    "queue_name" {text},
    "global_queue" {text},
    "media_type" {text},
    "direction" {text},
    "user_id" {text},
    "global_agent_id" {text},
    "bucket" {integer},
    "handled_count" {integer}
);
comment on table "rollups"."handle_time_sketches" is 'One row per cell of `handle_time` and bucket of handle times: additive, for medians.

Bucket 0 holds handle times of 0 ms; bucket i the times in (g^(i-2), g^(i-1)] ms with
g = 1.02 / 0.98, so that a quantile read from the buckets is within 2 % of the true one.';
comment on column "rollups"."handle_time_sketches"."interval_start" is 'half hour (UTC) of the emit time';
comment on column "rollups"."handle_time_sketches"."queue_name" is 'as it was on the day';
comment on column "rollups"."handle_time_sketches"."global_queue" is 'by the mapping valid on the day';
create table if not exists "rollups"."queue_intervals" (
    "day" {date},
    "interval_start" {instant},
    "org" {text},
    "queue_id" {text},
    "queue_name" {text},
    "global_queue" {text},
    "media_type" {text},
    "direction" {text},
    "offered_count" {integer},
    "answered_count" {integer},
    "answered_ms" {integer},
    "abandoned_count" {integer},
    "abandoned_ms" {integer},
    "short_abandoned_count" {integer},
    "flowed_out_count" {integer},
    "transferred_count" {integer},
    "blind_transferred_count" {integer},
    "consult_transferred_count" {integer},
    "over_sla_count" {integer},
    "not_responding_count" {integer},
    "acd_count" {integer},
    "acd_ms" {integer}
);
comment on table "rollups"."queue_intervals" is 'One row per half hour (UTC), org, queue, media type and direction in which a queue moved.

Service level is not here: the source’s denominator is not the number offered.';
comment on column "rollups"."queue_intervals"."interval_start" is 'half hour (UTC) of the emit time';
comment on column "rollups"."queue_intervals"."queue_name" is 'as it was on the day';
comment on column "rollups"."queue_intervals"."global_queue" is 'by the mapping valid on the day';
comment on column "rollups"."queue_intervals"."offered_count" is 'nOffered';
comment on column "rollups"."queue_intervals"."answered_count" is 'number of tAnswered';
comment on column "rollups"."queue_intervals"."answered_ms" is 'wait until answered';
comment on column "rollups"."queue_intervals"."abandoned_count" is 'number of tAbandon, short ones included';
comment on column "rollups"."queue_intervals"."abandoned_ms" is 'wait until abandoned';
comment on column "rollups"."queue_intervals"."short_abandoned_count" is 'number of tShortAbandon';
comment on column "rollups"."queue_intervals"."flowed_out_count" is 'number of tFlowOut';
comment on column "rollups"."queue_intervals"."transferred_count" is 'nTransferred: blind and consult';
comment on column "rollups"."queue_intervals"."over_sla_count" is 'nOverSla';
comment on column "rollups"."queue_intervals"."not_responding_count" is 'number of tNotResponding';
comment on column "rollups"."queue_intervals"."acd_count" is 'number of tAcd';
comment on column "rollups"."queue_intervals"."acd_ms" is 'time waited in the queue';
create table if not exists "rollups"."journey_days" (
    "day" {date},
    "org" {text},
    "contact_count" {integer},
    "cross_org_contact_count" {integer},
    "leg_count" {integer},
    "conversation_count" {integer},
    "handled_count" {integer},
    "handle_ms" {integer}
);
comment on table "rollups"."journey_days" is 'One row per day and org: customer contacts against conversations.

A contact counts once, on the day and in the org of its first leg, so the world is the sum
over orgs. `leg_count` counts the conversations of those contacts, in whichever org and on
whichever day; `conversation_count` those that the org itself saw begin on the day.';
comment on column "rollups"."journey_days"."handled_count" is 'handled sessions of the contacts';
comment on column "rollups"."journey_days"."handle_ms" is 'handle time of the contacts, each leg’s once';
