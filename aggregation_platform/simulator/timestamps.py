"""Instants as whole milliseconds since 1970, and as the API writes them.

Belongs here: reading and writing timestamps, quickly. A record holds about forty of them.
"""

import re
from datetime import UTC, date, datetime
from functools import lru_cache

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000

_SECONDS = [
    f"T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}." for second in range(86_400)
]
_MILLIS = [f"{milli:03d}Z" for milli in range(1000)]
_EPOCH = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=4096)
def _date_text(day_number: int) -> str:
    return date.fromordinal(_EPOCH + day_number).isoformat()


def iso(ms: int) -> str:
    """Write an instant with milliseconds: 2026-01-05T10:00:00.123Z."""
    day_number, of_day = divmod(ms, DAY_MS)
    second, milli = divmod(of_day, 1000)
    return _date_text(day_number) + _SECONDS[second] + _MILLIS[milli]


def iso_seconds(ms: int) -> str:
    """Write an instant without milliseconds, as `dataAvailabilityDate` comes."""
    return f"{iso(ms)[:19]}Z"


def day_start(day: date) -> int:
    """Give the first millisecond of a UTC day."""
    return (day.toordinal() - _EPOCH) * DAY_MS


def day_of(ms: int) -> date:
    """Give the UTC day of an instant."""
    return date.fromordinal(_EPOCH + ms // DAY_MS)


def ms_of(moment: datetime) -> int:
    """Give an aware datetime as milliseconds."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def datetime_of(ms: int) -> datetime:
    """Give an instant as an aware datetime in UTC."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def parse(text: str) -> int:
    """Read an ISO-8601 instant with any offset; a missing one means UTC.

    Raises:
        ValueError: the text is no instant.
    """
    cleaned = re.sub(r"[zZ]$", "+00:00", text.strip())
    if "T" not in cleaned:
        raise ValueError(f"{text!r} is no instant")
    moment = datetime.fromisoformat(cleaned)
    return ms_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def parse_interval(text: str) -> tuple[int, int]:
    """Read `start/end`.

    Raises:
        ValueError: the text is no interval, or it ends before it starts.
    """
    start_text, slash, end_text = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is no interval")
    start, end = parse(start_text), parse(end_text)
    if end < start:
        raise ValueError(f"{text!r} ends before it starts")
    return start, end
