"""Journeys: conversations of different orgs that evidence joins into one customer contact.

Belongs here: joining pairs into journeys, cutting what evidence joins beyond reason, and the
tables of a day. Elsewhere: the pairs (links.py), what they are made of (evidence.py).

Every conversation is a leg of exactly one journey, often of its own. What joins is decided from
a bounded stretch of time around a conversation (rules.py), so the journeys of a day are the same
whichever other days are built with it, and in whichever order anything came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from aggregation_platform.intervals import days_between
from aggregation_platform.journeys.components import labels_of
from aggregation_platform.journeys.evidence import Evidence
from aggregation_platform.journeys.links import STRENGTHS, numbered, pairs_of
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.journeys.tables import JOURNEYS, LEGS, LINKS, REVIEWS
from aggregation_platform.tables import Table

_ID = ["org", "conversation_id"]
_PAIR = ("a", "b", "link")


@dataclass(frozen=True)
class Journeys:
    """The four tables of journeys/tables.py, of one day or of all that were linked."""

    legs: pl.DataFrame
    journeys: pl.DataFrame
    links: pl.DataFrame
    reviews: pl.DataFrame


def days_around(day: date, rules: LinkingRules) -> list[date]:
    """Name the days whose evidence and handle time decide the journeys of a day."""
    reach = timedelta(days=rules.window_days)
    return list(days_between(day - reach, day + reach))


def conversation_handle_times(session_metrics: pl.DataFrame) -> pl.DataFrame:
    """Add up handle time per conversation, of any part of `facts.session_metrics`.

    Additive: rows of several parts are added up by `journeys_of_day`.
    """
    return (
        session_metrics.filter(pl.col("metric") == "tHandle")
        .group_by(_ID)
        .agg(handled_count=pl.len().cast(pl.Int64), handle_ms=pl.col("value_ms").sum())
    )


def journeys_of_day(
    day: date, evidence: Evidence, handle_times: pl.DataFrame, rules: LinkingRules
) -> Journeys:
    """Return the journeys whose first leg starts on the UTC day, with all their legs.

    Args:
        day: The partition's day.
        evidence: Of all orgs, of `days_around` the day; more changes nothing.
        handle_times: What `conversation_handle_times` made of the same days and, for
            conversations that live longer, of later ones; each metric once.
        rules: The limits.
    """
    return _linked(evidence, handle_times, rules, pl.col("day") == day)


def all_journeys(evidence: Evidence, handle_times: pl.DataFrame, rules: LinkingRules) -> Journeys:
    """Link everything that is there; right for the days with `window_days` on either side."""
    return _linked(evidence, handle_times, rules, pl.lit(value=True))


def _linked(
    evidence: Evidence, handle_times: pl.DataFrame, rules: LinkingRules, wanted: pl.Expr
) -> Journeys:
    ordered = evidence.in_order()
    contacts = numbered(ordered)
    pairs = pairs_of(contacts, ordered, rules)
    members = _members(contacts, pairs, rules)
    placed = _placed(pairs, members)
    joined = placed.filter(~pl.col("is_ambiguous"), pl.col("label") == pl.col("label_b"))
    apart = placed.filter(pl.col("label") != pl.col("label_b"))
    legs = _legs(contacts, members, joined).filter(wanted)
    handled = _with_handle_time(legs, handle_times)
    starts = contacts.select("contact", *_ID, "day")
    return Journeys(
        legs=_shaped(handled, LEGS, "label", "leg_number"),
        journeys=_journeys(handled),
        links=_shaped(
            _told(joined, legs.select("contact", *_ID, "journey_id", "day")), LINKS, *_PAIR
        ),
        reviews=_shaped(_told(_with_reason(apart), starts).filter(wanted), REVIEWS, *_PAIR),
    )


def _members(contacts: pl.DataFrame, pairs: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Say for each conversation in a pair which journey (label) it is in, and whether it was cut.

    Evidence that joins more than `max_legs`, or starts further apart than `max_span`, is cut:
    first without the weakest kind, then without the next, then to single conversations.
    """
    usable = pairs.filter(~pl.col("is_ambiguous"))
    times = contacts.select("contact", "started_at")
    rest = pl.concat([usable["a"], usable["b"]]).unique().alias("contact").to_frame()
    settled: list[pl.DataFrame] = []
    for kinds in range(len(STRENGTHS), 0, -1):
        kept = usable.filter(pl.col("link").is_in(STRENGTHS[:kinds])).join(
            rest, left_on="a", right_on="contact", how="semi"
        )
        fitting = _fitting(labels_of(kept).join(times, on="contact"), rules)
        settled.append(fitting.with_columns(is_cut=pl.lit(kinds < len(STRENGTHS))))
        rest = rest.join(fitting, on="contact", how="anti")
    alone = rest.with_columns(label=pl.col("contact"), is_cut=pl.lit(value=True))
    return pl.concat([*settled, alone])


