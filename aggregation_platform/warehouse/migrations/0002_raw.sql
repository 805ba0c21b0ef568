-- What the organizations returned, verbatim. Written from raw/tables.py.
create schema if not exists "raw";
create table if not exists "raw"."conversations" (
    "org" {text},
    "day" {date},
    "conversation_id" {text},
    "page" {integer},
    "position" {integer},
    "payload" {json},
    "source" {text},
    "job_id" {text},
    "fetched_at" {instant}
) {cluster day, org};
comment on table "raw"."conversations" is 'One row per conversation that had activity on the org’s UTC day, or that started on it.

A record without a usable id has a row too (`conversation_id` null), so that facts can say
why it was rejected. Orphans (design 3.8) have none.';
comment on column "raw"."conversations"."org" is 'Our key of the organization';
comment on column "raw"."conversations"."day" is 'UTC day whose details job (or query) returned the record';
comment on column "raw"."conversations"."conversation_id" is 'The source’s id; null where the record has no usable one';
comment on column "raw"."conversations"."page" is 'Number of the landed page that holds the record';
comment on column "raw"."conversations"."position" is 'Place of the record in its page, from 0';
comment on column "raw"."conversations"."payload" is 'The record as it came; a JSON string holding its text if it is no JSON object';
comment on column "raw"."conversations"."source" is 'job (details job) or query (synchronous query, provisional)';
comment on column "raw"."conversations"."job_id" is 'Details job that returned the record';
comment on column "raw"."conversations"."fetched_at" is 'When the page was fetched';
