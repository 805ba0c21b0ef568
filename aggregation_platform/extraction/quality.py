"""Figures on how an extraction went, per org and day.

Belongs here: what the counts of a client and a journal say. Elsewhere: counting (genesys/tally.py),
keeping the figures (warehouse/ops_tables.py), figures of facts and matching (design 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from aggregation_platform.extraction.outcome import Extracted
from aggregation_platform.extraction.source import Counting
from aggregation_platform.intervals import Interval

REQUESTS = "requests_"
"""Prefix of a count of requests by outcome: requests_2xx, requests_429, requests_lost, …"""


def counted(client: Counting) -> Mapping[str, float]:
    """Return what a client has counted so far, by name; every count only grows.

    A client that several org-days share at once counts for all of them; the sum over those days
    is right, its division among them is not exact.
    """
    counts = client.tally.counts()
    return {
        **{f"{REQUESTS}{kind}": count for kind, count in counts.requests.items()},
        "retries": counts.retries,
        "waited_s": counts.waited_s,
        "received_bytes": counts.received_bytes,
        "logins": counts.logins,
    }


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> Mapping[str, float]:
    """Return what was counted in between, leaving out what did not grow."""
    grown = {name: count - before.get(name, 0) for name, count in after.items()}
    return {name: count for name, count in grown.items() if count}


@dataclass(frozen=True)
class ExtractionQuality:
    """How one org's day was fetched, over all the processes that worked on it.

    What a process counted between its last stored page and its being killed is not in it.

    Args:
        success_rate: Requests that were answered 2xx ÷ requests that may have reached the org;
            None if there were none. Each 2xx led to something stored or decided.
        requests: By outcome: 2xx, 4xx, 401, 429, 5xx, lost.
        retries: Requests that repeated an earlier one.
        waited_s: Seconds waited for permits, for blocks to end, between tries.
        received_bytes: Bodies as they came.
        pages: Pages stored.
        records: Conversations on them.
        jobs_submitted: Jobs that were, or may have been, accepted.
        freshness_minutes: From the watermark (or the end of the day, whichever is earlier) to the
            moment the last page was stored; None if the org did not tell its watermark.
    """

    org: str
    day: date
    attempt_id: str
    success_rate: float | None
    requests: Mapping[str, int]
    retries: int
    waited_s: float
    received_bytes: int
    pages: int
    records: int
    jobs_submitted: int
    freshness_minutes: float | None

    @property
    def requests_total(self) -> int:
        """All requests that may have reached the org."""
        return sent(self.requests)


def quality_of(result: Extracted) -> ExtractionQuality:
    """Return the figures of an extraction."""
    requests = requests_by_outcome(result.requests)
    total = sent(requests)
    return ExtractionQuality(
        org=result.org,
        day=result.day,
        attempt_id=result.attempt_id,
        success_rate=requests.get("2xx", 0) / total if total else None,
        requests=requests,
        retries=int(result.requests.get("retries", 0)),
        waited_s=result.requests.get("waited_s", 0.0),
        received_bytes=int(result.requests.get("received_bytes", 0)),
        pages=result.pages,
        records=result.records,
        jobs_submitted=result.jobs_submitted,
        freshness_minutes=freshness_minutes(
            result.day, result.data_available_to, now=result.fetched_at
        ),
    )


def freshness_minutes(day: date, reaches_to: datetime | None, *, now: datetime) -> float | None:
    """Return how old the newest record of a day may be that is not there; never below zero.

    Args:
        day: The UTC day.
        reaches_to: Until when the day's data is known to be there; None if that is unknown.
        now: As of when.
    """
    if reaches_to is None:
        return None
    held_to = min(reaches_to, Interval.of_day(day).end)
    return max(0.0, (now - held_to).total_seconds() / 60)


def requests_by_outcome(counts: Mapping[str, float]) -> Mapping[str, int]:
    """Return the requests among a client's counts, by outcome, such as 2xx, 429 and lost."""
    return {
        name.removeprefix(REQUESTS): int(count)
        for name, count in counts.items()
        if name.startswith(REQUESTS)
    }


def sent(requests: Mapping[str, int]) -> int:
    """Return how many of the requests may have reached the org."""
    return sum(count for kind, count in requests.items() if kind != "unsent")
