"""What a chunk of facts holds that was not known when this was written.

Nothing of it stops a run: unknown members and unexpected values are in `extra`, unknown names are
in their columns like known ones. This only says that they came, how often, and where to look.

Belongs here: the known names, and finding what is not among them. Elsewhere: keeping the first
time each was seen (ops.drift, warehouse/), telling a person (asset checks).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, cast

import dataframely as dy
import orjson
import polars as pl

from aggregation_platform.facts.facts import Facts
from aggregation_platform.facts.fields import (
    FLOW,
    METRIC,
    PARTICIPANT,
    RECORD,
    SEGMENT,
    SESSION,
    Level,
)
from aggregation_platform.tables import Table


class Drift(dy.Schema):
    """One row per thing that was not expected, per org and day."""

    org = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, description="UTC day of the partition it was found in")
    level = dy.String(primary_key=True, description="record, participant, session, flow, …")
    path = dy.String(primary_key=True, description="Where, e.g. participants[].sessions[].x")
    kind = dy.String(
        primary_key=True,
        description="member (unknown), misfit (known member of another kind), "
        "value (unknown name in a known member) or attribute (name of a participant attribute)",
    )
    value = dy.String(primary_key=True, description="The member, name or attribute")
    conversation_id = dy.String(description="An example")
    count = dy.Int64(min=1, description="Rows that have it")


DRIFT = Table("facts", "drift", Drift, ("org", "day"))
"""A shape, not a table of facts: the warehouse keeps it as ops.drift."""

_NAMES: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "direction": "inbound outbound",
        "mediaType": (
            "callback chat cobrowse email internalmessage message screenmonitoring screenshare "
            "unknown video voice"
        ),
        "purpose": (
            "acd agent api botflow campaign customer dialer external fax group inbound ivr manual "
            "outbound station user voicemail voicesurveyflow workflow"
        ),
        "segmentType": (
            "alert barging callback coaching contacting converting delay dialing hold interact "
            "ivr monitoring parked scheduled screenmonitoring sharing system transmitting unknown "
            "uploading voicemail wrapup"
        ),
        "disconnectType": (
            "client conferenceTransfer consultTransfer dndEndpoint dndTransfer endpoint error "
            "forwardTransfer inactivity noAnswerTransfer notAvailableTransfer other peer "
            "sessionExpired spam system takeover timeout transfer transportFailure uncallable"
        ),
        "metric": (
            "nAgentDeclined nAlertExpired nBlindTransferred nBotInteractions nCallbackAttempts "
            "nCallbackOverSla nCallbackScheduled nCfcOffered nCobrowseSessions nConnected nConsult "
            "nConsultTransferred nConversations nError nFlow nFlowMilestone nFlowOutcome "
            "nFlowOutcomeFailed nOffered nOutbound nOutboundAbandoned nOutboundAttempted "
            "nOutboundConnected nOverSla nStateTransitionError nTakeover nTransferred "
            "oAudioMessageCount oExternalAudioMessageCount oExternalMediaCount oFlowMilestone "
            "oMediaCount oMessageCount oMessageSegmentCount oMessageTurn "
            "oSkillExpressionApplications tAbandon tAcd tActiveCallback tActiveCallbackComplete "
            "tAcw tAgentResponseTime tAgentVideoConnected tAlert tAnswered "
            "tAverageAgentResponseTime tAverageCustomerResponseTime tBarging tCallbackAbandon "
            "tCallbackConnect tCallbackNotReached tCallbackVirtualWait tCfcAbandon tCfcAcd "
            "tCfcAnswered tCfcFlowOut tCoaching tCoachingComplete tConnected tContacting "
            "tConversationDuration tDialing tFirstConnect tFirstDial tFirstEngagement "
            "tFirstResponse tFlow tFlowDisconnect tFlowExit tFlowOut tFlowOutcome tHandle tHeld "
            "tHeldComplete tIvr tMonitoring tMonitoringComplete tNotResponding tPark "
            "tParkComplete tScreenMonitoring tShortAbandon tSnippetRecord tTalk tTalkComplete "
            "tTransmitting tUserResponseTime tVoicemail"
        ),
    }.items()
}

_SESSIONS = "participants[].sessions[]"
_COUNTED = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d{4,}")


class _Place(NamedTuple):
    level: Level
    table: str
    column: str
    path: str


class _Sight(NamedTuple):
    level: str
    path: str
    kind: str
    value: str


_EXTRAS = (
    _Place(RECORD, "conversations", "extra", ""),
    _Place(PARTICIPANT, "sessions", "participant_extra", "participants[]"),
    _Place(SESSION, "sessions", "extra", _SESSIONS),
    _Place(SEGMENT, "segments", "extra", f"{_SESSIONS}.segments[]"),
    _Place(METRIC, "session_metrics", "extra", f"{_SESSIONS}.metrics[]"),
)
_NAMED = (
    (_Place(RECORD, "conversations", "originating_direction", "originatingDirection"), "direction"),
    (_Place(PARTICIPANT, "sessions", "purpose", "participants[].purpose"), "purpose"),
    (_Place(SESSION, "sessions", "media_type", f"{_SESSIONS}.mediaType"), "mediaType"),
    (_Place(SESSION, "sessions", "direction", f"{_SESSIONS}.direction"), "direction"),
    (
        _Place(SEGMENT, "segments", "segment_type", f"{_SESSIONS}.segments[].segmentType"),
        "segmentType",
    ),
    (
        _Place(SEGMENT, "segments", "disconnect_type", f"{_SESSIONS}.segments[].disconnectType"),
        "disconnectType",
    ),
    (_Place(METRIC, "session_metrics", "metric", f"{_SESSIONS}.metrics[].name"), "metric"),
)


def drift_of(facts: Facts, *, org: str, day: date) -> pl.DataFrame:
    """Find what was not expected in a chunk of facts, in the shape of `Drift`.

    Every attribute name is told, since each org invents its own; which are new is for the reader
    of ops.drift to see. Ids and long numbers within a name count as one name.
    """
    frames = [*_members(facts), *_values(facts), _attribute_names(facts.attributes)]
    return _added_up(
        pl.concat(frames).select(
            pl.lit(org).alias("org"), pl.lit(day, pl.Date).alias("day"), pl.all()
        )
    )


def merged_drift(chunks: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add up the drift of chunks of one or more partitions; the order does not matter."""
    return _added_up(pl.concat([DRIFT.empty(), *chunks]))


