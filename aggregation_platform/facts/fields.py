"""Which member of a record is which column: one list, read by every way of reading a record.

Belongs here: the members the source is known to send, at each level, those typed into columns and
those known but left in the raw payload. Elsewhere: names and types of the columns (tables.py),
reading (gate.py, flattening.py, rows.py).

Source: AnalyticsConversation and its children in the official SDK, version 269.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a member holds."""

    TEXT = "text"
    INSTANT = "an ISO-8601 instant with an offset"
    BOOL = "true or false"
    REAL = "a number"
    TEXTS = "a list of texts"


@dataclass(frozen=True)
class Field:
    """A member with a column of its own.

    Args:
        key: The source's spelling.
        column: Ours.
        kind: What it holds. A value of another kind goes to `extra`, the column is null.
        places_time: A value of another kind is named in `rejects` too: it is a date by which
            records and segments are placed in time.
    """

    key: str
    column: str
    kind: Kind = Kind.TEXT
    places_time: bool = False


@dataclass(frozen=True)
class Level:
    """What the source sends at one level of the record.

    Args:
        name: As in `rejects.level` and in drift.
        fields: Members with a column.
        left_in_raw: Known members without one; the raw payload keeps them.
        children: Members read by a level of their own.
    """

    name: str
    fields: tuple[Field, ...]
    left_in_raw: frozenset[str]
    children: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """Every member that is no surprise."""
        return self.left_in_raw | self.children | {field.key for field in self.fields}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RECORD = Level(
    "record",
    (
        Field("conversationStart", "started_at", Kind.INSTANT, places_time=True),
        Field("conversationEnd", "ended_at", Kind.INSTANT, places_time=True),
        Field("originatingDirection", "originating_direction"),
        Field("conversationInitiator", "conversation_initiator"),
        Field("externalTag", "external_tag"),
        Field("divisionIds", "division_ids", Kind.TEXTS),
        Field("associatedConversationId", "associated_conversation_id"),
        Field("conferenceStart", "conference_started_at", Kind.INSTANT),
        Field("inactivityTimeout", "inactive_from_at", Kind.INSTANT),
        Field("customerParticipation", "has_customer_participation", Kind.BOOL),
        Field("selfServed", "is_self_served", Kind.BOOL),
        Field("mediaStatsMinConversationMos", "min_mos", Kind.REAL),
        Field("mediaStatsMinConversationRFactor", "min_r_factor", Kind.REAL),
    ),
    _words(
        "accessAttributes consultationConversationIds evaluations knowledgeBaseIds "
        "originatingSocialMediaPublic resolutions surveys"
    ),
    _words("conversationId participants"),
)

PARTICIPANT = Level(
    "participant",
    (
        Field("participantId", "participant_id"),
        Field("purpose", "purpose"),
        Field("participantName", "participant_name"),
        Field("userId", "user_id"),
        Field("teamId", "team_id"),
        Field("externalContactId", "external_contact_id"),
        Field("externalOrganizationId", "external_organization_id"),
    ),
    _words("flaggedReason screenRecording"),
    _words("attributes sessions"),
)

