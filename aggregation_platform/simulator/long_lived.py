"""Conversations that outlive their day, and those that never end.

Belongs here: messages taken up again for days, calls with a forgotten line that the platform
closes about 60 days later, records that stay open. They sit on indices that arithmetic tells
(calendar.py), so that a later day finds them without looking at everything.
"""

from datetime import timedelta

from aggregation_platform.simulator.day_plan import CLEAN_UP_DAYS
from aggregation_platform.simulator.digital import close_message, exchange
from aggregation_platform.simulator.scene import Scene
from aggregation_platform.simulator.stories import (
    TALK,
    Line,
    Menu,
    Story,
    Voicemail,
    Wait,
    answered_at,
    talk_end,
    work_end,
)
from aggregation_platform.simulator.timestamps import DAY_MS, HOUR_MS, MINUTE_MS


def multi_day(scene: Scene) -> Story:
    """A message thread that an agent takes up again on two to five later days."""
    dice = scene.dice
    story = scene.story("multi_day")
    story.ani = story.dnis = None
    story.message_type = "whatsapp"
    queue = dice.pick(scene.place.queues_for("message"))
    menu = Menu(
        party=1, media="message", direction="inbound", start=story.start, ms=900,
        flow_name="Message Router", flow_id=queue.flow_id, target=queue,
    )  # fmt: skip
    story.add(menu)
    user, entered, until = scene.place.agent(dice, scene.day), menu.start + menu.ms, story.start
    last = dice.whole(2, 5)
    for number in range(last + 1):
        work = exchange(
            scene, story, queue, entered, user, waited=dice.duration(40_000, 900, 900_000),
            mean=200_000, first=number == 0,
        )  # fmt: skip
        work.party += number  # each day another agent, so another participant
        if number < last:
            work.handed_over = "blind"
        story.add(work)
        until = work_end(work) or work.start
        pause = DAY_MS + dice.whole(-4 * HOUR_MS, 4 * HOUR_MS)
        entered = until + pause
        user = scene.place.agent(dice, scene.day + timedelta(days=number + 1))
    return close_message(scene, story, queue, until)


def _call_with_outsider(scene: Scene, kind: str, until: int | None) -> Story:
    """A finished call whose conferenced outside line lasts until `until`."""
    dice = scene.dice
    story = scene.story(kind)
    queue = dice.pick(scene.place.queues_for("voice"))
    entered = scene.menu(story, story.start + 30, queue) + 10
    waited = dice.duration(20_000, 1_500, 120_000)
    answered = scene.wait(story, entered, queue, waited, party=2)
    talk = scene.stretches(120_000, most=300_000)
    work = scene.wrap(scene.answer(answered, waited, queue, talk, party=3))
    work.conference = work.failed = True
    story.add(work)
    joined = answered_at(work) + 2_000
    number = f"tel:{scene.place.profile.caller_prefix}9{dice.whole(0, 9_999_999):07d}"
    story.add(
        Line(
            party=4,
            media="voice",
            direction="outbound",
            start=joined,
            queue=queue,
            connected_ms=None if until is None else until - joined,
            conference=True,
            dnis=number,
            ani=f"sip:{work.user.station}+{scene.place.profile.short_name}.orgspan.com@localhost",
            name="Internal",
        )
    )
    scene.call_in(story, queue, talk_end(work) - 4, "endpoint")
    scene.decorate(story)
    return story


def orphan(scene: Scene) -> Story:
    """A record kept open for 59 to 60 days by a leg that nobody closed.

    Its `tConnected` or `tAcd` is about 5.1e9 ms, more than 32 bits hold.
    """
    dice = scene.dice
    minute = scene.start - scene.start % DAY_MS + 14 * HOUR_MS + MINUTE_MS
    closed = minute + CLEAN_UP_DAYS * DAY_MS + dice.whole(0, 59_000)
    if dice.chance(0.7):
        return _call_with_outsider(scene, "orphan", closed)
    return _forgotten_callback(scene, closed)


def _forgotten_callback(scene: Scene, closed: int) -> Story:
    """A callback that no agent ever took: it waits in its queue until the clean-up."""
    dice = scene.dice
    story = scene.story("orphan_callback")
    queue = dice.pick(scene.place.queues_for("voice"))
    entered = scene.menu(story, story.start + 40, queue) + 6
    voicemail = Voicemail(
        party=2, media="voice", direction="inbound", start=entered, queue=queue, setup_ms=46,
        ms=dice.duration(30_000, 3_000, 90_000),
    )  # fmt: skip
    story.add(voicemail)
    spoken = entered + voicemail.setup_ms + voicemail.ms
    upload = dice.whole(3_000, 59_000)
    ringing = Line(
        party=0, media="callback", direction="outbound", start=spoken, setup="uploading",
        setup_ms=upload, connected_ms=closed - spoken - upload, disconnect="client", queue=queue,
        name=story.caller,
    )  # fmt: skip
    story.add(ringing)
    story.add(
        Wait(
            party=3,
            media="callback",
            direction="outbound",
            start=spoken + 1,
            queue=queue,
            delay="uploading",
            delay_ms=upload,
            ms=closed + 11 - spoken - 1 - upload,
            outcome="left",
            entered_from="voicemail",
        )
    )
    scene.call_in(story, queue, spoken - 4, "endpoint")
    scene.decorate(story)
    return story


def never_ended(scene: Scene) -> Story:
    """A record without `conversationEnd`: an open outside line, or wrap-up that still pends."""
    if scene.dice.chance(0.5):
        return _call_with_outsider(scene, "open_line", None)
    story = scene.story("open_wrap_up")
    queue = scene.dice.pick(scene.place.queues_for("voice"))
    entered = scene.menu(story, story.start + 30, queue) + 10
    answered = scene.wait(story, entered, queue, 5_000, party=2)
    work = scene.answer(answered, 5_000, queue, ((TALK, 90_000),), party=3)
    work.acw_pending = True
    story.add(work)
    scene.call_in(story, queue, talk_end(work) - 2, "endpoint")
    scene.decorate(story)
    return story
