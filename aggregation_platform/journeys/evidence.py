"""What of the facts can show that two conversations are one contact, small enough to hold.

Belongs here: contacts, lines and keys of one org and day, numbers in place of texts.
Elsewhere: pairs made of them (links.py), journeys made of pairs (linking.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from aggregation_platform.journeys.numbers import ignored, number_in
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.tables import INSTANT

CONVERSATION_COLUMNS = (
    "org",
    "day",
    "conversation_id",
    "started_at",
    "ended_at",
    "originating_direction",
    "external_tag",
)
SESSION_COLUMNS = (
    "org",
    "day",
    "conversation_id",
    "session_number",
    "purpose",
    "media_type",
    "direction",
    "ani",
    "dnis",
    "session_dnis",
    "started_at",
    "ended_at",
)
ATTRIBUTE_COLUMNS = ("org", "day", "conversation_id", "name", "value")
"""What `evidence_of` needs of the facts tables; readers may leave the rest."""

_ID = ("org", "conversation_id")
_OUTSIDE = ("customer", "external")
_VALUE_LENGTH = 6
_EMPTY_VALUES = ("unknown", "undefined", "not_set", "notset", "not set", "default", "anonymous")

_CONTACT = {
    "org": pl.String(),
    "conversation_id": pl.String(),
    "started_at": INSTANT,
    "ended_at": INSTANT,
    "number": pl.Int64(),
    "line_ended_at": INSTANT,
    "dnis": pl.Int64(),
    "session_dnis": pl.Int64(),
}
_LINE = {
    "org": pl.String(),
    "conversation_id": pl.String(),
    "line_started_at": INSTANT,
    "line_ended_at": INSTANT,
    "dialled": pl.Int64(),
    "shown": pl.Int64(),
}
_KEY = {"org": pl.String(), "conversation_id": pl.String(), "value": pl.UInt64()}


@dataclass(frozen=True)
class Evidence:
    """What links are made of; the evidence of several orgs and days adds up.

    Args:
        contacts: One row per conversation: when, the caller's number, the numbers it dialled
            (inbound calls only).
        lines: One row per outbound line to the outside: when, the number dialled, the one shown.
        keys: One row per conversation and correlation value, as a hash good for one run.
    """

    contacts: pl.DataFrame
    lines: pl.DataFrame
    keys: pl.DataFrame

    @classmethod
    def sum_of(cls, parts: Iterable[Evidence]) -> Evidence:
        """Add evidence up; conversations must not repeat over the parts."""
        listed = list(parts)
        empty = cls(pl.DataFrame(schema=_CONTACT), pl.DataFrame(schema=_LINE), _no_keys())
        return cls(
            pl.concat([empty.contacts, *(part.contacts for part in listed)]),
            pl.concat([empty.lines, *(part.lines for part in listed)]),
            pl.concat([empty.keys, *(part.keys for part in listed)]),
        )


def evidence_of(
    conversations: pl.DataFrame,
    sessions: pl.DataFrame,
    attributes: pl.DataFrame,
    rules: LinkingRules,
) -> Evidence:
    """Reduce facts of any orgs and days to what can link their conversations.

    A conversation is taken from the partition of the day on which it starts, which every
    re-read brings up to date, and from no other; so evidence of days adds up, and the same
    conversation seen on later days counts once. One whose record has no start begins with its
    first session; with neither it is left out.
    """
    starts = sessions.group_by("org", "day", "conversation_id").agg(
        first=pl.col("started_at").min()
    )
    begun = (
        conversations.join(starts, on=["org", "day", "conversation_id"], how="left")
        .with_columns(started_at=pl.coalesce("started_at", "first"))
        .filter(pl.col("started_at").dt.date() == pl.col("day"))
    )
    outside = sessions.filter(
        pl.col("purpose").is_in(_OUTSIDE), pl.col("media_type") == "voice"
    ).join(begun.select(*_ID, "day"), on=[*_ID, "day"], how="semi")
    return Evidence(
        contacts=_contacts(begun, outside, rules),
        lines=_lines(outside),
        keys=_keys(begun, attributes, rules),
    )


def _contacts(begun: pl.DataFrame, outside: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    never = ignored(rules.ignored_numbers).implode()
    number = number_in("ani")
    callers = (
        outside.filter(pl.col("direction") == "inbound")
        .sort("session_number")
        .unique(_ID, keep="first", maintain_order=True)
        .select(
            *_ID,
            number=pl.when(~number.is_in(never)).then(number),
            line_ended_at="ended_at",
            dnis=number_in("dnis"),
            session_dnis=number_in("session_dnis"),
        )
    )
    inbound = pl.col("originating_direction").fill_null("inbound") == "inbound"
    called = [
        pl.when(inbound).then(pl.col(name)).alias(name)
        for name in ("number", "dnis", "session_dnis")
    ]
    joined = begun.join(callers, on=_ID, how="left").with_columns(called)
    return joined.select(pl.col(name).cast(dtype) for name, dtype in _CONTACT.items())


def _lines(outside: pl.DataFrame) -> pl.DataFrame:
    return (
        outside.filter(pl.col("direction") == "outbound")
        .select(
            *_ID,
            line_started_at="started_at",
            line_ended_at="ended_at",
            dialled=number_in("dnis"),
            shown=number_in("ani"),
        )
        .filter(pl.col("line_started_at").is_not_null(), pl.col("dialled").is_not_null())
    )


def _keys(begun: pl.DataFrame, attributes: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Take configured attributes of all participants, and the tag; degenerate values are none."""
    named = attributes.filter(pl.col("name").is_in(list(rules.correlation_keys))).join(
        begun.select(*_ID, "day"), on=[*_ID, "day"], how="semi"
    )
    told = pl.concat(
        [named.select(*_ID, "value"), begun.select(*_ID, value=pl.col("external_tag"))]
    )
    text = pl.col("value").str.strip_chars().str.to_lowercase()
    core = pl.col("value").str.replace_all(r"[^\p{L}\p{N}]", "")
    alike = core.str.strip_chars(core.str.slice(0, 1)) == ""
    return (
        told.with_columns(value=text)
        .filter(core.str.len_chars() >= _VALUE_LENGTH, ~alike)
        .filter(~pl.col("value").is_in(_EMPTY_VALUES))
        .select(*_ID, value=pl.col("value").hash(seed=0))
        .unique()
    )


def _no_keys() -> pl.DataFrame:
    return pl.DataFrame(schema=_KEY)
