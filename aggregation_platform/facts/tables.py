"""The shapes of facts: what a reporting user may rely on.

Belongs here: names, types and grain of the six tables. Elsewhere: how a record becomes rows
(flattening.py fast, rows.py exact), which source field is which column (fields.py).

Every table repeats the whole record on each day it lives, but for `session_metrics`, which holds
exactly what was emitted on its day (design 3.2). `extra` keeps what the source sent and no column
takes: unknown keys, and values whose type a column cannot hold.
"""

from __future__ import annotations

import dataframely as dy

from aggregation_platform.tables import Table, instant, json_text


class Conversations(dy.Schema):
    """One row per conversation seen on the org's UTC day, as of that day's fetch."""

    org = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, description="UTC day of the partition")
    conversation_id = dy.String(primary_key=True)
    started_at = instant(nullable=True, description="conversationStart")
    ended_at = instant(nullable=True, description="conversationEnd; null while any leg is open")
    originating_direction = dy.String(nullable=True, description="inbound or outbound")
    conversation_initiator = dy.String(nullable=True, description="Purpose of who began it")
    external_tag = dy.String(nullable=True, description="Tag set by an integration")
    division_ids = json_text(description="List of division ids")
    associated_conversation_id = dy.String(nullable=True, description="Within the same org")
    conference_started_at = instant(nullable=True, description="conferenceStart")
    inactive_from_at = instant(nullable=True, description="inactivityTimeout")
    has_customer_participation = dy.Bool(nullable=True, description="customerParticipation")
    is_self_served = dy.Bool(nullable=True, description="selfServed")
    min_mos = dy.Float64(nullable=True, description="Lowest mean opinion score of its media")
    min_r_factor = dy.Float64(nullable=True, description="Lowest R factor of its media")
    participant_count = dy.Int32(min=0, description="Participants in the record")
    session_count = dy.Int32(min=0, description="Sessions in the record")
    extra = json_text(description="Keys that no column takes")
    page = dy.Int64(description="Landed page that holds the record")
    position = dy.Int64(description="Place of the record in its page, from 0")
    source = dy.String(description="job or query")
    job_id = dy.String(nullable=True)
    fetched_at = instant(description="When the page was fetched; the latest fetch is current")


class Sessions(dy.Schema):
    """One row per session: one participant's media connection."""

    org = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, description="UTC day of the partition")
    conversation_id = dy.String(primary_key=True)
    session_number = dy.Int32(
        primary_key=True, min=1, description="Place of the session in the record, from 1"
    )
    session_id = dy.String(nullable=True)
    participant_number = dy.Int32(min=1, description="Place of the participant, from 1")
    participant_id = dy.String(nullable=True)
    purpose = dy.String(nullable=True, description="agent, acd, customer, ivr, …")
    participant_name = dy.String(
        nullable=True, description="For acd the queue's name at that time; never an agent's name"
    )
    user_id = dy.String(nullable=True)
    team_id = dy.String(nullable=True)
    external_contact_id = dy.String(nullable=True)
    external_organization_id = dy.String(nullable=True)
    queue_id = dy.String(nullable=True, description="Of the first segment that has a queueId")
    media_type = dy.String(nullable=True, description="voice, callback, message, …")
    direction = dy.String(nullable=True)
    started_at = instant(nullable=True, description="Earliest segment start")
    ended_at = instant(nullable=True, description="Latest segment end; null while one is open")
    message_type = dy.String(nullable=True)
    provider = dy.String(nullable=True)
    peer_id = dy.String(nullable=True, description="Session this one is connected to")
    edge_id = dy.String(nullable=True)
    protocol_call_id = dy.String(nullable=True, description="For voice, the SIP call id")
    script_id = dy.String(nullable=True)
    ani = dy.String(nullable=True, description="Caller's address")
    dnis = dy.String(nullable=True, description="Dialled address")
    session_dnis = dy.String(nullable=True, description="Dialled address of this session")
    remote = dy.String(nullable=True, description="Display name of the other side; no stable id")
    address_from = dy.String(nullable=True)
    address_to = dy.String(nullable=True)
    address_self = dy.String(nullable=True)
    address_other = dy.String(nullable=True)
    requested_routings = json_text(description="List")
    used_routing = dy.String(nullable=True)
    selected_agent_id = dy.String(nullable=True)
    flow_id = dy.String(nullable=True)
    flow_name = dy.String(nullable=True)
    flow_type = dy.String(nullable=True)
    flow_version = dy.String(nullable=True)
    flow_entry_type = dy.String(nullable=True)
    flow_exit_reason = dy.String(nullable=True)
    flow_transfer_type = dy.String(nullable=True)
    flow_transfer_target_address = dy.String(nullable=True, description="For a queue, its id")
    flow_transfer_target_name = dy.String(nullable=True, description="For a queue, its name then")
    outbound_campaign_id = dy.String(nullable=True)
    outbound_contact_id = dy.String(nullable=True)
    outbound_contact_list_id = dy.String(nullable=True)
    disposition_name = dy.String(nullable=True)
    callback_numbers = json_text(description="List")
    callback_user_name = dy.String(nullable=True)
    callback_scheduled_at = instant(nullable=True)
    is_acw_skipped = dy.Bool(nullable=True)
    is_recorded = dy.Bool(nullable=True)
    extra = json_text(description="Session and flow keys that no column takes")
    participant_extra = json_text(description="Participant keys that no column takes")


