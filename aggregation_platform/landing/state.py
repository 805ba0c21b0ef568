"""What an attempt's journal amounts to: how far it is, and what is to be fetched next.

Belongs here: pure functions from listed objects to state. Elsewhere: reading and writing them
(journal.py), deciding what to do (extraction/org_day.py).

A page counts only if its entry does: the entry is written after the page, and names its size
and checksum. Entries chain by cursor. A page that is missing, short or corrupt is fetched again
alone, with its own cursor; if it then gives another next cursor than before, the chain breaks
there and everything after it is fetched again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aggregation_platform.landing.records import (
    Begun,
    Done,
    Ended,
    Entry,
    Intent,
    Loaded,
    Split,
    Submitted,
)

ROOT_WINDOW = "w"
"""The window that is the whole interval; its halves are w0 and w1, theirs w00, w01, …"""

UNANSWERED = ("LOST", "UNKNOWN")
"""Ends of a job whose id never became known, though it may run."""


@dataclass(frozen=True)
class NextPage:
    """The next page to fetch: its number, the cursor to ask with, the page size to ask for."""

    number: int
    cursor: str | None
    page_size: int


@dataclass(frozen=True)
class JobState:
    """One details job as the journal has it (or the one pseudo-job of a query attempt).

    Args:
        entries: The longest chain of entries from the first page.
        damaged: Numbers of those entries whose page is missing, short or corrupt.
    """

    number: int
    intent: Intent
    submitted: Submitted | None = None
    ended: Ended | None = None
    entries: tuple[Entry, ...] = ()
    damaged: frozenset[int] = frozenset()

    @property
    def may_exist(self) -> bool:
        """The org accepted it, or may have: no refusal came back."""
        return self.submitted is not None or self.ended is None or self.ended.state in UNANSWERED

    @property
    def is_whole(self) -> bool:
        """Every page up to the last is stored and well."""
        return bool(self.entries) and self.entries[-1].next_cursor is None and not self.damaged

    def next_page(self, page_size: int) -> NextPage | None:
        """Return what to fetch next; None if it is whole. A page size never grows again."""
        if self.damaged:
            damaged = next(entry for entry in self.entries if entry.number in self.damaged)
            return NextPage(damaged.number, damaged.cursor, damaged.page_size)
        if not self.entries:
            return NextPage(1, None, page_size)
        last = self.entries[-1]
        if last.next_cursor is None:
            return None
        return NextPage(last.number + 1, last.next_cursor, min(page_size, last.page_size))

    def with_entry(self, entry: Entry) -> JobState:
        """Return the state after that page was stored."""
        expected = self.entries[-1].next_cursor if self.entries else None
        follows = entry.number == len(self.entries) + 1 and entry.cursor == expected
        if follows and not self.damaged and (expected is not None or not self.entries):
            return replace(self, entries=(*self.entries, entry))
        others = {known.number: known for known in self.entries if known.number != entry.number}
        chain = chained({**others, entry.number: entry})
        kept = {known.number for known in chain}
        return replace(self, entries=chain, damaged=(self.damaged - {entry.number}) & kept)


@dataclass(frozen=True)
class WindowState:
    """A stretch of the interval that one job at a time is asked for."""

    name: str
    jobs: tuple[JobState, ...] = ()
    split: Split | None = None

    @property
    def job(self) -> JobState | None:
        """The job that counts: the newest that was not given up."""
        return next((job for job in reversed(self.jobs) if job.ended is None), None)

    @property
    def is_whole(self) -> bool:
        """Its job's pages are all stored."""
        return self.job is not None and self.job.is_whole

    def with_job(self, job: JobState) -> WindowState:
        """Return the window with a job added or replaced."""
        others = tuple(known for known in self.jobs if known.number != job.number)
        return replace(self, jobs=tuple(sorted((*others, job), key=lambda known: known.number)))


@dataclass(frozen=True)
class AttemptState:
    """One attempt as the journal has it."""

    begun: Begun
    windows: Mapping[str, WindowState] = field(default_factory=dict[str, WindowState])
    done: Done | None = None
    loaded: Loaded | None = None

    def window(self, name: str) -> WindowState:
        """Return a window; one that nothing is written of is empty."""
        return self.windows.get(name, WindowState(name))

    def with_window(self, window: WindowState) -> AttemptState:
        """Return the attempt with a window added or replaced."""
        return replace(self, windows={**self.windows, window.name: window})

    def leaves(self, name: str = ROOT_WINDOW) -> tuple[WindowState, ...]:
        """Return the windows that were not split, in the order of time."""
        window = self.window(name)
        if window.split is None:
            return (window,)
        return self.leaves(f"{name}0") + self.leaves(f"{name}1")

    @property
    def is_whole(self) -> bool:
        """Every page of every window is stored and well."""
        return all(window.is_whole for window in self.leaves())

    @property
    def jobs_submitted(self) -> int:
        """Requests for a job that were, or may have been, accepted."""
        if self.begun.source == "query":
            return 0
        return sum(job.may_exist for window in self.windows.values() for job in window.jobs)

    @property
    def result_jobs(self) -> tuple[tuple[WindowState, JobState], ...]:
        """The jobs whose pages are the result, in the order of time."""
        return tuple((window, window.job) for window in self.leaves() if window.job is not None)


def chained(entries: Mapping[int, Entry]) -> tuple[Entry, ...]:
    """Return the longest chain from page 1 in which each cursor is the one before's next."""
    chain: list[Entry] = []
    cursor: str | None = None
    while (entry := entries.get(len(chain) + 1)) is not None and entry.cursor == cursor:
        chain.append(entry)
        if (cursor := entry.next_cursor) is None:
            break
    return tuple(chain)


def job_state(
    number: int,
    intent: Intent,
    submitted: Submitted | None,
    ended: Ended | None,
    entries: Iterable[Entry],
    page_sizes: Mapping[str, int],
) -> JobState:
    """Put one job together from what was listed.

    Args:
        number: The job's number within its window.
        intent: That it was asked for.
        submitted: Its id, if it is known.
        ended: Why it was given up, if it was.
        entries: Every readable entry, in any order.
        page_sizes: Size in bytes of each page object, by name.
    """
    chain = chained({entry.number: entry for entry in entries})
    damaged = frozenset(
        entry.number for entry in chain if page_sizes.get(entry.object) != entry.bytes
    )
    return JobState(number, intent, submitted, ended, chain, damaged)
