"""How days that a figure lacks are loaded, and which cannot be.

Belongs here: sentences that name the days worth passing to `materialize`. Elsewhere: what
`materialize` refuses (materialize.py), which org-days a figure covers (coverage.py).
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from aggregation_platform.cli.options import Days
from aggregation_platform.cli.standing import ranges
from aggregation_platform.config.models import PlatformConfig

_MOST_COMMANDS = 5


def pasteable(config: PlatformConfig, *words: str) -> str:
    """Return a command of this program as a shell takes it; the configuration is named."""
    file = config.file
    named = [] if file is None or file == Path.cwd() / "platform.yaml" else ["--config", str(file)]
    return shlex.join(["aggregation-platform", *named, *words])


def loads_missing(missing: Mapping[str, Sequence[date]], config: PlatformConfig) -> Iterator[str]:
    """Yield a line per org with missing days, each with the command that loads just these.

    `materialize` refuses an org that left and is not configured: its line says what comes first.

    Args:
        missing: UTC days by org; each is over and not before the org's first day.
        config: Names the file.
    """
    configured = {entry.org for entry in config.organizations}
    for org, days in missing.items():
        parts = ranges(days)
        commands = [
            pasteable(
                config, "materialize", "--from", f"{part.first}", "--to", f"{part.last}",
                "--org", org,
            )
            for part in parts[:_MOST_COMMANDS]
        ]  # fmt: skip
        more = len(parts) - len(commands)
        named = ", ".join(str(part) for part in parts[:_MOST_COMMANDS])
        named += f" and {more} more stretches of days" if more else ""
        one = "it" if len(days) == 1 else "them"
        if org not in configured:
            yield (
                f"{org}: missing {named}; {org} is not in {config.file}: to fetch {one}, put its "
                "entry back first (runbooks/retire-an-organization.md, Undo)."
            )
            continue
        told = " && ".join(commands)
        yield f"{org}: missing {named}; `{told}` loads {one if not more else 'the first of them'}."


def loads(days: Days, config: PlatformConfig, *, today: date) -> str:
    """Return what to do to have the days: those of them that `materialize` takes, or why none."""
    earliest = min(entry.first_day for entry in config.organizations)
    if days.first > today:
        return f"{days.first} has not begun in UTC."
    if days.last < earliest:
        return f"nothing is fetched before {earliest}, the earliest first_day in {config.file}."
    first, last = max(days.first, earliest), min(days.last, today)
    command = pasteable(config, "materialize", "--from", f"{first}", "--to", f"{last}")
    return f"`{command}` loads {'it' if first == last else 'them'}."


def begun_within(
    days: Days, config: PlatformConfig, orgs: Collection[str] | None = None
) -> Iterator[str]:
    """Yield a line per first_day after the first of the days: from when its orgs are counted.

    An org is missing from nothing before its first_day. A figure over such days would otherwise
    look like one of the same orgs throughout.
    """
    entries = [each for each in config.organizations if orgs is None or each.org in orgs]
    later = {entry.first_day for entry in entries if entry.first_day > days.first}
    for first in sorted(later):
        named = sorted(entry.org for entry in entries if entry.first_day == first)
        yield f"{', '.join(named)}: nothing before {first}, the first_day in {config.file}."
