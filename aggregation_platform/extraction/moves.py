"""What to do next for an org's day, decided from its journal alone.

Belongs here: the moves and the pure decision. Elsewhere: doing them (org_day.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aggregation_platform.landing.state import AttemptState, JobState, NextPage, WindowState


@dataclass(frozen=True)
class GiveUpUnknown:
    """A job was intended by a process that was killed before its id was known."""

    window: WindowState
    job: JobState

    def __str__(self) -> str:
        return f"window {self.window.name}: job {self.job.number} may run, its id is not known"


@dataclass(frozen=True)
class Submit:
    """Ask for a job."""

    window: WindowState

    def __str__(self) -> str:
        return f"window {self.window.name}: ask for a job"


@dataclass(frozen=True)
class Poll:
    """Ask how far the job is."""

    window: WindowState
    job: JobState

    def __str__(self) -> str:
        return f"window {self.window.name}: ask how far job {self.job.number} is"


@dataclass(frozen=True)
class FetchPage:
    """Fetch a page and store it."""

    window: WindowState
    job: JobState
    page: NextPage

    def __str__(self) -> str:
        return f"window {self.window.name}: fetch page {self.page.number} of job {self.job.number}"


@dataclass(frozen=True)
class Finish:
    """Write that every page is stored."""

    def __str__(self) -> str:
        return "every page is stored"


Move = GiveUpUnknown | Submit | Poll | FetchPage | Finish


def next_move(
    state: AttemptState, *, page_size: int, fulfilled: Collection[str] = frozenset()
) -> Move:
    """Decide the next move.

    A job that has given a page was fulfilled; of another one it must have been seen
    (`fulfilled`), since asking for pages earlier has no documented answer.

    Args:
        state: The attempt as its journal has it.
        page_size: Conversations to ask for; pages already stored may ask for fewer.
        fulfilled: Ids of jobs that this process has seen fulfilled.
    """
    window = next((leaf for leaf in state.leaves() if not leaf.is_whole), None)
    if window is None:
        return Finish()
    job = window.job
    if job is None:
        return Submit(window)
    if job.submitted is None:
        return GiveUpUnknown(window, job)
    page = job.next_page(page_size)
    if page is None or not (job.entries or job.submitted.job_id in fulfilled):
        return Poll(window, job)
    return FetchPage(window, job, page)
