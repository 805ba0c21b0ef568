-- One row per conversation: the version that was fetched last.
create or replace view "reporting"."conversations" (
    "org", "conversation_id", "started_at", "ended_at", "local_started_at", "time_zone",
    "originating_direction", "external_tag", "division_ids", "participant_count", "session_count",
    "day", "finality", "fetched_at"
) as
with versions as (
    select
        c.*,
        row_number() over (
            partition by c.org, c.conversation_id order by c.fetched_at desc, c.day desc
        ) as version_number
    from facts.conversations c
)
select
    v.org, v.conversation_id, v.started_at, v.ended_at,
    {local o.time_zone, v.started_at}, o.time_zone,
    v.originating_direction, v.external_tag, v.division_ids, v.participant_count, v.session_count,
    v.day, l.finality, v.fetched_at
from versions v
left join reporting.organizations o on o.org = v.org
left join ops.partition_log l
    on l.table_name = 'facts.conversations' and l.org = v.org and l.day = v.day
where v.version_number = 1;
comment on view "reporting"."conversations" is 'One row per conversation: the version that was fetched last.';
comment on column "reporting"."conversations"."org" is 'our key of the organization';
comment on column "reporting"."conversations"."started_at" is 'UTC';
comment on column "reporting"."conversations"."ended_at" is 'UTC; null while any leg is open';
comment on column "reporting"."conversations"."local_started_at" is 'wall clock of the organization’s own time zone';
comment on column "reporting"."conversations"."day" is 'UTC day whose fetch gave this version';
comment on column "reporting"."conversations"."finality" is 'of that fetch: provisional, complete or final';
comment on column "reporting"."conversations"."fetched_at" is 'when the page was fetched that holds this version';
comment on column "reporting"."conversations"."conversation_id" is 'the source’s id, unique within the organization';
comment on column "reporting"."conversations"."time_zone" is 'IANA name of the organization’s own time zone';
comment on column "reporting"."conversations"."originating_direction" is 'inbound or outbound';
comment on column "reporting"."conversations"."external_tag" is 'tag set by an integration';
comment on column "reporting"."conversations"."division_ids" is 'list of division ids, JSON';
comment on column "reporting"."conversations"."participant_count" is 'participants in the record';
comment on column "reporting"."conversations"."session_count" is 'sessions in the record';
