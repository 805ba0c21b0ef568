"""Filters of `aht`: which members the words on the command line name.

Belongs here: finding a queue, an agent, a media type or a direction among those that the rollup
has, by id or name. Elsewhere: the statements (queries/), agents' names (queries/names.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from aggregation_platform.errors import PlatformError
from aggregation_platform.names import folded, folded_column, nearest
from aggregation_platform.queries.handle_time import known_members
from aggregation_platform.queries.names import AgentNames, agent_names
from aggregation_platform.warehouse.store import Warehouse

_SHOWN = 10
_COLUMNS = {
    "queue": ("global_queue", "queue_name", "queue_id"),
    "agent": ("global_agent_id", "user_id"),
    "media": ("media_type",),
    "direction": ("direction",),
}
Choice = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Words:
    """What was written behind --queue, --agent, --media and --direction."""

    queue: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    direction: tuple[str, ...] = ()

    def given(self) -> dict[str, tuple[str, ...]]:
        """Return the words by option, as far as the option was used."""
        return {name: words for name in _COLUMNS if (words := getattr(self, name))}


def choices(warehouse: Warehouse, words: Words, days: tuple[date, date]) -> tuple[Choice, ...]:
    """Return, per option, the members that its words name.

    Args:
        warehouse: Read only.
        words: The words; a name is compared without regard to case and blanks around it.
        days: The UTC days asked about. A member of other days is known, too.

    Raises:
        PlatformError: If a word names nothing; it names what was probably meant.
    """
    return tuple(
        _choice(warehouse, option, written, days) for option, written in words.given().items()
    )


def _choice(
    warehouse: Warehouse, option: str, written: Sequence[str], days: tuple[date, date]
) -> Choice:
    columns = _COLUMNS[option]
    names = agent_names(warehouse, days[1]) if option == "agent" else AgentNames()
    found: dict[str, set[str]] = {column: set() for column in columns}
    known = known_members(warehouse, columns, days)
    of_all_days: pl.DataFrame | None = None
    for word in written:
        matches = _matches(word, known, names)
        if not matches:
            if of_all_days is None:
                of_all_days = known_members(warehouse, columns, None)
            matches = _matches(word, of_all_days, names) or _refuse(
                option, word, of_all_days, names
            )
        for column, values in matches.items():
            found[column] |= values
    return {column: sorted(values) for column, values in found.items()}


def _matches(word: str, known: pl.DataFrame, names: AgentNames) -> dict[str, set[str]]:
    """Return what has that id or name, by column; empty if nothing has."""
    wanted = folded(word)
    found = {
        column: {value for value in known[column].to_list() if folded(value) == wanted}
        for column in known.columns
    }
    if "user_id" in found and not names.accounts.is_empty():
        named = names.accounts.filter(folded_column("agent_name") == wanted)
        found["global_agent_id"] |= {*named["global_agent_id"].to_list()}
        found["user_id"] |= {*named["user_id"].to_list()}
    return {column: values for column, values in found.items() if values}


def _refuse(option: str, word: str, known: pl.DataFrame, names: AgentNames) -> dict[str, set[str]]:
    labels = {str(value) for value in known[known.columns[0]].to_list()}
    if option == "queue":
        labels |= {str(value) for value in known["queue_name"].to_list()}
    if option == "agent" and not names.accounts.is_empty():
        labels |= {*names.accounts["agent_name"].drop_nulls().to_list()}
    near = nearest(word, labels)
    some = ", ".join(sorted(labels)[:_SHOWN]) + (", …" if len(labels) > _SHOWN else "")
    hint = f"did you mean {near!r}?" if near else f"there are: {some or 'none yet'}."
    if not names.are_readable:
        hint += " Write an id: this role may not read identity.agents, which has agents' names."
    raise PlatformError(f"no {option} {word!r} has handle time; {hint}")
