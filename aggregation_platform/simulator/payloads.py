"""The JSON record of a conversation, as a details job returns it.

Belongs here: conversation, participants and sessions, with the fields seen in real records; what
a record looks like as of an instant. Elsewhere: segments and metrics of each kind of leg
(payload_legs.py), deliberate oddities (oddities.py), what begins on a day (novelties.py).

The writer lays segments out and derives metrics from them by the rules of emission. It shares
nothing with truth.py, which adds the same story up without looking at a segment.
"""

from typing import Any

from aggregation_platform.simulator.dice import Dice
from aggregation_platform.simulator.directory import Directory, Queue
from aggregation_platform.simulator.novelties import add_novelties
from aggregation_platform.simulator.oddities import make_unknown
from aggregation_platform.simulator.payload_legs import write_leg
from aggregation_platform.simulator.scene import CORRELATION_KEY
from aggregation_platform.simulator.stories import Leg, Line, Menu, Story, Voicemail, Wait, Work
from aggregation_platform.simulator.timestamps import day_of, iso

Json = dict[str, Any]
_PROVIDERS = {
    "voice": "Edge",
    "callback": "PureCloud Callback",
    "message": "PureCloud Messaging",
    "email": "PureCloud Email",
    "hologram": "PureCloud Hologram",
}


def record_of(story: Story, place: Directory, *, as_of: int | None = None) -> Json:
    """Write a story as an `AnalyticsConversation` with attributes.

    Args:
        story: What happened.
        place: The org it happened in.
        as_of: Leave out what the store could not know yet at this instant.
    """
    record = _Writer(story, place).record()
    if story.unknown:
        make_unknown(record, Dice("unknown", story.token))
    if story.novel:
        add_novelties(record, Dice("novel", story.token))
    if as_of is not None and (story.end is None or story.end > as_of):
        forget_after(record, iso(as_of))
    return record


def without_attributes(record: Json) -> Json:
    """Give the record as the synchronous query returns it."""
    for participant in record["participants"]:
        participant.pop("attributes", None)
    return record


def forget_after(record: Json, moment: str) -> None:
    """Take out of a record what happened after a moment; timestamps compare as text."""
    for late in ("resolutions", "evaluations", "surveys"):
        record.pop(late, None)
    if record.get("conversationEnd", "") > moment:
        del record["conversationEnd"]
    for participant in record["participants"]:
        for session in participant["sessions"]:
            _forget_in_session(session, moment)
        participant["sessions"] = [s for s in participant["sessions"] if s["segments"]]
    record["participants"] = [p for p in record["participants"] if p["sessions"]]


def _forget_in_session(session: Json, moment: str) -> None:
    session["segments"] = [s for s in session["segments"] if s["segmentStart"] <= moment]
    for segment in session["segments"]:
        if segment.get("segmentEnd", "") > moment:
            for key in ("segmentEnd", "disconnectType", "wrapUpCode", "sipResponseCodes"):
                segment.pop(key, None)
    session["metrics"] = [m for m in session["metrics"] if m["emitDate"] <= moment]
    stats = session.get("mediaEndpointStats")
    if stats:
        session["mediaEndpointStats"] = [s for s in stats if s["eventTime"] <= moment]


