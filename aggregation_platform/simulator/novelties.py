"""What begins on a day: an attribute, a metric, a medium and a nested object that none had before.

Belongs here: which conversations have them and what they look like; the medium is the story's own,
so that the truth and the aggregates know it too. Elsewhere: oddities that there always are
(oddities.py).
"""

from typing import Any

from aggregation_platform.simulator.dice import Dice
from aggregation_platform.simulator.stories import Story

Json = dict[str, Any]
ATTRIBUTE, METRIC, MEDIA, MEMBER = (
    "Customer_Sentiment", "tSentiment", "hologram", "sentimentAnalysis",
)  # fmt: skip
SENTIMENTS = ("positive", "neutral", "negative")
EVERY = 3


def begin(story: Story, index: int) -> None:
    """Let a story of such a day have what is new; web chats come over the new medium."""
    story.novel = index % EVERY == 0
    if story.kind == "message" and index % 2 == 0:
        for leg in story.legs:
            leg.media = MEDIA


def add_novelties(record: Json, dice: Dice) -> None:
    """Write what is new into a record."""
    customer, last = record["participants"][0], record["participants"][-1]
    customer["attributes"] = {**customer.get("attributes", {}), ATTRIBUTE: dice.pick(SENTIMENTS)}
    session = last["sessions"][-1]
    session[MEMBER] = {
        "overall": {"score": dice.whole(-100, 100) / 100, "model": "v2"},
        "turns": [{"speaker": "customer", "score": dice.whole(-100, 100) / 100}],
    }
    segment = session["segments"][-1]
    moment = segment.get("segmentEnd") or segment["segmentStart"]
    session["metrics"].append({"name": METRIC, "value": dice.whole(1, 5000), "emitDate": moment})
