"""The means of telling a conversation: one scene is one conversation about to happen.

Belongs here: the legs that every kind is put together from, with the small gaps seen in real
records. Elsewhere: the kinds themselves (voice.py, digital.py, outbound.py, long_lived.py).
"""

from dataclasses import dataclass
from datetime import date

from aggregation_platform.simulator.dice import Dice
from aggregation_platform.simulator.directory import Directory, Queue, User
from aggregation_platform.simulator.stories import (
    HOLD,
    TALK,
    Line,
    Menu,
    Story,
    Wait,
    Work,
)

PBX_NUMBER = "+15550000000"
"""One switchboard that calls every org all day: a shared number that means nothing."""
NO_CODE, TIMEOUT_CODE = None, "ININ-WRAP-UP-TIMEOUT"
CORRELATION_KEY = "IVR_UU_ID"


@dataclass(slots=True)
class Scene:
    """Where and when a conversation happens, and the dice it is decided with."""

    place: Directory
    dice: Dice
    day: date
    start: int
    conversation_id: str
    callers: int

    def story(self, kind: str, *, direction: str = "inbound") -> Story:
        """Begin a story with a caller who is sometimes anonymous, sometimes a switchboard."""
        dice = self.dice
        drawn = dice.random()
        if drawn < 0.03:
            ani, caller = dice.pick(("tel:anonymous", "sip:anonymous@anonymous.invalid", "")), "?"
        elif drawn < 0.045:
            ani, caller = f"tel:{PBX_NUMBER}", "Main Switchboard"
        else:
            number = dice.whole(0, self.callers)
            ani = f"tel:{self.place.profile.caller_prefix}1{number:07d}"
            caller = f"Caller {number % 997}"
        return Story(
            org=self.place.org,
            kind=kind,
            conversation_id=self.conversation_id,
            start=self.start,
            end=self.start,
            direction=direction,
            ani=ani or None,
            dnis=f"tel:{self.place.site_number(dice.whole(1, 40))}",
            caller=caller if caller != "?" else "Anonymous",
            token=dice.bits(62),
        )

    def call_in(self, story: Story, queue: Queue | None, until: int, disconnect: str) -> Line:
        """Put the caller's own line in front of everything else; it lasts until `until`."""
        setup = self.dice.whole(150, 280)
        line = Line(
            party=0, media="voice", direction="inbound", start=story.start, setup_ms=setup,
            connected_ms=max(0, until - story.start - setup), disconnect=disconnect, queue=queue,
            ani=story.ani, dnis=story.dnis, name=story.caller,
        )  # fmt: skip
        story.add(line, place=0)
        return line

    def menu(self, story: Story, start: int, queue: Queue | None, *, party: int = 1) -> int:
        """Let an IVR speak; returns the end of it."""
        dice = self.dice
        purpose = queue.purpose if queue else "Main"
        name = f"{self.place.profile.short_name} {purpose} IVR"
        flow = queue.flow_id if queue else self.place.queues[0].flow_id
        menu = Menu(
            party=party, media="voice", direction="inbound", start=start,
            setup_ms=dice.whole(10, 50), ms=dice.duration(22_000, 4_000, 90_000), flow_name=name,
            flow_id=flow, counted_after_ms=dice.whole(170, 262), left_after_ms=dice.whole(2, 24),
            target=queue,
        )  # fmt: skip
        story.add(menu)
        return start + menu.setup_ms + menu.ms

    def wait(
        self,
        story: Story,
        start: int,
        queue: Queue,
        ms: int,
        *,
        party: int,
        outcome: str = "answered",
        chosen: User | None = None,
        entered_from: str = "ivr",
    ) -> int:
        """Let the caller stand in a queue; returns the end of the wait."""
        delay = self.dice.whole(10, 90)
        story.add(
            Wait(
                party=party,
                media="voice",
                direction="inbound",
                start=start,
                queue=queue,
                delay_ms=delay,
                ms=ms,
                outcome=outcome,
                chosen=chosen,
                entered_from=entered_from,
            )
        )
        return start + delay + ms

    def stretches(self, mean: int, *, most: int = 600_000) -> tuple[tuple[str, int], ...]:
        """Talk, sometimes broken by up to three holds, now and then ending in one."""
        dice = self.dice
        parts: list[tuple[str, int]] = [(TALK, dice.duration(mean, 4_000, most))]
        if dice.chance(0.28):
            for _ in range(dice.whole(1, 3)):
                parts.append((HOLD, dice.duration(35_000, 1_500, 90_000)))
                parts.append((TALK, dice.duration(mean // 3, 1_000, most // 4)))
            if dice.chance(0.04):
                parts.pop()
        return tuple(parts)

    def wrap(self, work: Work) -> Work:
        """Decide the after-call work: done, timed out, left without a code, or skipped."""
        dice = self.dice
        drawn = dice.random()
        if drawn < 0.08:
            work.acw_skipped = True
        elif drawn < 0.2:
            work.acw_ms, work.wrap_up = 30_000 + dice.whole(0, 40), TIMEOUT_CODE
        else:
            work.acw_ms = dice.duration(24_000, 800, 240_000)
            work.wrap_up = NO_CODE if drawn < 0.26 else dice.pick(self.place.wrap_up_ids)
        return work

    def answer(
        self,
        waited_until: int,
        waited: int,
        queue: Queue,
        stretches: tuple[tuple[str, int], ...],
        *,
        party: int,
        user: User | None = None,
    ) -> Work:
        """An agent takes the caller out of the queue; the leg is not yet part of the story."""
        dice = self.dice
        answered = waited_until + dice.whole(-11, 17)
        alert = max(40, min(dice.duration(4_000, 300, 14_000), waited - 200))
        return Work(
            party=party, media="voice", direction="inbound", start=answered - alert,
            user=user or self.place.agent(dice, self.day), queue=queue, alert_ms=alert,
            waited_ms=waited, stretches=stretches,
        )  # fmt: skip

    def decorate(self, story: Story) -> None:
        """Write the participant data that flows and scripts leave behind."""
        dice = self.dice
        attributes = story.attributes
        if dice.chance(0.6) and CORRELATION_KEY not in attributes:
            attributes[CORRELATION_KEY] = f"00FA08{dice.bits(64):016X}"
        if dice.chance(0.3):
            attributes["ASAIUUI"] = attributes.get(CORRELATION_KEY, f"00FA08{dice.bits(64):016X}")
        elif dice.chance(0.01):
            attributes.setdefault(CORRELATION_KEY, "")
        attributes["CallEWT"] = f"PT{dice.whole(0, 600)}S"
        attributes["PriorityBoost"] = str(dice.whole(0, 5))
        attributes["Language"] = self.place.profile.language
        attributes["customer.segment"] = dice.pick(("gold", "silver", "bronze", "väärtuslik"))
        for number in range(dice.whole(0, 14)):
            attributes[f"ivr.step {number}"] = f"{dice.bits(40):010x} {story.kind}"
        if dice.chance(0.01):
            attributes["notes"] = "x" * 1024  # the service cuts at 1024
