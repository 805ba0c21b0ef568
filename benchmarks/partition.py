"""A partition of 1,000,000 metrics written and read: ours against two ways without our promises.

Belongs here: writing and reading through DuckDBWarehouse, plain DuckDB, the way of Dagster's stock
manager, and the Snowflake store on an emulator. Elsewhere: the rows (rollup.py).

What ours does and the others do not: check of every frame's shape, a hash of the rows, the
partition log, the fence, bounded memory, a file that is not held while rows are made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import cast

import duckdb
import polars as pl

from aggregation_platform.assembly import TABLES
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.opening import open_warehouse
from benchmarks.measuring import Figure, figure_of, taking_turns, told, wall_of
from benchmarks.rollup import DAY, day_of_metrics
from benchmarks.warehouses import duckdb_warehouse, emulated_snowflake, stamp

DEFAULT_SIZE = 1_000_000
EMULATED_SHARE = 20
ROUNDS = 3
WHERE = Partition("us", DAY)
CLEAR = "delete from facts.session_metrics where org = 'us' and day = date '2026-01-05'"
PICK = "select * from facts.session_metrics where org = 'us' and day = date '2026-01-05'"


def figures(size: int) -> Iterator[Figure]:
    """Write and read so many rows in every way."""
    frames = day_of_metrics(size)
    whole = pl.concat(frames)
    rows = f"{whole.height:,} rows"
    with tempfile.TemporaryDirectory(prefix="benchmark-partition-") as folder:
        yield from _duckdb(Path(folder), frames, whole, rows)
    yield from _snowflake(whole.head(size // EMULATED_SHARE))


def _duckdb(
    folder: Path, frames: list[pl.DataFrame], whole: pl.DataFrame, rows: str
) -> Iterator[Figure]:
    warehouse, grant = duckdb_warehouse(folder / "ours.duckdb")
    for name in ("plain", "stock"):
        duckdb_warehouse(folder / f"{name}.duckdb")
    write = {
        "ours": lambda: warehouse.replace_partition(
            SESSION_METRICS, WHERE, frames, grant, stamp=stamp()
        ),
        "delete and insert in one transaction": lambda: _plainly(folder / "plain.duckdb", whole),
        "stock manager's way": lambda: _as_stock(folder / "stock.duckdb", whole),
    }
    seconds = taking_turns(write, ROUNDS)
    for peer in list(write)[1:]:
        yield figure_of("partition: written to DuckDB", seconds, ours="ours", peer=peer, size=rows)
    read: dict[str, Callable[[], pl.DataFrame]] = {
        "ours": lambda: warehouse.read(SESSION_METRICS, [WHERE]),
        "select into Arrow": lambda: _read_plainly(folder / "plain.duckdb"),
    }
    _compare(read["ours"](), read["select into Arrow"]())
    seconds = taking_turns(read, ROUNDS)
    yield figure_of(
        "partition: read from DuckDB",
        seconds,
        ours="ours",
        peer="select into Arrow",
        size=rows,
        note="ours goes by Parquet on disk, so that memory is bounded and the file is let go",
    )


def _naive(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("emitted_at").dt.replace_time_zone(None))


def _plainly(path: Path, rows: pl.DataFrame) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.register("given", _naive(rows).to_arrow())
        connection.begin()
        connection.execute(CLEAR)
        connection.execute("insert into facts.session_metrics by name select * from given")
        connection.commit()


def _as_stock(path: Path, rows: pl.DataFrame) -> None:
    """As dagster-duckdb-polars does: two statements that commit on their own, by position."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(CLEAR)
        connection.register("given", _naive(rows).to_arrow())
        connection.execute("insert into facts.session_metrics select * from given")


def _read_plainly(path: Path) -> pl.DataFrame:
    with duckdb.connect(str(path), read_only=True) as connection:
        return cast("pl.DataFrame", pl.from_arrow(connection.sql(PICK).to_arrow_table()))


def _compare(ours: pl.DataFrame, peers: pl.DataFrame) -> None:
    chosen = [pl.len(), pl.col("value_ms").sum(), pl.col("session_id").n_unique()]
    if not ours.select(chosen).equals(peers.select(chosen)):
        raise ValueError("the two ways read other rows")


def _snowflake(rows: pl.DataFrame) -> Iterator[Figure]:
    """Write to the emulator; how long that takes says more about the emulator than about us.

    The connector's write_pandas is no peer here: it uploads past the statement interface, and the
    emulator, served over its port, does not answer that upload.
    """
    with emulated_snowflake() as settings:
        warehouse = open_warehouse(settings)
        warehouse.migrate(TABLES)
        grant = warehouse.ensure_lease(WriteGrant("site1", Epoch(1)))
        ways = {
            "ours": lambda: warehouse.replace_partition(
                SESSION_METRICS, WHERE, rows, grant, stamp=stamp()
            ),
            "nothing": lambda: warehouse.replace_partition(
                SESSION_METRICS, WHERE, rows.clear(), grant, stamp=stamp()
            ),
        }
        seconds = taking_turns(ways, ROUNDS, measure=wall_of)
    yield Figure(
        what="partition: written to an emulated Snowflake",
        size=f"{rows.height:,} rows",
        ours=f"{told(median(seconds['ours']))} of wall time",
        peer=f"without rows {told(median(seconds['nothing']))}",
        note="the emulator's own cost, nearly all of it; write_pandas cannot run against it",
    )
