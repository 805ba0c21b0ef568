"""How long to wait, how often to try: the bounds of an extraction.

Belongs here: the numbers, each with its reason. Elsewhere: retries of one request (genesys/).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Every bound of one extraction; nothing in it waits without one.

    Args:
        first_poll_s: Wait before a job's state is asked for the first time; jobs take 3 s or more.
        poll_growth: Each further wait is so many times the one before.
        longest_poll_s: No wait between two polls is longer.
        job_s: A job that has not ended so long after its submission is stuck.
        failed_jobs: Jobs of one window that may end FAILED or CANCELLED before a run gives up.
        gone_jobs: Jobs of one window that may vanish or expire before a run gives up.
        page_refusals: How often in a row a page of a job that stands may be "not found" before
            the job is given up.
        lost_submissions: Submissions in a row whose reply may be lost before a run gives up.
        shortest_window: A window that is too large is not halved below this.
        shortest_stuck_window: A window whose job is stuck is not halved below this.
        claim_s: A claim not renewed for so long is free; a dead process on this machine loses it at
            once.
        claim_poll_s: How often to look whether another process's claim is free.
        claim_wait_s: How long to wait for another process's claim.
    """

    first_poll_s: float = 1.0
    poll_growth: float = 1.5
    longest_poll_s: float = 20.0
    job_s: float = 1800.0
    failed_jobs: int = 2
    gone_jobs: int = 4
    page_refusals: int = 3
    lost_submissions: int = 4
    shortest_window: timedelta = timedelta(minutes=1)
    shortest_stuck_window: timedelta = timedelta(hours=2)
    claim_s: float = 120.0
    claim_poll_s: float = 1.0
    claim_wait_s: float = 7200.0

    def poll_wait_s(self, polls: int) -> float:
        """Return how long to wait after that many polls."""
        return min(self.longest_poll_s, self.first_poll_s * self.poll_growth ** min(polls, 64))


DEFAULT_PATIENCE = Patience()
