"""What the command tests share: a configuration, and a real warehouse filled by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from aggregation_platform.cli.main import cli
from aggregation_platform.clock import ManualClock
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.facts.tables import CONVERSATIONS, REJECTS, SESSION_METRICS
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.ops_tables import TABLES as OPS_TABLES
from aggregation_platform.warehouse.store import Finality, LedgerEntry, Warehouse, WriteStamp
from aggregation_platform_tests.counted_orgs import counted_orgs

GRANT = WriteGrant("site1", Epoch(1))

ORGANIZATION = """
  - org: {org}
    api_url: http://127.0.0.1:9/{org}
    login_url: http://127.0.0.1:9/{org}
    client_id: client-of-{org}
    client_secret: a-secret
    first_day: {first_day}
"""


@dataclass
class Platform:
    """A platform.yaml, its warehouse, and the command line on it."""

    file: Path
    warehouse: Warehouse
    clock: ManualClock

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(self.file), *arguments])

    def load_facts(
        self,
        org: str,
        day: date,
        metrics: Sequence[dict[str, object]] = (),
        *,
        finality: Finality = "final",
        ledger: Sequence[LedgerEntry] = (),
    ) -> None:
        frame = frame_of(SESSION_METRICS, [{"org": org, "day": day, **row} for row in metrics])
        self.write(SESSION_METRICS, Partition(org, day), frame, finality, ledger)

    def roll_up(
        self, day: date, cells: Sequence[dict[str, object]], *, finality: Finality = "final"
    ) -> None:
        frame = frame_of(HANDLE_TIME, [{"day": day, **row} for row in cells])
        self.write(HANDLE_TIME, Partition(day=day), frame, finality)

    def write(
        self,
        table: Table,
        partition: Partition,
        frame: pl.DataFrame,
        finality: Finality = "final",
        ledger: Sequence[LedgerEntry] = (),
    ) -> None:
        self.clock.advance(60)
        stamp = WriteStamp("a-run", finality, self.clock.now())
        noted = [counted_orgs(self.warehouse, partition)] if table is HANDLE_TIME else []
        self.warehouse.replace_partition(
            table, partition, frame, GRANT, stamp=stamp, ledger=ledger, alongside=noted
        )


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse file with tables and a lease; each test gets a copy."""
    file = tmp_path_factory.mktemp("empty") / "warehouse.duckdb"
    warehouse = open_warehouse(DuckDBSettings(file))
    warehouse.migrate((*OPS_TABLES, RAW, CONVERSATIONS, REJECTS, SESSION_METRICS, HANDLE_TIME))
    warehouse.ensure_lease(GRANT)
    return file


@pytest.fixture
def platform(tmp_path: Path, empty_warehouse: Path) -> Callable[..., Platform]:
    """Return a maker of platforms: `platform(us="2026-01-05", emea="2026-01-06")`."""

    def make(**first_days: str) -> Platform:
        file = tmp_path / "platform.yaml"
        entries = [ORGANIZATION.format(org=org, first_day=day) for org, day in first_days.items()]
        file.write_text("organizations:" + "".join(entries))
        clock = ManualClock(datetime(2026, 1, 8, tzinfo=UTC))
        settings = DuckDBSettings(tmp_path / "data" / "warehouse.duckdb")
        settings.path.parent.mkdir()
        shutil.copyfile(empty_warehouse, settings.path)
        return Platform(file, open_warehouse(settings, clock=clock), clock)

    return make


def frame_of(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Return rows of a table's shape; what a row leaves out is 0, a word, or null."""
    complete = [
        {c.name: row.get(c.name, None if c.nullable else _plain(c.dtype)) for c in table.columns}
        for row in rows
    ]
    return pl.DataFrame(complete, schema=table.frame_schema, orient="row")


def _plain(dtype: pl.DataType) -> object:
    return 0 if dtype.is_integer() else "(none)" if dtype == pl.String else None


def at(day: date, clock: str) -> datetime:
    """Return an instant of the day: `at(day, "09:30")`."""
    return datetime.combine(day, time.fromisoformat(clock), UTC)
