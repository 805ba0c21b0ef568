"""How much of what was handled has a known queue and a known agent.

Belongs here: match rates. Elsewhere: the mappings themselves (identity/).
"""

from __future__ import annotations

import polars as pl

from aggregation_platform.identity.tables import NONE, UNMAPPED

_KINDS = {"queue": "global_queue", "agent": "global_agent_id"}


def match_rates(cells: pl.DataFrame) -> pl.DataFrame:
    """Return match rates per org, day and kind (`queue`, `agent`) from `rollups.handle_time`.

    Only what has an id can match: `(none)` is neither matched nor unmatched. `record_rate` is
    by handled sessions, `volume_rate` by handle time; both from 0 to 1, null where there was
    nothing to match.

    Returns:
        org, day, kind, matched_count, unmatched_count, matched_ms, unmatched_ms, record_rate,
        volume_rate; sorted.
    """
    rates = [_of_kind(cells, kind, column) for kind, column in _KINDS.items()]
    return pl.concat(rates).sort("org", "day", "kind")


def _of_kind(cells: pl.DataFrame, kind: str, column: str) -> pl.DataFrame:
    known, unknown = ~pl.col(column).is_in([NONE, UNMAPPED]), pl.col(column) == UNMAPPED
    count, ms = pl.col("handled_count"), pl.col("handle_ms")
    sums = cells.group_by("org", "day").agg(
        matched_count=count.filter(known).sum(),
        unmatched_count=count.filter(unknown).sum(),
        matched_ms=ms.filter(known).sum(),
        unmatched_ms=ms.filter(unknown).sum(),
    )
    return sums.select(
        "org",
        "day",
        pl.lit(kind).alias("kind"),
        pl.exclude("org", "day"),
        record_rate=_share("matched_count", "unmatched_count"),
        volume_rate=_share("matched_ms", "unmatched_ms"),
    )


def _share(part: str, rest: str) -> pl.Expr:
    whole = pl.col(part) + pl.col(rest)
    return pl.when(whole > 0).then(pl.col(part) / whole)
