"""How each org was last asked, what went wrong, when it is asked next, and how a backfill gets on.

Belongs here: judging it, as pure functions of what was read and the time, and the words for it.
Elsewhere: the reads (queries/attempts.py), what loads cost (ingestion.py), printing (status.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

RATE_OVER = timedelta(hours=1)
"""How fast days are stored is measured over this time up to now."""

LONGEST_AUTOMATIC_REST = timedelta(minutes=80)
"""The automation asks again for what failed after 10, 20, 40 and then every 80 minutes."""


@dataclass(frozen=True)
class LastAttempts:
    """The attempts of one org, as far as `status` looks back.

    Args:
        last_at: When an attempt last ended, well or not; None: none is known.
        error: What the last failed attempt met, in one sentence; None: none failed.
        error_class: Its class, as in errors.py.
        failed_at: When it failed.
        failed_day: The UTC day that it was for.
        succeeded_since: Whether something was stored after it.
        next_try_at: When the run says that it is repeated by itself; None: it does not say.
    """

    last_at: datetime | None = None
    error: str | None = None
    error_class: str | None = None
    failed_at: datetime | None = None
    failed_day: date | None = None
    succeeded_since: bool = True
    next_try_at: datetime | None = None

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self.error is not None and not self.succeeded_since


def last_attempts(stored_at: datetime | None, failed: Mapping[str, Any] | None) -> LastAttempts:
    """Put an org's last success and its last failure together.

    Args:
        stored_at: When something of it was last stored.
        failed: The newest row of `failed_attempts`, if any attempt failed.
    """
    if failed is None:
        return LastAttempts(last_at=stored_at)
    succeeded_since = stored_at is not None and stored_at > failed["failed_at"]
    return LastAttempts(
        last_at=max(filter(None, (stored_at, failed["failed_at"]))),
        error=failed["reason"],
        error_class=failed["error"],
        failed_at=failed["failed_at"],
        failed_day=failed["day"],
        succeeded_since=succeeded_since,
        next_try_at=None if succeeded_since else failed["next_try_at"],
    )


@dataclass(frozen=True)
class Backfill:
    """Days of the past of one org that were stored lately, and those that are missing.

    Args:
        stored: Days older than those read again each day, stored within the last hour.
        missing: Days that are over and not stored.
        minutes_left: Until none is missing, at that rate; None: nothing was stored lately.
    """

    stored: int
    missing: int
    minutes_left: float | None

    def __str__(self) -> str:
        left = f", about {_duration(self.minutes_left)} left" if self.minutes_left else ""
        days = "1 day" if self.stored == 1 else f"{self.stored:,} days"
        return (
            f"backfill: {days} of the past stored in the last hour, {self.missing:,} missing{left}"
        )


def backfill_of(
    lately: Mapping[str, Any] | None, *, missing: int, now: datetime
) -> Backfill | None:
    """Return how a backfill gets on; None where no day of the past was stored lately.

    Args:
        lately: The org's row of `stored_lately`.
        missing: Its missing days.
        now: The present instant.
    """
    if lately is None:
        return None
    stored: int = lately["days"]
    took_minutes = (now - lately["first_at"]).total_seconds() / 60
    is_measured = missing > 0 and stored > 1 and took_minutes > 0
    left = round(missing * took_minutes / (stored - 1), 1) if is_measured else None
    return Backfill(stored, missing, left)


def document(attempts: LastAttempts, backfill: Backfill | None) -> dict[str, object]:
    """Return what `--format json` prints of an org's attempts."""
    failed = None
    if attempts.error is not None:
        failed = {
            "at": attempts.failed_at,
            "day": attempts.failed_day,
            "error": attempts.error_class,
            "reason": attempts.error,
        }
    return {
        "attempts": {
            "last_at": attempts.last_at,
            "last_failed": attempts.is_failing,
            "last_error": failed,
            "next_try_at": attempts.next_try_at,
        },
        "backfill": backfill and asdict(backfill),
    }


def told(attempts: LastAttempts, *, blocked_until: datetime | None, now: datetime) -> str | None:
    """Return the line about an org's last error; None if nothing failed."""
    if attempts.failed_at is None:
        return None
    what = f"attempt for {attempts.failed_day} failed at {attempts.failed_at:%Y-%m-%d %H:%M} UTC"
    if not attempts.is_failing:
        return f"an {what}: {attempts.error}; something was stored since"
    return f"the last {what}: {attempts.error}; next try {_next(attempts, blocked_until, now)}"


def _next(attempts: LastAttempts, blocked_until: datetime | None, now: datetime) -> str:
    at = max(filter(None, (attempts.next_try_at, blocked_until)), default=None)
    if at is None:
        minutes = LONGEST_AUTOMATIC_REST.total_seconds() / 60
        return f"within {minutes:.0f} minutes, if the automation runs"
    if at <= now:
        return f"was due at {at:%Y-%m-%d %H:%M} UTC; if it does not come, the automation is off"
    return f"after {at:%Y-%m-%d %H:%M} UTC"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return "1 min"
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"
