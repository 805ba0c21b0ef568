"""Calls handed from one organisation to another: one contact, a record in each.

Belongs here: what both sides see of such a call, by the evidence that it leaves. A journey is
decided as a whole from its first call, so either org's side can be told alone.

Evidence, in the order drawn:
    key     both records carry the same `IVR_UU_ID`; the first keeps an outbound line
    tag     both records carry the same externalTag
    dialled no key: the first's outbound line dials the second's number seconds before
    caller  the first releases the call; the second sees the caller's own number, and no more
"""

from dataclasses import dataclass

from aggregation_platform.simulator.dice import Dice, fraction, number_of
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.scene import CORRELATION_KEY, PBX_NUMBER, Scene
from aggregation_platform.simulator.stories import TALK, Line, Story, Work, answered_at, talk_end


@dataclass(frozen=True, slots=True)
class HandOver:
    """What the receiving org is given of a call from another org."""

    start: int
    ani: str | None
    dnis: str
    key: str | None
    tag: str | None


def path_of(options: SimulatorOptions, org: str, day_number: int, index: int) -> tuple[str, ...]:
    """Give the orgs a handed-over call goes through, the first included; two or three."""
    others = [other for other in options.orgs if other != org]
    if not others:
        return (org,)
    base = number_of(options.seed, "path", org, day_number)
    second = others[int(fraction(base + index) * len(others))]
    rest = [other for other in others if other != second]
    if rest and fraction(base + index + 7_000_003) < 0.15:
        return (org, second, rest[int(fraction(base + index + 11_000_003) * len(rest))])
    return (org, second)


def give(scene: Scene, story: Story, dialled: str) -> HandOver:
    """Tell the giving org's part up to its end, and say what the next org is given."""
    dice = scene.dice
    evidence = dice.random()
    if evidence < 0.45:
        # Flows write the key on the first side; a call passed on twice keeps it.
        story.attributes.setdefault(CORRELATION_KEY, f"00FA08{dice.bits(64):016X}")
    elif evidence < 0.55:
        story.external_tag = story.external_tag or f"CASE-{dice.bits(40):010X}"
    queue = dice.pick(scene.place.queues_for("voice"))
    entered = scene.menu(story, story.start + 25, queue) + 8
    waited = dice.duration(15_000, 1_200, 90_000)
    user = scene.place.agent(dice, scene.day)
    until = scene.wait(story, entered, queue, waited, party=2, chosen=user)
    talk = ((TALK, dice.duration(60_000, 5_000, 240_000)),)
    work = scene.answer(until, waited, queue, talk, party=3, user=user)
    work.handed_over = "blind"
    story.add(scene.wrap(work))
    passed = talk_end(work)
    if evidence >= 0.85:
        scene.call_in(story, queue, passed + dice.whole(0, 40), "transfer")
        ani = _traceable(scene, story)
        return HandOver(passed + dice.whole(2_000, 45_000), ani, dialled, None, None)
    return _stay_on_the_line(scene, story, work, dialled, evidence)


def _traceable(scene: Scene, story: Story) -> str:
    """Give the caller a number of its own: without one, nothing could tell the two records."""
    if not story.ani or "anonymous" in story.ani or PBX_NUMBER in story.ani:
        number = scene.dice.whole(0, scene.callers)
        story.ani = f"tel:{scene.place.profile.caller_prefix}1{number:07d}"
        for leg in story.legs:
            if isinstance(leg, Line) and leg.party == 0:
                leg.ani = story.ani
    return story.ani


def _stay_on_the_line(
    scene: Scene, story: Story, work: Work, dialled: str, evidence: float
) -> HandOver:
    """Keep the platform in the path: an outbound line to the next org until the end."""
    dice = scene.dice
    dialling = talk_end(work) - dice.whole(200, 1_500)
    dialling = max(dialling, answered_at(work) + 500)
    lasted = dice.duration(200_000, 30_000, 700_000)
    own_number = f"tel:{scene.place.site_number(0)}"
    shows_caller = dice.chance(0.5) and story.ani is not None
    story.add(
        Line(
            party=4,
            media="voice",
            direction="outbound",
            start=dialling,
            connected_ms=lasted,
            disconnect="peer",
            queue=work.queue,
            dnis=dialled,
            name="External",
            ani=story.ani if shows_caller else own_number,
        )
    )
    scene.call_in(story, work.queue, dialling + lasted + dice.whole(0, 9), "endpoint")
    return HandOver(
        start=dialling + dice.whole(800, 4_000),
        ani=story.ani if shows_caller else own_number,
        dnis=dialled,
        key=story.attributes.get(CORRELATION_KEY) if evidence < 0.45 else None,
        tag=story.external_tag if 0.45 <= evidence < 0.55 else None,
    )


def receive(scene: Scene, given: HandOver) -> Story:
    """Begin the receiving org's conversation as that org sees it arrive."""
    story = scene.story("handed_over")
    story.ani, story.dnis = given.ani, given.dnis
    story.caller = "External caller"
    if given.key:
        story.attributes[CORRELATION_KEY] = given.key
    story.external_tag = given.tag
    return story


def answer_guest(scene: Scene, story: Story) -> Story:
    """Serve a call that another org handed over; the last leg of its journey."""
    dice: Dice = scene.dice
    queue = dice.pick(scene.place.queues_for("voice"))
    entered = scene.menu(story, story.start + 25, queue) + 8
    waited = dice.duration(20_000, 1_200, 120_000)
    user = scene.place.agent(dice, scene.day)
    until = scene.wait(story, entered, queue, waited, party=2, chosen=user)
    talk = scene.stretches(150_000, most=500_000)
    work = scene.wrap(scene.answer(until, waited, queue, talk, party=3, user=user))
    story.add(work)
    scene.call_in(story, queue, talk_end(work) - 2, "endpoint")
    return story
