"""What `materialize` says of days that are here, of days that are not, and what to do then.

Belongs here: the wording. Elsewhere: when it is said (materialize.py, work_progress.py).
"""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from aggregation_platform.defs.work_progress import count_of
from aggregation_platform.extraction.many import Failure

PROGRAM = Path(sys.executable).with_name("aggregation-platform")


def already_here(org: str, days: Mapping[date, str]) -> str:
    """Return which of an org's days are here, given how final each is."""
    if len(days) == 1:
        ((day, finality),) = days.items()
        return f"already here: {org} {day} ({finality})"
    finalities = count_of(Counter(days.values()))
    return f"already here: {org}, {len(days)} days of {min(days)} to {max(days)} ({finalities})"


def by_reason(failures: Sequence[Failure]) -> list[str]:
    """Return a line for each reason: its org, its days, what happened."""
    days: dict[str, list[date]] = {}
    for failure in failures:
        days.setdefault(str(failure.error), []).append(failure.day)
    return [
        f"not fetched: {min(of)}: {reason}"
        if len(of) == 1
        else f"not fetched: {len(of)} days of {min(of)} to {max(of)}: {reason}"
        for reason, of in days.items()
    ]


def same_command(
    config: Path | None, first: str, last: str, orgs: Sequence[str], *flags: str
) -> str:
    """Return the command to be run again, as a shell takes it."""
    words = [str(PROGRAM), "materialize", "--from", first, "--to", last]
    words += ["--config", str(config.absolute())] if config else []
    return shlex.join([*words, *(part for org in orgs for part in ("--org", org)), *flags])
