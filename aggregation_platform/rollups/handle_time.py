"""Handle time by half hour, queue, agent, media type and direction, under global names.

Belongs here: which metrics are handle time and its parts, and their sums.
Elsewhere: the average (aht.py), its distribution (sketches.py), the names (identity/members.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from aggregation_platform.identity.members import with_agent_members, with_queue_members
from aggregation_platform.rollups.cells import AGENT_IDS, Measure, cells_of, shaped
from aggregation_platform.rollups.cells import sum_of as sum_of_cells
from aggregation_platform.rollups.tables import HANDLE_TIME

MEASURES = (
    Measure("handled_count", "tHandle", "count"),
    Measure("handle_ms", "tHandle", "sum"),
    Measure("talk_count", "tTalkComplete", "count"),
    Measure("talk_ms", "tTalkComplete", "sum"),
    Measure("held_count", "tHeldComplete", "count"),
    Measure("held_ms", "tHeldComplete", "sum"),
    Measure("acw_count", "tAcw", "count"),
    Measure("acw_ms", "tAcw", "sum"),
    Measure("contacting_count", "tContacting", "count"),
    Measure("contacting_ms", "tContacting", "sum"),
    Measure("dialing_count", "tDialing", "count"),
    Measure("dialing_ms", "tDialing", "sum"),
)
"""`tTalk` and `tHeld` are not here: they are emitted per stretch, and would count twice."""

METRICS = tuple(dict.fromkeys(measure.metric for measure in MEASURES))
"""The metrics that a reader of `facts.session_metrics` may restrict itself to."""


def handle_time(
    session_metrics: pl.DataFrame | Iterable[pl.DataFrame],
    *,
    day: date,
    queues: pl.DataFrame,
    agents: pl.DataFrame,
) -> pl.DataFrame:
    """Return `rollups.handle_time` of one UTC day, of one org or of many.

    Each metric counts on its own emit time. `tHandle` is read, never recomputed from its parts.
    Memory is bounded by the largest chunk and by the number of cells.

    Args:
        session_metrics: `facts.session_metrics` of that day, whole or in chunks of any cut.
        day: The partition's day.
        queues: `identity.queues`; the rows valid on the day give names and global queues.
        agents: `identity.agents`, likewise.

    Source:
        Genesys Cloud Resource Center, glossary, "average handle time (AHT)" and "handle time".
    """
    chunks = [session_metrics] if isinstance(session_metrics, pl.DataFrame) else session_metrics
    cells = sum_of(handle_time_partial(chunk) for chunk in chunks)
    return labelled(cells, day=day, queues=queues, agents=agents)


def handle_time_partial(chunk: pl.DataFrame) -> pl.DataFrame:
    """Add up a chunk of session metrics by ids alone; partial sums add up with `sum_of`."""
    return cells_of(chunk, AGENT_IDS, MEASURES)


def sum_of(partials: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add up partial sums: the sum over any cut into chunks is the sum over the whole."""
    return sum_of_cells(partials, AGENT_IDS, MEASURES)


def labelled(
    cells: pl.DataFrame, *, day: date, queues: pl.DataFrame, agents: pl.DataFrame
) -> pl.DataFrame:
    """Give the cells of a day their names and global members; no sum changes by it."""
    named = with_agent_members(with_queue_members(cells, queues, day), agents, day)
    return shaped(named.with_columns(day=pl.lit(day, pl.Date)), HANDLE_TIME)


def relabelled(
    rows: pl.DataFrame, *, as_of: date, queues: pl.DataFrame, agents: pl.DataFrame
) -> pl.DataFrame:
    """Tell rows of `rollups.handle_time` under the mapping of one day, whichever day they are of.

    The rollup itself is by the mapping valid then (as-was); with today as `as_of` this is the
    same figures by today's mapping (as-is). No sum changes by it.
    """
    ids = rows.drop("queue_name", "global_queue", "global_agent_id")
    return shaped(
        with_agent_members(with_queue_members(ids, queues, as_of), agents, as_of), HANDLE_TIME
    )
