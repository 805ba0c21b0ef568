"""Either warehouse with the reporting views, and a short way to put handle time into it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml

from aggregation_platform.assembly import TABLES, Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.facts.tables import CONVERSATIONS, SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.rollups.tables import HANDLE_TIME, HANDLE_TIME_SKETCHES
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.ops_tables import DAY_MEMBERS, PARTITION_LOG
from aggregation_platform.warehouse.store import Finality, WriteStamp
from aggregation_platform_tests.configured_warehouse import delete_rows, in_emulator
from aggregation_platform_tests.counted_orgs import counted_orgs

CONFIGURATION = """
organizations:
  - {org: us, region: us-east-1, client_id: a, client_secret: s, first_day: 2026-01-01,
     time_zone: America/New_York}
  - {org: emea, region: eu-central-1, client_id: b, client_secret: s, first_day: 2026-01-01,
     time_zone: Europe/Berlin}
  - {org: india, region: ap-south-1, client_id: c, client_secret: s, first_day: 2027-01-01,
     time_zone: Asia/Kolkata}
reporting: {time_zones: [Asia/Tokyo], fiscal_year_start_month: 4}
"""
WRITTEN = (CONVERSATIONS, SESSION_METRICS, HANDLE_TIME, HANDLE_TIME_SKETCHES, QUEUES, AGENTS)
Cell = tuple[str, str, int, int] | tuple[str, str, int, int, str, str]
READ_AT = datetime(2027, 6, 1, tzinfo=UTC)


@dataclass
class Reporting:
    """The warehouse, and what is told of it."""

    assembly: Assembly

    def load(self, org: str, day: date, *, finality: Finality = "final", after_s: int = 0) -> None:
        """Say that an org's facts of a day are loaded."""
        self.assembly.warehouse.replace_partition(
            SESSION_METRICS,
            Partition(org, day),
            SESSION_METRICS.empty(),
            self.assembly.grant,
            stamp=WriteStamp("test", finality, READ_AT + timedelta(seconds=after_s)),
        )

    def roll_up(self, day: date, *cells: Cell) -> None:
        """Store a day's handle time: org, hh:mm (UTC), handled, milliseconds, queue, agent."""
        rows = [
            {
                "day": day,
                "org": org,
                "interval_start": datetime.fromisoformat(f"{day}T{at}:00+00:00"),
                "handled_count": handled,
                "handle_ms": handle_ms,
                **dict(zip(("global_queue", "global_agent_id"), named, strict=False)),
            }
            for org, at, handled, handle_ms, *named in cells
        ]
        self.assembly.warehouse.replace_partition(
            HANDLE_TIME,
            Partition(day=day),
            filled(rows),
            self.assembly.grant,
            stamp=WriteStamp("test", "final", READ_AT + timedelta(seconds=10)),
            alongside=[counted_orgs(self.assembly.warehouse, Partition(day=day))],
        )

    def converse(
        self, org: str, day: date, conversation_id: str, *, minutes: int, legs: int
    ) -> None:
        """Store one conversation as a day's fetch showed it, `minutes` after READ_AT."""
        row = dict.fromkeys(CONVERSATIONS.frame_schema.names()) | {
            "org": org,
            "day": day,
            "conversation_id": conversation_id,
            "started_at": datetime(2026, 7, 1, 23, 30, tzinfo=UTC),
            "participant_count": legs,
            "session_count": legs,
            "page": 1,
            "position": 0,
            "source": "job",
            "fetched_at": READ_AT + timedelta(minutes=minutes),
        }
        self.assembly.warehouse.replace_partition(
            CONVERSATIONS,
            Partition(org, day),
            pl.DataFrame([row], schema=CONVERSATIONS.frame_schema),
            self.assembly.grant,
            stamp=WriteStamp("test", "complete", READ_AT),
        )

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of one SELECT; instants without their zone."""
        return self.assembly.warehouse.query(sql).rows()


def filled(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Return rows of handle time; texts left out are `q`, numbers 0."""
    empty = {
        name: "q" if dtype == pl.String else 0
        for name, dtype in HANDLE_TIME.frame_schema.items()
        if dtype == pl.String or dtype.is_integer()
    }
    return pl.DataFrame([{**empty, **row} for row in rows], schema=HANDLE_TIME.frame_schema)


@pytest.fixture(scope="session")
def described_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with all tables, views and the configuration's rows, to be copied."""
    folder = tmp_path_factory.mktemp("described")
    assembly = assembled(folder)
    assert assembly.grant.epoch == 1
    return assembly.config.warehouse.duckdb.path


@pytest.fixture(scope="session")
def described_in_emulator(emulator_port: int, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """A database in the emulator with all tables, views and the configuration's rows."""
    folder = tmp_path_factory.mktemp("described")
    assembly = assembled(folder, warehouse=in_emulator(emulator_port))
    assembly.warehouse.migrate(TABLES)
    assert assembly.grant.epoch == 1
    return assembly


@pytest.fixture(params=["duckdb", "emulator"])
def reporting(request: pytest.FixtureRequest, tmp_path: Path) -> Reporting:
    """A warehouse that is told of, and holds no facts yet."""
    if request.param == "emulator":
        emulated: Assembly = request.getfixturevalue("described_in_emulator")
        delete_rows(emulated, WRITTEN)
        delete_rows(emulated, (PARTITION_LOG,), "table_name not like 'reporting.%'")
        delete_rows(emulated, (DAY_MEMBERS,))
        return Reporting(emulated)
    assembly = assembled(tmp_path)
    path = assembly.config.warehouse.duckdb.path
    path.parent.mkdir()
    shutil.copy(request.getfixturevalue("described_file"), path)
    return Reporting(assembly)


def assembled(folder: Path, **sections: object) -> Assembly:
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(CONFIGURATION) | sections))
    return Assembly(load_config(file, today=date(2027, 6, 1)))
