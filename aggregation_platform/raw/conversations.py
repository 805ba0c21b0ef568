"""raw.conversations of one org and day, from its landed pages.

Belongs here: one record per conversation over all pages, orphans left out and counted, the row of
a record. Elsewhere: splitting a page (pages.py), what a record says (facts/).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple, cast

import polars as pl

from aggregation_platform.errors import CorruptPageError
from aggregation_platform.raw.activity import (
    Head,
    fullness,
    head_of,
    is_orphan,
    was_over_before,
)
from aggregation_platform.raw.mending import has_nul, mended, wrapped
from aggregation_platform.raw.pages import LandedPage, records_of
from aggregation_platform.raw.tables import CONVERSATIONS


@dataclass(frozen=True)
class RawCounts:
    """What became of the records of a day's pages.

    records = kept + duplicates + orphans + earlier. `earlier` were over before the day began and
    have nothing on it; orphans have nothing on it either, but are still open, or span it.
    `unidentified` of the kept have no usable conversation id; facts will reject them.
    """

    pages: int = 0
    records: int = 0
    kept: int = 0
    duplicates: int = 0
    orphans: int = 0
    unidentified: int = 0
    earlier: int = 0


class _Place(NamedTuple):
    page: int  # index in the collection of pages
    position: int


class _Reading(NamedTuple):
    """A record as raw keeps it, and as far as it can be read."""

    conversation_id: str | None
    payload: str
    content: bytes | None  # the record as plain JSON; None if it is no object at all
    head: Head | None


class _Kept(NamedTuple):
    position: int
    conversation_id: str | None
    payload: str


class RawConversations:
    """The frames of raw.conversations, one per page that has rows; never more than one page held.

    May be iterated again. Where a conversation is on several pages, the record with more segments
    and metrics stays, then a job's before a query's, then the longer, then by digest: the order of
    pages does not matter.

    Args:
        pages: The day's pages; each is read once, and once more if a conversation on it repeats.
        org: Our key of the organization.
        day: The UTC day asked for.
    """

    def __init__(self, pages: Collection[LandedPage], *, org: str, day: date) -> None:
        self._pages = pages
        self._org = org
        self._day = day
        self._counts = RawCounts()

    @property
    def counts(self) -> RawCounts:
        """What the latest iteration kept and left out so far."""
        return self._counts

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yield each page's rows, in the order of pages and of the records in them.

        Raises:
            CorruptPageError: If a page is torn, or does not hold what its entry names.
        """
        self._counts = RawCounts()
        winners = _winners(self._pages)
        for index, page in enumerate(self._pages):
            kept = self._kept(index, page, winners)
            if kept:
                yield self._frame(page, kept)

    def _kept(self, index: int, page: LandedPage, winners: Mapping[str, _Place]) -> list[_Kept]:
        kept: list[_Kept] = []
        position = duplicates = orphans = earlier = 0
        for position, reading in enumerate(_readings(page), start=1):
            place = _Place(index, position - 1)
            if winners.get(reading.conversation_id or "", place) != place:
                duplicates += 1
            elif _is_orphan(reading, self._day):
                is_earlier = reading.head is not None and was_over_before(reading.head, self._day)
                earlier += is_earlier
                orphans += not is_earlier
            else:
                kept.append(_Kept(place.position, reading.conversation_id, reading.payload))
        self._count(
            RawCounts(records=position, duplicates=duplicates, orphans=orphans, earlier=earlier),
            kept,
        )
        return kept

    def _count(self, page: RawCounts, kept: list[_Kept]) -> None:
        so_far = self._counts
        self._counts = replace(
            so_far,
            pages=so_far.pages + 1,
            records=so_far.records + page.records,
            kept=so_far.kept + len(kept),
            duplicates=so_far.duplicates + page.duplicates,
            orphans=so_far.orphans + page.orphans,
            earlier=so_far.earlier + page.earlier,
            unidentified=so_far.unidentified + sum(row.conversation_id is None for row in kept),
        )

    def _frame(self, page: LandedPage, kept: list[_Kept]) -> pl.DataFrame:
        positions, ids, payloads = zip(*kept, strict=True)
        return pl.DataFrame(
            {
                "conversation_id": pl.Series(ids, dtype=pl.String),
                "position": pl.Series(positions, dtype=pl.Int64),
                "payload": pl.Series(payloads, dtype=pl.String),
            }
        ).select(
            pl.lit(self._org).alias("org"),
            pl.lit(self._day, pl.Date).alias("day"),
            "conversation_id",
            pl.lit(page.number, pl.Int64).alias("page"),
            "position",
            "payload",
            pl.lit(page.source).alias("source"),
            pl.lit(page.job_id, pl.String).alias("job_id"),
            pl.lit(page.fetched_at, CONVERSATIONS.frame_schema["fetched_at"]).alias("fetched_at"),
        )


