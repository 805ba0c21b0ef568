"""Journeys as rows: legs, what they add up to, and the pairs, each by name.

Belongs here: rows of the tables of a day out of membership and pairs. Elsewhere: membership
(members.py), pairs (links.py), what a day is built from (linking.py).

Rows of one journey lie together, so everything about a journey is told by where its run of legs
begins: no grouping, no joins by name.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aggregation_platform.journeys.members import Members
from aggregation_platform.journeys.pairs import STRENGTHS, TOO_LARGE
from aggregation_platform.journeys.runs import beginnings, in_runs
from aggregation_platform.journeys.tables import JOURNEYS, LEGS, LINKS, REVIEWS
from aggregation_platform.tables import Table

_ID = ("org", "conversation_id")
_MEASURES = ("handled_count", "handle_ms")
_OPEN = np.iinfo(np.int64).max


def legs_of(
    contacts: pl.DataFrame,
    members: Members,
    joined: pl.DataFrame,
    handle_times: pl.DataFrame,
    day: date | None,
) -> pl.DataFrame:
    """Return the legs of the journeys of a day (of all, where none is given), with their `label`.

    Args:
        contacts: What `links.numbered` made.
        members: Their journeys.
        joined: The pairs inside journeys: which evidence brought each leg to its journey.
        handle_times: By org and conversation; rows of one conversation are added up.
        day: The day on which the first leg starts.
    """
    chosen = _chosen(contacts, members, day)
    label = members.label[chosen]
    heads = beginnings(label)
    sizes = np.diff(heads, append=len(label))
    head = np.repeat(heads, sizes)
    number = np.arange(len(label)) - head + 1
    link, score = _reasons(joined, contacts.height)
    link, score = np.where(number == 1, 0, link[chosen]), np.where(number == 1, 1, score[chosen])
    legs = contacts.select(*_ID, "started_at", "ended_at", "day")[chosen]
    of_first = legs[heads].select("day", journey_id=_NAME)[np.repeat(np.arange(len(heads)), sizes)]
    return legs.with_columns(
        of_first["day"],
        of_first["journey_id"],
        pl.Series("label", label),
        pl.Series("is_cut", members.is_cut[chosen]),
        pl.Series("leg_number", number),
        pl.Series(["first", *STRENGTHS]).gather(link).alias("link"),
        pl.Series("score", score),
        *_handle_time(legs, handle_times),
    )


_NAME = pl.concat_str("org", pl.lit(":"), "conversation_id")


def _chosen(contacts: pl.DataFrame, members: Members, day: date | None) -> NDArray[np.int64]:
    """Return the contacts whose journey begins on the day, by journey, then start."""
    chosen = np.arange(contacts.height)
    if day is not None:
        begun = (contacts["day"] == day).to_numpy()
        chosen = np.flatnonzero(begun[members.label])
    return chosen[np.argsort(members.label[chosen] * contacts.height + chosen)]


def _reasons(joined: pl.DataFrame, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the strongest evidence that touches each contact: place in STRENGTHS, score."""
    link, score = np.zeros(count, dtype=np.int64), np.ones(count)
    for place, kind in reversed(list(enumerate(STRENGTHS, start=1))):
        pairs = joined.filter(pl.col("link") == kind)
        best = np.full(count, -1.0)
        for side in ("a", "b"):
            np.maximum.at(best, pairs[side].to_numpy(), pairs["score"].to_numpy())
        touched = best >= 0
        link[touched], score[touched] = place, best[touched]
    return link, score


def _handle_time(legs: pl.DataFrame, handle_times: pl.DataFrame) -> list[pl.Series]:
    """Add up the handle time of each leg; none is 0."""
    leg, row = _same_id(legs, handle_times)
    sums: list[pl.Series] = []
    for name in _MEASURES:
        total = np.zeros(legs.height, dtype=np.int64)
        np.add.at(total, leg, handle_times[name].cast(pl.Int64).fill_null(0).to_numpy()[row])
        sums.append(pl.Series(name, total))
    return sums


