"""A partition of 1,000,000 metrics written and read: ours against ways without our promises.

Belongs here: writing and reading through both warehouses, in turns with the others.
Elsewhere: the others (partition_peers.py), the rows (rollup.py).

What ours does and the others do not: check of every frame's shape, a hash of the rows, the
partition log, the fence, one transaction, bounded memory, a file that is not held while rows are
made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

import polars as pl

from aggregation_platform.assembly import TABLES
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.opening import open_warehouse
from benchmarks.measuring import Figure, figure_of, taking_turns, told, wall_of
from benchmarks.partition_peers import ORG, PlainDuckDB, StockDuckDB, StockSnowflake
from benchmarks.rollup import DAY, day_of_metrics
from benchmarks.warehouses import duckdb_warehouse, emulated_snowflake, stamp

DEFAULT_SIZE = 1_000_000
ROUNDS = 3
WRITE_BAR = 2.5
READ_BAR = 1.5
"""Of the stock manager's CPU: what the promises above may cost."""
WHERE = Partition(ORG, DAY)
Ways = dict[str, Callable[[], object]]
Readers = dict[str, Callable[[], pl.DataFrame]]


def figures(size: int) -> Iterator[Figure]:
    """Write and read so many rows in every way."""
    frames = day_of_metrics(size)
    whole = pl.concat(frames)
    with tempfile.TemporaryDirectory(prefix="benchmark-partition-") as folder:
        yield from _duckdb(Path(folder), frames, whole)
    yield from _snowflake(frames, whole)


def _duckdb(folder: Path, frames: list[pl.DataFrame], whole: pl.DataFrame) -> Iterator[Figure]:
    warehouse, grant = duckdb_warehouse(folder / "ours.duckdb")
    duckdb_warehouse(folder / "plain.duckdb")
    stock, plain = StockDuckDB(folder / "stock.duckdb"), PlainDuckDB(folder / "plain.duckdb")
    write: Ways = {
        "ours": lambda: warehouse.replace_partition(
            SESSION_METRICS, WHERE, frames, grant, stamp=stamp()
        ),
        "delete and insert by hand": lambda: plain.write(whole),
        stock.name: lambda: stock.write(whole),
    }
    yield from _against("partition: written to DuckDB", write, whole, bar=WRITE_BAR)
    read: Readers = {
        "ours": lambda: warehouse.read(SESSION_METRICS, [WHERE]),
        "select into Arrow": plain.read,
        stock.name: stock.read,
    }
    _compare(read)
    yield from _against("partition: read from DuckDB", {**read}, whole, bar=READ_BAR)


def _against(what: str, ways: Ways, rows: pl.DataFrame, *, bar: float) -> Iterator[Figure]:
    """Take turns; the bar is for the stock manager, the last of the ways."""
    seconds, size = taking_turns(ways, ROUNDS), f"{rows.height:,} rows"
    _, plain, stock = ways
    yield figure_of(what, seconds, ours="ours", peer=plain, size=size)
    yield figure_of(what, seconds, ours="ours", peer=stock, size=size, bar=bar)


def _compare(ways: Readers) -> None:
    chosen = [pl.len(), pl.col("value_ms").sum(), pl.col("session_id").n_unique()]
    found = {name: read().select(chosen).row(0) for name, read in ways.items()}
    if len(set(found.values())) != 1:
        raise ValueError(f"the ways read other rows: {found}")


def _snowflake(frames: list[pl.DataFrame], whole: pl.DataFrame) -> Iterator[Figure]:
    """Write to and read from the emulator by the real connector over a real connection."""
    with emulated_snowflake() as settings:
        warehouse = open_warehouse(settings)
        warehouse.migrate(TABLES)
        grant = warehouse.ensure_lease(WriteGrant("site1", Epoch(1)))

        def replace(rows: list[pl.DataFrame]) -> None:
            warehouse.replace_partition(SESSION_METRICS, WHERE, rows, grant, stamp=stamp())

        with closing(StockSnowflake(settings)) as stock:
            write: Ways = {
                "ours": lambda: replace(frames),
                stock.writer: lambda: stock.write(whole),
                "nothing": lambda: replace([whole.clear()]),
            }
            yield from _by_both_clocks("written to", write, stock.writer, whole, WRITE_BAR)
            replace(frames)
            stock.write(whole)
            read: Readers = {
                "ours": lambda: warehouse.read(SESSION_METRICS, [WHERE]),
                stock.reader: stock.read,
            }
            _compare(read)
            yield from _by_both_clocks("read from", {**read}, stock.reader, whole, READ_BAR)


def _by_both_clocks(
    verb: str, ways: Ways, peer: str, rows: pl.DataFrame, bar: float
) -> Iterator[Figure]:
    """Take turns, by two clocks at once: CPU of this process, and the time that passes.

    The emulator works in a process of its own: its work is in the second alone.
    """
    passed: dict[str, list[float]] = {name: [] for name in ways}

    def clocked(name: str, way: Callable[[], object]) -> Callable[[], None]:
        return lambda: passed[name].append(wall_of(way))

    spent = taking_turns({name: clocked(name, way) for name, way in ways.items()}, ROUNDS)
    size, what = f"{rows.height:,} rows", f"partition: {verb} an emulated Snowflake"
    yield figure_of(f"{what}, our CPU", spent, ours="ours", peer=peer, size=size, bar=bar)
    empty = passed.get("nothing")
    yield figure_of(
        f"{what}, wall time, the emulator's work included",
        passed,
        ours="ours",
        peer=peer,
        size=size,
        note=f"without rows, statements alone: {told(median(empty))}" if empty else "",
    )
