"""What may go wrong between an org and its client, on demand.

Belongs here: the kinds of fault, and who is struck: by seeded chance, or the next so many
requests. Elsewhere: how a fault looks on the wire (gate.py, jobs.py).

Routes: token, organization, availability, job_create, job_status, job_cancel, job_results, query,
aggregates, conversation, listing, limits.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from aggregation_platform.simulator.dice import Dice

KINDS = {
    "rate_limited": "429; with Retry-After if `retry_after` is given",
    "unauthorized": "the token in use is revoked: 401",
    "server_error": "`status` (500, 502 with HTML, 503, 504), nothing done",
    "slow": "the reply comes after `seconds`",
    "drop_before": "the connection closes, nothing done",
    "drop_after": "done (a job exists), but the connection closes without a reply",
    "torn": "the connection closes in the middle of the body",
    "down": "503 for everything of the org, the token endpoint included",
    "job_failed": "a job created now ends FAILED",
    "job_expired": "a job created now ends EXPIRED",
    "job_stuck": "a job created now stays PENDING",
    "job_slow": "a job created now takes `seconds` more",
    "cursor_expired": "400: the cursor is no longer valid",
    "duplicates": "a page repeats the last `count_of` records of the page before",
    "aggregates_too_large": "413 for aggregates whose answer has more than `count_of` figures",
    "drifting_hits": "totalHits is `count_of` too many",
    "unfulfilled_results": "404 for the results, as before a job is fulfilled",
    "wrong_organization": "organizations/me tells another id",
    "forbidden": "403: a permission was not given; `path` says for what",
    "bad_request": "400, as beyond a cap",
    "short_listing": "a listing lacks its last `count_of` entities, whatever it says of its size",
    "odd_entities": "a page of a listing has a null, items without an id and half a character",
}
JOB_FATES = frozenset({"job_failed", "job_expired", "job_stuck", "job_slow"})
_ROUTES_OF = {
    **dict.fromkeys(JOB_FATES, frozenset({"job_create"})),
    "cursor_expired": frozenset({"job_results"}),
    "unfulfilled_results": frozenset({"job_results"}),
    "duplicates": frozenset({"job_results", "query"}),
    "aggregates_too_large": frozenset({"aggregates"}),
    "drifting_hits": frozenset({"query"}),
    "wrong_organization": frozenset({"organization"}),
    "short_listing": frozenset({"listing"}),
    "odd_entities": frozenset({"listing"}),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: One of `KINDS`.
        org: Whose requests; None: everybody's.
        route: Which requests; None: all that the kind fits.
        path: Only requests of this path, such as /api/v2/teams; None: of any.
        probability: Chance for each request.
        remaining: Strike so many requests, then no more; None: until taken away.
        skip: Let so many requests pass first.
    """

    kind: str
    org: str | None = None
    route: str | None = None
    path: str | None = None
    probability: float = 1.0
    remaining: int | None = None
    skip: int = 0
    status: int = 500
    retry_after: str | None = None
    seconds: float = 1.0
    count_of: int = 1

    def __post_init__(self) -> None:
        """Refuse a kind nobody knows."""
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r}; known: {', '.join(KINDS)}")

    def fits(self, org: str, route: str, path: str) -> bool:
        """Tell whether this fault is meant for such a request."""
        routes = _ROUTES_OF.get(self.kind)
        return (
            self.org in (None, org)
            and self.route in (None, route)
            and self.path in (None, path)
            and (routes is None or route in routes)
        )


@dataclass
class Faults:
    """The faults that are on. Safe over threads."""

    seed: int
    _on: dict[int, Fault] = field(default_factory=dict[int, Fault])
    _drawn: int = 0
    _given: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> int:
        """Switch a fault on; gives its number."""
        with self._lock:
            self._given += 1
            self._on[self._given] = fault
            return self._given

    def remove(self, number: int) -> bool:
        """Switch one off."""
        with self._lock:
            return self._on.pop(number, None) is not None

    def clear(self) -> None:
        """Switch all off."""
        with self._lock:
            self._on.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Give what is on, with numbers."""
        with self._lock:
            return [{"id": number, **asdict(fault)} for number, fault in self._on.items()]

    def strike(self, org: str, route: str, path: str = "") -> list[Fault]:
        """Decide which faults strike this request."""
        struck: list[Fault] = []
        with self._lock:
            for number, fault in list(self._on.items()):
                if fault.fits(org, route, path) and self._falls(number, fault):
                    struck.append(fault)
        return struck

    def _falls(self, number: int, fault: Fault) -> bool:
        if fault.skip:
            self._on[number] = replace(fault, skip=fault.skip - 1)
            return False
        if fault.probability < 1.0:
            self._drawn += 1
            if not Dice(self.seed, "fault", self._drawn).chance(fault.probability):
                return False
        if fault.remaining is not None:
            if fault.remaining <= 1:
                del self._on[number]
            else:
                self._on[number] = replace(fault, remaining=fault.remaining - 1)
            return fault.remaining > 0
        return True
