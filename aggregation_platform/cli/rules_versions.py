"""Which rules named a figure, and which are in the files today.

Belongs here: the rules part of what `explain` tells. Elsewhere: reading the rules
(config/rules.py), noting which were used (defs/versions.py).
"""

from __future__ import annotations

from typing import Any

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import ConfigurationError

Document = dict[str, Any]


def rules_today(assembly: Assembly) -> Document:
    """Tell the rules as the files are now; `built_with` says what was used."""
    files = {
        "queues": _file(assembly.config, "queues"),
        "agents": _file(assembly.config, "agents"),
    }
    try:
        return {"version": assembly.rules.version, "refused": None, **files}
    except ConfigurationError as error:
        return {"version": None, "refused": str(error), **files}


def _file(config: PlatformConfig, name: str) -> str | None:
    path = getattr(config.rules, name)
    return str(path) if path else None


def versions_line(mappings: Document) -> str:
    """Say by which rules the rollup was named, and which stand in the files today."""
    built = {row["named_by"].removeprefix("identity."): row for row in mappings["built_with"]}
    used = {row["rules_version"] for row in built.values()}
    if len(used) > 1:
        told = ", ".join(f"{name} by {row['rules_version']}" for name, row in built.items())
        said = f"built with two rules versions ({told})"
    else:
        said = f"built with rules version {used.pop() if used else 'not recorded'}"
    rules = mappings["rules"]
    said += f"; today's is {rules['version'] or 'refused: ' + rules['refused']}"
    again = [name for name, row in built.items() if _is_other(row)]
    return f"{said}. Made again since, with another content: {', '.join(again)}." if again else said


def _is_other(row: Document) -> bool:
    return row["content_hash"] != row["content_hash_since"]
