"""Where evidence is cut that joins more than one contact can be: at its widest gaps first.

Belongs here: from the pairs of one too large component to parts that fit the limits.
Elsewhere: which components are too large (members.py), what a pair is (pairs.py).

Two steps. The first keeps the span: of all groups that hang together by gaps up to some width, it
takes the largest that is within the span. So whether two conversations stay together is seen from
one span and one more gap around them, however long the evidence goes on. The second keeps the
number of legs, inside what the first has left: pairs are joined from the narrowest gap to the
widest, as far as the limits allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from zlib import crc32

from aggregation_platform.journeys.rules import LinkingRules


@dataclass(frozen=True)
class Gap:
    """One pair of a component.

    Args:
        width_ms: Between the two; without sign.
        strength: Place of its kind among the kinds, the strongest 0.
        a: Row of the contact that starts first.
        b: Row of the other.
    """

    width_ms: int
    strength: int
    a: int
    b: int


@dataclass
class _Groups:
    """Disjoint groups of contacts, each with its first and last start and its size."""

    starts: dict[int, int]
    parent: dict[int, int] = field(default_factory=dict[int, int])
    size: dict[int, int] = field(default_factory=dict[int, int])
    last: dict[int, int] = field(default_factory=dict[int, int])

    def root(self, contact: int) -> int:
        """Return the first contact of the group."""
        above = self.parent.setdefault(contact, contact)
        while above != self.parent[above]:
            self.parent[contact] = self.parent[above]
            contact, above = above, self.parent[above]
        return above

    def both(self, a: int, b: int) -> tuple[int, int]:
        """Return how many contacts the groups of two have together, and how far apart (µs)."""
        a, b = self.root(a), self.root(b)
        first = min(self.starts[a], self.starts[b])
        last = max(self.last.get(a, self.starts[a]), self.last.get(b, self.starts[b]))
        return self.size.get(a, 1) + (self.size.get(b, 1) if a != b else 0), last - first

    def join(self, a: int, b: int) -> None:
        """Make one group of two; the root is the smallest contact, which starts first."""
        a, b = sorted((self.root(a), self.root(b)))
        if a == b:
            return
        legs, span = self.both(a, b)
        self.size[a], self.last[a] = legs, self.starts[a] + span
        self.parent[b] = a


def parts_of(
    gaps: Iterable[Gap], starts: dict[int, int], names: Callable[[int], str], rules: LinkingRules
) -> dict[int, int]:
    """Return for each contact of too large components the first contact of its part.

    Args:
        gaps: All pairs of the components.
        starts: When each contact starts, in microseconds.
        names: Names a contact, the same whatever else is read: it decides between equal gaps.
        rules: The limits.
    """
    widths = list(gaps)
    within = _within_span(widths, starts, names, rules.max_span)
    parts = _Groups(starts)
    for gap in sorted(widths, key=lambda gap: (gap.width_ms, gap.strength, gap.a, gap.b)):
        if within.root(gap.a) == within.root(gap.b):
            legs, _ = parts.both(gap.a, gap.b)
            if legs <= rules.max_legs:
                parts.join(gap.a, gap.b)
    return {contact: parts.root(contact) for contact in starts}


def _within_span(
    widths: list[Gap], starts: dict[int, int], names: Callable[[int], str], span: timedelta
) -> _Groups:
    """Join what hangs together by gaps up to some width, while the whole of it is within the span.

    Between equal gaps a hash of the names decides: they are cut here and there, and an endless row
    of equal gaps does not depend on where it begins.
    """
    most = span // timedelta(microseconds=1)

    def order(gap: Gap) -> tuple[int, int, int, int, int]:
        dice = crc32(f"{names(gap.a)} {names(gap.b)}".encode())
        return gap.width_ms, gap.strength, dice, gap.a, gap.b

    whole, kept = _Groups(starts), _Groups(starts)
    for gap in sorted(widths, key=order):
        _, length = whole.both(gap.a, gap.b)
        if length <= most:
            kept.join(gap.a, gap.b)
        whole.join(gap.a, gap.b)
    return kept
