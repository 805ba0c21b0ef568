"""Segments and metrics of each kind of session, by the rules of emission.

Belongs here: where each segment begins and ends, and which metric is emitted at which of those
moments with which value. The rules were measured on real records; the source of each number is
the segment just written, never the story's sums.
"""

from typing import Any

from aggregation_platform.simulator.stories import (
    HOLD,
    TALK,
    Leg,
    Line,
    Menu,
    Voicemail,
    Wait,
    Work,
)
from aggregation_platform.simulator.timestamps import iso

Json = dict[str, Any]
_INACTIVE = "error.ininedgecontrol.session.inactive"


class _Tape:
    """Segments written one after the other, and the metrics they emit."""

    def __init__(self, start: int, queue_id: str | None, *, conference: bool = False) -> None:
        self.now = start
        self.queue_id = queue_id
        self.conference = conference
        self.segments: list[Json] = []
        self.metrics: list[Json] = []

    def segment(self, kind: str, ms: int | None, **more: object) -> Json:
        """Write a segment from where the last one ended; without a length it stays open."""
        written: Json = {
            "conference": self.conference,
            "segmentStart": iso(self.now),
            "segmentType": kind,
        }
        if self.queue_id:
            written["queueId"] = self.queue_id
        if ms is not None:
            self.now += ms
            written["segmentEnd"] = iso(self.now)
        for key, value in more.items():
            if value is not None:
                written[key] = value
        self.segments.append(written)
        return written

    def emit(self, name: str, value: int, at: int | None = None) -> None:
        """Emit a metric where the tape stands, or at another moment."""
        when = self.now if at is None else at
        self.metrics.append({"name": name, "value": value, "emitDate": iso(when)})


def write_leg(leg: Leg) -> tuple[list[Json], list[Json]]:
    """Give a leg's segments and metrics."""
    match leg:
        case Line():
            tape = _line(leg)
        case Menu():
            tape = _menu(leg)
        case Wait():
            tape = _wait(leg)
        case Voicemail():
            tape = _voicemail(leg)
        case Work():
            tape = _work(leg)
        case _:
            raise TypeError(leg)
    return tape.segments, tape.metrics


def _line(leg: Line) -> _Tape:
    tape = _Tape(leg.start, None, conference=leg.conference)
    queue_id = leg.queue.id if leg.queue else None
    if leg.setup_ms:
        tape.segment(leg.setup, leg.setup_ms, queueId=queue_id if leg.setup != "system" else None)
    tape.emit("nConnected", 1)
    ended = leg.disconnect if leg.connected_ms is not None else None
    tape.segment("interact", leg.connected_ms, queueId=queue_id, disconnectType=ended)
    if leg.connected_ms is not None:
        tape.emit("tConnected", leg.connected_ms)
    return tape


def _menu(leg: Menu) -> _Tape:
    tape = _Tape(leg.start, None)
    voice = leg.media == "voice"
    if leg.setup_ms:
        tape.segment("system", leg.setup_ms)
    began = tape.now
    counted = began + leg.counted_after_ms
    ended = "transfer" if leg.target else "peer"
    tape.segment("ivr" if voice else "interact", leg.ms, disconnectType=ended)
    left = tape.now + leg.left_after_ms
    tape.emit("nFlow", 1, counted)
    if voice:
        tape.emit("tIvr", leg.ms)
    lasted = left - counted
    tape.emit("tFlow", lasted, left)
    if leg.target:
        tape.emit("tFlowExit", lasted, left)
    else:
        tape.emit("tFlowDisconnect", lasted, left)
    return tape


def _wait(leg: Wait) -> _Tape:
    tape = _Tape(leg.start, leg.queue.id)
    if leg.delay_ms:
        tape.segment(leg.delay, leg.delay_ms)
    tape.emit("nOffered", 1)
    ended = {"answered": "transfer", "left": "peer"}.get(leg.outcome, "peer")
    codes = [410] if leg.media == "voice" and leg.outcome == "answered" else None
    tape.segment(
        "interact", leg.ms, disconnectType=ended if leg.ms is not None else None,
        sipResponseCodes=codes,
    )  # fmt: skip
    if leg.ms is None:
        return tape
    tape.emit("tAcd", leg.ms)
    if leg.ms > leg.queue.service_level_ms:
        tape.emit("nOverSla", 1)
    if leg.outcome in {"abandoned", "short"}:
        tape.emit("tAbandon", leg.ms)
        if leg.outcome == "short":
            tape.emit("tShortAbandon", leg.ms)
    return tape


