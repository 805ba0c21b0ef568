"""What really happened, added up from the stories: who handled what, when, for how long.

Belongs here: the metrics of a story as its world knows them; handled counts and handle time by
any grouping; true journeys, agents and queues. Elsewhere: the same conversations as records
(payloads.py). Neither reads the other: where they agree, a test has compared them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from aggregation_platform.simulator.directory import UNMAPPED, Queue
from aggregation_platform.simulator.stories import (
    HOLD,
    TALK,
    Leg,
    Line,
    Menu,
    Story,
    Voicemail,
    Wait,
    Work,
    answered_at,
    talk_end,
)
from aggregation_platform.simulator.timestamps import DAY_MS, MINUTE_MS, day_of, day_start
from aggregation_platform.simulator.world import Ref, World

EMITTED_LATE_MS = MINUTE_MS
"""No metric is emitted later than this after the end of its record."""

Generations = Mapping[tuple[str, int], int]


class Event(NamedTuple):
    """One metric as it was emitted, with who and what it belongs to."""

    metric: str
    at: int
    value: int
    story: Story
    leg: Leg


def events_of(story: Story) -> Iterator[Event]:
    """Give everything that a conversation counts for."""
    for leg in story.legs:
        match leg:
            case Line():
                measured = _of_line(leg)
            case Menu():
                measured = _of_menu(leg)
            case Wait():
                measured = _of_wait(leg)
            case Work():
                measured = _of_work(leg)
            case Voicemail():
                measured = iter([("tVoicemail", leg.start + leg.setup_ms + leg.ms, leg.ms)])
            case _:
                raise TypeError(leg)
        for metric, at, value in measured:
            yield Event(metric, at, value, story, leg)


Measured = Iterator[tuple[str, int, int]]


def _of_line(leg: Line) -> Measured:
    begun = leg.start + leg.setup_ms
    yield "nConnected", begun, 1
    if leg.connected_ms is not None:
        yield "tConnected", begun + leg.connected_ms, leg.connected_ms


def _of_menu(leg: Menu) -> Measured:
    begun = leg.start + leg.setup_ms
    over = begun + leg.ms
    yield "nFlow", begun + leg.counted_after_ms, 1
    flow = leg.ms - leg.counted_after_ms + leg.left_after_ms
    yield "tFlow", over + leg.left_after_ms, flow
    yield "tFlowExit" if leg.target else "tFlowDisconnect", over + leg.left_after_ms, flow
    if leg.media == "voice":
        yield "tIvr", over, leg.ms


def _of_wait(leg: Wait) -> Measured:
    offered = leg.start + leg.delay_ms
    yield "nOffered", offered, 1
    if leg.ms is None:
        return
    yield "tAcd", offered + leg.ms, leg.ms
    if leg.outcome in ("abandoned", "short"):
        yield "tAbandon", offered + leg.ms, leg.ms
    if leg.outcome == "short":
        yield "tShortAbandon", offered + leg.ms, leg.ms
    if leg.ms > leg.queue.service_level_ms:
        yield "nOverSla", offered + leg.ms, 1


def _of_work(leg: Work) -> Measured:
    yield from _before_talk(leg)
    talked = sum(ms for kind, ms in leg.stretches if kind == TALK)
    held = sum(ms for kind, ms in leg.stretches if kind == HOLD)
    silent = leg.stretches[-1][1] if leg.stretches and leg.stretches[-1][0] == HOLD else 0
    over, last_word = talk_end(leg), talk_end(leg) - silent
    moment = answered_at(leg)
    for kind, ms in leg.stretches:
        moment += ms
        yield "tTalk" if kind == TALK else "tHeld", moment, ms
    if leg.consulted_at is not None:
        yield "nConsult", leg.consulted_at, 1
    if leg.handed_over:
        yield "nTransferred", last_word, 1
        blind = leg.handed_over == "blind"
        yield "nBlindTransferred" if blind else "nConsultTransferred", last_word, 1
    if leg.acw_pending:
        return
    if leg.stretches:
        yield "tTalkComplete", last_word, talked
        if held:
            yield "tHeldComplete", over, held
        if leg.failed:
            yield "nError", over, 1
    yield from _handled(leg, over, talked + held)


def _before_talk(leg: Work) -> Measured:
    rung = leg.start + (leg.alert_ms or 0)
    if leg.alert_ms is not None:
        yield "tAlert", rung, leg.alert_ms
        if not leg.stretches and leg.contacting_ms is None:
            yield "tNotResponding", rung, leg.alert_ms
            if leg.failed:
                yield "nError", rung, 1
    contacted = rung + (leg.contacting_ms or 0)
    if leg.contacting_ms is not None:
        yield "tContacting", contacted, leg.contacting_ms
    if leg.dialing_ms is not None:
        yield "tDialing", contacted + leg.dialing_ms, leg.dialing_ms
    if leg.purpose == "user" or leg.direction == "outbound":
        yield "nOutbound", answered_at(leg), 1
    if leg.waited_ms is not None:
        yield "tAnswered", answered_at(leg), leg.waited_ms


def _handled(leg: Work, over: int, on_the_line: int) -> Measured:
    reached = (leg.contacting_ms or 0) + (leg.dialing_ms or 0)
    if leg.acw_ms is None:
        if on_the_line + reached:
            yield "tHandle", over, on_the_line + reached
        return
    told = leg.acw_ms if leg.acw_told_after_ms is None else leg.acw_told_after_ms
    told += over + leg.acw_gap_ms
    yield "tAcw", told, leg.acw_ms
    yield "tHandle", told, on_the_line + reached + leg.acw_ms


def queue_of(leg: Leg) -> Queue | None:
    """Give the queue a session belongs to."""
    return leg.queue if isinstance(leg, Line | Wait | Work | Voicemail) else None


class Truth:
    """Answers about a world; `generation` says which nightly rewrite an org-day stands at."""

    def __init__(self, world: World, generations: Generations | None = None) -> None:
        self.world = world
        self.generations: Generations = generations if generations is not None else {}

    def generation(self, org: str, moment: int) -> int:
        """Give the rewrite generation of the org's day."""
        return self.generations.get((org, moment // DAY_MS), 0)

    def story(self, ref: Ref) -> Story:
        """Tell a conversation as it stands now."""
        org = self.world.org_of(ref)
        return self.world.story(ref, self.generation(org, self.world.start_of(ref)))

    def stories(self, org: str, start: int, end: int) -> Iterator[Story]:
        """Tell everything of an org that lives in [start, end)."""
        highest = max((g for (o, _), g in list(self.generations.items()) if o == org), default=0)
        span = self.world.span(org, start, end, highest)
        for place in range(len(span)):
            yield self.story(span.ref(place))

    def events(self, org: str, start: int, end: int) -> Iterator[Event]:
        """Give every metric that an org emitted in [start, end), whenever its record ended."""
        for story in self.stories(org, start - EMITTED_LATE_MS, end):
            for event in events_of(story):
                if start <= event.at < end:
                    yield event

    def handle_times(
        self, org: str, start: int, end: int, by: tuple[str, ...] = ()
    ) -> dict[tuple[str | None, ...], tuple[int, int]]:
        """Give (handled_count, handle_ms) of an org by any of the `GROUPINGS`."""
        sums: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(lambda: [0, 0])
        for event in self.events(org, start, end):
            if event.metric == "tHandle":
                cell = sums[tuple(group_value(event, name) for name in by)]
                cell[0] += 1
                cell[1] += event.value
        return {key: (count, total) for key, (count, total) in sums.items()}

    def handle_time(self, org: str, day: date) -> tuple[int, int]:
        """Give (handled_count, handle_ms) of one org-day."""
        start = day_start(day)
        return self.handle_times(org, start, start + DAY_MS).get((), (0, 0))

    def malformed(self, org: str, start: int, end: int) -> list[str]:
        """Give the conversations of [start, end) whose records are served broken."""
        if not self.world.options.malformed_rate:
            return []
        span = self.world.span(org, start, end)
        refs = (span.ref(place) for place in range(len(span)))
        return [self.world.conversation_id(ref) for ref in refs if self.world.is_malformed(ref)]

    def journeys(self, start: int, end: int) -> list[frozenset[tuple[str, str]]]:
        """Give each contact of several orgs whose first record starts in [start, end)."""
        found: list[frozenset[tuple[str, str]]] = []
        for org in self.world.options.orgs:
            for day in range(start // DAY_MS, -(-end // DAY_MS)):
                if not self.world.first_day_number <= day < self.world.end_day_number:
                    continue
                plan = self.world.plan(org, day)
                found += [
                    self._journey(Ref(org, day, index, 0))
                    for index in plan.indices_of("pair")
                    if start <= plan.start_of(index) < end
                ]
        return found

    def _journey(self, ref: Ref) -> frozenset[tuple[str, str]]:
        legs = (ref._replace(leg=leg) for leg in range(3))
        return frozenset(
            (org, self.world.conversation_id(leg))
            for leg in legs
            if (org := self.world.org_of(leg))
        )

    def agents(self) -> dict[tuple[str, str], str]:
        """Give the person behind each (org, user id)."""
        places = self.world.directories.items()
        return {(org, user.id): user.person for org, place in places for user in place.users}

    def queues(self) -> dict[tuple[str, str], str | None]:
        """Give the global queue of each (org, queue id); None: none was agreed."""
        places = self.world.directories.items()
        return {
            (org, queue.id): None if queue.purpose == UNMAPPED else queue.purpose
            for org, place in places
            for queue in place.queues
        }


def group_value(event: Event, name: str) -> str | None:
    """Give an event's value of one of the `GROUPINGS`, named as in the aggregates query."""
    return _VALUES[name](event)


def _of_queue(read: Callable[[Queue], str | None]) -> Callable[[Event], str | None]:
    def value(event: Event) -> str | None:
        queue = queue_of(event.leg)
        return read(queue) if queue else None

    return value


def _work_value(read: Callable[[Work], str | None]) -> Callable[[Event], str | None]:
    def value(event: Event) -> str | None:
        return read(event.leg) if isinstance(event.leg, Work) else None

    return value


_VALUES: dict[str, Callable[[Event], str | None]] = {
    "queueId": _of_queue(lambda queue: queue.id),
    "divisionId": _of_queue(lambda queue: queue.division.id),
    "globalQueue": _of_queue(lambda q: None if q.purpose == UNMAPPED else q.purpose),
    "userId": _work_value(lambda work: work.user.id),
    "person": _work_value(lambda work: work.user.person),
    "wrapUpCode": _work_value(lambda work: None if work.acw_ms is None else work.wrap_up),
    "mediaType": lambda event: event.leg.media,
    "direction": lambda event: event.leg.direction,
    "originatingDirection": lambda event: event.story.direction,
    "conversationId": lambda event: event.story.conversation_id,
    "day": lambda event: day_of(event.at).isoformat(),
}
GROUPINGS = tuple(_VALUES)
