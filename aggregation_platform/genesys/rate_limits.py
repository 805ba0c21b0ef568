"""The rate budget: when a request may leave.

Belongs here: turning requests per second into permits, waiting for one, slowing down on 429 and
on a nearly used-up window. Elsewhere: keeping permits over processes (local_state/), why they are
our own (docs/adr).

A permit is held from before a request is sent until a second after its reply began, so two
requests on one permit arrive more than a second apart wherever the time between was spent, and no
one-second window at the server sees more than `permits` of them.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import structlog

from aggregation_platform.clock import Clock
from aggregation_platform.errors import RateLimitedError
from aggregation_platform.genesys.tally import RequestTally
from aggregation_platform.genesys.transport import Timeouts
from aggregation_platform.local_state.state import Block, LocalState, Permit, Wait

DEFAULT_RETRY_AFTER_S = 3.0
"""The official SDKs' default where Retry-After is absent or no number."""
LONGEST_BLOCK_S = 86_400.0
"""A longer Retry-After is taken for this; after a day it does no harm to ask again."""
SPACING_S = 1.01
"""A second, and a little for clocks that run at slightly different speeds."""
SLOWEST = 4.0
"""On 429 after 429 we go down to a quarter of the budget, no further: Retry-After does the rest."""
RECOVERY_S = 30.0
"""Half of a slow-down is gone after this long without another 429."""
LOST_GRACE_S = 3.0
"""A request that we gave up waiting for has reached its server after this long."""
LOOK_AGAIN_S = 0.25
"""A permit under way may be settled at any time, so we look at least so often."""
STALE_S = 2.0
"""A permit older than this when its request is to leave is given back: we were paused."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Budget:
    """Permits of an org, and how long each rests after its reply."""

    permits: int
    rest_s: float

    @classmethod
    def of(cls, requests_per_second: float) -> Budget:
        """Whole permits of a second each; below one per second, one permit that rests longer."""
        permits = max(1, math.floor(requests_per_second))
        return cls(permits, SPACING_S * max(1.0, 1.0 / requests_per_second))


@dataclass(frozen=True)
class Pace:
    """How much slower than the budget we go, and until when we spread what a window has left.

    Args:
        slowness: 1 is the full budget, 2 half of it; as of `slowed_at_s`.
        slowed_at_s: Unix time of the last 429.
        rest_s: Rest of each permit while a window is nearly used up.
        rest_until_s: Unix time at which that window begins anew.
    """

    slowness: float = 1.0
    slowed_at_s: float = 0.0
    rest_s: float = 0.0
    rest_until_s: float = 0.0

    def slowness_at(self, now_s: float) -> float:
        """Recover slowly: half way back to the budget every RECOVERY_S."""
        elapsed = max(0.0, now_s - self.slowed_at_s)
        return 1.0 + (self.slowness - 1.0) * 0.5 ** (elapsed / RECOVERY_S)

    def slower(self, now_s: float) -> Pace:
        """Return the pace after a 429; those that arrive together count once."""
        if 0.0 <= now_s - self.slowed_at_s < SPACING_S:
            return self
        slowness = min(SLOWEST, 2.0 * self.slowness_at(now_s))
        return Pace(slowness, now_s, self.rest_s, self.rest_until_s)

    def spread(self, budget: Budget, window: Window, now_s: float) -> Pace:
        """Return the pace that makes what is left of a window last until its reset."""
        affordable = window.reset_s * budget.permits / max(1, window.remaining)
        rest_s = min(affordable, window.reset_s)
        if rest_s <= budget.rest_s:
            return Pace(self.slowness, self.slowed_at_s)
        return Pace(self.slowness, self.slowed_at_s, rest_s, now_s + window.reset_s)

    def rest_at(self, budget: Budget, now_s: float) -> float:
        """Return how long a permit rests now; never less than the budget says."""
        spread = self.rest_s if now_s < self.rest_until_s else 0.0
        return max(budget.rest_s * self.slowness_at(now_s), spread)


@dataclass(frozen=True)
class Window:
    """What the organization's headers say about the current window."""

    remaining: int
    reset_s: float

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Window | None:
        """Read inin-ratelimit-*; None where they are absent or make no sense."""
        try:
            count = int(headers["inin-ratelimit-count"])
            allowed = int(headers["inin-ratelimit-allowed"])
            reset_s = float(headers["inin-ratelimit-reset"])
        except (KeyError, ValueError):
            return None
        if allowed <= 0 or not 0 < reset_s <= 3600:
            return None
        return cls(max(0, allowed - count), reset_s)