def _fitting(labels: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    start = pl.col("started_at")
    span = start.max().over("label") - start.min().over("label")
    fits = (pl.len().over("label") <= rules.max_legs) & (span <= rules.max_span)
    return labels.filter(fits).select("contact", "label")


def _placed(pairs: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Add to each pair the journeys (`label`, `label_b`) of its two conversations."""
    labels = members.select("contact", "label")
    return (
        pairs.join(labels, left_on="a", right_on="contact", how="left")
        .join(labels, left_on="b", right_on="contact", how="left", suffix="_b")
        .with_columns(
            pl.col("label").fill_null(pl.col("a")), pl.col("label_b").fill_null(pl.col("b"))
        )
    )


def _legs(contacts: pl.DataFrame, members: pl.DataFrame, joined: pl.DataFrame) -> pl.DataFrame:
    """Number the legs of each journey, and say which evidence brought each to it."""
    columns = ["contact", *_ID, "started_at", "ended_at", "day"]
    itself = pl.concat_str("org", pl.lit(":"), "conversation_id")
    known = contacts.select(columns)
    several = (
        known.join(members, on="contact")
        .sort("label", "contact")
        .with_columns(
            journey_id=itself.first().over("label"),
            day=pl.col("day").first().over("label"),
            leg_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("label"),
        )
        .join(_reasons(joined), on="contact", how="left")
    )
    singles = known.join(members, on="contact", how="anti").with_columns(
        label="contact",
        is_cut=pl.lit(value=False),
        journey_id=itself,
        leg_number=pl.lit(1, pl.Int32),
    )
    first = pl.col("leg_number") == 1
    return pl.concat([several, singles], how="diagonal").with_columns(
        link=pl.when(first).then(pl.lit("first")).otherwise("link"),
        score=pl.when(first).then(1.0).otherwise("score"),
    )


def _reasons(joined: pl.DataFrame) -> pl.DataFrame:
    """The strongest evidence that touches each conversation."""
    ranks = {link: rank for rank, link in enumerate(STRENGTHS)}
    sides = [joined.select("link", "score", contact=side) for side in ("a", "b")]
    return (
        pl.concat(sides)
        .with_columns(rank=pl.col("link").replace_strict(ranks, return_dtype=pl.Int8))
        .sort("rank", "score", descending=[False, True])
        .unique("contact", keep="first", maintain_order=True)
        .select("contact", "link", "score")
    )


def _with_handle_time(legs: pl.DataFrame, handle_times: pl.DataFrame) -> pl.DataFrame:
    measures = pl.col("handled_count", "handle_ms")
    wanted = (
        legs.select("contact", *_ID)
        .join(handle_times, on=_ID)
        .group_by("contact")
        .agg(measures.sum())
    )
    return legs.join(wanted, on="contact", how="left").with_columns(measures.fill_null(0))


def _journeys(legs: pl.DataFrame) -> pl.DataFrame:
    """Add the legs of each journey up; most are single, and are told without grouping."""
    several = pl.col("label").is_duplicated()
    one = legs.filter(~several).with_columns(
        leg_count=pl.lit(1), org_count=pl.lit(1), orgs=pl.col("org"), first_org=pl.col("org")
    )
    open_yet = pl.col("ended_at").is_null().any()
    grouped = (
        legs.filter(several)
        .sort("label", "leg_number")
        .group_by("label", maintain_order=True)
        .agg(
            pl.col("journey_id", "day", "started_at", "is_cut").first(),
            ended_at=pl.when(~open_yet).then(pl.col("ended_at").max()),
            leg_count=pl.len(),
            org_count=pl.col("org").n_unique(),
            orgs=pl.col("org").unique().sort().str.join(","),
            first_org=pl.col("org").first(),
            handle_ms=pl.col("handle_ms").sum(),
            handled_count=pl.col("handled_count").sum(),
        )
    )
    columns = ["label", *JOURNEYS.frame_schema]
    shaped = [_cast(frame, JOURNEYS, "label") for frame in (one, grouped)]
    return pl.concat([frame.select(columns) for frame in shaped]).sort("label").drop("label")


def _with_reason(apart: pl.DataFrame) -> pl.DataFrame:
    ambiguous = pl.when("is_ambiguous").then(pl.lit("ambiguous"))
    return apart.with_columns(reason=ambiguous.otherwise(pl.lit("too_large")))


def _told(pairs: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Name both conversations of each pair; `day` and `journey_id` are the first one's."""
    second = told.select("contact", other_org="org", other_conversation_id="conversation_id")
    return pairs.join(told, left_on="a", right_on="contact").join(
        second, left_on="b", right_on="contact"
    )


def _cast(frame: pl.DataFrame, table: Table, *order: str) -> pl.DataFrame:
    return frame.select(
        *order, *(pl.col(name).cast(kind) for name, kind in table.frame_schema.items())
    )


def _shaped(frame: pl.DataFrame, table: Table, *order: str) -> pl.DataFrame:
    """Take the table's columns, rows in the order in which conversations started."""
    return _cast(frame.sort(order), table)
