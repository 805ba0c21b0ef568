"""An extraction as the warehouse's ledger remembers it.

Belongs here: from what was fetched, and what raw kept of it, to one ledger row.
Elsewhere: the ledger's table (warehouse/ops_tables.py), the journal in the landing zone (landing/),
from which an extraction resumes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from aggregation_platform.extraction.outcome import Extracted
from aggregation_platform.extraction.quality import requests_by_outcome, sent
from aggregation_platform.extraction.tail import Tail
from aggregation_platform.intervals import Interval
from aggregation_platform.landing.zone import LandedDay
from aggregation_platform.raw.conversations import RawCounts
from aggregation_platform.warehouse.store import LedgerEntry

DATASET = "conversations"


def ledger_entry(found: Extracted, *, rows: RawCounts) -> LedgerEntry:
    """Return the row of one fetched org's day.

    Args:
        found: What was fetched.
        rows: What raw kept and left out of it; whole only once the rows have been written.
    """
    return LedgerEntry(
        org=found.org,
        dataset=DATASET,
        interval=Interval.of_day(found.day),
        state="complete" if found.is_complete else "provisional",
        rows=rows.kept,
        bytes=found.bytes,
        content_hash=_hash_of_pages(found.landed),
        attempt_id=found.attempt_id,
        source_job_id=found.job_ids[0] if found.job_ids else None,
        data_available_to=found.data_available_to,
        pages=found.pages,
        records=rows.records,
        duplicates=rows.duplicates,
        orphans=rows.orphans,
        earlier=rows.earlier,
        rejects=rows.unidentified,
        requests=sent(requests_by_outcome(found.requests)),
        retries=int(found.requests.get("retries", 0)),
        waited_ms=_waited_ms(found.requests),
        requests_by_outcome=requests_by_outcome(found.requests),
    )


def tail_entry(tail: Tail) -> LedgerEntry:
    """Return the row of a fresh tail: what of the day it covers, by query instead of by job."""
    requests = tail.requests
    return LedgerEntry(
        org=tail.org,
        dataset=DATASET,
        interval=tail.interval,
        state="provisional",
        rows=tail.records,
        bytes=int(requests.get("received_bytes", 0)),
        content_hash=_hash_of_pages(tail.landed),
        attempt_id=tail.attempt_id,
        pages=tail.pages,
        records=tail.records,
        requests=sent(requests_by_outcome(requests)),
        retries=int(requests.get("retries", 0)),
        waited_ms=_waited_ms(requests),
        requests_by_outcome=requests_by_outcome(requests),
    )


def _waited_ms(requests: Mapping[str, float]) -> int:
    return round(1000 * requests.get("waited_s", 0.0))


def _hash_of_pages(landed: LandedDay) -> str:
    digest = hashlib.sha256()
    for page in landed:
        digest.update(page.sha256.encode("ascii"))
    return digest.hexdigest()
