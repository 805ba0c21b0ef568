"""What happened in a conversation, told in durations, before anything is written as JSON.

Belongs here: the vocabulary in which the world tells a conversation: lines, menus, waits, work.
Elsewhere: who tells (voice.py, digital.py, long_lived.py), who writes it as a record
(payloads.py), and who adds it up as the truth (truth.py). The last two read the same story and
never each other.

Instants are milliseconds since 1970; durations are milliseconds.
"""

from dataclasses import dataclass, field

from aggregation_platform.simulator.directory import Queue, User

TALK, HOLD = "interact", "hold"


@dataclass(slots=True, kw_only=True)
class Leg:
    """One session; legs with the same `party` are sessions of one participant."""

    party: int
    media: str
    direction: str
    start: int


@dataclass(slots=True, kw_only=True)
class Line(Leg):
    """A party outside: the caller, or somebody called. `connected_ms` None: never closed."""

    purpose: str = "customer"
    setup_ms: int = 0
    setup: str = "system"
    """The segment type of the setup: system, dialing or uploading."""
    connected_ms: int | None = 0
    disconnect: str = "endpoint"
    queue: Queue | None = None
    ani: str | None = None
    dnis: str | None = None
    name: str | None = None
    conference: bool = False


@dataclass(slots=True, kw_only=True)
class Menu(Leg):
    """A flow at work: an IVR for voice, a workflow otherwise."""

    flow_name: str
    flow_id: str
    ms: int
    setup_ms: int = 0
    counted_after_ms: int = 0
    left_after_ms: int = 0
    target: Queue | None = None
    exit_to: str | None = None
    """A dialled number the flow transfers to; None with no target: the caller hung up."""


@dataclass(slots=True, kw_only=True)
class Wait(Leg):
    """A place in a queue. `ms` None: still waiting."""

    queue: Queue
    delay_ms: int
    ms: int | None
    delay: str = "delay"
    outcome: str = "answered"
    """answered, abandoned, short (abandoned below the threshold) or left."""
    chosen: User | None = None
    entered_from: str = "ivr"


@dataclass(slots=True, kw_only=True)
class Work(Leg):
    """What one agent or user did in one session."""

    user: User
    queue: Queue | None
    purpose: str = "agent"
    alert_ms: int | None = None
    contacting_ms: int | None = None
    dialing_ms: int | None = None
    waited_ms: int | None = None
    """The caller's wait that the answer ended; None: not answered from a queue."""
    stretches: tuple[tuple[str, int], ...] = ()
    """Talk and hold in turn; empty: did not answer."""
    acw_ms: int | None = None
    acw_gap_ms: int = 0
    acw_segment_ms: int | None = None
    """Length of the wrapup segment where it differs from `acw_ms` (no-answer agents)."""
    acw_told_after_ms: int | None = None
    """When it differs, ACW is told this long after the wrapup segment began."""
    acw_pending: bool = False
    acw_skipped: bool = False
    wrap_up: str | None = None
    handed_over: str | None = None
    """blind or consult: how this agent passed the conversation on."""
    consulted_at: int | None = None
    failed: bool = False
    """Carries nError, which ordinary transferred and conferenced legs do."""
    conference: bool = False
    hung_up: str = "peer"
    campaign_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Voicemail(Leg):
    """A message left for a queue."""

    queue: Queue
    setup_ms: int
    ms: int


@dataclass(slots=True)
class Story:
    """A whole conversation. `end` None: never ended."""

    org: str
    kind: str
    conversation_id: str
    start: int
    direction: str
    ani: str | None
    dnis: str | None
    caller: str
    token: int
    """Number from which the writer draws what has no meaning: ids, addresses, media figures."""
    legs: list[Leg] = field(default_factory=list[Leg])
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    external_tag: str | None = None
    journey: str | None = None
    resolved_at: int | None = None
    message_type: str | None = None
    subject: str | None = None
    started_late_ms: int = 0
    """conversationStart is told this much later than the first segment (seen in real records)."""
    end: int | None = 0
    unknown: bool = False
    novel: bool = False

    def add(self, leg: Leg, *, place: int | None = None) -> None:
        """Put a leg in its place (last, if not said) and push the end out to it."""
        self.legs.insert(len(self.legs) if place is None else place, leg)
        until = end_of(leg)
        if until is None or self.end is None:
            self.end = None
        elif until > self.end:
            self.end = until


def end_of(leg: Leg) -> int | None:
    """Give the end of a leg's last segment; None while one is open or after-call work pends."""
    match leg:
        case Line():
            if leg.connected_ms is None:
                return None
            return leg.start + leg.setup_ms + leg.connected_ms
        case Menu():
            return leg.start + leg.setup_ms + leg.ms
        case Wait():
            return None if leg.ms is None else leg.start + leg.delay_ms + leg.ms
        case Voicemail():
            return leg.start + leg.setup_ms + leg.ms
        case Work():
            return work_end(leg)
        case _:
            raise TypeError(f"no such leg: {leg!r}")


def answered_at(work: Work) -> int:
    """Give the instant at which ringing, contacting and dialing are over."""
    return work.start + (work.alert_ms or 0) + (work.contacting_ms or 0) + (work.dialing_ms or 0)


def talk_end(work: Work) -> int:
    """Give the end of the last talk or hold."""
    return answered_at(work) + sum(ms for _, ms in work.stretches)


def work_end(work: Work) -> int | None:
    """Give the end of the wrapup segment, or of the talk without one; None while it pends."""
    if work.acw_pending:
        return None
    ended = talk_end(work)
    if work.acw_ms is None:
        return ended
    length = work.acw_ms if work.acw_segment_ms is None else work.acw_segment_ms
    return ended + work.acw_gap_ms + length
