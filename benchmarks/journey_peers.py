"""Linking conversations as a person would write it first.

Belongs here: the same evidence joined in plain Python, in pandas with networkx, and in SQL.
Elsewhere: ours (aggregation_platform/journeys/), the comparison (journeys.py).

All of them look only at keys and numbers that occur twice, and at no pair within one org. They say
which conversations belong together, and the handle time of each contact. They leave out: numbers
and keys that are common, an org's own or a trunk's; pairs that are ambiguous; contacts that grow
or last too long; ids of journeys, order of legs, scores, links and reviews.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from typing import Any, cast

import duckdb
import polars as pl

from aggregation_platform.journeys.evidence import Evidence

SOON_US = 5 * 60 * 1_000_000
DIALLED_US = 10 * 1_000_000


@dataclass(frozen=True)
class Peer:
    """One way: `run` does all of it; `labels` then tells contact and label, sorted.

    `link` only finds what belongs together, where a way can do that alone.
    """

    run: Callable[[], object]
    labels: Callable[[], pl.DataFrame]
    link: Callable[[], object] | None = None


@dataclass(frozen=True)
class _Call:
    contact: int
    org: str
    started: int
    ended: int
    number: int | None
    dnis: int


def _calls(given: Evidence) -> list[_Call]:
    rows = given.contacts.select(
        "org",
        pl.col("started_at", "ended_at").dt.epoch("us"),
        "number",
        "dnis",
    ).iter_rows()
    return [_Call(contact, *row) for contact, row in enumerate(rows)]


def _pairs(given: Evidence, calls: list[_Call]) -> Iterator[tuple[int, int]]:
    """Yield what keys, numbers and dialled lines join."""
    by_key: defaultdict[int, list[_Call]] = defaultdict(list)
    for contact, value in given.keys.iter_rows():
        by_key[value].append(calls[contact])
    for same in by_key.values():
        yield from ((a.contact, b.contact) for a, b in combinations(same, 2) if a.org != b.org)
    yield from _called(calls)
    yield from _dialled(given, calls)


def _called(calls: list[_Call]) -> Iterator[tuple[int, int]]:
    by_number: defaultdict[int, list[_Call]] = defaultdict(list)
    for call in calls:
        if call.number is not None:
            by_number[call.number].append(call)
    for same in by_number.values():
        if len(same) > 1:
            same.sort(key=lambda call: call.started)
            for first, later in combinations(same, 2):
                if first.org != later.org and later.started <= first.ended + SOON_US:
                    yield first.contact, later.contact


def _dialled(given: Evidence, calls: list[_Call]) -> Iterator[tuple[int, int]]:
    by_dnis: defaultdict[int, list[_Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.started):
        by_dnis[call.dnis].append(call)
    lines = given.lines.select(
        "contact", pl.col("line_started_at").dt.epoch("us"), "dialled", "shown"
    )
    for contact, started, dialled, shown in lines.iter_rows():
        reached = by_dnis[dialled]
        at = bisect_left(reached, started, key=lambda call: call.started)
        while at < len(reached) and reached[at].started <= started + DIALLED_US:
            call = reached[at]
            if call.org != calls[contact].org and call.number == shown:
                yield contact, call.contact
            at += 1


def plain_way(given: Evidence, handled: pl.DataFrame) -> Peer:
    """Dictionaries and a union-find."""
    parent: dict[int, int] = {}
    sums: defaultdict[int, int] = defaultdict(int)

    def find(one: int) -> int:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def run() -> None:
        parent.clear()
        sums.clear()
        calls = _calls(given)
        for a, b in _pairs(given, calls):
            low, high = sorted((find(a), find(b)))
            parent[high] = low
        for contact, handle_ms in enumerate(handled["handle_ms"]):
            sums[find(contact) if contact in parent else contact] += handle_ms

    def labels() -> pl.DataFrame:
        return _frame((contact, find(contact)) for contact in list(parent))

    return Peer(run, labels)


def graph_way(given: Evidence, handled: pl.DataFrame) -> Peer | None:
    """Merges in pandas, components by networkx; None where they are not installed."""
    return _graph_way(given, handled, _merged)


def grouped_graph_way(given: Evidence, handled: pl.DataFrame) -> Peer | None:
    """The same, but each number's and each key's rows are looked at group by group."""
    return _graph_way(given, handled, _group_by_group)


def _graph_way(
    given: Evidence, handled: pl.DataFrame, pairs_by: Callable[[Any, str], _Pairs]
) -> Peer | None:
    try:
        nx, pd = (cast("Any", import_module(name)) for name in ("networkx", "pandas"))
    except ImportError:
        return None
    label: dict[int, int] = {}
    calls: Any = pd.DataFrame(_columns(given))
    keys: Any = pd.DataFrame(given.keys.to_dict(as_series=False))
    lines: Any = pd.DataFrame(_line_columns(given))
    handle_ms: Any = pd.Series(handled["handle_ms"].to_list())

    def link() -> None:
        graph: Any = nx.Graph()
        for frame, name in ((keys.merge(calls, on="contact"), "value"), (calls, "number")):
            known = frame[frame[name].notna() & frame.duplicated(name, keep=False)]
            graph.add_edges_from(pairs_by(known, name))
        graph.add_edges_from(_lines_merged(lines, calls))
        label.clear()
        for component in nx.connected_components(graph):
            label.update(dict.fromkeys(component, min(component)))

    def run() -> None:
        link()
        handle_ms.groupby(calls.contact.map(label).fillna(calls.contact)).sum()

    return Peer(run, lambda: _frame((int(a), int(b)) for a, b in label.items()), link)


_Pairs = Iterable[tuple[int, int]]


def _merged(repeated: Any, name: str) -> _Pairs:  # noqa: ANN401 - pandas is no dependency
    met = repeated.merge(repeated, on=name, suffixes=("_a", "_b"))
    met = met[(met.org_a != met.org_b) & (met.started_a <= met.started_b)]
    if name == "number":
        met = met[met.started_b <= met.ended_a + SOON_US]
    return zip(met.contact_a, met.contact_b, strict=True)


def _group_by_group(repeated: Any, name: str) -> _Pairs:  # noqa: ANN401 - pandas is no dependency
    for _, group in repeated.groupby(name):
        for a, b in combinations(list(group.sort_values("started").itertuples()), 2):
            if a.org != b.org and (name == "value" or b.started <= a.ended + SOON_US):
                yield a.contact, b.contact


def _lines_merged(lines: Any, calls: Any) -> _Pairs:  # noqa: ANN401 - pandas is no dependency
    met = lines.merge(calls, left_on=["dialled", "shown"], right_on=["dnis", "number"])
    late = met.started - met.line_started
    near = met[(late >= 0) & (late <= DIALLED_US)]
    near = near[calls.org.to_numpy()[near.contact_x] != near.org.to_numpy()]
    return zip(near.contact_x, near.contact_y, strict=True)


def _columns(given: Evidence) -> dict[str, list[Any]]:
    return (
        given.contacts.with_row_index("contact")
        .select(
            "contact",
            "org",
            pl.col("started_at").dt.epoch("us").alias("started"),
            pl.col("ended_at").dt.epoch("us").alias("ended"),
            "number",
            "dnis",
        )
        .to_dict(as_series=False)
    )


def _line_columns(given: Evidence) -> dict[str, list[Any]]:
    return given.lines.select(
        "contact",
        pl.col("line_started_at").dt.epoch("us").alias("line_started"),
        "dialled",
        "shown",
    ).to_dict(as_series=False)


_LINK = """
    create or replace temp table labels as
    with recursive
    keyed as (
        select a.contact as a, b.contact as b
        from keys ka join keys kb on ka.value = kb.value and ka.contact < kb.contact
        join calls a on a.contact = ka.contact
        join calls b on b.contact = kb.contact
        where a.org <> b.org
    ),
    called as (
        select a.contact as a, b.contact as b
        from calls a join calls b on a.number = b.number and a.org <> b.org
        where a.started_at <= b.started_at
          and b.started_at <= a.ended_at + interval 5 minutes
    ),
    dialled as (
        select l.contact as a, b.contact as b
        from lines l join calls b on b.dnis = l.dialled and b.number = l.shown
        join calls a on a.contact = l.contact
        where a.org <> b.org
          and b.started_at between l.line_started_at and l.line_started_at + interval 10 seconds
    ),
    pairs as (from keyed union from called union from dialled),
    edges as materialized (select a, b from pairs union select b, a from pairs),
    component(contact, label) using key (contact) as (
        select a, least(a, min(b)) from edges group by a
        union
        select e.a, min(c.label)
        from component c join edges e on e.b = c.contact
        join recurring.component mine on mine.contact = e.a
        where c.label < mine.label
        group by e.a
    )
    select contact, label from component