SESSION = Level(
    "session",
    (
        Field("sessionId", "session_id"),
        Field("mediaType", "media_type"),
        Field("direction", "direction"),
        Field("messageType", "message_type"),
        Field("provider", "provider"),
        Field("peerId", "peer_id"),
        Field("edgeId", "edge_id"),
        Field("protocolCallId", "protocol_call_id"),
        Field("scriptId", "script_id"),
        Field("ani", "ani"),
        Field("dnis", "dnis"),
        Field("sessionDnis", "session_dnis"),
        Field("remote", "remote"),
        Field("addressFrom", "address_from"),
        Field("addressTo", "address_to"),
        Field("addressSelf", "address_self"),
        Field("addressOther", "address_other"),
        Field("requestedRoutings", "requested_routings", Kind.TEXTS),
        Field("usedRouting", "used_routing"),
        Field("selectedAgentId", "selected_agent_id"),
        Field("outboundCampaignId", "outbound_campaign_id"),
        Field("outboundContactId", "outbound_contact_id"),
        Field("outboundContactListId", "outbound_contact_list_id"),
        Field("dispositionName", "disposition_name"),
        Field("callbackNumbers", "callback_numbers", Kind.TEXTS),
        Field("callbackUserName", "callback_user_name"),
        Field("callbackScheduledTime", "callback_scheduled_at", Kind.INSTANT),
        Field("acwSkipped", "is_acw_skipped", Kind.BOOL),
        Field("recording", "is_recorded", Kind.BOOL),
    ),
    _words(
        "activeSkillIds agentAssistantId agentBullseyeRing agentGroups agentOwned assignerId "
        "authenticated bargedParticipantId bcc cc cleared coachedParticipantId cobrowseRole "
        "cobrowseRoomId deliveryPushed deliveryStatus deliveryStatusChangeDate "
        "destinationAddresses detectedSpeechEnd detectedSpeechStart dispositionAnalyzer "
        "eligibleAgentCounts engagementSource errorCodeDescription extendedDeliveryStatus "
        "flowInType flowOutType journeyActionId journeyActionMapId journeyActionMapVersion "
        "journeyCustomerId journeyCustomerIdType journeyCustomerSessionId "
        "journeyCustomerSessionIdType mediaBridgeId mediaCount mediaEndpointStats "
        "monitoredParticipantId proposedAgents remoteNameDisplayable removedSkillIds roomId "
        "routingRing routingRule routingRuleType screenMonitoredUserId screenShareAddressSelf "
        "screenShareRoomId selectedAgentRank sharingScreen skillExpressionId skipEnabled "
        "snippetRecording timeoutSeconds videoAddressSelf videoRoomId waitingInteractionCounts"
    ),
    _words("flow metrics segments"),
)

FLOW = Level(
    "flow",
    (
        Field("flowId", "flow_id"),
        Field("flowName", "flow_name"),
        Field("flowType", "flow_type"),
        Field("flowVersion", "flow_version"),
        Field("entryType", "flow_entry_type"),
        Field("exitReason", "flow_exit_reason"),
        Field("transferType", "flow_transfer_type"),
        Field("transferTargetAddress", "flow_transfer_target_address"),
        Field("transferTargetName", "flow_transfer_target_name"),
    ),
    _words(
        "endingLanguage entryReason issuedCallback outcomes recognitionFailureReason "
        "startingLanguage"
    ),
)

SEGMENT = Level(
    "segment",
    (
        Field("segmentType", "segment_type"),
        Field("segmentStart", "started_at", Kind.INSTANT, places_time=True),
        Field("segmentEnd", "ended_at", Kind.INSTANT, places_time=True),
        Field("queueId", "queue_id"),
        Field("groupId", "group_id"),
        Field("wrapUpCode", "wrap_up_code"),
        Field("wrapUpNote", "wrap_up_note"),
        Field("disconnectType", "disconnect_type"),
        Field("errorCode", "error_code"),
        Field("conference", "is_conference", Kind.BOOL),
        Field("subject", "subject"),
        Field("requestedLanguageId", "requested_language_id"),
        Field("requestedRoutingSkillIds", "requested_routing_skill_ids", Kind.TEXTS),
        Field("sourceConversationId", "source_conversation_id"),
        Field("destinationConversationId", "destination_conversation_id"),
    ),
    _words(
        "audioMuted destinationSessionId properties q850ResponseCodes requestedRoutingUserIds "
        "scoredAgents sipResponseCodes sourceSessionId videoMuted wrapUpTags"
    ),
)

METRIC = Level("metric", (), frozenset(), _words("emitDate name value"))
"""All three members are required: a metric without one cannot be booked."""
