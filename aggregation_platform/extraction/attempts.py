"""Attempts that stored nothing: what they cost, why they failed, when the next one follows.

Belongs here: the event, and its row in `ops.failed_attempts`. Elsewhere: attempts that brought rows
(ledger.py), reading the rows (queries/attempts.py).

The ledger is written with commits only. Without these rows an org that answers nothing would look
as if nobody had asked it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl
import structlog

from aggregation_platform.epochs import WriteGrant
from aggregation_platform.errors import PlatformError, WarehouseError
from aggregation_platform.extraction.quality import requests_by_outcome, sent
from aggregation_platform.observability.masking import masked_text
from aggregation_platform.warehouse.ops_tables import FAILED_ATTEMPTS
from aggregation_platform.warehouse.store import Warehouse

log = structlog.get_logger()

LONGEST_SENTENCE = 300


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt at an org's day that ended without storing the day whole.

    Args:
        error: Why.
        failed_at: When it was given up.
        requests: What the client counted of it; requests that brought a stored page are left
            out, for they are counted where the page is.
    """

    org: str
    day: date
    error: PlatformError
    failed_at: datetime
    requests: Mapping[str, float] = field(default_factory=dict[str, float])


AttemptListener = Callable[[FailedAttempt], None]


def unrecorded(attempt: FailedAttempt) -> None:
    """Record nothing."""


def record_failure(
    warehouse: Warehouse,
    grant: WriteGrant,
    attempt: FailedAttempt,
    *,
    run_id: str,
    next_try_at: datetime | None = None,
) -> None:
    """Write the attempt's row; a warehouse that does not take it is logged, and hides no error."""
    outcomes = requests_by_outcome(attempt.requests)
    row = {
        "org": attempt.org,
        "day": attempt.day,
        "failed_at": attempt.failed_at,
        "error": type(attempt.error).__name__,
        "reason": in_one_sentence(attempt.error, attempt.org),
        "next_try_at": next_try_at,
        "requests": sent(outcomes),
        "retries": int(attempt.requests.get("retries", 0)),
        "waited_ms": round(1000 * attempt.requests.get("waited_s", 0.0)),
        "bytes": int(attempt.requests.get("received_bytes", 0)),
        "requests_by_outcome": json.dumps(outcomes),
        "run_id": run_id,
    }
    frame = pl.DataFrame([row], schema=FAILED_ATTEMPTS.frame_schema, orient="row")
    try:
        warehouse.append(FAILED_ATTEMPTS, frame, grant)
    except WarehouseError as error:
        log.warning("failed_attempt_not_recorded", org=attempt.org, reason=str(error))


def in_one_sentence(error: PlatformError, org: str) -> str:
    """Return what happened, without what to do about it, masked, on one line."""
    text = masked_text(" ".join(str(error).split())).removeprefix(f"{org}: ")
    sentence = re.split(r"(?<=[^.\s]{2})[.;] (?=[A-Z])", text, maxsplit=1)[0].rstrip(". ")
    if len(sentence) > LONGEST_SENTENCE:
        sentence = f"{sentence[: LONGEST_SENTENCE - 1]}…"
    return sentence
