"""The number of conversations that began on an org's day, counted by the org and by us.

Belongs here: the two counts. Elsewhere: handle time (org_day.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from aggregation_platform.assembly import Assembly
from aggregation_platform.comparison.reads import conversations_begun
from aggregation_platform.intervals import Interval


@dataclass(frozen=True)
class ConversationCount:
    """The conversations that began on an org's day.

    Args:
        by_source: As the org counts them; None if its answer had no count.
        landed: In `facts.conversations`.
        rejected: Records of the day whose start is not known, as `reads.Begun` says.
    """

    by_source: int | None
    landed: int
    rejected: int

    @property
    def missing(self) -> int:
        """Conversations of the org that are not here, and are not among the rejected."""
        return max(0, (self.by_source or 0) - self.landed - self.rejected)

    @property
    def surplus(self) -> int:
        """Conversations here that the org does not count."""
        return 0 if self.by_source is None else max(0, self.landed - self.by_source)

    @property
    def agrees(self) -> bool:
        """Whether everything that the org counts is here, and nothing else."""
        return self.by_source is not None and not self.missing and not self.surplus


def count_conversations(assembly: Assembly, org: str, day: date) -> ConversationCount:
    """Count an org's conversations of a closed day on both sides.

    The org counts by the synchronous query those that started on the UTC day. While data still
    arrives its count moves, so a day is counted once it is complete.

    Raises:
        SourceError: If the org does not answer.
        WarehouseError: If the warehouse cannot be read.
    """
    page = assembly.client(org).query_details(Interval.of_day(day), page_number=1, page_size=1)
    here = conversations_begun(assembly.warehouse, org, day)
    return ConversationCount(page.total_hits, landed=here.rows, rejected=here.rejected)
