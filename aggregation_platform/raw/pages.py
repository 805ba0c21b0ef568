"""A landed page, split into its records without reading them.

Belongs here: what a page must offer, its records in page order, also where one of them is no JSON.
Elsewhere: fetching (genesys/), storing and inflating (landing/), which records stay
(conversations.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from aggregation_platform.errors import CorruptPageError


class LandedPage(Protocol):
    """One stored page of a details job or of the synchronous query; may be read again."""

    @property
    def number(self) -> int:
        """Its number within the day, from 1."""
        ...

    @property
    def conversation_ids(self) -> Sequence[str | None]:
        """The ids in page order, known without reading the page; None where there is none."""
        ...

    @property
    def source(self) -> str:
        """Job or query."""
        ...

    @property
    def job_id(self) -> str | None:
        """The details job it came from."""
        ...

    @property
    def fetched_at(self) -> datetime:
        """When it was fetched, in UTC."""
        ...

    def read(self) -> bytes:
        """Return the page's JSON, inflated."""
        ...


class _Page(msgspec.Struct, gc=False):
    conversations: list[msgspec.Raw] | None = None


_PAGE = msgspec.json.Decoder(_Page)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


def records_of(page: LandedPage) -> Iterator[bytes]:
    """Yield the page's records, byte for byte, in page order.

    A page without `conversations` has none. If the page as a whole is no JSON, its records are
    cut out by their brackets, so that one broken record does not take its neighbours along.

    Raises:
        CorruptPageError: If the page has no such structure: it is torn, or something else.
    """
    body = page.read()
    try:
        # copied one at a time: whoever reads a record finds it in the processor's cache
        yield from map(bytes, _PAGE.decode(body).conversations or ())
    except msgspec.ValidationError as error:
        raise _corrupt(page, str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        records = _cut_out(body)
        if records is None:
            raise _corrupt(page, str(error)) from error
        yield from records


def _corrupt(page: LandedPage, why: str) -> CorruptPageError:
    origin = f"page {page.number} ({page.source} {page.job_id or ''}".rstrip() + ")"
    return CorruptPageError(f"{origin} is no page of conversations: {why}. Fetch it again.")


def _cut_out(body: bytes) -> list[bytes] | None:
    """Cut the items of the top-level `conversations` array; None if the array never closes."""
    depth, key, begin = 0, b"", -1
    records: list[bytes] = []
    for token, at in _tokens(body):
        inside = begin >= 0
        if inside and depth == 2 and token in (b",", b"]"):
            records.append(body[begin:at].strip())
            begin = at + 1
            if token == b"]":
                return [record for record in records if record]
        elif token in (b"{", b"["):
            depth += 1
            if not inside and depth == 2 and token == b"[" and key == b'"conversations"':
                begin = at + 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and token != b",":
            key = token
    return None


def _tokens(body: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield strings, brackets and commas with their places."""
    for match in _TOKEN.finditer(body):
        yield match.group(), match.start()
