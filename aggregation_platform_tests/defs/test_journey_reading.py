"""The journeys of a day as the asset reads them: little of the facts, and yet the same journeys."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.defs.assets.journeys import linked
from aggregation_platform.facts.tables import ATTRIBUTES, CONVERSATIONS, SESSION_METRICS, SESSIONS
from aggregation_platform.journeys.evidence import evidence_of
from aggregation_platform.journeys.linking import conversation_handle_times, journeys_of_day
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import WriteStamp
from aggregation_platform_tests.simulated_facts import simulated_facts

PLATFORM = """
organizations:
  - {org: us, region: us-east-1, client_id: a, client_secret: s, first_day: 2026-01-01}
  - {org: emea, region: eu-central-1, client_id: b, client_secret: s, first_day: 2026-01-01}
  - {org: apac, region: ap-southeast-2, client_id: c, client_secret: s, first_day: 2026-01-01}
"""
STAMP = WriteStamp("test", "final", datetime(2026, 2, 1, tzinfo=UTC))
SOURCES = (CONVERSATIONS, SESSIONS, ATTRIBUTES, SESSION_METRICS)


def facts() -> dict[str, pl.DataFrame]:
    """Two simulated days; every fifth record does not say when it started."""
    world = simulated_facts(20260105)
    frames = {table.name: world.frame(table.name) for table in SOURCES}
    unsaid = pl.col("conversation_id").hash(seed=1) % 5 == 0
    frames["conversations"] = frames["conversations"].with_columns(
        started_at=pl.when(~unsaid).then("started_at")
    )
    return frames


def stored(folder: Path, frames: dict[str, pl.DataFrame]) -> Assembly:
    file = folder / "platform.yaml"
    file.write_text(PLATFORM)
    assembly = Assembly(load_config(file))
    for table in SOURCES:
        for (org, day), rows in frames[table.name].group_by("org", "day"):
            where = Partition(str(org), date.fromisoformat(str(day)))
            assembly.warehouse.replace_partition(table, where, rows, assembly.grant, stamp=STAMP)
    return assembly


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory):
    frames = facts()
    return frames, stored(tmp_path_factory.mktemp("journeys"), frames)


def test_a_stored_day_has_the_journeys_that_all_its_facts_have(told):
    frames, assembly = told
    rules = LinkingRules()
    evidence = evidence_of(frames["conversations"], frames["sessions"], frames["attributes"], rules)
    handle_times = conversation_handle_times(frames["session_metrics"])

    for day in frames["conversations"]["day"].unique():
        from_facts = journeys_of_day(day, evidence, handle_times, rules)
        from_warehouse = linked(assembly, day)

        assert from_facts.journeys.filter(pl.col("leg_count") > 1).height > 20
        for name in ("legs", "journeys", "links", "reviews"):
            assert getattr(from_warehouse, name).equals(getattr(from_facts, name)), name
