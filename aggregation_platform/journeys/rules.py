"""How far evidence may reach: the limits within which conversations are one contact.

Belongs here: LinkingRules. Elsewhere: platform.yaml's part of them (config/models.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

LONGEST_CALL = timedelta(hours=4)
"""A call's life counts up to here: past it, a line is taken to be forgotten, not busy."""

LONGEST_COINCIDENCE = timedelta(hours=1)
"""Lines and calls that may be one another's are compared together up to here."""

CONSTANT_HOLDS = timedelta(hours=3)
"""A value that many carry at once is no key for this time before and after, across midnight too."""


@dataclass(frozen=True)
class LinkingRules:
    """What joins conversations, and what keeps evidence from running away.

    Args:
        correlation_keys: Participant attributes whose equal values mean one contact.
        transfer_seconds: How long after dialling the other org's conversation may begin.
        ani_window_minutes: How long after a call the same caller's next one belongs to it.
        max_legs: A journey of more legs is cut at its widest gaps.
        max_span_hours: A journey whose legs start further apart is cut at its widest gaps.
        ignored_numbers: Numbers that are never evidence.
        common_number_per_day: A number that begins more conversations a day is a switchboard.
        common_value_per_day: A correlation value on more conversations a day is a constant.
        common_value_callers: A correlation value of more callers within `common_value_minutes`
            is a constant.
        common_value_minutes: See `common_value_callers`.
        countries: The country of each org that has one, as ISO 3166 alpha-2: its national
            numbers are completed.
    """

    correlation_keys: tuple[str, ...] = ("IVR_UU_ID",)
    transfer_seconds: int = 10
    ani_window_minutes: int = 5
    max_legs: int = 20
    max_span_hours: int = 22
    ignored_numbers: tuple[str, ...] = ()
    common_number_per_day: int = 5
    common_value_per_day: int = 20
    common_value_callers: int = 3
    common_value_minutes: int = 5
    countries: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def max_span(self) -> timedelta:
        """How far apart the first and last leg of a journey may start."""
        return timedelta(hours=self.max_span_hours)

    @property
    def crowd(self) -> timedelta:
        """Within what time a value of many callers is a constant."""
        return timedelta(minutes=self.common_value_minutes)

    @property
    def reach(self) -> timedelta:
        """How far before and after a conversation its journey is decided.

        A journey's other legs lie within `max_span` of its first. What may join it lies at most
        one more gap of `max_span` away, and whether a key there is a constant, a few hours more.
        Whether a link by number is ambiguous is seen from one call's life, and one coincidence,
        around it. No other guard looks beyond a UTC day.
        """
        by_key = 2 * self.max_span + CONSTANT_HOLDS + self.crowd
        return max(by_key, self.max_span + LONGEST_CALL + LONGEST_COINCIDENCE)

    @property
    def window_days(self) -> int:
        """Days to each side of a day that may matter to its journeys."""
        return math.ceil(self.reach / timedelta(days=1))
