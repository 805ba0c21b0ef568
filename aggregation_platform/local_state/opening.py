"""Choosing the state that a site's processes share.

Belongs here: one address, one state. Elsewhere: where the address comes from (config/).
"""

from __future__ import annotations

from pathlib import Path

from aggregation_platform.clock import Clock
from aggregation_platform.local_state.postgres_state import PostgresState
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.local_state.state import LocalState


def local_state_at(address: str | Path, *, clock: Clock) -> LocalState:
    """Return PostgreSQL's state for a postgresql:// address, SQLite's for the path of a file."""
    if isinstance(address, str) and address.startswith(("postgresql://", "postgres://")):
        return PostgresState(address)
    return SqliteState(Path(address), clock=clock)
