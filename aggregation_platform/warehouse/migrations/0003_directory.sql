-- Users, queues and the rest of each organization, by version. Written from directory/tables.py.
create schema if not exists "directory";
create table if not exists "directory"."users" (
    "org" {text},
    "valid_from" {instant},
    "valid_to" {instant},
    "division_id" {text},
    "division_name" {text},
    "user_id" {text},
    "user_name" {text},
    "email" {text},
    "state" {text},
    "title" {text},
    "department" {text},
    "manager_id" {text}
);
comment on table "directory"."users" is 'One row per version of a user of an org, in every state.';
comment on column "directory"."users"."valid_from" is 'a listing first showed this version';
comment on column "directory"."users"."valid_to" is 'null while this version stands';
comment on column "directory"."users"."email" is 'personal data: in no other table';
comment on column "directory"."users"."state" is 'active, inactive or deleted, as the org says';
create table if not exists "directory"."queues" (
    "org" {text},
    "valid_from" {instant},
    "valid_to" {instant},
    "division_id" {text},
    "division_name" {text},
    "queue_id" {text},
    "queue_name" {text},
    "service_levels" {json}
);
comment on table "directory"."queues" is 'One row per version of a routing queue of an org.';
comment on column "directory"."queues"."valid_from" is 'a listing first showed this version';
comment on column "directory"."queues"."valid_to" is 'null while this version stands';
comment on column "directory"."queues"."service_levels" is 'per media: {percentage, durationMs}, as the org set it';
create table if not exists "directory"."wrap_up_codes" (
    "org" {text},
    "valid_from" {instant},
    "valid_to" {instant},
    "division_id" {text},
    "division_name" {text},
    "wrap_up_code" {text},
    "wrap_up_name" {text}
);
comment on table "directory"."wrap_up_codes" is 'One row per version of a wrap-up code of an org.';
comment on column "directory"."wrap_up_codes"."valid_from" is 'a listing first showed this version';
comment on column "directory"."wrap_up_codes"."valid_to" is 'null while this version stands';
create table if not exists "directory"."divisions" (
    "org" {text},
    "valid_from" {instant},
    "valid_to" {instant},
    "division_name" {text},
    "division_id" {text},
    "is_home" {boolean}
);
comment on table "directory"."divisions" is 'One row per version of a division of an org; its own id and name are the division’s.';
comment on column "directory"."divisions"."valid_from" is 'a listing first showed this version';
comment on column "directory"."divisions"."valid_to" is 'null while this version stands';
create table if not exists "directory"."skills" (
    "org" {text},
    "valid_from" {instant},
    "valid_to" {instant},
    "division_id" {text},
    "division_name" {text},
    "skill_id" {text},
    "skill_name" {text},
    "state" {text}
);
comment on table "directory"."skills" is 'One row per version of a routing skill of an org.';
comment on column "directory"."skills"."valid_from" is 'a listing first showed this version';
comment on column "directory"."skills"."valid_to" is 'null while this version stands';
create table if not exists "directory"."groups" (
    "org" {text},
    "valid_from" {instant},
    "valid_to" {instant},
    "division_id" {text},
    "division_name" {text},
    "group_id" {text},
    "group_name" {text},
    "group_type" {text},
    "state" {text}
);
comment on table "directory"."groups" is 'One row per version of a group of an org.';
comment on column "directory"."groups"."valid_from" is 'a listing first showed this version';
comment on column "directory"."groups"."valid_to" is 'null while this version stands';