def _same_id(
    legs: pl.DataFrame, others: pl.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of both with the same org and conversation, by hashes; names have the last word.

    Two legs of one hash cannot be told apart by it, so then everything is joined by name.
    """
    ours, theirs = (frame.select(_ID).hash_rows().to_numpy() for frame in (legs, others))
    by_ours, by_theirs = np.argsort(ours), np.argsort(theirs)
    if legs.is_empty() or in_runs(ours[by_ours]).any():
        named = legs.select(_ID).with_row_index("leg")
        met = named.join(others.select(_ID).with_row_index("row"), on=_ID)
        return met["leg"].to_numpy(), met["row"].to_numpy()
    place = np.searchsorted(ours[by_ours], theirs[by_theirs]).clip(max=legs.height - 1)
    leg = np.empty_like(by_theirs)
    leg[by_theirs] = by_ours[place]
    row = np.flatnonzero(ours[leg] == theirs)
    leg = leg[row]
    same = [(legs[name].gather(leg) == others[name].gather(row)).to_numpy() for name in _ID]
    return leg[np.all(same, axis=0)], row[np.all(same, axis=0)]


def journeys_in(legs: pl.DataFrame) -> pl.DataFrame:
    """Add the legs of each journey up: one row per journey, in the order of their first legs."""
    heads = beginnings(legs["label"].to_numpy())
    sizes = np.diff(heads, append=legs.height)
    ends = legs["ended_at"].to_physical().fill_null(_OPEN).to_numpy()
    last = pl.Series(_reduced(np.maximum, ends, heads))
    first = legs.select("journey_id", "day", "started_at", "is_cut", first_org="org")[heads]
    org_count, orgs = _orgs(legs, first["first_org"], sizes)
    return _cast(
        first.with_columns(
            last.set(last == _OPEN, None).cast(legs.schema["ended_at"]).alias("ended_at"),
            *(
                pl.Series(name, _reduced(np.add, legs[name].to_numpy(), heads))
                for name in _MEASURES
            ),
            pl.Series("leg_count", sizes),
            pl.Series("org_count", org_count),
            orgs.alias("orgs"),
        ),
        JOURNEYS,
    )


def _reduced(
    how: np.ufunc, values: NDArray[np.int64], heads: NDArray[np.int64]
) -> NDArray[np.int64]:
    return how.reduceat(values, heads) if len(heads) else values


def _orgs(
    legs: pl.DataFrame, first_orgs: pl.Series, sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], pl.Series]:
    """Return for each journey how many orgs its legs are of, and their names.

    Most have one leg and so the org of that; each of the others has a list of names, told for all
    lists of one length at once.
    """
    rows = legs["org"].filter(pl.Series(np.repeat(sizes > 1, sizes)))
    names = rows.unique().sort()
    codes = rows.cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy()
    several = np.flatnonzero(sizes > 1)
    of_leg = np.repeat(several, sizes[several])
    each = np.sort(of_leg * (len(names) + 1) + codes)
    journey, code = np.divmod(each[beginnings(each)], len(names) + 1)
    heads = beginnings(journey)
    counts = np.ones(len(sizes), dtype=np.int64)
    counts[several] = np.diff(heads, append=len(journey))
    place, told = np.arange(len(sizes)), [first_orgs]
    for count in np.unique(counts[several]):
        chosen = several[counts[several] == count]
        at = heads[counts[several] == count]
        place[chosen] = sum(map(len, told)) + np.arange(len(chosen))
        lists = pl.DataFrame({str(step): names.gather(code[at + step]) for step in range(count)})
        told.append(lists.select(pl.concat_str(pl.all(), separator=",")).to_series())
    return counts, pl.concat(told).gather(place)


def leg_rows(legs: pl.DataFrame) -> pl.DataFrame:
    """Take the table's columns of legs."""
    return _cast(legs, LEGS)


def link_rows(contacts: pl.DataFrame, joined: pl.DataFrame, day: date | None) -> pl.DataFrame:
    """Tell the evidence inside the journeys of a day (of all, where none is given)."""
    first = contacts.select("day", *_ID)[joined["label"].to_numpy()]
    told = joined.with_columns(first["day"], first.select(journey_id=_NAME).to_series())
    return _named(contacts, told, LINKS, day)


def review_rows(contacts: pl.DataFrame, apart: pl.DataFrame, day: date | None) -> pl.DataFrame:
    """List the pairs kept apart, with the reason, by the day of the earlier conversation."""
    days = contacts["day"].gather(apart["a"])
    reason = pl.col("doubt").cast(pl.String).fill_null(TOO_LARGE)
    return _named(contacts, apart.with_columns(days, reason=reason), REVIEWS, day)


def _named(
    contacts: pl.DataFrame, pairs: pl.DataFrame, table: Table, day: date | None
) -> pl.DataFrame:
    """Name both conversations of each pair, in the order in which they started."""
    chosen = (pairs if day is None else pairs.filter(pl.col("day") == day)).sort("a", "b", "link")
    names = contacts.select(_ID)
    sides = (names[chosen["a"]], names[chosen["b"]].rename("other_{}".format))
    return _cast(pl.concat([chosen, *sides], how="horizontal"), table)


def _cast(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in table.frame_schema.items())
