"""Inbound calls as they happen: menus, queues, agents, transfers, conferences.

Belongs here: one function per kind of inbound call, each telling one whole story of at most
forty minutes (`calendar.SHORT_MS`). Elsewhere: calls that stay open for days (long_lived.py),
calls handed to another org (journeys.py).
"""

from aggregation_platform.simulator.directory import Queue
from aggregation_platform.simulator.scene import Scene
from aggregation_platform.simulator.stories import (
    HOLD,
    TALK,
    Line,
    Story,
    Voicemail,
    Wait,
    Work,
    answered_at,
    talk_end,
)


def _arrive(scene: Scene, kind: str) -> tuple[Story, Queue, int]:
    """Come in through the IVR; gives the story, the queue and when the queue is entered."""
    story = scene.story(kind)
    queue = scene.dice.pick(scene.place.queues_for("voice"))
    left = scene.menu(story, story.start + scene.dice.whole(10, 55), queue)
    return story, queue, left + scene.dice.whole(4, 20)


def _be_served(scene: Scene, story: Story, queue: Queue, entered: int, *, party: int = 2) -> Work:
    """Wait in the queue and be answered; the agent's leg is not yet part of the story."""
    waited = scene.dice.duration(25_000, 1_200, 300_000)
    user = scene.place.agent(scene.dice, scene.day)
    until = scene.wait(story, entered, queue, waited, party=party, chosen=user)
    talk = scene.stretches(190_000)
    return scene.answer(until, waited, queue, talk, party=party + 1, user=user)


def _finish(scene: Scene, story: Story, queue: Queue, last: Work) -> Story:
    """Hang up: the caller's line ends within milliseconds of the last talk."""
    ended = talk_end(last)
    caller_first = scene.dice.chance(0.6)
    last.hung_up = "peer" if caller_first else "client"
    line_end = ended - scene.dice.whole(0, 6) if caller_first else ended + scene.dice.whole(0, 4)
    scene.call_in(story, queue, line_end, "endpoint" if caller_first else "peer")
    scene.decorate(story)
    return story


def simple(scene: Scene) -> Story:
    """IVR, queue, one agent."""
    story, queue, entered = _arrive(scene, "simple")
    work = scene.wrap(_be_served(scene, story, queue, entered))
    story.add(work)
    if scene.dice.chance(0.02):
        story.started_late_ms = 13
    return _finish(scene, story, queue, work)


def not_responding(scene: Scene) -> Story:
    """The first agent lets it ring; a second one answers.

    In three of ten the first agent is left in after-call work, whose metric is seconds shorter
    than its segment: the reason never to recompute handle time from segments.
    """
    dice = scene.dice
    story, queue, entered = _arrive(scene, "not_responding")
    waited = dice.whole(24_000, 90_000)
    until = scene.wait(story, entered, queue, waited, party=2)
    ring = dice.whole(7_000, 16_000)
    missed = Work(
        party=3, media="voice", direction="inbound", start=entered + dice.whole(120, 400),
        user=scene.place.agent(dice, scene.day), queue=queue, alert_ms=ring, failed=True,
        hung_up=dice.pick(("client", "system")),
    )  # fmt: skip
    if dice.chance(0.3):
        told = 1000 * dice.whole(20, 60)
        missed.acw_ms, missed.acw_segment_ms = told, told + 4_000
        missed.acw_gap_ms, missed.acw_told_after_ms = 249, told + 163
        missed.wrap_up = dice.pick(scene.place.wrap_up_ids)
    story.add(missed)
    work = scene.answer(until, waited, queue, scene.stretches(190_000), party=4)
    story.add(scene.wrap(work))
    return _finish(scene, story, queue, work)


def blind_transfer(scene: Scene) -> Story:
    """Queue to queue: the first agent passes the caller on without speaking to the second."""
    story, queue, entered = _arrive(scene, "blind_transfer")
    first = _be_served(scene, story, queue, entered)
    first.handed_over = "blind"
    story.add(scene.wrap(first))
    other = scene.dice.pick(scene.place.queues_for("voice"))
    again = talk_end(first) + scene.dice.whole(5, 60)
    second = _be_served(scene, story, other, again, party=4)
    story.add(scene.wrap(second))
    return _finish(scene, story, queue, second)


