-- Teams of each organization, and by which rules and mappings a partition was named. Written from
-- directory/tables.py and ops_tables.py.
create schema if not exists "directory";
create schema if not exists "ops";
create table if not exists "directory"."teams" (
    "org" {text},
    "valid_from" {instant},
    "valid_to" {instant},
    "division_id" {text},
    "division_name" {text},
    "team_id" {text},
    "team_name" {text},
    "description" {text}
);
comment on table "directory"."teams" is 'One row per version of a team of an org; `team_id` of a session names one.';
comment on column "directory"."teams"."valid_from" is 'a listing first showed this version';
comment on column "directory"."teams"."valid_to" is 'null while this version stands';
create table if not exists "ops"."built_with" (
    "table_name" {text},
    "partition_key" {text},
    "named_by" {text},
    "rules_version" {text},
    "content_hash" {text},
    "built_at" {instant}
);
comment on table "ops"."built_with" is 'One row per partition and mapping that named its queues or agents: in which version.';
comment on column "ops"."built_with"."table_name" is 'layer.table of the partition';
comment on column "ops"."built_with"."partition_key" is 'its UTC day; all where it has none';
comment on column "ops"."built_with"."named_by" is 'identity.queues or identity.agents; rules, of a mapping';
comment on column "ops"."built_with"."rules_version" is 'of the rules files that made the mapping';
comment on column "ops"."built_with"."content_hash" is 'of the mapping, as in ops.partition_log; null for rules';
comment on column "ops"."built_with"."built_at" is 'when the partition was built with it';
