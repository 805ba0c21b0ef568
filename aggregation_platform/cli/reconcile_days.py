"""What `reconcile` found, day by day, and what that comes to.

Belongs here: the outcome over all days. Elsewhere: comparing one (comparison/), printing
(reconcile.py, reconcile_lines.py, reconcile_advice.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from aggregation_platform.comparison.counting import ConversationCount
from aggregation_platform.comparison.org_day import DayComparison


@dataclass(frozen=True)
class ComparedDay:
    """One org's day and what came of it.

    Args:
        org: Our key of the organization.
        day: The UTC day.
        found: Its handle time, compared; None: the day is not loaded.
        counted: Its conversations; None: not counted, as the day is not loaded or has not settled,
            or the org was not asked.
    """

    org: str
    day: date
    found: DayComparison | None
    counted: ConversationCount | None = None

    @property
    def is_compared(self) -> bool:
        """Whether any of the day was compared."""
        return self.found is not None and self.found.has_settled

    @property
    def agrees(self) -> bool:
        """Whether it is loaded and nothing of it differs."""
        return self.found is not None and self.found.agrees and self.has_every_conversation

    @property
    def has_every_conversation(self) -> bool:
        """Whether nothing is known to be missing or too many."""
        return self.counted is None or self.counted.agrees


@dataclass(frozen=True)
class Outcome:
    """All days that were to be compared.

    Args:
        days: One entry per org and day.
        asks_org: Whether the orgs' own figures were among the sides.
    """

    days: Sequence[ComparedDay]
    asks_org: bool

    @property
    def sides(self) -> list[str]:
        """What was compared with one another."""
        stored = ["rollups", "facts", "raw"]
        return [*stored, "the org's own aggregates"] if self.asks_org else stored

    @property
    def compared_count(self) -> int:
        """Org-days of which anything was compared."""
        return sum(one.is_compared for one in self.days)

    @property
    def cell_count(self) -> int:
        """Cells that were compared, over all days."""
        return sum(one.found.main.compared_count for one in self.days if one.found)

    @property
    def is_equal(self) -> bool:
        """Whether something was compared, every day is loaded, and nothing differs."""
        return self.compared_count > 0 and all(one.agrees for one in self.days)
