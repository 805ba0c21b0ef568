"""Which kind of conversation sits where in an org's day, and when it begins.

Belongs here: arithmetic that tells an index's kind and start without telling its story, so that a
day of a million conversations is served page by page and later days find what reaches into them.
Elsewhere: the stories (world.py).
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from aggregation_platform.simulator.dice import fraction, number_of
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.profiles import profile_of
from aggregation_platform.simulator.timestamps import DAY_MS, HOUR_MS, MINUTE_MS, day_start

SHORT_MS = 100 * MINUTE_MS
"""No ordinary conversation lives longer; a test holds the kinds to it."""
LONG_MS = 8 * HOUR_MS
CLEAN_UP_DAYS = 59
"""Whole days after which a forgotten leg is closed by the platform, at one minute for all."""
MULTI_DAYS, ORPHAN_DAYS = 7, CLEAN_UP_DAYS + 2
GUEST_LAG_MS = 30 * MINUTE_MS
"""A handed-over call reaches its last org within this time."""
LONG_EVERY = 50
_LAST_REGULAR_MS = 23 * HOUR_MS + 49 * MINUTE_MS
_SMALLEST_WITH_MIDNIGHT = 20

# Share of a day's calls by local hour: a working day with two peaks.
_BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 15, 17, 19, 18, 16, 13, 9, 6, 5, 4, 3, 2)


@lru_cache(maxsize=256)
def _curve(org: str, day: date) -> tuple[float, ...]:
    """Cumulative share of the day at each quarter hour of UTC; 97 points from 0 to 1."""
    noon = datetime.combine(day, time(12), ZoneInfo(profile_of(org).time_zone))
    shift = noon.utcoffset()
    quarters = int(shift.total_seconds() // 900) if shift else 0
    weights = [_BY_HOUR[(quarter + quarters) % 96 // 4] for quarter in range(96)]
    total = sum(weights)
    return (0.0, *(running / total for running in accumulate(weights)))


class DayPlan:
    """One org's UTC day: `count` conversations of its own, in the order of their start."""

    def __init__(self, options: SimulatorOptions, org: str, day: date) -> None:
        self.options, self.org, self.day = options, org, day
        self.start_ms = day_start(day)
        volume = options.conversations_per_day
        alone = len(options.orgs) == 1
        # What other orgs hand over comes on top; so many fewer are the org's own.
        self.count = volume if alone else volume - volume // options.pair_every
        self._base = number_of(options.seed, org, day.toordinal())
        self._curve = _curve(org, day)
        self._midnight = self.count >= _SMALLEST_WITH_MIDNIGHT
        cycles = {
            "pair": 0 if alone else options.pair_every,
            "orphan": options.orphan_every,
            "open": options.open_every,
            "multi_day": options.multi_day_every,
            "long": LONG_EVERY,
        }
        self._cycles = [
            (name, every, number_of(options.seed, org, day, name) % every)
            for name, every in cycles.items()
            if every
        ]
        every = options.unknown_every
        self._unknown = (every, number_of(options.seed, org, day, "?") % every) if every else (1, 1)

    def start_of(self, index: int) -> int:
        """Give the start of a conversation; it never decreases with the index."""
        if self._midnight and index >= self.count - 2:
            minute = 23 * 60 + (50 if index == self.count - 2 else 57)
            return self.start_ms + minute * MINUTE_MS + int(fraction(self._base + index) * 50_000)
        share = (index + fraction(self._base + index)) / self.count
        quarter = bisect_right(self._curve, share) - 1
        below, above = self._curve[quarter], self._curve[quarter + 1]
        place = (quarter + (share - below) / (above - below)) / 96
        return self.start_ms + int(place * _LAST_REGULAR_MS)

    def first_from(self, moment: int) -> int:
        """Give the first index that starts at or after a moment; `count` if there is none."""
        if moment <= self.start_ms:
            return 0
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if self.start_of(middle) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def class_of(self, index: int) -> str:
        """Tell what sits at an index: a special class, or `ordinary`."""
        if self._midnight and index >= self.count - 2:
            has_pairs = len(self.options.orgs) > 1
            return "midnight" if index == self.count - 2 or not has_pairs else "pair"
        for name, every, offset in self._cycles:
            if (index - offset) % every == 0:
                return name
        return "ordinary"

    def is_unknown(self, index: int) -> bool:
        """Tell whether the record at an index has keys and values nobody has heard of."""
        every, offset = self._unknown
        return (index - offset) % every == 0 and every > 1

    def indices_of(self, wanted: str) -> Iterator[int]:
        """Give the indices of a special class, by arithmetic, in order."""
        for name, every, offset in self._cycles:
            if name == wanted:
                yield from (i for i in range(offset, self.count, every) if self.class_of(i) == name)
        if wanted == "pair" and self._midnight and len(self.options.orgs) > 1:
            last = self.count - 1
            if all((last - off) % every for name, every, off in self._cycles if name == "pair"):
                yield last

    def surely_alive(self, index: int, moment: int) -> bool:
        """Tell whether an index is alive at a moment, where that is known without its story."""
        if self.start_of(index) >= moment:
            return False
        kind = self.class_of(index)
        age = moment - self.start_ms
        return kind == "open" or (kind == "orphan" and age < CLEAN_UP_DAYS * DAY_MS)

    def reaching_past(self, moment: int) -> Iterator[int]:
        """Give the indices that might be alive at `moment`, some time after they began.

        Everything left out is certainly over by then.
        """
        end_of_day = self.start_ms + DAY_MS
        age = moment - end_of_day
        if age < SHORT_MS:
            until = self.first_from(min(moment, end_of_day))
            yield from range(self.first_from(moment - SHORT_MS), until)
        older = self.first_from(moment - SHORT_MS)
        lives = (
            ("long", LONG_MS),
            ("multi_day", MULTI_DAYS * DAY_MS),
            ("orphan", ORPHAN_DAYS * DAY_MS),
            ("open", None),
        )
        for name, life in lives:
            if life is None or age < life:
                yield from (index for index in self.indices_of(name) if index < older)
