"""How far evidence may reach: the limits within which conversations are one contact.

Belongs here: LinkingRules. Elsewhere: platform.yaml's part of them (config/models.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

LONGEST_CALL = timedelta(hours=4)
"""A call's life counts up to here: past it, a line is taken to be forgotten, not busy."""


@dataclass(frozen=True)
class LinkingRules:
    """What joins conversations, and what keeps evidence from running away.

    Args:
        correlation_keys: Participant attributes whose equal values mean one contact.
        transfer_seconds: How long after dialling the other org's conversation may begin.
        ani_window_minutes: How long after a call the same caller's next one belongs to it.
        max_legs: Evidence that joins more is cut: weak links go first, then all.
        ignored_numbers: Numbers that are never evidence.
        window_days: Days to each side of a day that may matter to its journeys.
        common_number_per_day: A number that begins more conversations a day is a switchboard.
        common_value_per_day: A correlation value on more conversations a day is a constant.
    """

    correlation_keys: tuple[str, ...] = ("IVR_UU_ID",)
    transfer_seconds: int = 10
    ani_window_minutes: int = 5
    max_legs: int = 20
    ignored_numbers: tuple[str, ...] = ()
    window_days: int = 2
    common_number_per_day: int = 5
    common_value_per_day: int = 20

    @property
    def max_span(self) -> timedelta:
        """How far apart the first and last leg of a journey may start.

        Whether two conversations are one contact is seen from `max_span` around them, one more
        gap of at most `max_span`, and one call's life for what makes a pair ambiguous. All of
        it lies within `window_days`, so a day's journeys do not depend on what else is read.
        """
        return (timedelta(days=self.window_days) - LONGEST_CALL) / 2
