"""`rollups.handle_time` of one day against the SQL that one would write for it.

Belongs here: generated metrics, both ways, and that they agree.

Ours twice: over frames that are there, and from the warehouse batch by batch, as the asset does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.rollups.handle_time import METRICS, handle_time
from aggregation_platform.tables import Partition
from benchmarks.measuring import Figure, figure_of, taking_turns
from benchmarks.warehouses import duckdb_warehouse

DEFAULT_SIZE = 5_000_000
ROUNDS = 3
FRAMES = 100
DAY = date(2026, 1, 5)
COLUMNS = (
    *("org", "queue_id", "media_type", "direction", "user_id", "metric", "value_ms", "emitted_at"),
)
BAR = 2.5

SQL = """
    select time_bucket(interval 30 minutes, emitted_at) as interval_start, org, queue_id,
           media_type, direction, user_id,
           count(*) filter (metric = 'tHandle') as handled_count,
           coalesce(sum(value_ms) filter (metric = 'tHandle'), 0)::bigint as handle_ms,
           count(*) filter (metric = 'tTalkComplete') as talk_count,
           coalesce(sum(value_ms) filter (metric = 'tTalkComplete'), 0)::bigint as talk_ms,
           count(*) filter (metric = 'tHeldComplete') as held_count,
           coalesce(sum(value_ms) filter (metric = 'tHeldComplete'), 0)::bigint as held_ms,
           count(*) filter (metric = 'tAcw') as acw_count,
           coalesce(sum(value_ms) filter (metric = 'tAcw'), 0)::bigint as acw_ms,
           count(*) filter (metric = 'tContacting') as contacting_count,
           coalesce(sum(value_ms) filter (metric = 'tContacting'), 0)::bigint as contacting_ms,
           count(*) filter (metric = 'tDialing') as dialing_count,
           coalesce(sum(value_ms) filter (metric = 'tDialing'), 0)::bigint as dialing_ms
    from facts.session_metrics
    where day = date '2026-01-05' and metric in
          ('tHandle', 'tTalkComplete', 'tHeldComplete', 'tAcw', 'tContacting', 'tDialing')
    group by all
"""


def metrics(rows: int, seed: int) -> pl.DataFrame:
    """Generate metrics of one org's day: 800 agents on 3 of 60 queues each, 15 metric names."""
    dice = np.random.default_rng(seed)
    agents = dice.integers(0, 800, rows)
    start = datetime.combine(DAY, datetime.min.time(), UTC)
    numbers = pl.Series(np.arange(rows))
    given = pl.DataFrame(
        {
            "user_id": _ids("agent", agents),
            "queue_id": _ids("queue", (agents * 7 + dice.integers(0, 3, rows)) % 60),
            "media_type": pl.Series(np.array(["voice", "chat", "email"])[agents % 3]),
            "direction": pl.Series(
                np.array(["inbound", "outbound"])[(dice.random(rows) < 0.2).astype(int)]
            ),
            "metric": pl.Series(np.array([*METRICS, *_OTHERS])[dice.integers(0, 13, rows)]),
            "value_ms": dice.integers(1, 900_000, rows),
            "emitted_at": start
            + pl.Series(dice.integers(0, 86_400 // FRAMES, rows)).cast(pl.Duration("ms")) * 1000,
            "conversation_id": _ids("conversation", numbers // 15),
            "session_id": _ids("session", numbers // 4),
            "org": ["us"] * rows,
            "day": [DAY] * rows,
        }
    )
    return given.select(
        (
            pl.col(name).cast(dtype)
            if name in given.columns
            else pl.lit(0 if dtype.is_integer() else None).cast(dtype).alias(name)
        )
        for name, dtype in SESSION_METRICS.frame_schema.items()
    )


_OTHERS = ("tTalk", "tHeld", "tAlert", "nConnected", "tIvr", "tAcd", "nOffered")


def _ids(kind: str, numbers: object) -> pl.Series:
    """Return ids as long as real ones."""
    text = pl.Series(numbers).cast(pl.String).str.zfill(12)
    return f"{kind:-<12.12}-0000-4000-8000"[:24] + text


def day_of_metrics(rows: int) -> list[pl.DataFrame]:
    """Return a day in frames, one after the other in time as pages of a job are."""
    made = [metrics(rows // FRAMES, seed) for seed in range(10)]
    apart = timedelta(days=1) / FRAMES
    return [
        made[number % 10].with_columns(pl.col("emitted_at") + number * apart)
        for number in range(FRAMES)
    ]


def figures(size: int) -> Iterator[Figure]:
    """Roll up so many metrics, both ways, and compare."""
    frames = day_of_metrics(size)
    with tempfile.TemporaryDirectory(prefix="benchmark-rollup-") as folder:
        warehouse, _ = duckdb_warehouse(Path(folder) / "w.duckdb")
        where = Partition("us", DAY)
        _fill(Path(folder) / "w.duckdb", frames)
        ways = {
            "frames": lambda: _ours(frames),
            "warehouse": lambda: _ours(
                warehouse.read_batches(SESSION_METRICS, [where], columns=COLUMNS)
            ),
            "SQL": lambda: _peer(Path(folder) / "w.duckdb"),
        }
        _compare(_ours(frames), _peer(Path(folder) / "w.duckdb"))
        seconds = taking_turns(ways, ROUNDS)
    rows = f"{sum(frame.height for frame in frames):,} rows"
    for name, bar in (("frames", BAR), ("warehouse", None)):
        yield figure_of(
            f"rollup: handle_time from {name}",
            seconds,
            ours=name,
            peer="SQL",
            size=rows,
            bar=bar,
            note="answers equal; SQL reads its own native table and gives no names",
        )


def _fill(path: Path, frames: list[pl.DataFrame]) -> None:
    with duckdb.connect(str(path)) as connection:
        for frame in frames:
            naive = frame.with_columns(pl.col("emitted_at").dt.replace_time_zone(None))
            connection.register("naive", naive.to_arrow())
            connection.execute("insert into facts.session_metrics by name select * from naive")


def _ours(chunks: Any) -> pl.DataFrame:  # noqa: ANN401 - frames or an iterator of them
    return handle_time(chunks, day=DAY, queues=QUEUES.empty(), agents=AGENTS.empty())


def _peer(path: Path) -> pl.DataFrame:
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return pl.DataFrame(connection.sql(SQL).to_arrow_table())


def _compare(ours: pl.DataFrame, peers: pl.DataFrame) -> None:
    keys = ["interval_start", "org", "queue_id", "media_type", "direction", "user_id"]
    names = [*keys, *(name for name in peers.columns if name not in keys)]
    pair = [
        frame.select(
            pl.col(name).cast(pl.Datetime("us")) if name == "interval_start" else pl.col(name)
            for name in names
        ).sort(keys)
        for frame in (ours.with_columns(pl.col("interval_start").dt.replace_time_zone(None)), peers)
    ]
    if not pair[0].equals(pair[1]):
        raise ValueError("the rollup and the SQL differ")
