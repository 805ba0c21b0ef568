"""Names beside the ids of an answer.

Belongs here: which group has a name, and adding it. Elsewhere: reading agents' names
(queries/names.py), printing (aht_print.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.queries.handle_time import queue_names
from aggregation_platform.queries.names import agent_names
from aggregation_platform.rollups.aht import Aht
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.store import Warehouse

NAMED = ("org", "queue", "agent", "global_agent")
"""Groups whose members have ids; beside each is a column `…_name`."""

NOT_READABLE = (
    "agents are shown by id alone: this role may not read identity.agents, which has their names."
)


def name_column(group: str) -> str:
    """Return the column of a group's names: global_agent_name."""
    return f"{group}_name"


def names_of(
    warehouse: Warehouse, config: PlatformConfig, by: Sequence[str], first: date, last: date
) -> tuple[dict[str, Mapping[str, str]], bool]:
    """Return the names by id of each group that has names, and whether agents' may be read."""
    names: dict[str, Mapping[str, str]] = {}
    are_readable = True
    if "org" in by:
        names["org"] = {each.org: each.name for each in known_members(warehouse, config)}
    if "queue" in by:
        names["queue"] = queue_names(warehouse, first, last)
    if "agent" in by or "global_agent" in by:
        agents = agent_names(warehouse, last)
        are_readable = agents.are_readable
        names |= {"agent": agents.of_agents(), "global_agent": agents.of_global_agents()}
    return {name: known for name, known in names.items() if name in by}, are_readable


def with_names(figures: Aht, names: Mapping[str, Mapping[str, str]]) -> Aht:
    """Add a column of names for each group that has them; null where an id has none."""
    columns = {
        name_column(group): pl.col(group).replace_strict(
            dict(known), default=None, return_dtype=pl.String
        )
        for group, known in names.items()
    }
    return Aht(rows=figures.rows.with_columns(**columns), total=figures.total)