class Segments(dy.Schema):
    """One row per segment: a stretch of a session (alert, interact, hold, wrapup, …)."""

    org = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, description="UTC day of the partition")
    conversation_id = dy.String(primary_key=True)
    session_number = dy.Int32(primary_key=True, min=1)
    segment_number = dy.Int32(
        primary_key=True, min=1, description="Place of the segment in its session, from 1"
    )
    session_id = dy.String(nullable=True)
    participant_id = dy.String(nullable=True)
    purpose = dy.String(nullable=True)
    user_id = dy.String(nullable=True)
    segment_type = dy.String(nullable=True)
    started_at = instant(nullable=True)
    ended_at = instant(nullable=True, description="Null while the segment is open")
    queue_id = dy.String(nullable=True)
    group_id = dy.String(nullable=True)
    wrap_up_code = dy.String(nullable=True, description="A wrap-up code's id, or a literal ININ-…")
    wrap_up_note = dy.String(nullable=True)
    disconnect_type = dy.String(nullable=True)
    error_code = dy.String(nullable=True)
    is_conference = dy.Bool(nullable=True)
    subject = dy.String(nullable=True, description="Of an e-mail")
    requested_language_id = dy.String(nullable=True)
    requested_routing_skill_ids = json_text(description="List")
    source_conversation_id = dy.String(nullable=True, description="Merged from, same org")
    destination_conversation_id = dy.String(nullable=True, description="Merged into, same org")
    extra = json_text(description="Keys that no column takes")


class SessionMetrics(dy.Schema):
    """One row per metric that a session emitted on the org's UTC day.

    A name may repeat in a session (tTalk, tHeld); both rows stand. `value_ms` is milliseconds for
    `t*`; `n*` and `o*` metrics use it for their count, as the source does with `value`.
    """

    org = dy.String()
    day = dy.Date(description="UTC day of emitted_at, and of the partition")
    conversation_id = dy.String()
    participant_id = dy.String(nullable=True)
    session_id = dy.String(nullable=True)
    purpose = dy.String(nullable=True)
    user_id = dy.String(nullable=True)
    queue_id = dy.String(nullable=True, description="The session's: first segment with a queueId")
    media_type = dy.String(nullable=True)
    direction = dy.String(nullable=True)
    metric = dy.String(description="tHandle, tTalkComplete, nOffered, …")
    value_ms = dy.Int64(description="Milliseconds; a count for n* and o*")
    emitted_at = instant(description="emitDate: the instant at which the metric is booked")
    session_number = dy.Int32(min=1, description="Place of the session in the record, from 1")
    extra = json_text(description="Keys that no column takes")


class Attributes(dy.Schema):
    """One row per participant attribute."""

    org = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, description="UTC day of the partition")
    conversation_id = dy.String(primary_key=True)
    participant_number = dy.Int32(primary_key=True, min=1)
    participant_id = dy.String(nullable=True)
    purpose = dy.String(nullable=True)
    name = dy.String(primary_key=True)
    value = dy.String(nullable=True, description="As sent; JSON text if it was no string")


class Rejects(dy.Schema):
    """One row per record that facts could not read, or per part of a record that was set aside.

    Of level `record` nothing is in the other tables. Of any other level just this part is
    missing there: everything else of the record is booked.
    """

    org = dy.String()
    day = dy.Date(description="UTC day of the partition")
    conversation_id = dy.String(nullable=True, description="Where the record has a usable one")
    page = dy.Int64(description="Landed page that holds the record")
    position = dy.Int64(description="Place of the record in its page, from 0")
    level = dy.String(
        description="What is missing: record (all of it), participant, session, segment, metric "
        "or field (one value; its row stays)"
    )
    reason = dy.String(description="What is wrong, in a sentence")
    path = dy.String(description="Where in the record, e.g. participants[0].sessions[1].metrics")
    excerpt = json_text(description="What stands there; cut if long (the record is in raw)")
    name = dy.String(nullable=True, description="Of the metric or field, e.g. tHandle")


_ORG_DAY = ("org", "day")
CONVERSATIONS = Table("facts", "conversations", Conversations, _ORG_DAY)
SESSIONS = Table("facts", "sessions", Sessions, _ORG_DAY)
SEGMENTS = Table("facts", "segments", Segments, _ORG_DAY)
SESSION_METRICS = Table("facts", "session_metrics", SessionMetrics, _ORG_DAY)
ATTRIBUTES = Table("facts", "attributes", Attributes, _ORG_DAY)
REJECTS = Table("facts", "rejects", Rejects, _ORG_DAY)

TABLES = (CONVERSATIONS, SESSIONS, SEGMENTS, SESSION_METRICS, ATTRIBUTES, REJECTS)
