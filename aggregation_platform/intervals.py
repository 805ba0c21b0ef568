"""Half-open UTC intervals, and the days that partitions are named by.

Belongs here: Interval, day <-> interval <-> partition key, the spelling the API uses.
Elsewhere: reading the clock (clock.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Interval:
    """[start, end) in UTC; never empty.

    Raises:
        ValueError: If an end is naive or not in UTC, or the end is not after the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for instant in (self.start, self.end):
            if instant.utcoffset() != timedelta(0):
                raise ValueError(f"an interval is in UTC, not {instant!r}")
        if self.end <= self.start:
            raise ValueError(f"an interval ends after it starts, not {self.start} to {self.end}")

    @classmethod
    def of_day(cls, day: date) -> Self:
        """Return the UTC day D as [D 00:00, D+1 00:00)."""
        start = datetime.combine(day, time(), UTC)
        return cls(start, start + ONE_DAY)

    @property
    def duration(self) -> timedelta:
        """The length."""
        return self.end - self.start

    def contains(self, instant: datetime) -> bool:
        """Whether the instant lies in [start, end)."""
        return self.start <= instant < self.end

    def halves(self) -> tuple[Interval, Interval]:
        """Split at the middle, on a whole second; the halves meet and add up.

        Raises:
            ValueError: If the interval is shorter than two seconds.
        """
        half = timedelta(seconds=int(self.duration.total_seconds()) // 2)
        if not half:
            raise ValueError(f"{self} is too short to be halved")
        middle = self.start + half
        return Interval(self.start, middle), Interval(middle, self.end)

    def __str__(self) -> str:
        return f"{spelled(self.start)}/{spelled(self.end)}"


def spelled(instant: datetime) -> str:
    """Spell an instant as the API does: 2026-01-05T00:00:00.000Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{instant.microsecond // 1000:03d}Z"
    )


def parsed(text: str) -> datetime:
    """Read an ISO-8601 instant with an offset or Z, with or without fractions, into UTC.

    Raises:
        ValueError: If the text is no instant, or has no offset.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; an instant is written with Z or +hh:mm")
    return instant.astimezone(UTC)


def day_key(day: date) -> str:
    """Return the partition key of a day: 2026-01-05."""
    return day.isoformat()


def parse_day(key: str) -> date:
    """Read a partition key.

    Raises:
        ValueError: If it is not yyyy-mm-dd.
    """
    return date.fromisoformat(key)


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield each day from `first` to `last`, both included; nothing if last is before first."""
    day = first
    while day <= last:
        yield day
        day += ONE_DAY
