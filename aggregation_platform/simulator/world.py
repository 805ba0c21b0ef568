"""The simulated world: every org's conversations, each told on its own when it is asked for.

Belongs here: from a reference to its story, from an interval to the references that overlap it,
from a conversation id back to its reference. Elsewhere: what a story contains (voice.py and its
neighbours), how it is written (payloads.py), what is true about it (truth.py).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from aggregation_platform.simulator import (
    digital,
    journeys,
    long_lived,
    novelties,
    outbound,
    voice,
)
from aggregation_platform.simulator.day_plan import GUEST_LAG_MS, DayPlan
from aggregation_platform.simulator.dice import Dice, fraction, mixed, number_of
from aggregation_platform.simulator.directory import Directory
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.profiles import profile_of
from aggregation_platform.simulator.rewrites import rewritten
from aggregation_platform.simulator.scene import Scene
from aggregation_platform.simulator.stories import Story
from aggregation_platform.simulator.timestamps import DAY_MS, day_of, day_start

_KINDS = (*voice.KINDS, (digital.message, 10), *outbound.KINDS)
_KIND_LIMITS = tuple(accumulate(weight for _, weight in _KINDS))
_GENERATOR = {
    "midnight": outbound.midnight_call,
    "orphan": long_lived.orphan,
    "open": long_lived.never_ended,
    "multi_day": long_lived.multi_day,
}


class Ref(NamedTuple):
    """Where a conversation comes from: its journey's first org, day and index, and its leg.

    `place` is the index in that day. Leg 0 is the first org's own record; legs 1 and 2 are in the
    orgs it was handed to.
    """

    org: str
    day_number: int
    place: int
    leg: int


@dataclass(frozen=True)
class Stretch:
    """Conversations that start in [start, end) of one org-day, in order, never listed."""

    org: str
    day_number: int
    low: int
    high: int
    guests: tuple[Ref, ...]
    guest_places: tuple[int, ...]

    def __len__(self) -> int:
        return self.high - self.low + len(self.guests)

    def ref(self, place: int) -> Ref:
        """Give the conversation at a place of the merged order."""
        before = bisect_left(self.guest_places, place)
        if before < len(self.guests) and self.guest_places[before] == place:
            return self.guests[before]
        return Ref(self.org, self.day_number, self.low + place - before, 0)


@dataclass(frozen=True)
class Span:
    """All conversations of an org that overlap an interval, ordered by start."""

    carried: tuple[Ref, ...]
    stretches: tuple[Stretch, ...]

    def __len__(self) -> int:
        return len(self.carried) + sum(map(len, self.stretches))

    def ref(self, place: int) -> Ref:
        """Give the conversation at a place of the order, without walking to it."""
        if place < len(self.carried):
            return self.carried[place]
        place -= len(self.carried)
        for stretch in self.stretches:
            if place < len(stretch):
                return stretch.ref(place)
            place -= len(stretch)
        raise IndexError(place)


class World:
    """Everything that happens in the simulated orgs; the same for the same options."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.directories = {org: Directory(options, org) for org in options.orgs}
        self._org_of_number = {profile_of(org).number: org for org in options.orgs}
        self._secret = number_of(options.seed, "conversation ids")
        self._locks = {org: threading.RLock() for org in options.orgs}
        self.plan = lru_cache(maxsize=4096)(self._plan)
        self._guests_cached = lru_cache(maxsize=512)(self._guests)
        self._carried_cached = lru_cache(maxsize=256)(self._carried)
        self.first_day_number = day_start(options.first_day) // DAY_MS - options.history_days
        self.end_day_number = day_start(options.end_day) // DAY_MS

    def _plan(self, org: str, day_number: int) -> DayPlan:
        return DayPlan(self.options, org, _day(day_number))

    # Conversation ids ----------------------------------------------------------------------

    def conversation_id(self, ref: Ref) -> str:
        """Give the id, from which `ref_of` finds the way back without any table."""
        where = ((ref.day_number << 26 | ref.place) << 2 | ref.leg) << 14 | profile_of(
            ref.org
        ).number
        scatter = mixed(self._secret ^ where) >> 2
        hidden = where ^ (mixed(self._secret + scatter) >> 6)
        digits = f"{scatter << 58 | hidden:030x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:]}"

    def ref_of(self, conversation_id: str) -> Ref | None:
        """Find the conversation with this id; None if this world never made it."""
        digits = conversation_id.replace("-", "")
        if len(digits) != 32:
            return None
        try:
            number = int(digits[:12] + digits[13:16] + digits[17:], 16)
        except ValueError:
            return None
        scatter, hidden = number >> 58, number & ((1 << 58) - 1)
        where = hidden ^ (mixed(self._secret + scatter) >> 6)
        org = self._org_of_number.get(where & 0x3FFF)
        if org is None:
            return None
        place = where >> 14
        ref = Ref(org, place >> 28, place >> 2 & ((1 << 26) - 1), place & 3)
        known = self.first_day_number <= ref.day_number < self.end_day_number
        if not known or ref.place >= self.plan(org, ref.day_number).count:
            return None
        return ref if self.conversation_id(ref) == conversation_id else None

    # Stories -------------------------------------------------------------------------------

    def story(self, ref: Ref, generation: int = 0) -> Story:
        """Tell one conversation, as it stands after so many nightly rewrites."""
        plan = self.plan(ref.org, ref.day_number)
        kind = plan.class_of(ref.place)
        if kind == "pair":
            told = self._journey(ref, plan)[ref.leg]
        else:
            scene = self._scene(ref, ref.org, plan.start_of(ref.place))
            told = self._tell(kind, scene)
        told.unknown = plan.is_unknown(ref.place)
        if self.options.novelties_from and plan.day >= self.options.novelties_from:
            novelties.begin(told, ref.place)
        return rewritten(told, generation) if generation else told

    def _scene(self, ref: Ref, org: str, start: int) -> Scene:
        return Scene(
            place=self.directories[org],
            dice=Dice(self.options.seed, *ref),
            day=day_of(start),
            start=start,
            conversation_id=self.conversation_id(ref),
            callers=max(5_000, 20 * self.options.conversations_per_day),
        )

    def _tell(self, kind: str, scene: Scene) -> Story:
        if kind == "midnight" and self.options.late_midnight_metrics:
            return outbound.last_call(scene)
        if kind == "long":
            return digital.email(scene) if scene.dice.chance(0.7) else digital.long_message(scene)
        if kind in _GENERATOR:
            return _GENERATOR[kind](scene)
        drawn = scene.dice.random() * _KIND_LIMITS[-1]
        for (tell, _), limit in zip(_KINDS, _KIND_LIMITS, strict=True):
            if drawn < limit:
                return tell(scene)
        return voice.simple(scene)

    def _journey(self, ref: Ref, plan: DayPlan) -> list[Story]:
        """Tell all records of one handed-over call, first org first."""
        path = journeys.path_of(self.options, ref.org, ref.day_number, ref.place)
        number = self.options.seed + ref.day_number + ref.place
        name = f"{ref.org}/{ref.day_number}/{ref.place}"
        told: list[Story] = []
        given = None
        for leg, org in enumerate(path):
            start = given.start if given else plan.start_of(ref.place)
            scene = self._scene(ref._replace(leg=leg), org, start)
            story = journeys.receive(scene, given) if given else scene.story("hand_over")
            if leg + 1 < len(path):
                dialled = self.directories[path[leg + 1]].site_number(
                    1 + int(fraction(number + leg) * 40)
                )
                given = journeys.give(scene, story, f"tel:{dialled}")
            else:
                journeys.answer_guest(scene, story)
            scene.decorate(story)
            story.journey = name
            told.append(story)
        return told

    def org_of(self, ref: Ref) -> str:
        """Give the org whose record this is."""
        if not ref.leg:
            return ref.org
        path = journeys.path_of(self.options, ref.org, ref.day_number, ref.place)
        return path[ref.leg] if ref.leg < len(path) else ""

    def start_of(self, ref: Ref) -> int:
        """Give when a conversation starts."""
        plan = self.plan(ref.org, ref.day_number)
        return self.story(ref).start if ref.leg else plan.start_of(ref.place)

    def is_malformed(self, ref: Ref) -> bool:
        """Tell whether jobs serve this record broken."""
        rate = self.options.malformed_rate
        return bool(rate) and fraction(number_of_ref(ref)) < rate

    # Intervals -----------------------------------------------------------------------------

    def span(
        self, org: str, start: int, end: int, generation: int = 0, *, exclusive: bool = False
    ) -> Span:
        """Find everything that begins before `end` and is alive at or after `start`.

        `exclusive` leaves out what ended exactly at `start`.
        """
        with self._locks[org]:
            carried = self._carried_cached(org, start, generation, start + exclusive)
            stretches = self.started_in(org, start, end).stretches
        return Span(carried, stretches)

    def started_in(self, org: str, start: int, end: int) -> Span:
        """Find everything of an org that started in [start, end)."""
        first = max(start // DAY_MS, self.first_day_number)
        # A call handed over just before the last midnight may begin on the day after.
        last = min(-(-end // DAY_MS), self.end_day_number + 1)
        with self._locks[org]:
            found = [self._stretch(org, day, start, end) for day in range(first, last)]
        return Span((), tuple(stretch for stretch in found if len(stretch)))

    def _stretch(self, org: str, day_number: int, start: int, end: int) -> Stretch:
        low = high = 0
        plan = self.plan(org, day_number)
        if day_number < self.end_day_number:
            low, high = plan.first_from(start), plan.first_from(end)
        guests = [g for g in self._guests_cached(org, day_number) if start <= g[0] < end]
        places = tuple(
            min(high, max(low, plan.first_from(moment))) - low + rank
            for rank, (moment, _) in enumerate(guests)
        ) if high > low else tuple(range(len(guests)))  # fmt: skip
        return Stretch(org, day_number, low, high, tuple(ref for _, ref in guests), places)

    def _guests(self, org: str, day_number: int) -> tuple[tuple[int, Ref], ...]:
        """Everything that other orgs hand to this one in a day, by start."""
        found: list[tuple[int, Ref]] = []
        for origin in self.options.orgs:
            if origin == org:
                continue
            for origin_day in (day_number - 1, day_number):
                if self.first_day_number <= origin_day < self.end_day_number:
                    found += self._handed(origin, origin_day, org, day_number)
        return tuple(sorted(found))

    def _handed(
        self, origin: str, origin_day: int, org: str, day_number: int
    ) -> list[tuple[int, Ref]]:
        plan = self.plan(origin, origin_day)
        since = day_number * DAY_MS - GUEST_LAG_MS
        found: list[tuple[int, Ref]] = []
        for index in plan.indices_of("pair"):
            if plan.start_of(index) < since:
                continue
            path = journeys.path_of(self.options, origin, origin_day, index)
            if org not in path:
                continue
            leg = path.index(org)
            ref = Ref(origin, origin_day, index, leg)
            start = self._journey(ref, plan)[leg].start
            if start // DAY_MS == day_number:
                found.append((start, ref))
        return found

    def _carried(self, org: str, moment: int, generation: int, alive_at: int) -> tuple[Ref, ...]:
        """Everything that began before a moment and ended at `alive_at` or later, by start."""
        found: list[tuple[int, Ref]] = []
        today = moment // DAY_MS
        for day in range(self.first_day_number, min(today, self.end_day_number - 1) + 1):
            plan = self.plan(org, day)
            for index in plan.reaching_past(moment):
                ref = Ref(org, day, index, 0)
                if plan.surely_alive(index, moment):
                    found.append((plan.start_of(index), ref))
                    continue
                story = self.story(ref, generation)
                if story.start < moment and (story.end is None or story.end >= alive_at):
                    found.append((story.start, ref))
        for day in (today - 1, today):
            for start, ref in self._guests_cached(org, day):
                if start < moment:
                    end = self.story(ref, generation).end
                    if end is None or end >= alive_at:
                        found.append((start, ref))
        return tuple(ref for _, ref in sorted(set(found)))


def number_of_ref(ref: Ref) -> int:
    """Give a number for a ref that does not depend on Python's hash."""
    org = profile_of(ref.org).number
    return ((org << 20 | ref.day_number) << 28 | ref.place) << 2 | ref.leg


def _day(day_number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day_number)
