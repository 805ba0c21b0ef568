-- Names of agents are personal data: this view is in schema identity, which analysts do not read.
create or replace view "identity"."agent_names" (
    "global_agent_id", "agent_name"
) as
with ranked as (
    select
        a.global_agent_id, a.agent_name,
        row_number() over (
            partition by a.global_agent_id order by a.valid_from desc, a.org, a.user_id
        ) as place
    from identity.agents a
    where a.agent_name is not null and a.valid_from <= current_date
)
select r.global_agent_id, r.agent_name from ranked r where r.place = 1;
comment on view "identity"."agent_names" is 'One row per global agent with a name: the latest one. Join it to any view of reporting by global_agent_id.';
comment on column "identity"."agent_names"."global_agent_id" is 'as in the views of reporting';
comment on column "identity"."agent_names"."agent_name" is 'the latest name of its accounts; personal data';
