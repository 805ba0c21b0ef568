"""What is wrong with a partition that was written all the same, and what to do about it.

Belongs here: the checks. Each says in its metadata what to do. Elsewhere: errors that stop a run
(errors.py).
"""

from __future__ import annotations

import dagster as dg


def asset_checks() -> list[dg.AssetChecksDefinition]:
    """Return the checks."""
    return []