def _voicemail(leg: Voicemail) -> _Tape:
    tape = _Tape(leg.start, leg.queue.id)
    tape.segment("system", leg.setup_ms)
    tape.segment("interact", leg.ms, disconnectType="peer")
    tape.emit("tVoicemail", leg.ms)
    return tape


def _work(leg: Work) -> _Tape:
    tape = _Tape(leg.start, leg.queue.id if leg.queue else None)
    if leg.alert_ms is not None:
        _alert(tape, leg)
    spent = 0
    if leg.contacting_ms is not None:
        tape.segment("contacting", leg.contacting_ms)
        tape.emit("tContacting", leg.contacting_ms)
        spent += leg.contacting_ms
    if leg.dialing_ms is not None:
        if not leg.stretches:
            tape.segment("dialing", leg.dialing_ms, disconnectType="client")
        else:
            tape.segment("dialing", leg.dialing_ms)
        tape.emit("tDialing", leg.dialing_ms)
        spent += leg.dialing_ms
    if leg.purpose == "user" or leg.direction == "outbound":
        tape.emit("nOutbound", 1)
    if leg.waited_ms is not None:
        tape.emit("tAnswered", leg.waited_ms)
    if leg.stretches:
        spent += _talk(tape, leg)
    _after(tape, leg, spent)
    return tape


def _alert(tape: _Tape, leg: Work) -> None:
    ring = leg.alert_ms or 0
    unanswered = not leg.stretches and leg.contacting_ms is None
    tape.segment("alert", ring, disconnectType=leg.hung_up if unanswered else None)
    tape.emit("tAlert", ring)
    if unanswered:
        tape.emit("tNotResponding", ring)
        if leg.failed:
            tape.emit("nError", 1)


def _talk(tape: _Tape, leg: Work) -> int:
    """Write talk and hold; gives the handle time that they are."""
    talked = held = 0
    ended = "transfer" if leg.handed_over else leg.hung_up
    last_talk = tape.now
    for number, (kind, ms) in enumerate(leg.stretches):
        final = number == len(leg.stretches) - 1
        tape.conference = leg.conference and number > 0
        tape.segment(kind, ms, disconnectType=ended if final else None)
        tape.emit("tTalk" if kind == TALK else "tHeld", ms)
        if kind == TALK:
            talked, last_talk = talked + ms, tape.now
        elif kind == HOLD:
            held += ms
    if leg.consulted_at is not None:
        tape.emit("nConsult", 1, leg.consulted_at)
    if leg.handed_over:
        tape.emit("nTransferred", 1, last_talk)
        passed_on = "nBlindTransferred" if leg.handed_over == "blind" else "nConsultTransferred"
        tape.emit(passed_on, 1, last_talk)
    if leg.acw_pending:
        return talked + held
    tape.emit("tTalkComplete", talked, last_talk)
    if held:
        tape.emit("tHeldComplete", held)
    if leg.failed:
        tape.emit("nError", 1)
    return talked + held


def _after(tape: _Tape, leg: Work, spent: int) -> None:
    """Write after-call work, and the handle time at its end."""
    if leg.acw_pending:
        return
    if leg.acw_ms is not None:
        tape.now += leg.acw_gap_ms
        began = tape.now
        length = leg.acw_ms if leg.acw_segment_ms is None else leg.acw_segment_ms
        ended = "transfer" if leg.handed_over else leg.hung_up
        tape.segment(
            "wrapup", length, disconnectType=ended, wrapUpCode=leg.wrap_up,
            errorCode=_INACTIVE if leg.failed else None,
        )  # fmt: skip
        told = tape.now if leg.acw_told_after_ms is None else began + leg.acw_told_after_ms
        tape.emit("tAcw", leg.acw_ms, told)
        tape.emit("tHandle", spent + leg.acw_ms, told)
    elif spent:
        tape.emit("tHandle", spent)
