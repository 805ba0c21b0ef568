"""Buckets: the small stretches that a synchronous query is asked for.

Belongs here: cutting a span into them, halving one, and telling from an answer whether the org
looked at the time of day at all. Elsewhere: asking (tail.py), windows of jobs (windows.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from aggregation_platform.intervals import Interval, days_between, parsed

LONGEST = timedelta(hours=6)
"""Queries past some thousand conversations are known to end in 502s."""

SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True)
class Bucket:
    """An interval of at most six hours within one UTC day."""

    interval: Interval

    @property
    def day(self) -> date:
        """The UTC day it lies in."""
        return self.interval.start.date()

    def halves(self) -> tuple[Bucket, Bucket] | None:
        """Return the earlier and the later half; None if it is too short to be halved."""
        if self.interval.duration < 2 * SHORTEST:
            return None
        earlier, later = self.interval.halves()
        return Bucket(earlier), Bucket(later)


def buckets(span: Interval) -> Iterator[Bucket]:
    """Yield the buckets that add up to a span, newest first."""
    last = (span.end - timedelta(microseconds=1)).date()
    for day in reversed(tuple(days_between(span.start.date(), last))):
        whole = Interval.of_day(day)
        quarters = [(whole.start + LONGEST * n, whole.start + LONGEST * (n + 1)) for n in range(4)]
        for start, end in reversed(quarters):
            start, end = max(start, span.start), min(end, span.end)
            if start < end:
                yield Bucket(Interval(start, end))


class _Life(msgspec.Struct):
    conversationStart: str | None = None  # noqa: N815 - the API's own spelling
    conversationEnd: str | None = None  # noqa: N815 - the API's own spelling


class _Lives(msgspec.Struct):
    conversations: list[_Life] | None = None


def ignores_time_of_day(body: bytes, bucket: Bucket) -> bool:
    """Whether an answer shows that the org matched whole UTC days.

    That is so if a conversation in it was over before the bucket, or started after it. Then the
    day's other buckets would bring the same again. Whether orgs do this is documented for the
    day of the start, and not for the rest; so the answer decides.

    Args:
        body: A page, inflated.
        bucket: What was asked for.
    """
    try:
        lives = msgspec.json.decode(body, type=_Lives).conversations or ()
    except msgspec.DecodeError:
        return False
    return any(_lies_outside(life, bucket.interval) for life in lives)


def _lies_outside(life: _Life, interval: Interval) -> bool:
    start, end = _instant(life.conversationStart), _instant(life.conversationEnd)
    is_over_before = end is not None and end < interval.start
    return is_over_before or (start is not None and start > interval.end)


def _instant(text: str | None) -> datetime | None:
    try:
        return parsed(text) if text else None
    except ValueError:
        return None