class _Writer:
    """Writes one record; the dice decide only what carries no meaning."""

    def __init__(self, story: Story, place: Directory) -> None:
        self.story, self.place = story, place
        self.dice = Dice("record", story.token)
        self.attributes, self.of_flow = dict(story.attributes), dict[str, str]()
        if story.token % 4 == 0 and isinstance(story.legs[1], Menu):
            # Some flows write their key on their own participant, not on the caller's.
            self._hand_to_flow(CORRELATION_KEY)
        self.sessions = [self.dice.uuid() for _ in story.legs]
        self.first_line = next((leg for leg in story.legs if isinstance(leg, Line)), None)
        self.peer = self.sessions[story.legs.index(self.first_line)] if self.first_line else None

    def _hand_to_flow(self, key: str) -> None:
        if key in self.attributes:
            self.of_flow[key] = self.attributes.pop(key)

    def record(self) -> Json:
        story, dice = self.story, self.dice
        participants = self._participants()
        divisions = {
            leg.queue.division.id: None
            for leg in story.legs
            if isinstance(leg, Wait | Work) and leg.queue
        }
        record: Json = {
            "conversationId": story.conversation_id,
            "conversationStart": iso(story.start + story.started_late_ms),
            "divisionIds": list(divisions) or [self.place.divisions[0].id],
            "originatingDirection": story.direction,
            "participants": participants,
        }
        if story.end is not None:
            record["conversationEnd"] = iso(story.end)
        if story.legs[0].media == "voice":
            record["mediaStatsMinConversationMos"] = 4.3 + dice.random() * 0.6
            record["mediaStatsMinConversationRFactor"] = 77.0 + dice.random() * 15
        if story.external_tag:
            record["externalTag"] = story.external_tag
        if story.message_type:
            record["conversationInitiator"] = "customer"
        if story.resolved_at is not None:
            record["resolutions"] = [{"eventTime": iso(story.resolved_at)}]
        self._afterwards(record)
        return record

    def _afterwards(self, record: Json) -> None:
        """Attach what comes long after the end: an evaluation, a survey."""
        story, dice = self.story, self.dice
        work = next((leg for leg in story.legs if isinstance(leg, Work) and leg.queue), None)
        if work is None or work.queue is None or story.end is None or not dice.chance(0.02):
            return
        common: Json = {"queueId": work.queue.id, "userId": work.user.id}
        record["evaluations"] = [{
            **common, "evaluationId": dice.uuid(), "evaluationStatus": "Finished",
            "eventTime": iso(story.end + 3_600_000), "formId": dice.uuid(), "formName": "Quality",
            "released": True, "oTotalScore": dice.whole(40, 100),
        }]  # fmt: skip
        record["surveys"] = [{
            **common, "surveyId": dice.uuid(), "surveyStatus": "Finished", "surveyType": "Web",
            "eventTime": iso(story.end + 7_200_000), "surveyPromoterScore": dice.whole(0, 10),
        }]  # fmt: skip

    def _participants(self) -> list[Json]:
        parties: dict[int, Json] = {}
        for number, leg in enumerate(self.story.legs):
            participant = parties.get(leg.party)
            if participant is None:
                participant = parties[leg.party] = self._participant(leg)
            participant["sessions"].append(self._session(leg, self.sessions[number]))
        return list(parties.values())

    def _participant(self, leg: Leg) -> Json:
        dice, story = self.dice, self.story
        participant: Json = {"participantId": dice.uuid(), "sessions": []}
        match leg:
            case Line():
                participant |= self._outsider(leg)
            case Menu():
                participant["purpose"] = "ivr" if leg.media == "voice" else "workflow"
                participant["participantName"] = leg.flow_name
                if self.of_flow and leg.start <= story.legs[1].start:
                    participant["attributes"] = self.of_flow
            case Wait():
                participant["purpose"] = "acd"
                if leg.media != "callback":
                    participant["participantName"] = self._name(leg.queue, leg.start)
                participant["attributes"] = {"ivr.Skills": self.place.skill_ids[0]}
            case Voicemail():
                participant["purpose"] = "voicemail"
                participant["participantName"] = leg.queue.id
            case Work():
                participant["purpose"] = leg.purpose
                participant["userId"] = leg.user.id
                participant["teamId"] = self.place.team_of(leg.user)
                if leg.media == "message" and leg.queue:
                    participant["participantName"] = self._name(leg.queue, leg.start)
            case _:
                raise TypeError(leg)
        return participant

    def _outsider(self, leg: Line) -> Json:
        told: Json = {"purpose": leg.purpose, "externalContactId": self.dice.uuid()}
        if leg.name:
            told["participantName"] = leg.name
        if self.attributes and leg is self.first_line:
            told["attributes"] = self.attributes
        return told

    @staticmethod
    def _name(queue: Queue, moment: int) -> str:
        return queue.name_on(day_of(moment))

    def _session(self, leg: Leg, session_id: str) -> Json:
        dice, story = self.dice, self.story
        segments, metrics = write_leg(leg)
        metrics.sort(key=_by_emit_date)
        session: Json = {
            "sessionId": session_id,
            "mediaType": leg.media,
            "direction": leg.direction,
            "provider": _PROVIDERS[leg.media],
            "segments": segments,
            "metrics": metrics,
        }
        if session_id != self.peer and self.peer and not isinstance(leg, Line):
            session["peerId"] = self.peer
            session["remote"] = story.caller
        if leg.media == "voice":
            self._voice(session, leg)
        elif leg.media == "callback":
            session["callbackNumbers"] = [(story.ani or "").removeprefix("tel:")]
            session["callbackUserName"] = "Name Not Provided"
            session["skipEnabled"], session["timeoutSeconds"] = True, 0
        else:
            self._written(session)
        self._routing(session, leg)
        if isinstance(leg, Menu) or (isinstance(leg, Wait) and leg.media == "voice"):
            session["flow"] = self._flow(leg)
        elif isinstance(leg, Work) and leg.campaign_id:
            session["outboundCampaignId"] = leg.campaign_id
            session["outboundContactId"], session["outboundContactListId"] = (
                dice.uuid(),
                dice.uuid(),
            )
        return session

    def _voice(self, session: Json, leg: Leg) -> None:
        dice, story, place = self.dice, self.story, self.place
        ani, dnis = story.ani, story.dnis
        if isinstance(leg, Line):
            ani, dnis = leg.ani, leg.dnis
            session["recording"] = True
            session["remoteNameDisplayable"] = leg.name or "Unknown"
        if ani:
            session["ani"] = ani
        if dnis:
            session["dnis"] = session["sessionDnis"] = dnis
        session["edgeId"] = dice.pick(place.edge_ids)
        session["protocolCallId"] = dice.uuid()
        if isinstance(leg, Work):
            short = place.profile.short_name
            session["sessionDnis"] = (
                f"sip:{leg.user.station}+{short}.orgspan.com;tgrp={place.edge_ids[0]}"
                f";trunk-context={short}@localhost"
            )
        last = session["segments"][-1].get("segmentEnd")
        if last and not (isinstance(leg, Wait) and dice.chance(0.5)):
            session["mediaEndpointStats"] = [self._stats(last) for _ in range(dice.whole(1, 2))]

    def _stats(self, moment: str) -> Json:
        dice = self.dice
        stats: Json = {
            "codecs": ["audio/opus" if dice.chance(0.7) else "audio/PCMU"],
            "eventTime": moment,
            "maxLatencyMs": dice.whole(20, 90),
            "minMos": 4.3 + dice.random() * 0.6,
            "minRFactor": 77.0 + dice.random() * 15,
            "receivedPackets": dice.whole(90, 40_000),
        }
        if dice.chance(0.3):
            stats["discardedPackets"] = dice.whole(1, 30)
        return stats

    def _written(self, session: Json) -> None:
        story, dice = self.story, self.dice
        session["addressFrom"] = dice.uuid()
        session["addressTo"] = self.place.organization_id
        if story.message_type:
            session["messageType"] = story.message_type
        if story.subject:
            session["segments"][0]["subject"] = story.subject

    def _routing(self, session: Json, leg: Leg) -> None:
        if isinstance(leg, Wait):
            session["requestedRoutings"] = ["Standard"]
            if leg.entered_from:
                session["flowInType"] = leg.entered_from
            if leg.chosen:
                session["usedRouting"] = "Standard"
                session["selectedAgentId"] = leg.chosen.id
                local = leg.chosen.email.replace("@", "%40")
                session["destinationAddresses"] = [f"sip:{local}@localhost"]
            session["remoteNameDisplayable"] = self._name(leg.queue, leg.start)
        elif isinstance(leg, Work) and leg.queue:
            session["requestedRoutings"], session["usedRouting"] = ["Standard"], "Standard"
            session["selectedAgentId"] = leg.user.id
            session["activeSkillIds"] = [self.place.skill_ids[0]]
            if leg.acw_skipped:
                session["acwSkipped"] = True

    def _flow(self, leg: Menu | Wait) -> Json:
        language = self.place.profile.language
        if isinstance(leg, Wait):
            return {
                "flowId": leg.queue.in_queue_flow_id,
                "flowName": "In-Queue Flow",
                "flowType": "INQUEUECALL",
                "flowVersion": "15.0",
                "startingLanguage": language,
            }
        flow: Json = {
            "endingLanguage": language,
            "entryType": "dnis",
            "exitReason": "TRANSFER" if leg.target else "DISCONNECT",
            "flowId": leg.flow_id,
            "flowName": leg.flow_name,
            "flowType": "INBOUNDCALL" if leg.media == "voice" else "WORKFLOW",
            "flowVersion": "28.0",
            "startingLanguage": language,
        }
        if self.story.dnis:
            flow["entryReason"] = self.story.dnis
        if leg.target:
            flow["transferTargetAddress"] = leg.target.id
            flow["transferTargetName"] = self._name(leg.target, leg.start)
            flow["transferType"] = "ACD"
        return flow


def _by_emit_date(metric: Json) -> str:
    return metric["emitDate"]