def consult_transfer(scene: Scene) -> Story:
    """The first agent holds the caller, asks a second queue, and hands over."""
    dice = scene.dice
    story, queue, entered = _arrive(scene, "consult_transfer")
    first = _be_served(scene, story, queue, entered)
    talk, asked = dice.duration(120_000, 10_000, 500_000), dice.whole(300, 2_000)
    first.consulted_at = answered_at(first) + talk + asked
    other = dice.pick(scene.place.queues_for("voice"))
    second = _be_served(scene, story, other, first.consulted_at, party=4)
    hold = answered_at(second) - (answered_at(first) + talk) + dice.whole(5_000, 40_000)
    first.stretches = ((TALK, talk), (HOLD, hold), (TALK, dice.whole(2_000, 20_000)))
    first.handed_over, first.failed = "consult", dice.chance(0.3)
    story.add(scene.wrap(first), place=-1)
    overlap = talk_end(first) - answered_at(second)
    second.stretches = ((TALK, overlap + dice.duration(120_000, 8_000, 500_000)),)
    story.add(scene.wrap(second))
    return _finish(scene, story, queue, second)


def conference(scene: Scene) -> Story:
    """Two agents and the caller; now and then somebody outside is called as well."""
    dice = scene.dice
    story, queue, entered = _arrive(scene, "conference")
    first = _be_served(scene, story, queue, entered)
    talk, hold = dice.duration(90_000, 8_000, 400_000), dice.whole(6_000, 40_000)
    together = dice.duration(120_000, 10_000, 400_000)
    first.stretches = ((TALK, talk), (HOLD, hold), (TALK, together))
    first.conference, first.failed = True, dice.chance(0.5)
    story.add(scene.wrap(first))
    joined = answered_at(first) + talk + hold
    if dice.chance(0.5):
        second = Work(
            party=4, media="voice", direction="inbound", start=joined - 3_000, alert_ms=3_000,
            user=scene.place.agent(dice, scene.day), queue=queue, conference=True,
            stretches=((TALK, together - dice.whole(0, 500)),),
        )  # fmt: skip
        story.add(scene.wrap(second))
    else:
        number = f"tel:{scene.place.profile.caller_prefix}9{dice.whole(0, 9_999_999):07d}"
        story.add(
            Line(
                party=4,
                media="voice",
                direction="outbound",
                start=joined - dice.whole(900, 4_000),
                connected_ms=together,
                queue=queue,
                conference=True,
                dnis=number,
                name="Internal",
                ani=f"sip:{first.user.station}+{scene.place.profile.short_name}.orgspan.com@localhost",
            )
        )
    return _finish(scene, story, queue, first)


def menu_hang_up(scene: Scene) -> Story:
    """The caller hangs up in the IVR and never reaches a queue."""
    story = scene.story("menu_hang_up")
    left = scene.menu(story, story.start + scene.dice.whole(10, 55), None)
    scene.call_in(story, None, left + scene.dice.whole(0, 5), "endpoint")
    scene.decorate(story)
    return story


def abandon(scene: Scene) -> Story:
    """The caller hangs up while waiting; within ten seconds it is a short abandon."""
    dice = scene.dice
    story, queue, entered = _arrive(scene, "abandon")
    short = dice.chance(0.15)
    waited = dice.whole(600, 9_900) if short else dice.duration(70_000, 10_100, 400_000)
    outcome = "short" if short else "abandoned"
    until = scene.wait(story, entered, queue, waited, party=2, outcome=outcome)
    scene.call_in(story, queue, until + dice.whole(0, 3), "endpoint")
    scene.decorate(story)
    return story


def callback(scene: Scene) -> Story:
    """The caller leaves a message, and an agent calls back within a quarter of an hour."""
    dice = scene.dice
    story, queue, entered = _arrive(scene, "callback")
    voicemail = Voicemail(
        party=2, media="voice", direction="inbound", start=entered, queue=queue,
        setup_ms=dice.whole(20, 60), ms=dice.duration(30_000, 3_000, 90_000),
    )  # fmt: skip
    story.add(voicemail)
    spoken = entered + voicemail.setup_ms + voicemail.ms
    upload, waited = dice.whole(3_000, 9_000), dice.duration(300_000, 5_000, 800_000)
    story.add(
        Wait(
            party=3,
            media="callback",
            direction="outbound",
            start=spoken,
            queue=queue,
            delay="uploading",
            delay_ms=upload,
            ms=waited,
            entered_from="voicemail",
        )
    )
    until = spoken + upload + waited
    work = scene.answer(until, waited, queue, scene.stretches(150_000), party=4)
    work.media, work.direction = "callback", "outbound"
    story.add(scene.wrap(work))
    scene.call_in(story, queue, spoken - dice.whole(0, 4), "endpoint")
    ringing = Line(
        party=0, media="callback", direction="outbound", start=spoken, setup="uploading",
        setup_ms=upload, connected_ms=talk_end(work) - spoken - upload, disconnect="peer",
        queue=queue, name=story.caller,
    )  # fmt: skip
    story.add(ringing, place=1)
    scene.decorate(story)
    return story


KINDS = (
    (simple, 44), (not_responding, 6), (blind_transfer, 6), (consult_transfer, 3), (conference, 3),
    (menu_hang_up, 9), (abandon, 7), (callback, 4),
)  # fmt: skip
