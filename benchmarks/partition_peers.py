# ruff: noqa: ANN401
# pyright: basic, reportMissingImports=false
# The peers are installed by `make bench` alone, and most of them say nothing of their types.
"""How others write and read a partition: what benchmarks/partition.py holds ours against.

Belongs here: Dagster's stock polars I/O managers, plain DuckDB, the Snowflake connector's
write_pandas, and what each needs to run on this DuckDB and on the emulator.
Elsewhere: taking turns.

The stock Snowflake manager for polars writes through a driver in Go that the emulator does not
answer, so only its reading is here. The stock one for pandas writes by write_pandas, which is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import snowflake.connector
from dagster._core.storage.db_io_manager import TableSlice
from dagster_duckdb_polars import DuckDBPolarsIOManager
from dagster_snowflake_polars.snowflake_polars_type_handler import SnowflakePolarsTypeHandler
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.connector.pandas_tools import write_pandas

from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from benchmarks.rollup import DAY

ORG = "us"
PICK = "select * from facts.session_metrics where org = 'us' and day = date '2026-01-05'"
CLEAR = "delete from facts.session_metrics where org = 'us' and day = date '2026-01-05'"
CLEAR_PEER = "delete from peer.session_metrics where org = 'us' and day = date '2026-01-05'"
MAKE_PEER = "create table peer.session_metrics as select * from facts.session_metrics where 1 = 0"

_DAYS = dg.DailyPartitionsDefinition(start_date=DAY.isoformat())
_ORG_DAYS = dg.MultiPartitionsDefinition(
    {"org": dg.StaticPartitionsDefinition([ORG]), "day": _DAYS}
)
_KEY = dg.MultiPartitionKey({"org": ORG, "day": DAY.isoformat()})
_HERE: dict[str, Any] = {
    "asset_key": ["facts", "session_metrics"],
    "partition_key": _KEY,
    "asset_partitions_def": _ORG_DAYS,
    "asset_partition_key_range": dg.PartitionKeyRange(_KEY, _KEY),
}
_COLUMNS = {"partition_expr": {"org": "org", "day": "day"}}


class StockDuckDB:
    """dagster-duckdb-polars, as it comes."""

    name = "dagster-duckdb-polars"

    def __init__(self, path: Path) -> None:
        self._config = {"database": str(path), "connection_config": {}}
        manager = DuckDBPolarsIOManager(**self._config)
        self._manager = manager.create_io_manager(dg.build_init_resource_context())
        # The one method that it reads with and that DuckDB 2 no longer has.
        connection: Any = duckdb.DuckDBPyConnection
        connection.arrow = lambda self: self.to_arrow_reader().read_all()

    def write(self, rows: pl.DataFrame) -> None:
        """Replace the partition."""
        self._manager.handle_output(_output_context(self._config), rows)

    def read(self) -> pl.DataFrame:
        """Read the partition."""
        return self._manager.load_input(_input_context(self._config))


class PlainDuckDB:
    """What one would write by hand, in a transaction and by name."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def write(self, rows: pl.DataFrame) -> None:
        """Replace the partition."""
        with duckdb.connect(self._path) as connection:
            connection.register("given", _naive(rows).to_arrow())
            connection.begin()
            connection.execute(CLEAR)
            connection.execute("insert into facts.session_metrics by name select * from given")
            connection.commit()

    def read(self) -> pl.DataFrame:
        """Read the partition."""
        with duckdb.connect(self._path, read_only=True) as connection:
            return pl.DataFrame(connection.sql(PICK).to_arrow_table())


class StockSnowflake:
    """The connector's write_pandas, and dagster-snowflake-polars, over one connection."""

    writer = "delete and write_pandas"
    reader = "dagster-snowflake-polars"

    def __init__(self, settings: SnowflakeSettings) -> None:
        self._connection = _Connection(
            account=settings.account,
            user=settings.user,
            password=settings.password,
            database=settings.database,
            host=settings.host,
            port=settings.port,
            protocol=settings.protocol,
        )
        for statement in ("create schema if not exists peer", MAKE_PEER, "use schema peer"):
            self._connection.cursor().execute(statement)

    def write(self, rows: pl.DataFrame) -> None:
        """Replace the partition as the stock manager for pandas does: in two transactions."""
        self._connection.cursor().execute(CLEAR_PEER)
        frame = _naive(rows).rename(str.upper).to_pandas()
        done, *_ = write_pandas(self._connection, frame, "SESSION_METRICS", use_logical_type=True)
        if not done:
            raise ValueError("write_pandas did not load the rows")

    def read(self) -> pl.DataFrame:
        """Read the partition, which is all that the table holds."""
        place = TableSlice("session_metrics", "peer", database="BENCHMARK")
        handler = SnowflakePolarsTypeHandler()
        return handler.load_input(_input_context(), place, self._connection)

    def close(self) -> None:
        """End the session."""
        self._connection.close()


class _Cursor(SnowflakeCursor):
    """write_pandas quotes its stage in a way that the emulator's COPY does not read."""

    def execute(self, command: str, *given: Any, **named: Any) -> Any:
        return super().execute(re.sub(r"'@\"(\w+)\"'", r"@\1", command), *given, **named)


class _Connection(snowflake.connector.SnowflakeConnection):
    def cursor(self, cursor_class: Any = _Cursor) -> Any:
        return super().cursor(cursor_class)


def _naive(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("emitted_at").dt.replace_time_zone(None))


def _output_context(config: dict[str, Any] | None = None) -> dg.OutputContext:
    return dg.build_output_context(definition_metadata=_COLUMNS, resource_config=config, **_HERE)


def _input_context(config: dict[str, Any] | None = None) -> dg.InputContext:
    return dg.build_input_context(
        upstream_output=_output_context(config),
        resource_config=config,
        dagster_type=dg.DagsterType(lambda _, __: True, "frame", typing_type=pl.DataFrame),
        **_HERE,
    )
