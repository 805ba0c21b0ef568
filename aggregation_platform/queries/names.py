"""Names of agents. They are personal data: a role that may not read them has none.

Belongs here: reading them from `identity.agents`. Elsewhere: queues' names, which every figure has
(handle_time.py), organizations' (configuration), who may read what (warehouse/roles).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.warehouse.store import Warehouse

_AGENTS = """
SELECT org, user_id, global_agent_id, agent_name, valid_from FROM identity.agents
WHERE valid_from <= ? ORDER BY valid_from, org DESC, user_id DESC
"""


@dataclass(frozen=True)
class AgentNames:
    """Names as they were on a day, or before it where there was none on it.

    Args:
        accounts: org, user_id, global_agent_id, agent_name; the latest mapping last.
        are_readable: False where this role may not read `identity.agents`.
    """

    accounts: pl.DataFrame = field(default_factory=pl.DataFrame)
    are_readable: bool = True

    def of_agents(self) -> dict[str, str]:
        """Return the name by user id."""
        return dict(self._named("user_id"))

    def of_global_agents(self) -> dict[str, str]:
        """Return the name by global agent; of several accounts the latest, first org's."""
        return dict(self._named("global_agent_id"))

    def _named(self, key: str) -> Iterator[tuple[str, str]]:
        if self.accounts.is_empty():
            return
        named = self.accounts.filter(pl.col("agent_name").is_not_null())
        yield from named.select(key, "agent_name").iter_rows()


def agent_names(warehouse: Warehouse, day: date) -> AgentNames:
    """Read the names of all agents as of a day."""
    try:
        return AgentNames(warehouse.query(_AGENTS, (day,)))
    except SchemaMismatchError:
        return AgentNames(are_readable=False)
