-- From which version of the facts each day of the world was built. Written from ops_tables.py.
create schema if not exists "ops";
create table if not exists "ops"."built_from" (
    "table_name" {text},
    "day" {date},
    "facts_version" {text},
    "built_at" {instant}
);
comment on table "ops"."built_from" is 'One row per table and UTC day of the world: from which version of the facts it was built.';
comment on column "ops"."built_from"."table_name" is 'layer.table of the partition';
comment on column "ops"."built_from"."day" is 'UTC day of the partition';
comment on column "ops"."built_from"."facts_version" is 'hash of the facts it was made of: the day’s, for journeys the days around';
comment on column "ops"."built_from"."built_at" is 'when reading them began';
