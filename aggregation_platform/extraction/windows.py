"""Windows: the stretches of time that an attempt asks for, and their halves.

Belongs here: a window's interval from its name, and halving that provably loses nothing.
Elsewhere: when to halve (moves.py, org_day.py).
"""

from __future__ import annotations

from datetime import timedelta

from aggregation_platform.intervals import Interval
from aggregation_platform.landing.state import ROOT_WINDOW

OVERLAP = timedelta(seconds=1)
"""How far the first half reaches into the second."""


def overlapping_halves(interval: Interval) -> tuple[Interval, Interval]:
    """Split an interval at its middle; the first half reaches one second past it.

    A job returns what lives at some instant of its interval, but whether the ends count is not
    documented. A conversation that only touched the middle could then be in neither half. With
    the overlap it is in at least one, whichever way the ends count: if it ends after the middle
    it lives in the second half, else it lives in the first. What both return is one conversation
    (raw/ keeps one row of it).

    Raises:
        ValueError: If the halves would not be shorter than the interval.
    """
    first, second = interval.halves()
    reaching = Interval(first.start, first.end + OVERLAP)
    if reaching.duration >= interval.duration:
        raise ValueError(f"{interval} is too short to be halved")
    return reaching, second


def window_interval(name: str, whole: Interval) -> Interval:
    """Return the interval of a window: `w` is the whole, each digit picks a half of it."""
    interval = whole
    for digit in name.removeprefix(ROOT_WINDOW):
        interval = overlapping_halves(interval)[int(digit)]
    return interval
