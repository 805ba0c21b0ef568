"""The fencing token, and the right to write that carries it.

Belongs here: Epoch and WriteGrant. Elsewhere: who may hold one (sites/), and the fence that
refuses an old one (warehouse/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

Epoch = NewType("Epoch", int)
"""Grows at each change of holder and never goes back."""

PLATFORM_SCOPE = "platform"
"""The lease scope of an active-standby pair."""


@dataclass(frozen=True)
class WriteGrant:
    """The claim to be the writer of `scope`, as of `epoch`. Every write asks for one.

    Not promised: that the claim still holds. The warehouse decides at commit.
    """

    site: str
    epoch: Epoch
    scope: str = PLATFORM_SCOPE
