"""Time zones: the stretches of UTC that are one local day, and which cells can carry a zone.

Belongs here: local days as UTC instants, and a zone's offsets over some days.
Elsewhere: UTC days (intervals.py), which zones are configured (config/), local time in SQL
(warehouse/views).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from aggregation_platform.intervals import ONE_DAY

CELL = timedelta(minutes=30)
"""The length of the cells of the rollups."""

_WIDEST_OFFSET = timedelta(hours=26)
_ONE_SECOND = timedelta(seconds=1)
_TEN_YEARS = timedelta(days=3653)
_STEP = timedelta(days=4)
"""No zone changes its offset twice within it."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of one local day with one offset: [start, end) in UTC.

    A local day has one stretch, or two where clocks change within it.
    """

    day: date
    start: datetime
    end: datetime
    offset: timedelta


def local_days(zone: str, first: date, last: date) -> Iterator[Stretch]:
    """Yield the stretches of the local days from `first` to `last`, both included, in order.

    They tile the time between the first midnight and the last one. A day that a zone skipped has
    none.
    """
    start, end = _midnight(first) - _WIDEST_OFFSET, _midnight(last) + ONE_DAY + _WIDEST_OFFSET
    for began, ended, offset in _offsets(zone, start, end):
        day = max((began + offset).date(), first)
        while day <= last:
            midnight = _midnight(day) - offset
            found = Stretch(day, max(began, midnight), min(ended, midnight + ONE_DAY), offset)
            if midnight >= ended:
                break
            if found.start < found.end:
                yield found
            day += ONE_DAY


@lru_cache(maxsize=4096)
def is_carried_by(cell: timedelta, zone: str, first: date, last: date) -> bool:
    """Whether cells of that length, which begin at UTC midnight, are exact in a zone's time.

    They are if each offset is a multiple of the cell and clocks change where a cell begins.
    """
    stretches = list(_offsets(zone, _midnight(first), _midnight(last) + ONE_DAY))
    begins = [began for began, _, _ in stretches[1:]]
    return not any(offset % cell for _, _, offset in stretches) and not any(
        (instant - _midnight(instant.date())) % cell for instant in begins
    )


def why_not_exact(zone: str, first: date, cell: timedelta = CELL) -> str | None:
    """Return why cells are wrong in a zone's time and what to use; None where they are exact.

    Args:
        zone: Its IANA name.
        first: The first day with figures; ten years from then on are looked at.
        cell: The length of the cells.
    """
    last = first + _TEN_YEARS
    if is_carried_by(cell, zone, first, last):
        return None
    area = f"{zone.split('/')[0]}/"
    noon = _midnight(first) + timedelta(hours=12)
    offset = _offset(ZoneInfo(zone), noon)
    known = available_timezones()
    near = sorted(
        (each for each in known if each.startswith(area) or area == f"{zone}/"),
        key=lambda each: (abs(_offset(ZoneInfo(each), noon) - offset), each),
    )
    instead = next((each for each in near if is_carried_by(cell, each, first, last)), "UTC")
    return (
        f"{zone} is not always a multiple of half an hour from UTC, and figures are kept by half "
        f"hours, so its days and hours would be wrong; use UTC, or the nearest zone that is exact, "
        f"{instead}"
    )


def local_date(zone: str, instant: datetime) -> date:
    """Return the day that a zone's calendar shows at an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _offsets(
    zone: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield the stretches of [start, end) in which the zone's offset is one."""
    info, began = ZoneInfo(zone), start
    offset, seen = _offset(info, start), start
    while seen < end:
        ahead = min(seen + _STEP, end)
        other = _offset(info, ahead)
        if other != offset:
            changed = _change(info, seen, ahead)
            yield began, changed, offset
            began, offset, seen = changed, _offset(info, changed), changed
        else:
            seen = ahead
    if began < end:
        yield began, end, offset


def _change(info: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the first whole second after `low` at which the offset is another."""
    before = _offset(info, low)
    while high - low > _ONE_SECOND:
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if _offset(info, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(info: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(info).utcoffset() or timedelta()
