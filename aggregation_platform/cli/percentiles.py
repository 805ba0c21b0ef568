"""The option --percentiles.

Belongs here: reading it. Elsewhere: the buckets and their error (rollups/sketches.py), adding
percentiles to an answer (aht_answer.py).
"""

from __future__ import annotations

import click


class Percentiles(click.ParamType[tuple[int, ...]]):
    """A comma-separated list of whole percentages."""

    name = "percentiles"

    def convert(
        self,
        value: str | tuple[int, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, ...]:
        """Split and check the list, or fail as wrong usage."""
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        for part in (part.strip() for part in value.split(",")):
            if not part.isdecimal() or not 1 <= int(part) <= 99:
                self.fail(f"{part!r} is no percentile; use whole numbers from 1 to 99.", param, ctx)
            found.append(int(part))
        return tuple(dict.fromkeys(found))
