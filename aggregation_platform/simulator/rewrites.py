"""What the nightly pipeline changes in data that is two days old.

Belongs here: which stories a rewrite generation touches and how: a late wrap-up, a corrected
after-call work, an attribute added, a resolution. Elsewhere: when a generation begins
(services.py).
"""

from aggregation_platform.simulator.dice import Dice, fraction
from aggregation_platform.simulator.stories import Story, Work, end_of
from aggregation_platform.simulator.timestamps import HOUR_MS

SHARE = 0.02
"""Share of conversations that each generation touches."""


def rewritten(story: Story, generation: int) -> Story:
    """Change a story as generations 1 to `generation` would; most stay as they are."""
    changed = False
    for number in range(1, generation + 1):
        if fraction(story.token + number) < SHARE:
            _rewrite(story, Dice(story.token, "rewrite", number))
            changed = True
    if changed:
        story.end = story.start
        ends = [end_of(leg) for leg in story.legs]
        story.end = None if None in ends else max(end for end in ends if end is not None)
    return story


def _rewrite(story: Story, dice: Dice) -> None:
    worked = [leg for leg in story.legs if isinstance(leg, Work) and leg.stretches]
    worked = [leg for leg in worked if not leg.acw_pending and leg.acw_segment_ms is None]
    if not worked or dice.chance(0.2):
        story.attributes["added.late"] = f"{dice.bits(32):08x}"
        if story.end is not None:
            story.resolved_at = story.end + 50 * HOUR_MS
        return
    work = worked[-1]
    if work.acw_ms is None:
        work.acw_skipped, work.acw_ms = False, 1000 * dice.whole(3, 30)
    else:
        work.acw_ms += 100 * dice.whole(1, 90)
