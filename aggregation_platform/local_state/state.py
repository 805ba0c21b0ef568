"""LocalState: what the processes of one site know together.

Belongs here: the seam that every implementation meets, and its values.
Elsewhere: SQLite (sqlite_state.py), PostgreSQL (postgres_state.py).

Promised: at most `permits` permits of an org are out at once, over all processes and threads
that use one state. A permit of a killed process frees itself. At most one owner holds a claim at
an instant of the state's own clock. Not promised: that a claim's holder has noticed losing it;
whoever writes under a claim still needs the warehouse's fence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Permit:
    """The right to have one request under way at `org`."""

    org: str
    permit_id: str


@dataclass(frozen=True)
class Wait:
    """No permit now: look again in `seconds`."""

    seconds: float


@dataclass(frozen=True)
class Block:
    """The organization asked us to stay away for another `seconds_left`, and why."""

    seconds_left: float
    reason: str


class LocalState(Protocol):
    """Permits, blocks, shared values and claims of one site. Safe over threads and processes."""

    def take_permit(
        self, org: str, *, permits: int, hold_s: float, keep_free: int = 0
    ) -> Permit | Wait | Block:
        """Take one of the org's permits, or say how long to wait, or why not at all now.

        Args:
            org: Our key of the organization.
            permits: How many permits there are.
            hold_s: After this many seconds the permit is free again, even if nobody settles it.
            keep_free: Leave this many permits to others (never the last one).
        """
        ...

    def settle_permit(self, permit: Permit, *, free_after_s: float) -> None:
        """Let the permit be free again `free_after_s` seconds from now."""
        ...

    def block(self, org: str, *, seconds: float, reason: str) -> None:
        """Give out no permit of the org for so long; never shortens an earlier block."""
        ...

    def blocked(self, org: str) -> Block | None:
        """Return the org's block, if one is in force."""
        ...

    def lift_block(self, org: str) -> None:
        """Forget the org's block, for an operator who knows better."""
        ...

    def put_value(self, name: str, value: bytes, *, seconds: float) -> None:
        """Share a small value under a name, for so many seconds."""
        ...

    def value(self, name: str) -> bytes | None:
        """Return the shared value, if there is one and it is still good."""
        ...

    def drop_value(self, name: str) -> None:
        """Forget a shared value; nothing if there is none."""
        ...

    def claim(self, name: str, *, owner: str, seconds: float) -> bool:
        """Claim a name for so many seconds; whether `owner` now holds it.

        An owner that already holds it holds it afresh. A claim of another that has run out, or
        whose process is known to be dead, is taken over.
        """
        ...

    def renew(self, name: str, *, owner: str, seconds: float) -> bool:
        """Hold on for so many seconds from now; False if the claim was lost."""
        ...

    def release(self, name: str, *, owner: str) -> None:
        """Give the claim up; nothing if `owner` does not hold it."""
        ...

    def holder(self, name: str) -> str | None:
        """Return the owner that holds the name now."""
        ...

    def close(self) -> None:
        """Let go of connections; permits and claims stay as they are."""
        ...


def permits_to_use(permits: int, keep_free: int) -> int:
    """Return how many permits a caller that leaves some to others may see taken: at least one."""
    return max(1, permits - keep_free)
