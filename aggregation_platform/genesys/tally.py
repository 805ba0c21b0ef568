"""RequestTally: what it cost to get an answer.

Belongs here: counting requests, retries, waiting and bytes of one client.
Elsewhere: keeping the counts as quality figures (extraction/).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestCounts:
    """Counts since the client was made; take two and subtract for a stretch of work.

    Args:
        requests: By "2xx", "3xx", "4xx", "401", "429", "5xx", "lost" (sent, no whole reply) and
            "unsent".
        retries: Requests that repeated an earlier one.
        waited_s: Seconds spent waiting: for a permit, for a block to end, between tries.
        received_bytes: Bodies as they came.
        logins: Tokens fetched (their requests are counted too).
        submitted_jobs: Requests to make a details job that may have made one.
    """

    requests: Mapping[str, int]
    retries: int
    waited_s: float
    received_bytes: int
    logins: int
    submitted_jobs: int

    @property
    def total(self) -> int:
        """All requests that may have reached the organization."""
        return sum(count for kind, count in self.requests.items() if kind != "unsent")

    def __sub__(self, earlier: RequestCounts) -> RequestCounts:
        kinds = {*self.requests, *earlier.requests}
        return RequestCounts(
            requests={
                kind: self.requests.get(kind, 0) - earlier.requests.get(kind, 0)
                for kind in sorted(kinds)
            },
            retries=self.retries - earlier.retries,
            waited_s=self.waited_s - earlier.waited_s,
            received_bytes=self.received_bytes - earlier.received_bytes,
            logins=self.logins - earlier.logins,
            submitted_jobs=self.submitted_jobs - earlier.submitted_jobs,
        )


class RequestTally:
    """A running count; safe over threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._retries = 0
        self._waited_s = 0.0
        self._received_bytes = 0
        self._logins = 0
        self._submitted_jobs = 0

    def counts(self) -> RequestCounts:
        """Return the counts so far."""
        with self._lock:
            return RequestCounts(
                requests=dict(self._requests),
                retries=self._retries,
                waited_s=self._waited_s,
                received_bytes=self._received_bytes,
                logins=self._logins,
                submitted_jobs=self._submitted_jobs,
            )

    def answered(self, status: int, received_bytes: int) -> None:
        """Count a whole reply."""
        kind = str(status) if status in (401, 429) else f"{status // 100}xx"
        with self._lock:
            self._requests[kind] += 1
            self._received_bytes += received_bytes

    def failed(self, *, sent: bool) -> None:
        """Count a request without a whole reply."""
        with self._lock:
            self._requests["lost" if sent else "unsent"] += 1

    def retried(self) -> None:
        """Count a repetition."""
        with self._lock:
            self._retries += 1

    def waited(self, seconds: float) -> None:
        """Count waiting."""
        with self._lock:
            self._waited_s += seconds

    def logged_in(self) -> None:
        """Count a fetched token."""
        with self._lock:
            self._logins += 1

    def submitted_job(self) -> None:
        """Count a details job that was, or may have been, made."""
        with self._lock:
            self._submitted_jobs += 1