def raw_conversations(pages: Collection[LandedPage], *, org: str, day: date) -> RawConversations:
    """Return the day's rows as an iterable of frames; `.counts` says what was left out."""
    return RawConversations(pages, org=org, day=day)


def _readings(page: LandedPage) -> Iterator[_Reading]:
    """Read the page's records as far as raw needs, and hold them against the page's entry."""
    stated = page.conversation_ids
    read = 0
    for record in records_of(page):
        reading = _read(record)
        named = stated[read] if read < len(stated) else None
        if named is not None and reading.conversation_id not in (None, named):
            raise _misnamed(page)
        read += 1
        yield reading
    if read != len(stated):
        raise _misnamed(page)


def _misnamed(page: LandedPage) -> CorruptPageError:
    return CorruptPageError(
        f"page {page.number} of {page.source} {page.job_id or ''} holds other conversations than "
        "its entry names. Fetch it again."
    )


def _read(record: bytes) -> _Reading:
    """Read a record's id and start; keep its text verbatim if it is a JSON object."""
    head = head_of(record)
    if head is None or has_nul(record):
        return _mended(record)
    try:
        return _Reading(head.conversation_id, str(record, "utf-8"), record, head)
    except UnicodeDecodeError:
        return _mended(record)


def _mended(record: bytes) -> _Reading:
    """Keep as wrapped text what no JSON column would take, and read what can be read of it."""
    payload = wrapped(record)
    try:
        mended_record = mended(record.decode("utf-8", "replace"))
    except ValueError:
        return _Reading(None, payload, None, None)
    if not isinstance(mended_record, dict):
        return _Reading(None, payload, None, None)
    content = json.dumps(cast("dict[str, object]", mended_record)).encode()
    head = head_of(content)
    return _Reading(head.conversation_id if head else None, payload, content, head)


def _is_orphan(reading: _Reading, day: date) -> bool:
    if reading.conversation_id is None or reading.content is None or reading.head is None:
        return False
    return is_orphan(reading.content, reading.head, day)


def _ids(page: LandedPage) -> pl.Series:
    """Return the page's ids; a page that could not name them all when it landed is read."""
    ids: list[str | None] = list(page.conversation_ids)
    if None in ids:
        ids = [reading.conversation_id for reading in _readings(page)]
    return pl.Series([each for each in ids if each], dtype=pl.String)


_Rank = tuple[int, bool, int, bytes]


def _rank(reading: _Reading, page: LandedPage) -> _Rank:
    """Order versions of one conversation; the greatest stays."""
    text = reading.payload.encode()
    return (
        fullness(reading.content or b""),
        page.source == "job",
        len(text),
        hashlib.sha256(text).digest(),
    )


def _winners(pages: Collection[LandedPage]) -> dict[str, _Place]:
    """Choose a place for each conversation that is on the pages more than once.

    Of equal records the one on the lowest page stays, so that the row itself is the same too.
    Only a hash of each id is held over all pages: 8 bytes, whatever the day's size. Ids that
    merely share one are compared with nobody and win.
    """
    hashes = [_ids(page).hash() for page in pages]
    every = pl.concat([pl.Series(dtype=pl.UInt64), *hashes]).sort()
    repeated = every.filter(every == every.shift()).unique().implode()
    best: dict[str, tuple[tuple[_Rank, int, int], _Place]] = {}
    for (index, page), hashed in zip(enumerate(pages), hashes, strict=True):
        if not hashed.is_in(repeated).any():
            continue
        ids = _ids(page)
        candidates = set(ids.filter(ids.hash().is_in(repeated)))
        for position, reading in enumerate(_readings(page)):
            conversation_id = reading.conversation_id
            if conversation_id is None or conversation_id not in candidates:
                continue
            rank = (_rank(reading, page), -page.number, -position)
            if conversation_id not in best or best[conversation_id][0] < rank:
                best[conversation_id] = (rank, _Place(index, position))
    return {conversation_id: place for conversation_id, (_, place) in best.items()}
