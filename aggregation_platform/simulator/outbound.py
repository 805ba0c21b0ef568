"""Calls that agents and campaigns make.

Belongs here: outbound voice with and without a queue. Elsewhere: callbacks, which begin as
inbound calls (voice.py).
"""

from aggregation_platform.simulator.directory import Queue
from aggregation_platform.simulator.scene import Scene
from aggregation_platform.simulator.stories import TALK, Line, Story, Work, answered_at, talk_end
from aggregation_platform.simulator.timestamps import DAY_MS


def _call_out(scene: Scene, story: Story, work: Work) -> Story:
    """Add the agent and then the line to the person called."""
    story.add(work)
    begun = work.start + (work.contacting_ms or 0)
    ringing = work.dialing_ms or 0
    line = Line(
        party=1, media="voice", direction="outbound", start=begun, setup="dialing",
        setup_ms=ringing, connected_ms=max(0, talk_end(work) - begun - ringing), disconnect="peer",
        queue=work.queue, name=story.caller, dnis=story.dnis,
        ani=f"sip:{work.user.station}+{scene.place.profile.short_name}.orgspan.com@localhost",
    )  # fmt: skip
    story.add(line)
    scene.decorate(story)
    return story


def _work(scene: Scene, story: Story, queue: Queue | None) -> Work:
    dice = scene.dice
    return Work(
        party=0, media="voice", direction="outbound", start=story.start, queue=queue,
        purpose="agent" if queue else "user", user=scene.place.agent(dice, scene.day),
        contacting_ms=dice.whole(200, 2_500), dialing_ms=dice.duration(9_000, 900, 45_000),
        stretches=scene.stretches(110_000),
    )  # fmt: skip


def _story(scene: Scene, kind: str) -> Story:
    story = scene.story(kind, direction="outbound")
    called = scene.dice.whole(0, 9_999_999)
    story.dnis = f"tel:{scene.place.profile.caller_prefix}2{called:07d}"
    story.ani = None
    story.caller = f"Prospect {called % 997}"
    return story


def direct(scene: Scene) -> Story:
    """A user dials somebody, on nobody's behalf: no queue, no after-call work."""
    story = _story(scene, "outbound_direct")
    return _call_out(scene, story, _work(scene, story, None))


def for_queue(scene: Scene) -> Story:
    """An agent calls on behalf of a queue; with a campaign in half of them."""
    dice = scene.dice
    campaign = dice.chance(0.5)
    story = _story(scene, "outbound_campaign" if campaign else "outbound_queue")
    queue = dice.pick(scene.place.queues_for("voice"))
    work = scene.wrap(_work(scene, story, queue))
    if campaign:
        work.campaign_id = scene.place.queues[0].flow_id
        if dice.chance(0.2):
            work.stretches, work.wrap_up = (), "ININ-OUTBOUND-PREVIEW-SKIPPED"
    return _call_out(scene, story, work)


def midnight_call(scene: Scene) -> Story:
    """Begins at ten to midnight and is wrapped up five minutes past it."""
    story = scene.story("midnight_call")
    queue = scene.place.queues_for("voice")[0]
    entered = scene.menu(story, story.start + 20, queue) + 10
    until = scene.wait(story, entered, queue, 9_000, party=2)
    work = scene.answer(until, 9_000, queue, (), party=3)
    midnight = story.start - story.start % 86_400_000 + 86_400_000
    work.stretches = ((TALK, midnight - 45_000 - answered_at(work)),)
    work.acw_ms, work.wrap_up = 45_000 + 300_000, scene.place.wrap_up_ids[0]
    story.add(work)
    scene.call_in(story, queue, talk_end(work) - 3, "endpoint")
    scene.decorate(story)
    return story


def last_call(scene: Scene) -> Story:
    """Ends as the day ends: 10 ms before midnight, or exactly at it.

    The one that ends before midnight has its handle time emitted 15 ms after midnight. The record
    is over before the day on which its handle time counts.
    """
    story = scene.story("last_call")
    queue = scene.place.queues_for("voice")[0]
    until = scene.wait(story, story.start + 20, queue, 9_000, party=1)
    work = scene.answer(until, 9_000, queue, (), party=2)
    midnight = story.start - story.start % DAY_MS + DAY_MS
    work.stretches = ((TALK, midnight - 10_000 - answered_at(work)),)
    work.acw_ms, work.wrap_up = 10_000, scene.place.wrap_up_ids[0]
    if scene.dice.chance(0.5):
        work.acw_segment_ms, work.acw_told_after_ms = 9_990, 10_015
    story.add(work)
    scene.call_in(story, queue, talk_end(work) - 3, "endpoint")
    scene.decorate(story)
    return story


KINDS = ((direct, 5), (for_queue, 5))
