"""What an org's stores know, and until when.

Belongs here: the lake's watermark and its steps, the horizon of the live stores, the nightly
rewrites, and how a conversation reads at a moment. Elsewhere: jobs over it (services.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.timestamps import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    day_start,
    ms_of,
)
from aggregation_platform.simulator.world import Ref, World

Json = dict[str, Any]
SETTLED_AFTER_MS = 48 * HOUR_MS
_NIGHT_MS = 3 * HOUR_MS


@dataclass
class Lake:
    """One org's stores."""

    options: SimulatorOptions
    world: World
    org: str
    now: Callable[[], datetime]
    generations: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """Rewrite generation of each (org, day number); shared with the truth."""
    _fixed: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def now_ms(self) -> int:
        """The simulated clock."""
        return ms_of(self.now())

    @property
    def horizon(self) -> int:
        """What is later has not happened yet, as far as the live stores know."""
        return self.now_ms if self.options.live else max(self.now_ms, self._last_end)

    @property
    def _last_end(self) -> int:
        return day_start(self.options.end_day)

    def watermark(self) -> int:
        """Give the lake's `dataAvailabilityDate`, in whole steps unless it was set."""
        with self._lock:
            if self._fixed is not None:
                return self._fixed
        step = self.options.watermark_step_minutes * MINUTE_MS
        behind = self.now_ms - self.options.watermark_lag_minutes * MINUTE_MS
        moving = behind - behind % step
        return moving if self.options.live else max(moving, self._last_end)

    def fix_watermark(self, moment: int | None) -> None:
        """Hold the watermark at a moment; None lets it move again."""
        with self._lock:
            self._fixed = moment

    def rewrite(self, generation: int, days: Iterable[int]) -> int:
        """Rewrite days that are settled; gives how many were."""
        touched = 0
        with self._lock:
            for day in days:
                if (day + 1) * DAY_MS + SETTLED_AFTER_MS <= self.now_ms:
                    self.generations[self.org, day] = generation
                    touched += 1
        return touched

    def catch_up(self) -> bool:
        """Do the nightly rewrite of days that became two days old; tells whether any did."""
        if not self.options.nightly_rewrites:
            return False
        night = self.now_ms - (self.now_ms - _NIGHT_MS) % DAY_MS
        last = min((night - SETTLED_AFTER_MS) // DAY_MS, self.world.end_day_number)
        due = [
            day for day in range(self.world.first_day_number, last)
            if (self.org, day) not in self.generations
        ]  # fmt: skip
        if not due:
            return False
        self.rewrite(1, due)
        return True

    @property
    def highest_generation(self) -> int:
        """The latest generation of any day; lives only get longer by rewrites."""
        # Copied in one step: the orgs share this dictionary, and each has a lock of its own.
        generations = list(self.generations.items())
        return max((g for (org, _), g in generations if org == self.org), default=0)

    def record(self, ref: Ref, generations: dict[tuple[str, int], int], as_of: int) -> Json:
        """Write a conversation as it stood."""
        generation = 0
        if generations:
            day = self._day_of(ref)
            generation = generations.get((self.org, day), 0)
        story = self.world.story(ref, generation)
        return record_of(story, self.world.directories[self.org], as_of=as_of)

    def _day_of(self, ref: Ref) -> int:
        return ref.day_number if not ref.leg else self.world.start_of(ref) // DAY_MS