def asked_wait_s(status: int, headers: Mapping[str, str]) -> float | None:
    """Return for how long a reply asks us to stay away; None if it does not.

    A 429 always does. Another failure of the server does if it says for how long.
    """
    if status != 429 and status < 500:
        return None
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < float("inf"):
        return min(seconds, LONGEST_BLOCK_S)
    return DEFAULT_RETRY_AFTER_S if status == 429 else None


class RateBudget:
    """The permits of one org, for one client.

    Args:
        keep_free: Permits this client leaves to others; for work that must not hinder them.
        wait_cap_s: A block longer than this is not slept through, but raised.
        patience_s: Longest wait for a permit while others use the budget up.
    """

    def __init__(
        self,
        org: str,
        requests_per_second: float,
        *,
        state: LocalState,
        clock: Clock,
        tally: RequestTally,
        timeouts: Timeouts,
        keep_free: int = 0,
        wait_cap_s: float = 180.0,
        patience_s: float = 900.0,
    ) -> None:
        self.org = org
        self.wait_cap_s = wait_cap_s
        self._budget = Budget.of(requests_per_second)
        self._state = state
        self._clock = clock
        self._tally = tally
        self._keep_free = keep_free
        self._patience_s = patience_s
        self._hold_s = 2 * timeouts.connect_s + timeouts.read_s + 30.0 + self._budget.rest_s

    def take(self) -> Permit:
        """Wait for a permit.

        Raises:
            RateLimitedError: If the organization asked for a longer wait than `wait_cap_s`, or
                others used the budget up for `patience_s`.
        """
        began = self._clock.monotonic()
        while True:
            asked = self._clock.monotonic()
            got = self._state.take_permit(
                self.org,
                permits=self._budget.permits,
                hold_s=self._hold_s,
                keep_free=self._keep_free,
            )
            if isinstance(got, Permit):
                if self._clock.monotonic() - asked <= STALE_S:
                    return got
                self._state.settle_permit(got, free_after_s=0.0)
                continue
            self._bear(got, waited_s=self._clock.monotonic() - began)

    def answered(self, permit: Permit, status: int, headers: Mapping[str, str]) -> None:
        """Let a permit rest, by the pace that this reply and the earlier ones ask for."""
        now_s = self._clock.now().timestamp()
        was = self._pace()
        pace = was.slower(now_s) if status == 429 else was
        window = Window.of(headers)
        if window is not None:
            pace = pace.spread(self._budget, window, now_s)
        if pace != was:
            self._keep(pace, now_s)
        asked_s = asked_wait_s(status, headers)
        if asked_s is not None:
            self._block(status, asked_s)
        self._state.settle_permit(permit, free_after_s=pace.rest_at(self._budget, now_s))

    def failed(self, permit: Permit, *, timed_out: bool) -> None:
        """Let a permit rest whose request got no reply."""
        grace_s = LOST_GRACE_S if timed_out else 0.0
        self._state.settle_permit(permit, free_after_s=self._budget.rest_s + grace_s)

    def _block(self, status: int, seconds: float) -> None:
        """Keep every process away from the org for as long as it asked."""
        reason = f"status {status}, Retry-After {seconds:.0f} s"
        self._state.block(self.org, seconds=seconds, reason=reason)
        _log.warning("org_blocked", org=self.org, seconds=round(seconds, 1), status=status)

    def _bear(self, got: Wait | Block, *, waited_s: float) -> None:
        """Sleep through a wait, unless it is too long to be slept through."""
        if isinstance(got, Block) and got.seconds_left > self.wait_cap_s:
            raise RateLimitedError(
                self.org,
                f"the organization asked us to stay away for another {got.seconds_left:.0f} s"
                f" ({got.reason}). The run is to be started again after that.",
                retry_after_s=got.seconds_left,
            )
        if waited_s > self._patience_s:
            raise RateLimitedError(
                self.org,
                f"no request could be sent for {waited_s:.0f} s: other processes use up the"
                " requests_per_second of this org, or the organization keeps asking us to wait."
                " The run is to be started again later.",
                retry_after_s=60.0,
                status=None,
            )
        seconds = got.seconds_left if isinstance(got, Block) else min(got.seconds, LOOK_AGAIN_S)
        seconds = max(0.0, seconds) + random.uniform(0.002, 0.03)  # noqa: S311 - jitter
        self._tally.waited(seconds)
        self._clock.sleep(seconds)

    @property
    def _pace_name(self) -> str:
        return f"pace/{self.org}"

    def _pace(self) -> Pace:
        text = self._state.value(self._pace_name)
        return Pace(**json.loads(text)) if text else Pace()

    def _keep(self, pace: Pace, now_s: float) -> None:
        """Share the pace; two processes that do so at once differ by one 429, no more."""
        seconds = max(10 * RECOVERY_S, pace.rest_until_s - now_s)
        self._state.put_value(self._pace_name, json.dumps(asdict(pace)).encode(), seconds=seconds)
