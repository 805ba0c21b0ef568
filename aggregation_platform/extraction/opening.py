"""Which attempt an extraction works on: the one that is there, or a new one.

Belongs here: the choice. Elsewhere: what an attempt is (landing/), working on it (org_day.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aggregation_platform.errors import FencedError
from aggregation_platform.extraction.in_hand import AttemptInHand
from aggregation_platform.extraction.outcome import OrgDay
from aggregation_platform.landing.journal import AttemptJournal
from aggregation_platform.landing.state import AttemptState
from aggregation_platform.landing.zone import LandingZone


def open_attempt(
    landing: LandingZone, order: OrgDay, *, asked_at: datetime, now: datetime
) -> AttemptInHand:
    """Return the attempt to work on, every stored page of it checked against its checksum.

    The newest attempt is used as it is, or gone on with, unless it is loaded already or a fresh
    one is asked for. One that another process made while this call waited for it counts as the
    answer to this call, whatever has become of it since.

    Args:
        landing: The zone.
        order: What is asked for.
        asked_at: When this call began.
        now: The present instant.

    Raises:
        FencedError: If the newest attempt is of a newer epoch.
    """
    journal, state = _newest(landing, order)
    if journal is None or state is None or not _serves(state, order, asked_at):
        return AttemptInHand(
            *landing.begin(
                order.org,
                order.day,
                interval=order.interval,
                page_size=order.page_size,
                now=now,
                epoch=order.epoch,
            )
        )
    checked = _checked(journal, state)
    if checked.done is None and state.begun.epoch < order.epoch:
        journal = landing.adopt(journal, state, epoch=order.epoch)
        checked = _checked(journal, journal.read() or state)
    return AttemptInHand(journal, checked)


def _newest(
    landing: LandingZone, order: OrgDay
) -> tuple[AttemptJournal | None, AttemptState | None]:
    """Return the newest attempt whose first object is whole."""
    for journal in reversed(landing.attempts(order.org, order.day)):
        state = journal.read()
        if state is None:
            continue
        if state.begun.epoch > order.epoch:
            raise FencedError(
                f"{order}: epoch {state.begun.epoch} has fetched this day, this process has epoch "
                f"{order.epoch}: another site is active. Do not retry; see runbooks/FencedWriter.md"
            )
        return journal, state
    return None, None


def _serves(state: AttemptState, order: OrgDay, asked_at: datetime) -> bool:
    """Whether an attempt answers this call, finished or to be gone on with."""
    if not _asks_for(state, order):
        return False
    if order.fresh:
        return state.begun.begun_at >= asked_at
    return state.loaded is None or (state.done is not None and state.done.done_at >= asked_at)


def _asks_for(state: AttemptState, order: OrgDay) -> bool:
    """Whether an attempt was made for this day.

    An attempt that was begun before jobs asked from a margin begins at midnight. It is resumed all
    the same, for what it has stored was paid for; `reconcile` names what it may have missed.
    """
    starts = (order.interval.start, order.whole_day.start)
    return state.begun.start in starts and state.begun.end == order.whole_day.end


def _checked(journal: AttemptJournal, state: AttemptState) -> AttemptState:
    """Return the state with ill pages marked; one that has any is not done."""
    verified = journal.verified(state)
    return verified if verified.is_whole else replace(verified, done=None)
