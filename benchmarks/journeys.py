"""Journeys of 1,000,000 conversations over five orgs, against what a person would write first.

Belongs here: generated evidence, ours and its timing, that all answers agree.
Elsewhere: the other ways (journey_peers.py).

The peers find the same contacts, with the same rules of evidence, and add up handle time by
contact. They have none of our guards (common numbers, ambiguity, the longest journey), no order of
legs and no scores; the generated day needs none of the guards, so the answers are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from statistics import median

import numpy as np
import polars as pl

from aggregation_platform.journeys.components import labels_of
from aggregation_platform.journeys.evidence import Evidence
from aggregation_platform.journeys.linking import Journeys, journeys_of_day
from aggregation_platform.journeys.links import numbered, pairs_of
from aggregation_platform.journeys.rules import LinkingRules
from benchmarks.journey_peers import Peer, graph_way, plain_way, sql_way
from benchmarks.measuring import Figure, cpu_seconds, figure_of, taking_turns

DEFAULT_SIZE = 1_000_000
ROUNDS = 3
DAY = date(2026, 1, 5)
ORGS = np.array(["amer", "apac", "emea", "uk", "us"])
NAIVE_BAR = 1 / 8
SQL = "SQL in DuckDB"
GRAPH = "pandas + networkx"
GRAPH_SHARE = 10
NOTE = "same journeys; ours also makes ids, leg order, scores, links and reviews"
_SECOND = 1_000_000
_START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * _SECOND


def evidence(size: int, seed: int = 1) -> Evidence:
    """Generate a day: of each twenty conversations, six are three handed-over pairs.

    One pair shares a key, one shares the caller's number within five minutes, one was dialled from
    org to org. A tenth of the rest call the same org again from the same number, a twentieth
    withhold it.
    """
    dice = np.random.default_rng(seed)
    index = np.arange(size)
    role = index % 20
    org = dice.integers(0, len(ORGS), size)
    start = _START + dice.integers(0, 20 * 3600, size) * _SECOND
    length = dice.integers(30, 900, size) * _SECOND
    number = 4_400_000_000 + index
    second = (role < 6) & (role % 2 == 1)
    first = np.flatnonzero(second) - 1
    org[second] = (org[first] + 1) % len(ORGS)
    gap = np.where(role[second] == 1, 3_600, np.where(role[second] == 3, 120, 1)) * _SECOND
    start[second] = start[first] + np.where(role[second] == 5, 60 * _SECOND, length[first]) + gap
    dialled_to = second & (role == 5)
    length[np.flatnonzero(dialled_to) - 1] += 120 * _SECOND
    number[second & (role == 3)] -= 1
    again = (role >= 6) & (dice.random(size) < 0.1) & (index > 20)
    number[again], org[again] = number[index[again] - 20], org[index[again] - 20]
    withheld = (role >= 6) & (dice.random(size) < 0.05)
    ended = start + length
    ended[dialled_to] = ended[np.flatnonzero(dialled_to) - 1]
    dnis = 1_800_000_000 + org * 50 + index % 50
    contacts = pl.DataFrame(
        {
            "org": ORGS[org],
            "conversation_id": pl.Series(index).cast(pl.String).str.zfill(12)
            + "-0000-4000-8000-00000000",
            "started_at": _instants(start),
            "ended_at": _instants(ended),
            "number": pl.Series(number).set(pl.Series(withheld), None),
            "line_ended_at": _instants(ended),
            "dnis": dnis,
            "session_dnis": dnis,
        }
    )
    origin = np.flatnonzero(dialled_to) - 1
    lines = pl.DataFrame(
        {
            "contact": pl.Series(origin).cast(pl.UInt32),
            "line_started_at": _instants(start[origin + 1] - _SECOND),
            "line_ended_at": _instants(ended[origin]),
            "dialled": dnis[origin + 1],
            "shown": number[origin + 1],
        }
    )
    keyed = np.flatnonzero((role == 0) | (role == 1))
    keys = pl.DataFrame(
        {
            "contact": pl.Series(keyed).cast(pl.UInt32),
            "value": pl.Series(keyed // 20).hash(seed=0),
        }
    )
    return Evidence(contacts, lines, keys)


def _instants(values: np.ndarray) -> pl.Series:  # pyright: ignore
    return pl.Series(values).cast(pl.Datetime("us", "UTC"))


def handle_times(given: Evidence, seed: int = 2) -> pl.DataFrame:
    """Give each conversation one handled session."""
    dice = np.random.default_rng(seed)
    rows = given.contacts.height
    return given.contacts.select(
        "org",
        "conversation_id",
        handled_count=pl.lit(1, pl.Int64),
        handle_ms=pl.Series(dice.integers(1_000, 900_000, rows)),
    )


def figures(size: int) -> Iterator[Figure]:
    """Link so many conversations in every way, compare, and give ratios."""
    given = evidence(size)
    handled = handle_times(given)
    rules = LinkingRules()
    held: dict[str, Journeys] = {}

    def ours() -> None:
        held["ours"] = journeys_of_day(DAY, given, handled, rules)

    sql = sql_way(given, handled)
    ways = {"ours": ours, SQL: sql.run, "ours, linking": lambda: _linked(given, rules)}
    ways |= {f"{SQL}, linking": sql.link} if sql.link else {}
    seconds = taking_turns(ways, ROUNDS)
    found = _contacts_of(held["ours"], given)
    _compare(found, sql, SQL)
    told = f"{size:,} conversations, {found.height:,} in {found['label'].n_unique():,} journeys"
    yield figure_of(
        "journeys: a day of five orgs", seconds, ours="ours", peer=SQL, size=told, note=NOTE
    )
    yield figure_of(
        "journeys: pairs and components alone",
        seconds,
        ours="ours, linking",
        peer=f"{SQL}, linking",
        size=f"{size:,} conversations",
        note="guards, scores and ambiguity included in ours",
    )
    yield _once("plain Python", plain_way(given, handled), seconds["ours"], found, told)
    yield from _against_graph(size // GRAPH_SHARE)


def _linked(given: Evidence, rules: LinkingRules) -> pl.DataFrame:
    ordered = given.in_order()
    pairs = pairs_of(numbered(ordered), ordered, rules)
    return labels_of(pairs.filter(~pl.col("is_ambiguous")))


def _against_graph(size: int) -> Iterator[Figure]:
    """Hold a smaller day against networkx, which needs minutes for a whole one."""
    given = evidence(size)
    handled = handle_times(given)
    peer = graph_way(given, handled)
    if peer is None:
        note = "not installed, and no dependency of ours: pip install pandas networkx"
        yield Figure(what=f"journeys: {GRAPH}", note=note)
        return
    held: list[Journeys] = []
    ours = [
        cpu_seconds(lambda: held.append(journeys_of_day(DAY, given, handled, LinkingRules())))
        for _ in range(ROUNDS)
    ]
    yield _once(GRAPH, peer, ours, _contacts_of(held[-1], given), f"{size:,} conversations")


def _once(name: str, peer: Peer, ours: list[float], found: pl.DataFrame, told: str) -> Figure:
    """Run a slow way once, and hold the median of ours against it."""
    took = cpu_seconds(peer.run)
    _compare(found, peer, name)
    return figure_of(
        f"journeys: against {name}",
        {"ours": [median(ours)], name: [took]},
        ours="ours",
        peer=name,
        size=told,
        bar=NAIVE_BAR if name == GRAPH else None,
        note=f"{NOTE}; run once",
    )


def _contacts_of(found: Journeys, given: Evidence) -> pl.DataFrame:
    """Return `contact`, `label` of what is in a journey of several, as the peers tell it."""
    numbers = given.contacts.select("org", "conversation_id").with_row_index("contact")
    legs = found.legs.filter(pl.len().over("journey_id") > 1)
    joined = legs.join(numbers, on=["org", "conversation_id"])
    return joined.select(
        pl.col("contact").cast(pl.Int64),
        pl.col("contact").min().over("journey_id").cast(pl.Int64).alias("label"),
    ).sort("contact")


def _compare(ours: pl.DataFrame, peer: Peer, name: str) -> None:
    if not ours.equals(peer.labels()):
        raise ValueError(f"{name} finds other journeys")
