-- Records as tables. Written from facts/tables.py.
create schema if not exists "facts";
create table if not exists "facts"."conversations" (
    "org" {text},
    "day" {date},
    "conversation_id" {text},
    "started_at" {instant},
    "ended_at" {instant},
    "originating_direction" {text},
    "conversation_initiator" {text},
    "external_tag" {text},
    "division_ids" {json},
    "associated_conversation_id" {text},
    "conference_started_at" {instant},
    "inactive_from_at" {instant},
    "has_customer_participation" {boolean},
    "is_self_served" {boolean},
    "min_mos" {float},
    "min_r_factor" {float},
    "participant_count" {integer},
    "session_count" {integer},
    "extra" {json},
    "page" {integer},
    "position" {integer},
    "source" {text},
    "job_id" {text},
    "fetched_at" {instant}
) {cluster day, org};
comment on table "facts"."conversations" is 'One row per conversation seen on the org’s UTC day, as of that day’s fetch.';
comment on column "facts"."conversations"."day" is 'UTC day of the partition';
comment on column "facts"."conversations"."started_at" is 'conversationStart';
comment on column "facts"."conversations"."ended_at" is 'conversationEnd; null while any leg is open';
comment on column "facts"."conversations"."originating_direction" is 'inbound or outbound';
comment on column "facts"."conversations"."conversation_initiator" is 'Purpose of who began it';
comment on column "facts"."conversations"."external_tag" is 'Tag set by an integration';
comment on column "facts"."conversations"."division_ids" is 'List of division ids';
comment on column "facts"."conversations"."associated_conversation_id" is 'Within the same org';
comment on column "facts"."conversations"."conference_started_at" is 'conferenceStart';
comment on column "facts"."conversations"."inactive_from_at" is 'inactivityTimeout';
comment on column "facts"."conversations"."has_customer_participation" is 'customerParticipation';
comment on column "facts"."conversations"."is_self_served" is 'selfServed';
comment on column "facts"."conversations"."min_mos" is 'Lowest mean opinion score of its media';
comment on column "facts"."conversations"."min_r_factor" is 'Lowest R factor of its media';
comment on column "facts"."conversations"."participant_count" is 'Participants in the record';
comment on column "facts"."conversations"."session_count" is 'Sessions in the record';
comment on column "facts"."conversations"."extra" is 'Keys that no column takes';
comment on column "facts"."conversations"."page" is 'Landed page that holds the record';
comment on column "facts"."conversations"."position" is 'Place of the record in its page, from 0';
comment on column "facts"."conversations"."source" is 'job or query';
comment on column "facts"."conversations"."fetched_at" is 'When the page was fetched; the latest fetch is current';
create table if not exists "facts"."sessions" (
    "org" {text},
    "day" {date},
    "conversation_id" {text},
    "session_number" {integer},
    "session_id" {text},
    "participant_number" {integer},
    "participant_id" {text},
    "purpose" {text},
    "participant_name" {text},
    "user_id" {text},
    "team_id" {text},
    "external_contact_id" {text},
    "external_organization_id" {text},
    "queue_id" {text},
    "media_type" {text},
    "direction" {text},
    "started_at" {instant},
    "ended_at" {instant},
    "message_type" {text},
    "provider" {text},
    "peer_id" {text},
    "edge_id" {text},
    "protocol_call_id" {text},
    "script_id" {text},
    "ani" {text},
    "dnis" {text},
    "session_dnis" {text},
    "remote" {text},
    "address_from" {text},
    "address_to" {text},
    "address_self" {text},
    "address_other" {text},
    "requested_routings" {json},
    "used_routing" {text},
    "selected_agent_id" {text},
    "flow_id" {text},
    "flow_name" {text},
    "flow_type" {text},
    "flow_version" {text},
    "flow_entry_type" {text},
    "flow_exit_reason" {text},
    "flow_transfer_type" {text},
    "flow_transfer_target_address" {text},
    "flow_transfer_target_name" {text},
    "outbound_campaign_id" {text},
    "outbound_contact_id" {text},
    "outbound_contact_list_id" {text},
    "disposition_name" {text},
    "callback_numbers" {json},
    "callback_user_name" {text},
    "callback_scheduled_at" {instant},
    "is_acw_skipped" {boolean},
    "is_recorded" {boolean},
    "extra" {json},
    "participant_extra" {json}
) {cluster day, org};
comment on table "facts"."sessions" is 'One row per session: one participant’s media connection.';
comment on column "facts"."sessions"."day" is 'UTC day of the partition';
comment on column "facts"."sessions"."session_number" is 'Place of the session in the record, from 1';
comment on column "facts"."sessions"."participant_number" is 'Place of the participant, from 1';
comment on column "facts"."sessions"."purpose" is 'agent, acd, customer, ivr, …';
comment on column "facts"."sessions"."participant_name" is 'For acd the queue’s name at that time; never an agent’s name';
comment on column "facts"."sessions"."queue_id" is 'Of the first segment that has a queueId';
comment on column "facts"."sessions"."media_type" is 'voice, callback, message, …';
comment on column "facts"."sessions"."started_at" is 'Earliest segment start';
comment on column "facts"."sessions"."ended_at" is 'Latest segment end; null while one is open';
comment on column "facts"."sessions"."peer_id" is 'Session this one is connected to';
comment on column "facts"."sessions"."protocol_call_id" is 'For voice, the SIP call id';
comment on column "facts"."sessions"."ani" is 'Caller’s address';
comment on column "facts"."sessions"."dnis" is 'Dialled address';
comment on column "facts"."sessions"."session_dnis" is 'Dialled address of this session';
comment on column "facts"."sessions"."remote" is 'Display name of the other side; no stable id';
comment on column "facts"."sessions"."requested_routings" is 'List';
comment on column "facts"."sessions"."flow_transfer_target_address" is 'For a queue, its id';
comment on column "facts"."sessions"."flow_transfer_target_name" is 'For a queue, its name then';
comment on column "facts"."sessions"."callback_numbers" is 'List';
comment on column "facts"."sessions"."extra" is 'Session and flow keys that no column takes';
comment on column "facts"."sessions"."participant_extra" is 'Participant keys that no column takes';
create table if not exists "facts"."segments" (
    "org" {text},
    "day" {date},
    "conversation_id" {text},
    "session_number" {integer},
    "segment_number" {integer},
    "session_id" {text},
    "participant_id" {text},
    "purpose" {text},
    "user_id" {text},
    "segment_type" {text},
    "started_at" {instant},
    "ended_at" {instant},
    "queue_id" {text},
    "group_id" {text},
    "wrap_up_code" {text},
    "wrap_up_note" {text},
    "disconnect_type" {text},
    "error_code" {text},
    "is_conference" {boolean},
    "subject" {text},
    "requested_language_id" {text},
    "requested_routing_skill_ids" {json},
    "source_conversation_id" {text},
    "destination_conversation_id" {text},
    "extra" {json}
) {cluster day, org};
comment on table "facts"."segments" is 'One row per segment: a stretch of a session (alert, interact, hold, wrapup, …).';
comment on column "facts"."segments"."day" is 'UTC day of the partition';
comment on column "facts"."segments"."segment_number" is 'Place of the segment in its session, from 1';
comment on column "facts"."segments"."ended_at" is 'Null while the segment is open';
comment on column "facts"."segments"."wrap_up_code" is 'A wrap-up code’s id, or a literal ININ-…';
comment on column "facts"."segments"."subject" is 'Of an e-mail';
comment on column "facts"."segments"."requested_routing_skill_ids" is 'List';
comment on column "facts"."segments"."source_conversation_id" is 'Merged from, same org';
comment on column "facts"."segments"."destination_conversation_id" is 'Merged into, same org';
comment on column "facts"."segments"."extra" is 'Keys that no column takes';
create table if not exists "facts"."session_metrics" (
    "org" {text},
    "day" {date},
    "conversation_id" {text},
    "participant_id" {text},
    "session_id" {text},
    "purpose" {text},
    "user_id" {text},
    "queue_id" {text},
    "media_type" {text},
    "direction" {text},
    "metric" {text},
    "value_ms" {integer},
    "emitted_at" {instant},
    "session_number" {integer},
    "extra" {json}
) {cluster day, org};
comment on table "facts"."session_metrics" is 'One row per metric that a session emitted on the org’s UTC day.

