"""Messages and e-mail.

Belongs here: conversations in writing, short and long. Elsewhere: those that go on for days
(long_lived.py).
"""

from aggregation_platform.simulator.directory import Queue, User
from aggregation_platform.simulator.scene import Scene
from aggregation_platform.simulator.stories import TALK, Line, Menu, Story, Wait, Work, work_end


def _open_message(scene: Scene, kind: str) -> tuple[Story, Queue, int]:
    story = scene.story(kind)
    story.ani = story.dnis = None
    story.message_type = scene.dice.pick(("webmessaging", "webmessaging", "sms", "whatsapp"))
    queue = scene.dice.pick(scene.place.queues_for("message"))
    menu = Menu(
        party=1, media="message", direction="inbound", start=story.start + scene.dice.whole(5, 80),
        ms=scene.dice.duration(9_000, 300, 60_000), flow_name="Message Router",
        flow_id=queue.flow_id, target=queue,
    )  # fmt: skip
    story.add(menu)
    return story, queue, menu.start + menu.ms


def exchange(
    scene: Scene, story: Story, queue: Queue, entered: int, user: User, *, waited: int, mean: int,
    first: bool,
) -> Work:  # fmt: skip
    """One round in writing: a place in the queue, then one session of the same agent."""
    dice = scene.dice
    story.add(
        Wait(
            party=2,
            media="message",
            direction="inbound",
            start=entered,
            queue=queue,
            delay_ms=0,
            ms=waited,
            chosen=user,
            entered_from="workflow" if first else "agent",
        )
    )
    answered = entered + waited + dice.whole(0, 40)
    alert = min(waited, dice.whole(400, 5_000)) if first or dice.chance(0.5) else None
    work = Work(
        party=3, media="message", direction="inbound", start=answered - (alert or 0), user=user,
        queue=queue, alert_ms=alert, waited_ms=waited, stretches=scene.stretches(mean),
    )  # fmt: skip
    return scene.wrap(work)


def close_message(scene: Scene, story: Story, queue: Queue, until: int) -> Story:
    """End the customer's own session, which was open all the while."""
    line = Line(
        party=0, media="message", direction="inbound", start=story.start,
        connected_ms=until - story.start, disconnect="client", queue=queue, name="Guest",
    )  # fmt: skip
    story.add(line, place=0)
    scene.decorate(story)
    return story


def _message(scene: Scene, kind: str, mean: int, longest_wait: int) -> Story:
    """One agent, one to four sessions: each transfer begins a new session on another queue."""
    dice = scene.dice
    story, queue, entered = _open_message(scene, kind)
    user, target = scene.place.agent(dice, scene.day), queue
    rounds = 1 if dice.chance(0.6) else dice.whole(2, 4)
    until = entered
    for number in range(rounds):
        waited = dice.duration(8_000, 600, longest_wait if number == 0 else 9_000)
        work = exchange(
            scene, story, target, entered, user, waited=waited, mean=mean, first=not number
        )
        if number < rounds - 1:
            work.handed_over = "blind"
            target = dice.pick((*scene.place.queues_for("message")[:1], scene.place.queues[0]))
        story.add(work)
        until = work_end(work) or work.start
        entered = until + dice.whole(50, 400)
    return close_message(scene, story, queue, until)


def message(scene: Scene) -> Story:
    """A web chat or text message that is over within the hour."""
    return _message(scene, "message", 75_000, 60_000)


def long_message(scene: Scene) -> Story:
    """One that waits up to two hours for its agent."""
    return _message(scene, "long_message", 300_000, 7_200_000)


def email(scene: Scene) -> Story:
    """An e-mail: minutes to hours in the queue, which stays open all that time."""
    dice = scene.dice
    story = scene.story("email")
    story.ani = story.dnis = None
    story.subject = f"Request {dice.whole(1000, 9999)}"
    queue = dice.pick(scene.place.queues_for("email"))
    menu = Menu(
        party=1, media="email", direction="inbound", start=story.start, ms=dice.whole(80, 900),
        flow_name="Mail Router", flow_id=queue.flow_id, target=queue,
    )  # fmt: skip
    story.add(menu)
    waited = dice.duration(4_000_000, 60_000, 18_000_000)
    entered = menu.start + menu.ms
    user = scene.place.agent(dice, scene.day)
    story.add(
        Wait(
            party=2,
            media="email",
            direction="inbound",
            start=entered,
            queue=queue,
            delay_ms=0,
            ms=waited,
            chosen=user,
            entered_from="workflow",
        )
    )
    alert = dice.whole(2_000, 40_000)
    work = Work(
        party=3, media="email", direction="inbound", start=entered + waited - alert, user=user,
        queue=queue, alert_ms=alert, waited_ms=waited,
        stretches=((TALK, dice.duration(420_000, 20_000, 1_500_000)),),
    )  # fmt: skip
    story.add(scene.wrap(work))
    until = work_end(work) or work.start
    line = Line(
        party=0, purpose="external", media="email", direction="inbound", start=story.start,
        connected_ms=until - story.start, disconnect="client", queue=queue,
        name=f"client{dice.whole(1, 9999)}@mail.example",
    )  # fmt: skip
    story.add(line, place=0)
    story.attributes["mail.priority"] = str(dice.whole(1, 3))
    return story
