"""How the loads of the last days went, per org, for `status`.

Belongs here: what the ledger's rows add up to. Elsewhere: the ledger (warehouse/ops_tables.py), one
extraction's figures (extraction/quality.py), printing (status.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import cast

import polars as pl

from aggregation_platform.extraction.quality import sent
from aggregation_platform.warehouse.store import Warehouse

OVER_DAYS = 7
"""The figures are of the loads of so many days up to now."""

LOADS = """
SELECT org, committed_at, interval_to, data_available_to, source_job_id, requests, retries,
    waited_ms, bytes AS received_bytes, pages,
    CAST(requests_by_outcome AS VARCHAR) AS requests_by_outcome
FROM ops.extraction_ledger
WHERE dataset = 'conversations' AND committed_at > ? ORDER BY committed_at
"""


@dataclass(frozen=True)
class Ingestion:
    """What an org's loads and failed attempts of the last days cost, and how fresh loads were.

    Args:
        loads: Entries of the ledger: details jobs and fresh tails.
        failed_attempts: Attempts that ended without storing their day; their requests count too.
        requests: Requests sent, retries included.
        requests_by_outcome: 2xx, 4xx, 401, 429, 5xx, lost (sent, no whole reply), unsent.
        success_rate: Requests answered 2xx that led to a load ÷ requests sent, 0 to 1; None if
            there were none.
        waited_ms: Waited for permits, for blocks to end, between tries.
        received_bytes: Bodies as they came.
        freshness_minutes: Of the loads that brought data newer than any before: how old its newest
            instant was when it was stored, the median. None if no load did.
    """

    loads: int = 0
    requests: int = 0
    requests_by_outcome: Mapping[str, int] = field(default_factory=dict[str, int])
    success_rate: float | None = None
    retries: int = 0
    waited_ms: int = 0
    received_bytes: int = 0
    pages: int = 0
    freshness_minutes: float | None = None
    failed_attempts: int = 0


def ingestion_of(
    warehouse: Warehouse, failed: pl.DataFrame, *, now: datetime
) -> Mapping[str, Ingestion]:
    """Return the figures of each org that loaded, or tried to load, anything in the last days.

    Args:
        warehouse: Read only.
        failed: The failed attempts of the same days.
        now: The present instant.
    """
    since = now - timedelta(days=OVER_DAYS)
    loads = _by_org(warehouse.query(LOADS, (since,)))
    failures = _by_org(failed)
    return {org: added_up(loads.get(org, []), failures.get(org, [])) for org in {*loads, *failures}}


def added_up(
    loads: Sequence[Mapping[str, object]], failed: Sequence[Mapping[str, object]] = ()
) -> Ingestion:
    """Add up one org's loads, in the order they were committed, and its failed attempts."""
    stored, lost = _outcomes(loads), _outcomes(failed)
    both, outcomes = [*loads, *failed], stored + lost
    asked = sent(outcomes)
    return Ingestion(
        loads=len(loads),
        failed_attempts=len(failed),
        requests=_sum(both, "requests"),
        requests_by_outcome=dict(sorted(outcomes.items())),
        success_rate=stored["2xx"] / asked if asked else None,
        retries=_sum(both, "retries"),
        waited_ms=_sum(both, "waited_ms"),
        received_bytes=_sum(both, "received_bytes"),
        pages=_sum(loads, "pages"),
        freshness_minutes=_freshness_minutes(loads),
    )


def _by_org(rows: pl.DataFrame) -> dict[str, list[Mapping[str, object]]]:
    by_org: dict[str, list[Mapping[str, object]]] = {}
    for row in rows.to_dicts():
        by_org.setdefault(row["org"], []).append(row)
    return by_org


def _outcomes(rows: Iterable[Mapping[str, object]]) -> Counter[str]:
    """Add up the requests by what became of them."""
    outcomes = Counter[str]()
    for row in rows:
        outcomes.update(cast("dict[str, int]", json.loads(str(row["requests_by_outcome"]))))
    return outcomes


def _sum(loads: Iterable[Mapping[str, object]], name: str) -> int:
    return sum(cast("int", load[name]) for load in loads)


def _freshness_minutes(loads: Iterable[Mapping[str, object]]) -> float | None:
    reached: dict[datetime, datetime] = {}  # a job and its fresh tail are committed together
    for load in loads:
        at = cast("datetime", load["committed_at"])
        reached[at] = max(_reached(load), reached.get(at, _reached(load)))
    ages: list[float] = []
    newest: datetime | None = None
    for at, until in reached.items():
        if newest is None or until > newest:
            newest = until
            ages.append(max(0.0, (at - until).total_seconds() / 60))
    return round(median(ages), 1) if ages else None


def _reached(load: Mapping[str, object]) -> datetime:
    """Until when a load has data: a job until the watermark, a fresh tail until its end."""
    end = cast("datetime", load["interval_to"])
    until = cast("datetime | None", load["data_available_to"])
    return end if load["source_job_id"] is None or until is None else min(end, until)
