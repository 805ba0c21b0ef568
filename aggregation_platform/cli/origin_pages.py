"""The landed pages that conversations came on.

Belongs here: from what a row says of its page to the object that holds it. Elsewhere: the rows
(origins.py), the landing zone itself (landing/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import CorruptPageError
from aggregation_platform.extraction.ledger import DATASET
from aggregation_platform.intervals import Interval
from aggregation_platform.landing.zone import LandedPage, LandingZone

_ATTEMPTS = """
SELECT org, attempt_id, source_job_id, state, run_id, epoch, committed_at, data_available_to,
    pages, records, rows, duplicates, orphans, earlier
FROM ops.extraction_ledger
WHERE dataset = ? AND interval_from < ? AND interval_to > ?
ORDER BY org, committed_at DESC
"""
_PAGE = ("org", "page", "source", "job_id", "fetched_at")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class OriginPages:
    """The pages of some conversations, and the attempts that landed them.

    Args:
        attempts: Rows of `ops.extraction_ledger`, newest first by org, each with its `journal`:
            the folder of its journal in the landing zone.
        pages: One row per page: org, page, source, job_id, fetched_at, attempt_id, object; the
            last two are None where the landing zone no longer has it.
    """

    attempts: list[dict[str, Any]]
    pages: list[dict[str, Any]]


def origin_pages(assembly: Assembly, day: date, conversations: pl.DataFrame) -> OriginPages:
    """Find the pages of `Origins.conversations`."""
    whole, wanted = Interval.of_day(day), conversations.select(_PAGE).unique().sort(_PAGE)
    ledger = assembly.warehouse.query(_ATTEMPTS, (DATASET, whole.end, whole.start))
    mine = ledger.filter(pl.col("org").is_in(wanted["org"].to_list()))
    address = landing_address(assembly.config)
    attempts = [
        {**row, "journal": f"{address}/{row['org']}/{day}/{row['attempt_id']}"}
        for row in mine.iter_rows(named=True)
    ]
    known = {org: _places(assembly.landing, rows, day, attempts) for org, rows in _by_org(wanted)}
    pages = [_placed(row, known[row["org"]], address) for row in wanted.iter_rows(named=True)]
    return OriginPages(attempts, pages)


def landing_address(config: PlatformConfig) -> str:
    """Return where the landing zone is, so that a path below it can be opened."""
    url = config.landing.address.rstrip("/")
    return url if "://" in url else str((config.folder / url).absolute())


Places = dict[tuple[object, ...], tuple[str, str]]


def _by_org(wanted: pl.DataFrame) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for org in wanted["org"].unique(maintain_order=True):
        yield org, wanted.filter(pl.col("org") == org).to_dicts()


def _places(
    landing: LandingZone, wanted: list[dict[str, Any]], day: date, attempts: list[dict[str, Any]]
) -> Places:
    """Return attempt and object by page, looking no further than needed.

    The attempts of the ledger come first, then what else is stored of the day: an attempt that
    was loaded from the landing zone alone is in no ledger.
    """
    org, keys = wanted[0]["org"], {_key(row) for row in wanted}
    places: Places = {}
    for attempt_id in _candidates(landing, org, day, attempts):
        if keys <= places.keys():
            break
        for page in _landed(landing, org, day, attempt_id):
            key = (page.source, page.job_id, page.fetched_at)
            places.setdefault(key, (attempt_id, page.path))
    return places


def _candidates(
    landing: LandingZone, org: str, day: date, attempts: list[dict[str, Any]]
) -> Iterator[str]:
    yield from (row["attempt_id"] for row in attempts if row["org"] == org)
    for source in ("job", "query"):
        yield from (each.attempt_id for each in reversed(landing.attempts(org, day, source)))


def _landed(landing: LandingZone, org: str, day: date, attempt_id: str) -> Iterator[LandedPage]:
    try:
        yield from landing.landed(landing.attempt(org, day, attempt_id))
    except CorruptPageError:
        return  # removed by retention, or no longer whole: its pages cannot be named


def _key(row: Row) -> tuple[object, ...]:
    return (row["source"], row["job_id"], row["fetched_at"])


def _placed(row: Row, places: Places, address: str) -> dict[str, Any]:
    attempt_id, path = places.get(_key(row), (None, None))
    return {**row, "attempt_id": attempt_id, "object": path and f"{address}/{path}"}
