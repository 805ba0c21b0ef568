-- Global queues and agents. Written from identity/tables.py.
create schema if not exists "identity";
create table if not exists "identity"."queue_names" (
    "org" {text},
    "day" {date},
    "queue_id" {text},
    "queue_name" {text},
    "last_seen_at" {instant},
    "session_count" {integer}
) {cluster day, org};
comment on table "identity"."queue_names" is 'One row per queue and name that an org’s records of a day carry: the name as it was then.';
comment on column "identity"."queue_names"."last_seen_at" is 'start of the latest session that carries the name';
create table if not exists "identity"."queues" (
    "org" {text},
    "queue_id" {text},
    "queue_name" {text},
    "global_queue" {text},
    "evidence" {text},
    "valid_from" {date},
    "valid_to" {date}
);
comment on table "identity"."queues" is 'One row per queue of an org and stretch of days with one name and one global queue.';
comment on column "identity"."queues"."queue_name" is '(unmapped) where no listing and no record names it';
comment on column "identity"."queues"."global_queue" is '(unmapped) where no rule names it';
comment on column "identity"."queues"."evidence" is 'rule_id, rule_name or unmapped';
comment on column "identity"."queues"."valid_to" is 'the first day on which the row no longer holds';
create table if not exists "identity"."agents" (
    "org" {text},
    "user_id" {text},
    "agent_name" {text},
    "global_agent_id" {text},
    "evidence" {text},
    "valid_from" {date},
    "valid_to" {date}
);
comment on table "identity"."agents" is 'One row per user of an org and stretch of days with one name and one global agent.';
comment on column "identity"."agents"."global_agent_id" is 'the rule’s, or org:user_id of the first known account';
comment on column "identity"."agents"."evidence" is 'rule, email or own';
comment on column "identity"."agents"."valid_to" is 'the first day on which the row no longer holds';
create table if not exists "identity"."agent_reviews" (
    "reason" {text},
    "org" {text},
    "user_id" {text},
    "agent_name" {text},
    "other_org" {text},
    "other_user_id" {text},
    "other_agent_name" {text},
    "advice" {text}
);
comment on table "identity"."agent_reviews" is 'One row per pair of users that may or may not be one person; a rule settles it.';
comment on column "identity"."agent_reviews"."reason" is 'same_name, shared_email or rule_without_user';