A name may repeat in a session (tTalk, tHeld); both rows stand. `value_ms` is milliseconds for
`t*`; `n*` and `o*` metrics use it for their count, as the source does with `value`.';
comment on column "facts"."session_metrics"."day" is 'UTC day of emitted_at, and of the partition';
comment on column "facts"."session_metrics"."queue_id" is 'The session’s: first segment with a queueId';
comment on column "facts"."session_metrics"."metric" is 'tHandle, tTalkComplete, nOffered, …';
comment on column "facts"."session_metrics"."value_ms" is 'Milliseconds; a count for n* and o*';
comment on column "facts"."session_metrics"."emitted_at" is 'emitDate: the instant at which the metric is booked';
comment on column "facts"."session_metrics"."session_number" is 'Place of the session in the record, from 1';
comment on column "facts"."session_metrics"."extra" is 'Keys that no column takes';
create table if not exists "facts"."attributes" (
    "org" {text},
    "day" {date},
    "conversation_id" {text},
    "participant_number" {integer},
    "participant_id" {text},
    "purpose" {text},
    "name" {text},
    "value" {text}
) {cluster day, org};
comment on table "facts"."attributes" is 'One row per participant attribute.';
comment on column "facts"."attributes"."day" is 'UTC day of the partition';
comment on column "facts"."attributes"."value" is 'As sent; JSON text if it was no string';
create table if not exists "facts"."rejects" (
    "org" {text},
    "day" {date},
    "conversation_id" {text},
    "page" {integer},
    "position" {integer},
    "level" {text},
    "reason" {text},
    "path" {text},
    "excerpt" {json}
) {cluster day, org};
comment on table "facts"."rejects" is 'One row per record that facts could not read; none of it is in the other tables.';
comment on column "facts"."rejects"."day" is 'UTC day of the partition';
comment on column "facts"."rejects"."conversation_id" is 'Where the record has a usable one';
comment on column "facts"."rejects"."page" is 'Landed page that holds the record';
comment on column "facts"."rejects"."position" is 'Place of the record in its page, from 0';
comment on column "facts"."rejects"."level" is 'record, participant, session, segment or metric';
comment on column "facts"."rejects"."reason" is 'What is wrong, in a sentence';
comment on column "facts"."rejects"."path" is 'Where in the record, e.g. participants[0].sessions[1].metrics';
comment on column "facts"."rejects"."excerpt" is 'What stands there; cut if long (the record is in raw)';
