"""Claims: one process at a time fetches an org's day.

Belongs here: holding a claim for as long as the work takes. Elsewhere: the claims themselves
(local_state/ has them in SQLite and PostgreSQL).

Promised: while a claim is held and kept, no other process of the site holds it. A claim that was
lost is noticed at the next `keep`. Not promised: that a process which was stopped for longer than
its claim notices before its next write. The journal bears that: an intent is never overwritten,
and two processes that page through one job write the same pages.
"""

from __future__ import annotations

import threading
import uuid
from typing import Protocol

import structlog

from aggregation_platform.errors import LandingError, PlatformError

log = structlog.get_logger()

FAILED_RENEWALS = 3
"""So many in a row that the claim may have run out."""


class Claims(Protocol):
    """Named claims shared by the processes of one site; local_state.LocalState is one."""

    def claim(self, name: str, *, owner: str, seconds: float) -> bool:
        """Claim a name for so long; whether `owner` now holds it."""
        ...

    def renew(self, name: str, *, owner: str, seconds: float) -> bool:
        """Hold on for so long from now; False if the claim was lost."""
        ...

    def release(self, name: str, *, owner: str) -> None:
        """Give the claim up."""
        ...


class HeldClaim:
    """A claim that renews itself until it is released, or its process dies."""

    def __init__(self, claims: Claims, name: str, owner: str, seconds: float) -> None:
        self._claims = claims
        self._name = name
        self._owner = owner
        self._seconds = seconds
        self._released = threading.Event()
        self._lost = False
        self._renewing = threading.Thread(target=self._renew, name=f"claim {name}", daemon=True)
        self._renewing.start()

    def keep(self) -> None:
        """Check that the claim is still ours, before something is written under it.

        Raises:
            LandingError: If it was lost.
        """
        if self._lost:
            raise LandingError(
                f"the claim {self._name} was lost while it was in use: this process stood still "
                f"for more than {self._seconds:.0f} s, or the site's shared state was away. "
                "Run again; what is stored is kept."
            )

    def release(self) -> None:
        """Stop renewing and give the claim up; if the state is away, it runs out by itself."""
        self._released.set()
        self._renewing.join()
        try:
            self._claims.release(self._name, owner=self._owner)
        except PlatformError as error:
            log.warning("claim_not_released", claim=self._name, reason=str(error))

    def _renew(self) -> None:
        """Renew four times as often as needed, so that a busy state may fail twice in a row."""
        failures = 0
        while not self._released.wait(self._seconds / 4):
            try:
                held = self._claims.renew(self._name, owner=self._owner, seconds=self._seconds)
                failures = 0
            except PlatformError as error:
                failures += 1
                held = failures < FAILED_RENEWALS
                log.warning("claim_not_renewed", claim=self._name, reason=str(error))
            if not held:
                self._lost = True
                return


def try_claim(claims: Claims, name: str, *, seconds: float) -> HeldClaim | None:
    """Claim a name for this caller alone; None while another holds it. Never waits."""
    owner = uuid.uuid4().hex
    if not claims.claim(name, owner=owner, seconds=seconds):
        return None
    return HeldClaim(claims, name, owner, seconds)
