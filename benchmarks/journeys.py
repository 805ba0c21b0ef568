"""Journeys of 1,000,000 conversations over five orgs, against what a person would write first.

Belongs here: generated evidence, ours and its timing, that all answers agree.
Elsewhere: the other ways (journey_peers.py).

The peers find the same contacts, with the same rules of evidence, and add up handle time by
contact. They have none of our guards (common numbers, ambiguity, the longest journey), no order of
legs and no scores; the generated day needs none of the guards, so the answers are equal, and that
is checked. What a guard is for is shown by the day with a switchboard's number.

Where the time of linking goes, in sorts of (number, start): the order of conversations 0.8, callers
1.3, dialled lines 0.7, keys 0.4, membership 0.3. The study's bar of four sorts was for less: two
kinds of pairs, without scores, ambiguity, guards or limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from aggregation_platform.journeys.evidence import Evidence
from aggregation_platform.journeys.linking import Journeys, journeys_of_day
from aggregation_platform.journeys.links import numbered, pairs_of
from aggregation_platform.journeys.members import Members, members_of
from aggregation_platform.journeys.rules import LinkingRules
from benchmarks import journey_step
from benchmarks.journey_peers import Peer, graph_way, grouped_graph_way, plain_way, sql_way
from benchmarks.measuring import Figure, figure_of, growth_mib, taking_turns

DEFAULT_SIZE = 1_000_000
ROUNDS, ROUNDS_OF_SLOW = 5, 3
DAY = date(2026, 1, 5)
ORGS = np.array(["amer", "apac", "emea", "uk", "us"])
OURS, WHOLE = "ours", "journeys: a day of five orgs"
SQL, PLAIN, SORT = "SQL in DuckDB", "plain Python", "one sort of (number, start)"
GRAPH, GROUPED = "pandas + networkx", "pandas group by group + networkx"
BARS = {SQL: 2.0, PLAIN: 0.5, GRAPH: 1.25, GROUPED: 1 / 8}
LINKING_BARS = {SQL: 1.5, GRAPH: 0.5, SORT: 4.0}
GROUPED_SHARE = 10
SWITCHBOARD, SWITCHBOARD_SHARE = 4_300_000_000, 200
NOTE = "journeys compared, equal; ours also makes ids, leg order, scores, links and reviews"
LINKING_NOTE = (
    "guards, scores, ambiguity and limits are in ours; a peer's are SQL's or pandas' joins"
)
_SECOND = 1_000_000
_START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * _SECOND


def evidence(size: int, seed: int = 1) -> Evidence:
    """Generate a day: of each twenty conversations, six are three handed-over pairs.

    One pair shares a key, one shares the caller's number within five minutes, one was dialled from
    org to org. A tenth of the rest call the same org again from the same number, a twentieth
    withhold it. Starts are told to the millisecond; rows and numbers are in no order.
    """
    dice = np.random.default_rng(seed)
    index = np.arange(size)
    role = index % 20
    org = dice.integers(0, len(ORGS), size)
    start = _START + dice.integers(0, 20 * 3_600_000, size) * 1_000
    length = dice.integers(30, 900, size) * _SECOND
    number = 4_400_000_000 + dice.permutation(size)
    second = (role < 6) & (role % 2 == 1)
    first = np.flatnonzero(second) - 1
    org[second] = (org[first] + 1) % len(ORGS)
    gap = np.where(role[second] == 1, 3_600, np.where(role[second] == 3, 120, 1)) * _SECOND
    start[second] = start[first] + np.where(role[second] == 5, 60 * _SECOND, length[first]) + gap
    dialled_to = second & (role == 5)
    length[np.flatnonzero(dialled_to) - 1] += 120 * _SECOND
    redialled = np.flatnonzero(second & (role == 3))
    number[redialled] = number[redialled - 1]
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
    return _shuffled(Evidence(contacts, lines, keys), dice.permutation(size))


def _shuffled(given: Evidence, order: np.ndarray) -> Evidence:  # pyright: ignore
    places = pl.Series(np.argsort(order)).cast(pl.UInt32)
    lines, keys = (
        frame.with_columns(contact=places.gather(frame["contact"]))
        for frame in (given.lines, given.keys)
    )
    return Evidence(given.contacts[order], lines, keys)


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
    """Link so many conversations in every way, compare, and give ratios; then the whole step."""
    given = evidence(size)
    handled = handle_times(given)
    peers = {SQL: sql_way(given, handled), PLAIN: plain_way(given, handled)}
    graph = graph_way(given, handled)
    if graph is None:
        note = "not installed, and no dependency of ours: pip install pandas networkx"
        yield Figure(what=f"journeys: against {GRAPH}", note=note)
    else:
        peers[GRAPH] = graph
    yield from _whole(given, handled, peers)
    yield from _linking(given, peers)
    yield from _group_by_group(size // GROUPED_SHARE)
    yield from _with_switchboard(size)
    yield from journey_step.figures(size)


def _whole(given: Evidence, handled: pl.DataFrame, peers: dict[str, Peer]) -> Iterator[Figure]:
    """Hold all that is made of evidence and handle time against each peer."""
    held = dict[str, Journeys]()

    def ours() -> None:
        held[OURS] = journeys_of_day(DAY, given, handled, LinkingRules())

    steps = {OURS: ours} | {name: peer.run for name, peer in peers.items()}
    grown = {name: growth_mib(step) for name, step in steps.items()}
    found = _contacts_of(held[OURS], given)
    for name, peer in peers.items():
        _compare(found, peer, name)
    seconds = taking_turns(steps, ROUNDS)
    for name in peers:
        note = f"{NOTE}; memory grew by {grown[OURS]:.0f} MiB, {name} by {grown[name]:.0f} MiB"
        size = _told(given, found)
        yield figure_of(WHOLE, seconds, ours=OURS, peer=name, size=size, bar=BARS[name], note=note)


def _linking(given: Evidence, peers: dict[str, Peer]) -> Iterator[Figure]:
    """Hold finding what belongs together against peers that can do that alone, and one sort."""
    by_time = given.contacts.select("number", "started_at")
    links: dict[str, Callable[[], object]] = {
        OURS: lambda: _linked(given, LinkingRules()),
        SORT: lambda: by_time.sort("number", "started_at"),
    }
    links |= {name: peer.link for name, peer in peers.items() if peer.link}
    seconds = taking_turns(links, ROUNDS)
    for name in list(links)[1:]:
        yield figure_of(
            "journeys: pairs and components alone",
            seconds,
            ours=OURS,
            peer=name,
            size=f"{given.contacts.height:,} conversations",
            bar=LINKING_BARS[name],
            note=LINKING_NOTE,
        )


def _told(given: Evidence, found: pl.DataFrame) -> str:
    count, several = given.contacts.height, found["label"].n_unique()
    return f"{count:,} conversations, {found.height:,} in {several:,} journeys"


def _linked(given: Evidence, rules: LinkingRules) -> Members:
    ordered = given.in_order()
    contacts = numbered(ordered)
    return members_of(contacts, pairs_of(contacts, ordered, rules), rules)


def _group_by_group(size: int) -> Iterator[Figure]:
    """Hold a smaller day against groups looked at one by one: a whole day takes minutes so."""
    given = evidence(size)
    handled = handle_times(given)
    peer, held = grouped_graph_way(given, handled), list[Journeys]()
    if peer is None:
        return
    ways = {
        OURS: lambda: held.append(journeys_of_day(DAY, given, handled, LinkingRules())),
        GROUPED: peer.run,
    }
    seconds = taking_turns(ways, ROUNDS_OF_SLOW)
    found = _contacts_of(held[-1], given)
    _compare(found, peer, GROUPED)
    told, bar = _told(given, found), BARS[GROUPED]
    yield figure_of(WHOLE, seconds, ours=OURS, peer=GROUPED, size=told, bar=bar, note=NOTE)


def _with_switchboard(size: int) -> Iterator[Figure]:
    """Let one number begin one conversation in two hundred: the guard must cost nothing."""
    given = evidence(size)
    place = pl.int_range(pl.len())
    number = pl.when(place % SWITCHBOARD_SHARE == 0).then(SWITCHBOARD).otherwise("number")
    common = Evidence(given.contacts.with_columns(number=number), given.lines, given.keys)
    handled, held = handle_times(given), dict[str, Journeys]()
    peer = sql_way(common, handled)

    def ours() -> None:
        held["ours"] = journeys_of_day(DAY, common, handled, LinkingRules())

    seconds = taking_turns({OURS: ours, SQL: peer.run}, ROUNDS)
    largest = held["ours"].journeys["leg_count"].max()
    theirs = peer.labels().group_by("label").len()["len"].max()
    yield figure_of(
        "journeys: the same day with a switchboard's number",
        seconds,
        ours=OURS,
        peer=SQL,
        size=f"{size:,} conversations, {size // SWITCHBOARD_SHARE:,} from one number",
        note=f"answers differ: the longest contact has {largest} legs in ours, {theirs:,} in {SQL}",
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
