"""How days that a figure lacks are loaded, and which cannot be.

Belongs here: sentences that name the days worth passing to `materialize`. Elsewhere: what
`materialize` refuses (materialize.py), which org-days a figure covers (coverage.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from aggregation_platform.cli.options import Days
from aggregation_platform.config.models import PlatformConfig


def loads(days: Days, config: PlatformConfig, *, today: date) -> str:
    """Return what to do to have the days: those of them that `materialize` takes, or why none."""
    earliest = min(entry.first_day for entry in config.organizations)
    if days.first > today:
        return f"{days.first} has not begun in UTC."
    if days.last < earliest:
        return f"nothing is fetched before {earliest}, the earliest first_day in {config.file}."
    first, last = max(days.first, earliest), min(days.last, today)
    return f"`materialize --from {first} --to {last}` loads {'it' if first == last else 'them'}."


def begun_within(days: Days, config: PlatformConfig) -> Iterator[str]:
    """Yield a line per first_day after the first of the days: from when its orgs are counted.

    An org is missing from nothing before its first_day. A figure over such days would otherwise
    look like one of the same orgs throughout.
    """
    later = {entry.first_day for entry in config.organizations if entry.first_day > days.first}
    for first in sorted(later):
        orgs = sorted(entry.org for entry in config.organizations if entry.first_day == first)
        yield f"{', '.join(orgs)}: nothing before {first}, the first_day in {config.file}."
