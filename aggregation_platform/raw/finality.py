"""How far a partition's numbers can still change (design 3.4, 3.5, 3.6).

Belongs here: provisional, complete, final; which days are due to be read again.
Elsewhere: fetching them (extraction/), the partition log (warehouse/).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

from aggregation_platform.intervals import Interval, days_between

REPROCESSED_AFTER = timedelta(hours=72)
"""By then the source's nightly rewrite of data 48 h and older has run once over the day."""


class Finality(StrEnum):
    """How far a partition's numbers can still change."""

    PROVISIONAL = "provisional"
    """The source may not have shown all of it yet."""
    COMPLETE = "complete"
    """All there was is here; the source may still rewrite it."""
    FINAL = "final"
    """Read after the re-read window had passed: the source rewrites it no more."""


def finality_of(
    interval: Interval,
    *,
    data_available_to: datetime | None,
    read_at: datetime,
    reread_days: int,
) -> Finality:
    """Say how final a partition is that was read at `read_at`.

    Args:
        interval: The partition's UTC day.
        data_available_to: The lake's watermark as the last page said it; None if none did, as
            for rows of the synchronous query.
        read_at: When this reading was fetched.
        reread_days: Length of the re-read window, in days after the interval.
    """
    if data_available_to is None or data_available_to < interval.end:
        return Finality.PROVISIONAL
    if read_at - interval.end >= timedelta(days=reread_days):
        return Finality.FINAL
    return Finality.COMPLETE


def slowest(finalities: Iterable[Finality]) -> Finality:
    """Return the least final: what a figure over several partitions may claim.

    Of nothing it is provisional: a figure over no partition claims nothing.
    """
    order = list(Finality)
    return min(finalities, key=order.index, default=Finality.PROVISIONAL)


def days_to_reread(now: datetime, *, reread_days: int, first_day: date) -> list[date]:
    """Return the days the source may have rewritten: the last `reread_days` before today (UTC).

    The day after the window is among them, so that each day is read once more when it has passed.
    """
    today = Interval(now, now + timedelta(microseconds=1)).start.date()
    begin = max(first_day, today - timedelta(days=reread_days + 1))
    return list(days_between(begin, today - timedelta(days=1)))
