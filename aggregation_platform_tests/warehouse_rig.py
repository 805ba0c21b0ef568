"""A table, its rows and the warehouses that the contract of warehouses is tried on.

Belongs here: one small table with every kind of column, short ways to write and read it, the
emulator that serves Snowflake's protocol. Elsewhere: the rules themselves (contracts/).
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import uuid4

import dataframely as dy
import polars as pl
import snowflake.connector

from aggregation_platform.clock import SystemClock
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.intervals import Interval
from aggregation_platform.tables import Partition, Table, instant, json_text
from aggregation_platform.warehouse import ops_tables
from aggregation_platform.warehouse.dialects import SNOWFLAKE
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.store import (
    Finality,
    LedgerEntry,
    PartitionWritten,
    Rows,
    Warehouse,
    WriteStamp,
)

MONDAY = date(2026, 1, 5)
TUESDAY = date(2026, 1, 6)
NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)


class Things(dy.Schema):
    """One row per thing of an org's day."""

    org = dy.String()
    day = dy.Date()
    name = dy.String(nullable=True, description="what it's called")
    number = dy.Int64(nullable=True)
    share = dy.Float64(nullable=True)
    is_good = dy.Bool(nullable=True)
    born_on = dy.Date(nullable=True)
    seen_at = instant(nullable=True, description="microseconds, UTC")
    extra = json_text()


class Totals(dy.Schema):
    """One row per number of a day."""

    day = dy.Date()
    number = dy.Int64()


class People(dy.Schema):
    """One row per person, all of them replaced at once."""

    person = dy.String(primary_key=True)
    age = dy.Int64()


THINGS = Table("facts", "things", Things, ("org", "day"))
TOTALS = Table("rollups", "totals", Totals, ("day",))
PEOPLE = Table("directory", "people", People)
TABLES = (*ops_tables.TABLES, THINGS, TOTALS, PEOPLE)
WRITTEN_TO = (
    *(ops_tables.LEASE, ops_tables.MUTEX, ops_tables.PARTITION_LOG, ops_tables.EXTRACTION_LEDGER),
    *(THINGS, PEOPLE),
)
"""The tables that a write of THINGS or PEOPLE touches."""


def things(org: str, day: date, *names: str | None, number: int | None = None) -> pl.DataFrame:
    """Return one row per name."""
    rows = [{"org": org, "day": day, "name": name, "number": number} for name in names]
    return rows_of(THINGS, rows)


def rows_of(table: Table, rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Return rows in the table's shape; columns left out are null."""
    names = table.frame_schema.names()
    full = [{name: row.get(name) for name in names} for row in rows]
    return pl.DataFrame(full, schema=table.frame_schema)


@dataclass
class Rig:
    """A migrated warehouse with a lease, and short ways to use it."""

    warehouse: Warehouse
    grant: WriteGrant = field(init=False)

    def __post_init__(self) -> None:
        self.grant = self.warehouse.ensure_lease(WriteGrant("site1", Epoch(1)))

    def replace(
        self,
        frames: pl.DataFrame | Iterable[pl.DataFrame],
        *,
        org: str = "us",
        day: date = MONDAY,
        grant: WriteGrant | None = None,
        run_id: str = "run-1",
        finality: Finality = "complete",
        ledger: Iterable[LedgerEntry] = (),
        alongside: Iterable[Rows] = (),
    ) -> PartitionWritten:
        """Replace a partition of THINGS."""
        return self.warehouse.replace_partition(
            THINGS,
            Partition(org, day),
            frames,
            grant or self.grant,
            stamp=WriteStamp(run_id, finality, NOON),
            ledger=tuple(ledger),
            alongside=tuple(alongside),
        )

    def names(self, org: str = "us", day: date = MONDAY) -> list[str | None]:
        """Return the names in a partition of THINGS, sorted."""
        return self.warehouse.read(THINGS, [Partition(org, day)])["name"].sort().to_list()

    def log(self) -> list[dict[str, object]]:
        """Return the partition log, ordered."""
        rows = self.warehouse.read(ops_tables.PARTITION_LOG, [Partition()])
        return rows.sort("table_name", "org", "day").to_dicts()

    def ledger(self) -> list[dict[str, object]]:
        """Return the extraction ledger, ordered."""
        rows = self.warehouse.read(ops_tables.EXTRACTION_LEDGER, [Partition()])
        return rows.sort("org", "interval_from", "attempt_id").to_dicts()


def ledger_entry(attempt_id: str = "attempt-1", *, rows: int = 1) -> LedgerEntry:
    """Return the entry of one attempt at Monday."""
    return LedgerEntry(
        org="us",
        dataset="conversations",
        interval=Interval.of_day(MONDAY),
        state="complete",
        rows=rows,
        bytes=100,
        content_hash="abc",
        attempt_id=attempt_id,
        data_available_to=NOON,
        requests_by_outcome={"429": 1, "2xx": 3},
    )


def emptied(settings: SnowflakeSettings, tables: Iterable[Table] = TABLES) -> None:
    """Delete all rows of tables, by default of all, lease and log included."""
    connection = snowflake.connector.connect(**settings.connector_arguments())
    for table in tables:
        connection.cursor().execute(f"delete from {SNOWFLAKE.place(table)}")  # noqa: S608 - declared names only
    connection.close()


@contextmanager
def snowflake_emulator() -> Generator[int]:
    """Serve Snowflake's protocol on loopback from a process of its own; give its port."""
    port = _free_port()
    command = [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as server:
        try:
            _await_port(port)
            yield port
        finally:
            server.kill()


def emulated(port: int, *, database: str | None = None) -> SnowflakeSettings:
    """Return settings for a database of its own in the emulator."""
    return SnowflakeSettings(
        account="emulated",
        user="writer",
        password="writer",
        database=database or f"T{uuid4().hex[:12]}".upper(),
        host="127.0.0.1",
        port=port,
        protocol="http",
        network_timeout_s=2,
        attempts=8,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int) -> None:
    clock = SystemClock()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            clock.sleep(0.1)
        else:
            return
    raise TimeoutError(f"no emulator on port {port}")
