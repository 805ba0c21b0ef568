-- Rules that do nothing, and queues without a global queue. Written from identity/tables.py.
create schema if not exists "identity";
create table if not exists "identity"."queue_reviews" (
    "reason" {text},
    "org" {text},
    "queue_id" {text},
    "queue_name" {text},
    "rule_line" {integer},
    "global_queue" {text},
    "nearest_name" {text},
    "valid_from" {date},
    "valid_to" {date},
    "advice" {text}
);
comment on table "identity"."queue_reviews" is 'One row per queue without a global queue, and per queue rule that does nothing.';
comment on column "identity"."queue_reviews"."reason" is 'unmapped, ambiguous_rules, rule_without_queue or one_name_in_two_rules';
comment on column "identity"."queue_reviews"."queue_id" is '(none) where a rule is meant';
comment on column "identity"."queue_reviews"."queue_name" is 'as the org spells it, or as the rule';
comment on column "identity"."queue_reviews"."rule_line" is 'line of the rules file; 0 where a queue is meant';
comment on column "identity"."queue_reviews"."global_queue" is 'of the rule';
comment on column "identity"."queue_reviews"."nearest_name" is 'the org’s queue name that is most like the rule’s';
comment on column "identity"."queue_reviews"."valid_from" is 'first day of which this is so';
comment on column "identity"."queue_reviews"."valid_to" is 'the first day of which it no longer is';
alter table "identity"."agent_reviews" add column if not exists "rule_line" {integer};
comment on column "identity"."agent_reviews"."rule_line" is 'line of the rules file; 0 where a pair is meant';
alter table "identity"."agent_reviews" add column if not exists "nearest_user_id" {text};
comment on column "identity"."agent_reviews"."nearest_user_id" is 'the org’s account whose id or address is most like the rule’s';
comment on column "identity"."queues"."evidence" is 'rule_id, rule_name, ambiguous (rules disagree, so unmapped) or unmapped';
