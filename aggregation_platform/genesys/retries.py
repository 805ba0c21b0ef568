"""Repeating what may succeed later, within bounds.

Belongs here: how often, how long, and what is not repeated. Elsewhere: which reply is transient
(replies.py), waiting that the organization asked for (rate_limits.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
import tenacity

from aggregation_platform.clock import Clock
from aggregation_platform.errors import RateLimitedError, TransientSourceError
from aggregation_platform.genesys.tally import RequestTally

_log = structlog.get_logger()
_T = TypeVar("_T")


class OutcomeUnknownError(TransientSourceError):
    """A request that is not to be doubled was sent, and it is unknown whether it was carried out.

    A details job may exist whose id nobody knows: harmless, but it counts at the organization.
    The caller decides whether to submit again, and counts it.
    """


@dataclass(frozen=True)
class RetryPolicy:
    """Bounds of repeating one call.

    Args:
        tries: Attempts in all.
        total_s: No new attempt after this long.
        first_wait_s: Wait after the first failure; doubled each time.
        longest_wait_s: Cap of one wait.
        jitter_s: Up to so much more, at random.
        retry_after_cap_s: A longer Retry-After is not slept through, but raised.
    """

    tries: int = 7
    total_s: float = 900.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    jitter_s: float = 0.5
    retry_after_cap_s: float = 180.0


@dataclass(frozen=True)
class Repetition:
    """A request that failed and is sent again.

    Args:
        org: Whose request.
        reason: Why it failed, as a sentence.
        next_at: When it is sent again.
        last_at: When it is sent for the last time, about.
    """

    org: str
    reason: str
    next_at: datetime
    last_at: datetime


Heard = Callable[[Repetition], None]


def unheard(repetition: Repetition) -> None:
    """Tell nobody."""


class Retries:
    """Repeats attempts of one org's calls.

    Args:
        policy: The bounds.
        org: Our key of the organization.
        clock: Waits are slept on it.
        tally: Counts the repetitions.
        heard: Told of each repetition before its wait.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        org: str,
        clock: Clock,
        tally: RequestTally,
        heard: Heard = unheard,
    ) -> None:
        self._policy = policy
        self._org = org
        self._clock = clock
        self._tally = tally
        self._heard = heard

    def run(self, attempt: Callable[[], _T], *, what: str) -> _T:
        """Call `attempt` until it succeeds, fails for good, or the bounds are reached.

        Raises:
            TransientSourceError: The last failure, when the bounds are reached.
        """
        began = self._clock.monotonic()
        policy = self._policy

        def is_over(state: tenacity.RetryCallState) -> bool:
            elapsed = self._clock.monotonic() - began
            return state.attempt_number >= policy.tries or elapsed >= policy.total_s

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._may_be_repeated),
            stop=is_over,
            wait=self._wait_s,
            sleep=self._clock.sleep,
            before_sleep=lambda state: self._note(state, what),
            reraise=True,
        )(attempt)

    def _may_be_repeated(self, error: BaseException) -> bool:
        if isinstance(error, RateLimitedError):
            return error.retry_after_s <= self._policy.retry_after_cap_s
        return isinstance(error, TransientSourceError) and not isinstance(
            error, OutcomeUnknownError
        )

    def _wait_s(self, state: tenacity.RetryCallState) -> float:
        """Back off; a wait the organization asked for is served while taking the next permit."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimitedError):
            return 0.0
        policy = self._policy
        doubling = tenacity.wait_exponential(policy.first_wait_s, max=policy.longest_wait_s)
        return (doubling + tenacity.wait_random(0, policy.jitter_s))(state)

    def _note(self, state: tenacity.RetryCallState, what: str) -> None:
        seconds = state.next_action.sleep if state.next_action else 0.0
        error = state.outcome.exception() if state.outcome else None
        self._tally.retried()
        self._tally.waited(seconds)
        _log.warning(
            "request_repeated",
            org=self._org,
            what=what,
            attempt=state.attempt_number,
            wait_s=round(seconds, 2),
            reason=str(error),
        )
        asked_s = error.retry_after_s if isinstance(error, RateLimitedError) else 0.0
        self._heard(self._repetition(str(error), state.attempt_number, max(seconds, asked_s)))

    def _repetition(self, reason: str, attempt: int, wait_s: float) -> Repetition:
        policy, now = self._policy, self._clock.now()
        waits = (
            min(policy.longest_wait_s, policy.first_wait_s * 2.0**tried)
            for tried in range(attempt, policy.tries - 1)
        )
        next_at = now + timedelta(seconds=wait_s)
        return Repetition(self._org, reason, next_at, next_at + timedelta(seconds=sum(waits)))
