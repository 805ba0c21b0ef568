"""Sums over what is stored of an attempt.

Belongs here: what the journal adds up to. Elsewhere: the journal (landing/), figures derived from
the sums (quality.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from aggregation_platform.landing.records import Done, Entry
from aggregation_platform.landing.state import AttemptState, JobState, NextPage


def stored_entries(state: AttemptState) -> tuple[Entry, ...]:
    """Return the entries of the jobs that count, in the order of time."""
    return tuple(entry for _, job in state.result_jobs for entry in job.entries)


def totals(state: AttemptState, now: datetime, requests: Mapping[str, float]) -> Done:
    """Add up a whole attempt.

    Args:
        state: The attempt, whole.
        now: When it was finished.
        requests: What was counted since the last page was stored.
    """
    entries = stored_entries(state)
    every_entry = (
        entry for window in state.windows.values() for job in window.jobs for entry in job.entries
    )
    return Done(
        pages=len(entries),
        records=sum(entry.count for entry in entries),
        bytes=sum(entry.bytes for entry in entries),
        data_available_to=_rests_on(state),
        jobs_submitted=state.jobs_submitted,
        done_at=now,
        requests=_added([*(entry.requests for entry in every_entry), requests]),
    )


def _rests_on(state: AttemptState) -> datetime | None:
    """Return the earliest watermark that any job's answer rests on; None if one told none."""
    watermarks = [_watermark(job) for _, job in state.result_jobs]
    known = [watermark for watermark in watermarks if watermark is not None]
    return min(known) if known and len(known) == len(watermarks) else None


def _watermark(job: JobState) -> datetime | None:
    """Return the earliest watermark that a job was seen with.

    A job is a snapshot of the lake at the time it ran, but a page tells the watermark of the
    time it is read, which may be hours later. The one asked for before the job is the safe one.
    """
    seen = [job.intent.available_before, *(entry.data_available_to for entry in job.entries)]
    return min((watermark for watermark in seen if watermark is not None), default=None)


def _added(tallies: Iterable[Mapping[str, float]]) -> Mapping[str, float]:
    total: dict[str, float] = {}
    for tally in tallies:
        for name, count in tally.items():
            total[name] = total.get(name, 0) + count
    return total


def cursors_before(job: JobState, page: NextPage) -> frozenset[str]:
    """Return the cursors that led up to a page, its own included; none may come again."""
    earlier = (entry.cursor for entry in job.entries if entry.number <= page.number)
    return frozenset(cursor for cursor in (*earlier, page.cursor) if cursor is not None)