def _added_up(drift: pl.DataFrame) -> pl.DataFrame:
    keys = [column for column in DRIFT.frame_schema if column not in ("conversation_id", "count")]
    return (
        drift.group_by(keys)
        .agg(pl.col("conversation_id").min(), pl.col("count").sum().cast(pl.Int64))
        .sort(keys)
        .select(DRIFT.frame_schema.names())
    )


_FOUND = pl.Schema(
    {
        **dict.fromkeys((*_Sight._fields, "conversation_id"), pl.String()),
        "count": pl.Int64(),
    }
)


def _members(facts: Facts) -> Iterator[pl.DataFrame]:
    """Yield the unknown and misfitting members in each `extra` column."""
    for place in _EXTRAS:
        rows = _frame_of(facts, place).select("conversation_id", place.column).drop_nulls()
        found = [
            (*sight, conversation_id, 1)
            for conversation_id, extra in rows.iter_rows()
            for sight in _sights(place.level, place.path, orjson.loads(extra))
        ]
        yield pl.DataFrame(found, schema=_FOUND, orient="row")


def _sights(level: Level, path: str, extra: Mapping[str, Any]) -> Iterator[_Sight]:
    for key, value in extra.items():
        where = f"{path}.{key}" if path else key
        if level is RECORD and key == "participants":
            for homeless in cast("Mapping[str, Mapping[str, Any]]", value).values():
                yield from _sights(PARTICIPANT, "participants[]", homeless)
        elif level is SESSION and key == "flow" and isinstance(value, dict):
            yield from _sights(FLOW, where, cast("Mapping[str, Any]", value))
        else:
            yield _Sight(level.name, where, "misfit" if key in level.known else "member", key)


def _values(facts: Facts) -> Iterator[pl.DataFrame]:
    """Yield the names that a known member did not use to have."""
    for place, names in _NAMED:
        rows = _frame_of(facts, place).filter(
            pl.col(place.column).is_not_null(), ~pl.col(place.column).is_in(_NAMES[names])
        )
        yield _sighted(rows, place, "value", pl.col(place.column))


def _attribute_names(attributes: pl.DataFrame) -> pl.DataFrame:
    names = attributes.group_by("name").agg(pl.len().alias("n"), pl.col("conversation_id").min())
    place = _Place(PARTICIPANT, "attributes", "name", "participants[].attributes")
    general = pl.col("name").str.replace_all(_COUNTED.pattern, "#")
    return _sighted(names, place, "attribute", general, count=pl.col("n"))


def _sighted(
    rows: pl.DataFrame, place: _Place, kind: str, value: pl.Expr, count: pl.Expr | None = None
) -> pl.DataFrame:
    return rows.select(
        pl.lit(place.level.name).alias("level"),
        pl.lit(place.path).alias("path"),
        pl.lit(kind).alias("kind"),
        value.alias("value"),
        "conversation_id",
        (pl.lit(1) if count is None else count).cast(pl.Int64).alias("count"),
    )


def _frame_of(facts: Facts, place: _Place) -> pl.DataFrame:
    return cast("pl.DataFrame", getattr(facts, place.table))
