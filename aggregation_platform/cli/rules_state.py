"""The rules files as they are now, beside the rules that name today's figures.

Belongs here: whether the files can be read, and which rules stay in force when they cannot.
Elsewhere: reading them (config/rules.py), making mappings of them (defs/assets/identity.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregation_platform.assembly import Assembly
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.queries.rules_in_force import rules_in_force_since

SHOWN = 3


@dataclass(frozen=True)
class RulesState:
    """How the rules files are.

    Args:
        mistakes: A line per mistake; none: they can be read.
        in_force_since: When the mappings were last made by rules; None: never.
    """

    mistakes: tuple[str, ...] = ()
    in_force_since: datetime | None = None

    def lines(self) -> list[str]:
        """Return what `status` prints; nothing while the files are well."""
        if not self.mistakes:
            return []
        shown = [f"rules: {line}" for line in self.mistakes[:SHOWN]]
        if len(self.mistakes) > SHOWN:
            shown.append(f"rules: and {len(self.mistakes) - SHOWN} more; `check` names them all")
        since = self.in_force_since
        kept = f"the rules of {since:%Y-%m-%d %H:%M} UTC" if since else "no rules: none were read"
        return [*shown, f"rules: until the files are corrected, {kept} stay in force"]

    def document(self) -> dict[str, object]:
        """Return what `--format json` prints."""
        state = "broken" if self.mistakes else "ok"
        return {
            "state": state,
            "mistakes": list(self.mistakes),
            "in_force_since": self.in_force_since,
        }


def rules_state(assembly: Assembly) -> RulesState:
    """Read the files, and from the warehouse which rules are in force."""
    since = rules_in_force_since(assembly.warehouse)
    try:
        assembly.rules  # noqa: B018 - read for its mistakes
    except ConfigurationError as error:
        return RulesState(tuple(str(error).splitlines()), since)
    return RulesState(in_force_since=since)
