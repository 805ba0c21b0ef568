-- Attempts at org-days that failed. Written from ops_tables.py.
create schema if not exists "ops";
create table if not exists "ops"."failed_attempts" (
    "org" {text},
    "day" {date},
    "failed_at" {instant},
    "error" {text},
    "reason" {text},
    "next_try_at" {instant},
    "requests" {integer},
    "retries" {integer},
    "waited_ms" {integer},
    "bytes" {integer},
    "requests_by_outcome" {json},
    "run_id" {text}
);
comment on table "ops"."failed_attempts" is 'One row per attempt at an org’s day that ended without storing the day whole.';
comment on column "ops"."failed_attempts"."day" is 'UTC day that was asked for';
comment on column "ops"."failed_attempts"."failed_at" is 'when it was given up';
comment on column "ops"."failed_attempts"."error" is 'class of the error, as in errors.py';
comment on column "ops"."failed_attempts"."reason" is 'what happened, in one sentence, masked';
comment on column "ops"."failed_attempts"."next_try_at" is 'when it is repeated by itself';
comment on column "ops"."failed_attempts"."requests" is 'requests sent that brought no stored page';
comment on column "ops"."failed_attempts"."retries" is 'requests that were repeated';
comment on column "ops"."failed_attempts"."waited_ms" is 'time waited for permits and for the source';
comment on column "ops"."failed_attempts"."bytes" is 'bytes received over the wire';
comment on column "ops"."failed_attempts"."requests_by_outcome" is 'those requests by what became of them: 2xx, 4xx, 401, 429, 5xx, lost, unsent';
comment on column "ops"."failed_attempts"."run_id" is 'the run or command that made it';
