"""Records and listings that are not what the description says.

Belongs here: keys, enum values and metrics nobody has heard of (a few records always), and
records that are broken (only when `malformed_rate` is set). Elsewhere: ordinary records.
"""

import json
from typing import Any

from aggregation_platform.simulator.dice import Dice

Json = dict[str, Any]
UNKNOWN_METRIC = "tPondering"
UNKNOWN_VALUES = frozenset({"quantum", "Telepathic", "sentient"})
MALFORMATIONS = (
    "text_value", "bad_timestamp", "no_conversation_id", "participants_not_a_list",
    "lone_surrogate",
)  # fmt: skip


def make_unknown(record: Json, dice: Dice) -> None:
    """Add unknown keys at several levels, unknown enum values and an unknown metric."""
    record["sentimentTrend"] = {"score": round(dice.random(), 3), "labels": ["warm", "rising"]}
    record["isShadow"] = dice.chance(0.5)
    participant = record["participants"][-1]
    participant["wellbeingIndex"] = dice.whole(1, 100)
    session = participant["sessions"][-1]
    session["usedRouting"] = "Telepathic"
    session["holographic"] = {"frames": dice.whole(1, 9), "mode": "sentient"}
    segment = session["segments"][-1]
    segment["lightYears"] = dice.random()
    segment["disconnectType"] = "quantum"
    moment = segment.get("segmentEnd") or segment["segmentStart"]
    session["metrics"].append(
        {"name": UNKNOWN_METRIC, "value": dice.whole(1, 5000), "emitDate": moment, "unit": "ms"}
    )


def break_record(record: Json, how: str) -> Json:
    """Break a record in one of the ways of `MALFORMATIONS`."""
    session = record["participants"][0]["sessions"][0]
    if how == "text_value":
        session["metrics"][0]["value"] = "abc"
    elif how == "bad_timestamp":
        session["segments"][0]["segmentStart"] = "yesterday at noon"
        record["conversationStart"] = "2026-13-45T99:99:99Z"
    elif how == "no_conversation_id":
        del record["conversationId"]
    elif how == "participants_not_a_list":
        record["participants"] = {"0": record["participants"][0]}
    elif how == "lone_surrogate":
        record["participants"][0]["participantName"] = "Zoë \ud83d"
    else:
        raise ValueError(how)
    return record


def odd_page(page: Json) -> bytes:
    """Write a page of a listing with what does not belong there, and half a character in a name."""
    entities = [dict(entity) for entity in page["entities"]]
    if entities:
        entities[0]["name"] += " \ud83d"
        entities.append(entities[-1])
    entities += [None, "nobody", {"name": "nameless"}, {"id": 7, "name": "numbered"}]
    return json.dumps({**page, "entities": entities}).encode()
