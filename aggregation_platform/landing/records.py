"""What the journal of an attempt says, object by object.

Belongs here: the shape of each journal object and its bytes. Elsewhere: what follows from them
(state.py), where they lie and in which order they are written (journal.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Literal, TypeVar

import msgspec

Source = Literal["job", "query"]
"""A details job (settled, with attributes), or the synchronous query (the fresh tail)."""

Encoding = Literal["gzip", "identity"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A journal object: written once, small, JSON."""


@dataclass(frozen=True, kw_only=True)
class Begun(Record):
    """An attempt: one fetch of one org's day. `epoch` is that of the site that writes it.

    Args:
        adopted_from: The attempt of an older epoch whose journal this one goes on from.
    """

    org: str
    day: date
    source: Source
    start: datetime
    end: datetime
    epoch: int
    page_size: int
    begun_at: datetime
    adopted_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class Intent(Record):
    """Written before a job is asked for, so that a kill in between shows.

    Args:
        available_before: The lake's watermark before the job was asked for. A page tells the
            watermark of the moment it is read, which may be later than the data it holds.
    """

    start: datetime
    end: datetime
    intended_at: datetime
    available_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Submitted(Record):
    """Written as soon as the job's id is known."""

    job_id: str
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ended(Record):
    """A job that gives no more pages.

    Args:
        state: As the API spells it, or NOT_FOUND, STUCK, TOO_LARGE, LOST (no reply came to its
            submission), UNKNOWN (killed between intent and id), REFUSED (it never existed).
    """

    state: str
    message: str
    ended_at: datetime


@dataclass(frozen=True, kw_only=True)
class Split(Record):
    """A window that was too large or stuck, and is fetched as two."""

    reason: str
    split_at: datetime


@dataclass(frozen=True, kw_only=True)
class Entry(Record):
    """One page that is stored whole.

    Args:
        cursor: The cursor it was fetched with; None for the first.
        next_cursor: The cursor it gave; None on the last page.
        object: Name of the page object beside the entry.
        sha256: Of the stored bytes, as hexadecimal digits.
        bytes: Size of the stored object.
        count: Conversations on the page.
        encoding: As the server sent it; what came as identity is stored as gzip.
        requests: Requests by outcome since the entry before, this page's own included.
    """

    number: int
    cursor: str | None
    next_cursor: str | None
    object: str
    sha256: str
    bytes: int
    count: int
    page_size: int
    fetched_at: datetime
    data_available_to: datetime | None
    encoding: Encoding
    correlation_id: str | None = None
    requests: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class EntryWithIds(Entry):
    """An entry as written: with the id (or None) of each conversation, in page order."""

    conversation_ids: tuple[str | None, ...]


def without_ids(entry: EntryWithIds) -> Entry:
    """Return what is kept in memory of an entry: a day may have a million ids."""
    return Entry(**{known.name: getattr(entry, known.name) for known in fields(Entry)})


@dataclass(frozen=True, kw_only=True)
class Done(Record):
    """Every page of the attempt is stored.

    Args:
        records: Conversations over all pages, repeated ones included.
        data_available_to: The earliest watermark that any part of it rests on.
        jobs_submitted: Requests for a job that were, or may have been, accepted.
    """

    pages: int
    records: int
    bytes: int
    data_available_to: datetime | None
    jobs_submitted: int
    done_at: datetime
    requests: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class Loaded(Record):
    """The warehouse has committed this attempt's rows."""

    loaded_at: datetime
    run_id: str


R = TypeVar("R", bound=Record)


def to_bytes(record: Record) -> bytes:
    """Spell a record as JSON."""
    return msgspec.json.encode(record)


def from_bytes(kind: type[R], body: bytes | None) -> R | None:
    """Read a record; None if it is missing or torn (a power cut can tear a file)."""
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        return None
