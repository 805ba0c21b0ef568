"""What of the facts can show that two conversations are one contact, small enough to hold.

Belongs here: contacts, lines and keys of one org and day, numbers in place of texts.
Elsewhere: pairs made of them (links.py), journeys made of pairs (linking.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aggregation_platform.journeys.numbers import countries_of, ignored, numbers_in
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.journeys.runs import in_runs
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

OUTSIDE, VOICE = ("customer", "external"), "voice"
"""Purposes and medium of the lines that link. Of other sessions, `evidence_of` needs only those of
conversations whose record has no start."""

_ID = ("org", "conversation_id")
_BY_NAME = pl.arg_sort_by("started_at", *_ID)
_VALUE_LENGTH = 6
_EMPTY_VALUES = ("unknown", "undefined", "not_set", "notset", "not set", "default", "anonymous")

_TEMPLATE = r"\$\{.*\}|\{\{.*\}\}|<%.*%>|^%[^%]+%$|^\{[^{}]+\}$|^\$\([^()]+\)$"
"""A placeholder that a flow should have replaced: `${Call.Id}`, `{{id}}`, `<%= id %>`, `%ID%`."""

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
    "contact": pl.UInt32(),
    "line_started_at": INSTANT,
    "line_ended_at": INSTANT,
    "dialled": pl.Int64(),
    "shown": pl.Int64(),
}
_KEY = {"contact": pl.UInt32(), "value": pl.UInt64()}


@dataclass(frozen=True)
class Evidence:
    """What links are made of; the evidence of several orgs and days adds up.

    Args:
        contacts: One row per conversation: when, the caller's number, the numbers it dialled
            (inbound calls only). Lines and keys name it by its row number, `contact`.
        lines: One row per outbound line to the outside: when, the number dialled, the one shown.
        keys: One row per conversation and correlation value, as a hash good for one run. It is
            odd where the value is a template that nobody filled (`is_template`).
    """

    contacts: pl.DataFrame
    lines: pl.DataFrame
    keys: pl.DataFrame

    @classmethod
    def sum_of(cls, parts: Iterable[Evidence]) -> Evidence:
        """Add evidence up; conversations must not repeat over the parts."""
        contacts, lines, keys = ([pl.DataFrame(schema=kind)] for kind in (_CONTACT, _LINE, _KEY))
        before = 0
        for part in parts:
            contacts.append(part.contacts)
            lines.append(part.lines.with_columns(pl.col("contact") + before))
            keys.append(part.keys.with_columns(pl.col("contact") + before))
            before += part.contacts.height
        return cls(pl.concat(contacts), pl.concat(lines), pl.concat(keys))

    def in_order(self) -> Evidence:
        """Number conversations by start, then org, then conversation id: whatever came first."""
        order = _order(self.contacts)
        places = np.empty(len(order), dtype=np.uint32)
        places[order] = np.arange(len(order), dtype=np.uint32)
        return Evidence(
            self.contacts[order],
            self.lines.with_columns(contact=pl.Series(places[self.lines["contact"].to_numpy()])),
            self.keys.with_columns(contact=pl.Series(places[self.keys["contact"].to_numpy()])),
        )


def _order(contacts: pl.DataFrame) -> NDArray[np.int64]:
    """Sort by start alone, and by names only what starts in the same microsecond."""
    starts = contacts["started_at"].to_physical().to_numpy()
    order = np.argsort(starts)
    tied = in_runs(starts[order])
    rows = order[tied]
    order[tied] = rows[contacts.select("started_at", *_ID)[rows].select(_BY_NAME).to_series()]
    return order


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
    begun = (
        _with_start(conversations, sessions)
        .filter(pl.col("started_at").dt.date() == pl.col("day"))
        .with_row_index("contact")
    )
    places = begun.select("contact", "day", *_ID)
    outside = sessions.filter(pl.col("purpose").is_in(OUTSIDE), pl.col("media_type") == VOICE).join(
        places, on=[*_ID, "day"]
    )
    return Evidence(
        contacts=_contacts(begun, outside, rules),
        lines=_lines(outside, rules),
        keys=_keys(begun, attributes, places, rules),
    )


def _with_start(conversations: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    if not conversations["started_at"].has_nulls():
        return conversations
    place = ["org", "day", "conversation_id"]
    unsaid = conversations.filter(pl.col("started_at").is_null())
    starts = (
        sessions.join(unsaid, on=place, how="semi")
        .group_by(place)
        .agg(first=pl.col("started_at").min())
    )
    return conversations.join(starts, on=place, how="left").with_columns(
        started_at=pl.coalesce("started_at", "first")
    )


def _contacts(begun: pl.DataFrame, outside: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Add to each inbound conversation what its first line from outside tells."""
    callers = (
        outside.filter(pl.col("direction") == "inbound")
        .sort("contact", "session_number")
        .unique("contact", keep="first", maintain_order=True)
    )
    countries = countries_of(callers["org"], rules.countries)
    read = callers.select(
        "contact",
        numbers_in(callers["ani"], countries).alias("number"),
        pl.col("ended_at").alias("line_ended_at"),
        numbers_in(callers["dnis"], countries),
        numbers_in(callers["session_dnis"], countries),
    )
    inbound = pl.col("originating_direction").fill_null("inbound") == "inbound"
    joined = begun.join(read, on="contact", how="left", maintain_order="left").with_columns(
        pl.when(inbound).then(pl.col(name)).alias(name)
        for name in ("number", "dnis", "session_dnis")
    )
    nobodys = ignored(rules.ignored_numbers, rules.countries.values())
    never = pl.col("number").is_in(nobodys.implode())
    usable = joined.with_columns(number=pl.when(~never).then("number"))
    return usable.select(pl.col(name).cast(dtype) for name, dtype in _CONTACT.items())


