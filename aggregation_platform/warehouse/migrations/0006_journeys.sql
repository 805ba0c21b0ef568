-- Contacts over several organizations. Written from journeys/tables.py.
create schema if not exists "journeys";
create table if not exists "journeys"."legs" (
    "day" {date},
    "journey_id" {text},
    "leg_number" {integer},
    "org" {text},
    "conversation_id" {text},
    "started_at" {instant},
    "link" {text},
    "score" {float},
    "handled_count" {integer},
    "handle_ms" {integer}
);
comment on table "journeys"."legs" is 'One row per conversation: each is a leg of exactly one journey.';
comment on column "journeys"."legs"."journey_id" is 'org:conversation_id of the first leg';
comment on column "journeys"."legs"."leg_number" is 'by start, then org, then conversation id';
comment on column "journeys"."legs"."link" is 'first, correlation, transfer_leg or ani_window';
comment on column "journeys"."legs"."score" is '1 for first and correlation';
create table if not exists "journeys"."journeys" (
    "day" {date},
    "journey_id" {text},
    "started_at" {instant},
    "ended_at" {instant},
    "leg_count" {integer},
    "org_count" {integer},
    "orgs" {text},
    "first_org" {text},
    "handle_ms" {integer},
    "handled_count" {integer},
    "is_cut" {boolean}
);
comment on table "journeys"."journeys" is 'One row per journey: conversations of different orgs that are one customer contact.';
comment on column "journeys"."journeys"."ended_at" is 'latest end; null while a leg is open';
comment on column "journeys"."journeys"."orgs" is 'distinct, sorted, comma-separated';
comment on column "journeys"."journeys"."handle_ms" is 'sum over its legs, each counted once';
comment on column "journeys"."journeys"."is_cut" is 'evidence joined it to more than one contact can be; see reviews';
create table if not exists "journeys"."links" (
    "day" {date},
    "journey_id" {text},
    "org" {text},
    "conversation_id" {text},
    "other_org" {text},
    "other_conversation_id" {text},
    "link" {text},
    "score" {float},
    "gap_ms" {integer}
);
comment on table "journeys"."links" is 'One row per piece of evidence inside a journey: two conversations of different orgs.';
comment on column "journeys"."links"."org" is 'of the conversation that starts first';
comment on column "journeys"."links"."link" is 'correlation, transfer_leg or ani_window';
comment on column "journeys"."links"."gap_ms" is 'between the two starts; for transfer_leg from the dialled leg';
create table if not exists "journeys"."reviews" (
    "day" {date},
    "reason" {text},
    "org" {text},
    "conversation_id" {text},
    "other_org" {text},
    "other_conversation_id" {text},
    "link" {text},
    "score" {float},
    "gap_ms" {integer}
);
comment on table "journeys"."reviews" is 'One row per pair that evidence joins and that was kept apart, with the reason.';
comment on column "journeys"."reviews"."day" is 'on which the earlier conversation starts';
comment on column "journeys"."reviews"."reason" is 'ambiguous or too_large';
