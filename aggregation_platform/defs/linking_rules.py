"""The limits of linking, as the configuration has them.

Belongs here: from platform.yaml to LinkingRules. Elsewhere: what they mean (journeys/rules.py).
"""

from __future__ import annotations

from aggregation_platform.assembly import Assembly
from aggregation_platform.journeys.rules import LinkingRules


def rules_of(assembly: Assembly) -> LinkingRules:
    """Return the configured limits of linking."""
    configured = assembly.config.rules.journeys
    return LinkingRules(
        correlation_keys=configured.correlation_keys,
        transfer_seconds=configured.transfer_seconds,
        ani_window_minutes=configured.ani_window_minutes,
        max_legs=configured.max_legs,
        max_span_hours=configured.max_span_hours,
        ignored_numbers=configured.ignored_numbers,
        common_number_per_day=configured.common_number_per_day,
        common_value_per_day=configured.common_value_per_day,
        common_value_callers=configured.common_value_callers,
        common_value_minutes=configured.common_value_minutes,
        countries={
            entry.org: entry.country
            for entry in assembly.config.organizations
            if entry.country is not None
        },
    )