def _lines(outside: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    lines = outside.filter(pl.col("direction") == "outbound", pl.col("started_at").is_not_null())
    countries = countries_of(lines["org"], rules.countries)
    return lines.select(
        "contact",
        line_started_at="started_at",
        line_ended_at="ended_at",
        dialled=numbers_in(lines["dnis"], countries),
        shown=numbers_in(lines["ani"], countries),
    ).filter(pl.col("dialled").is_not_null())


def _keys(
    begun: pl.DataFrame, attributes: pl.DataFrame, places: pl.DataFrame, rules: LinkingRules
) -> pl.DataFrame:
    """Take configured attributes of all participants, and the tag; degenerate values are none."""
    named = attributes.filter(
        pl.col("name").is_in(list(rules.correlation_keys)), pl.col("value").is_not_null()
    ).join(places, on=[*_ID, "day"])
    tagged = begun.select("contact", value="external_tag").drop_nulls()
    text = pl.col("value").str.strip_chars().str.to_lowercase()
    core = pl.col("value").str.replace_all(r"[^\p{L}\p{N}]", "")
    alike = core.str.strip_chars(core.str.slice(0, 1)) == ""
    return (
        pl.concat([named.select("contact", "value"), tagged])
        .with_columns(value=text)
        .filter(core.str.len_chars() >= _VALUE_LENGTH, ~alike)
        .filter(~pl.col("value").is_in(_EMPTY_VALUES))
        .select("contact", value=_hash_of(pl.col("value")))
        .unique()
    )


def _hash_of(value: pl.Expr) -> pl.Expr:
    """Hash a value; the last bit is kept for whether it is a template."""
    even = value.hash(seed=0) // 2 * 2
    return even + value.str.contains(_TEMPLATE).cast(pl.UInt64)


def is_template(value: pl.Expr) -> pl.Expr:
    """Tell from a key's hash whether its value is a template that nobody filled."""
    return value % 2 == 1
