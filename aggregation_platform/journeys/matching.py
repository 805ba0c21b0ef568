"""Whose call is whose, where several lines and several calls coincide.

Belongs here: lines and calls as the two sides of a graph, and which of its pairs are certain.
Elsewhere: which pairs are possible at all (transfers.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from aggregation_platform.journeys.components import labels_of
from aggregation_platform.journeys.pairs import AMBIGUOUS, DOUBTS, RULED_OUT
from aggregation_platform.journeys.rules import LONGEST_COINCIDENCE

_Edge = tuple[int, int]

_MARGIN = 0.1
"""Scores that differ by no more prove nothing about one another."""

_MOST = 100
"""So many pairs that compete are judged together."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """One line and one call that it may have reached; `row` says where it came from."""

    row: int
    line: int
    call: int
    score: float
    started_at: datetime


def verdicts(possible: pl.DataFrame) -> pl.Series:
    """Judge each possible pair of a line and a call; null where it is certain.

    A pair that is alone on both sides is certain. Pairs that compete are judged in rounds. Only
    the best of a line and of a call take part, and those that score nearly alike. As many of
    their lines and calls as possible are explained at once: a pair that is in every such
    explanation is certain and takes both its sides, so that the next round has fewer. What a
    certain pair has taken a side of is `ruled_out`. What no round settles is `ambiguous`.

    Pairs that compete beyond `LONGEST_COINCIDENCE` cannot all be seen from one day, and more
    than `_MOST` are a crowd: there only a best pair without a rival is certain.

    Args:
        possible: line, b, score, started_at (of the call).
    """
    rivals = possible["line"].is_duplicated() | possible["b"].is_duplicated()
    contested = possible.with_row_index("row").filter(rivals)
    judged: dict[int, str | None] = {}
    for group in _groups(contested):
        starts = [pair.started_at for pair in group]
        is_seen = max(starts) - min(starts) <= LONGEST_COINCIDENCE and len(group) <= _MOST
        judged |= _in_rounds(group) if is_seen else _at_once(group)
    doubts = pl.Series("doubt", [None], pl.Enum(DOUBTS)).new_from_index(0, possible.height)
    if not judged:
        return doubts
    return doubts.scatter(list(judged), pl.Series(list(judged.values()), dtype=pl.Enum(DOUBTS)))


def _groups(contested: pl.DataFrame) -> list[list[_Pair]]:
    """Split pairs into groups that compete with one another."""
    if contested.is_empty():
        return []
    sides = contested.select(
        a=pl.col("line").rank("dense") - 1,
        b=pl.col("b").rank("dense") - 1 + pl.col("line").n_unique(),
    )
    labels = labels_of(sides).rename({"contact": "a"}).cast(pl.Int64)
    group = sides.cast(pl.Int64).join(labels, on="a", how="left", maintain_order="left")["label"]
    groups: dict[int, list[_Pair]] = defaultdict(list)
    pairs = contested.select("row", "line", "b", "score", "started_at").iter_rows()
    for label, pair in zip(group, pairs, strict=True):
        groups[label].append(_Pair(*pair))
    return list(groups.values())


def _in_rounds(pairs: list[_Pair]) -> dict[int, str | None]:
    judged: dict[int, str | None] = {}
    left = pairs
    while left:
        best = _contenders(left)
        certain, possible = explained({(pair.line, pair.call) for pair in best})
        if not certain:
            for pair in left:
                is_open = (pair.line, pair.call) in possible
                judged[pair.row] = AMBIGUOUS if is_open else RULED_OUT
            break
        lines, calls = {line for line, _ in certain}, {call for _, call in certain}
        for pair in left:
            if (pair.line, pair.call) in certain:
                judged[pair.row] = None
            elif pair.line in lines or pair.call in calls:
                judged[pair.row] = RULED_OUT
        left = [pair for pair in left if pair.row not in judged]
    return judged


def _at_once(pairs: list[_Pair]) -> dict[int, str | None]:
    best = {(pair.line, pair.call) for pair in _contenders(pairs)}
    lines, calls = Counter(line for line, _ in best), Counter(call for _, call in best)
    judged: dict[int, str | None] = {}
    for pair in pairs:
        alone = lines[pair.line] == 1 and calls[pair.call] == 1
        is_best = (pair.line, pair.call) in best
        judged[pair.row] = RULED_OUT if not is_best else None if alone else AMBIGUOUS
    return judged


def _contenders(pairs: list[_Pair]) -> list[_Pair]:
    """Take what scores nearly as the best of its line and the best of its call."""
    of_line: dict[int, float] = defaultdict(float)
    of_call: dict[int, float] = defaultdict(float)
    for pair in pairs:
        of_line[pair.line] = max(of_line[pair.line], pair.score)
        of_call[pair.call] = max(of_call[pair.call], pair.score)
    return [
        pair
        for pair in pairs
        if pair.score >= max(of_line[pair.line], of_call[pair.call]) - _MARGIN
    ]


def explained(edges: Iterable[_Edge]) -> tuple[set[_Edge], set[_Edge]]:
    """Return the pairs in every, and the pairs in any, of the largest sets of disjoint pairs.

    Such a set is a maximum matching of the graph. All others are reached from one of them along
    paths and circles that alternate between pairs inside and outside of it. So a pair outside
    is possible, and a pair inside not certain, if such a path or circle goes through it.
    """
    edges = set(edges)
    calls_of: dict[int, set[int]] = defaultdict(set)
    for line, call in edges:
        calls_of[line].add(call)
    inside = _maximum(calls_of)
    best = len(inside)
    certain = {pair for pair in inside if len(_maximum(calls_of, without=pair)) < best}
    possible = set(inside) | {
        (line, call)
        for line, call in edges
        if len(_maximum(calls_of, taken=(line, call))) == best - 1
    }
    return certain, possible


def _maximum(
    calls_of: dict[int, set[int]], *, without: _Edge | None = None, taken: _Edge | None = None
) -> set[_Edge]:
    """Find a largest set of disjoint pairs, without one pair, or without both sides of one."""
    line_of: dict[int, int] = {}

    def allowed(line: int, call: int) -> bool:
        return (line, call) != without and (taken is None or call != taken[1])

    def found(line: int, seen: set[int]) -> bool:
        for call in sorted(calls_of[line]):
            if call in seen or not allowed(line, call):
                continue
            seen.add(call)
            if call not in line_of or found(line_of[call], seen):
                line_of[call] = line
                return True
        return False

    for line in sorted(calls_of):
        if taken is None or line != taken[0]:
            found(line, set())
    return {(line, call) for call, line in line_of.items()}
