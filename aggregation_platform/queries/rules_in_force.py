"""Since when the mappings are made by the rules that are in force.

Belongs here: the read. Elsewhere: who writes it (defs/versions.py).
"""

from __future__ import annotations

from datetime import datetime

from aggregation_platform.warehouse.store import Warehouse

_MADE = "SELECT MIN(built_at) AS at FROM ops.built_with WHERE named_by = 'rules'"


def rules_in_force_since(warehouse: Warehouse) -> datetime | None:
    """Return when the older of the two mappings was made; None if neither was."""
    found: datetime | None = warehouse.query(_MADE)["at"].item()
    return found