"""

_SUM = """
    create or replace temp table journeys as
    select coalesce(l.label, c.contact) as journey, count(*) as legs,
           min(started_at), max(ended_at), count(distinct c.org), sum(h.handle_ms)
    from calls c join handled h on h.org = c.org and h.conversation_id = c.conversation_id
    left join labels l on l.contact = c.contact
    group by all
"""


def sql_way(given: Evidence, handled: pl.DataFrame) -> Peer:
    """Joins, and a recursive query for the components; the rows lie in DuckDB's own tables."""
    connection = duckdb.connect()
    frames = {
        "calls": given.contacts.with_row_index("contact"),
        "lines": given.lines,
        "keys": given.keys,
        "handled": handled,
    }
    for name, frame in frames.items():
        connection.register("given", frame.to_arrow())
        connection.execute(f"create table {name} as select * from given")  # noqa: S608 - our own names

    def link() -> None:
        connection.execute(_LINK)

    def run() -> None:
        link()
        connection.execute(_SUM)

    def labels() -> pl.DataFrame:
        return _frame(connection.execute("select contact, label from labels").fetchall())

    return Peer(run, labels, link)


def _frame(rows: Any) -> pl.DataFrame:  # noqa: ANN401 - an iterable of pairs
    shape = {"contact": pl.Int64, "label": pl.Int64}
    return pl.DataFrame(list(rows), schema=shape, orient="row").sort("contact")
