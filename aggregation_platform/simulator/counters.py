"""What an org has seen: how many requests, when, and of which kind.

Belongs here: counting, so that a test can prove that no org saw more than its budget in any
second. Elsewhere: refusing what is over the limit (gate.py).
"""

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_KEPT = 200_000


@dataclass
class Counters:
    """One org's counters. Safe over threads."""

    routes: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    faults: Counter[str] = field(default_factory=Counter[str])
    jobs_submitted: int = 0
    tokens_issued: int = 0
    conversations_served: int = 0
    bytes_served: int = 0
    moments: deque[float] = field(default_factory=lambda: deque[float](maxlen=_KEPT))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arrived(self, route: str, moment: float) -> None:
        """Count a request at a moment in seconds."""
        with self.lock:
            self.routes[route] += 1
            self.moments.append(moment)

    def struck(self, route: str, kinds: Iterable[str]) -> None:
        """Count the faults that strike a request; one may keep another from being seen."""
        with self.lock:
            self.faults.update(f"{kind}/{route}" for kind in kinds)

    def answered(self, status: int, size: int) -> None:
        """Count a reply."""
        with self.lock:
            self.statuses[status] += 1
            self.bytes_served += size

    def most_in(self, seconds: float) -> int:
        """Give the most requests that fell into any window of that length."""
        with self.lock:
            moments = sorted(self.moments)
        return max(
            (place + 1 - bisect_left(moments, moment - seconds + 1e-9)
             for place, moment in enumerate(moments)),
            default=0,
        )  # fmt: skip

    def reset(self) -> None:
        """Begin again at nothing."""
        with self.lock:
            self.routes.clear()
            self.statuses.clear()
            self.faults.clear()
            self.moments.clear()
            self.jobs_submitted = self.tokens_issued = 0
            self.conversations_served = self.bytes_served = 0

    def told(self, *, with_moments: bool = False) -> dict[str, Any]:
        """Give everything as JSON."""
        most = self.most_in(1.0)
        with self.lock:
            return {
                "requests": sum(self.routes.values()),
                "by_route": dict(self.routes),
                "by_status": {str(status): count for status, count in self.statuses.items()},
                "by_fault": dict(self.faults),
                "jobs_submitted": self.jobs_submitted,
                "tokens_issued": self.tokens_issued,
                "conversations_served": self.conversations_served,
                "bytes_served": self.bytes_served,
                "most_requests_in_a_second": most,
                **({"moments": list(self.moments)} if with_moments else {}),
            }
