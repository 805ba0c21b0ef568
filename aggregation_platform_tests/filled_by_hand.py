"""A platform whose org-days are written by hand: no organization, no request, any configuration.

Elsewhere: a platform over simulated organizations (simulated_platform.py).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import yaml

from aggregation_platform.assembly import Assembly
from aggregation_platform.clock import ManualClock
from aggregation_platform.config.load import load_config
from aggregation_platform.defs.assets.declared import key_of
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.built_from import SUMS
from aggregation_platform.defs.jobs import IDENTITY, WORLD_DAY
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.facts.tables import TABLES as FACTS
from aggregation_platform.intervals import day_key
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.store import Finality, WriteStamp
from aggregation_platform_tests.simulated_platform import QUIET

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class ByHand:
    """A configuration of the moment, the warehouse behind it, and Dagster's definitions over both.

    `first_days` names the configured organizations; `configured` takes others over the same rows.
    """

    folder: Path
    instance: dg.DagsterInstance
    first_days: Mapping[str, date]
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    queue_rules: str = ""
    more: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @cached_property
    def assembly(self) -> Assembly:
        rules = self.folder / "queues.csv"
        if self.queue_rules:
            rules.write_text(self.queue_rules, encoding="utf-8")
        content: dict[str, Any] = {
            "organizations": [self._entry(org, day) for org, day in self.first_days.items()],
        }
        if self.queue_rules:
            content["rules"] = {"queues": str(rules)}
        file = self.folder / "platform.yaml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        return Assembly(load_config(file, today=date(2030, 1, 1)), clock=self.clock)

    @cached_property
    def definitions(self) -> dg.Definitions:
        return build_definitions(self.assembly.config, self.assembly)

    def _entry(self, org: str, first_day: date) -> dict[str, object]:
        address = f"http://127.0.0.1:9/{org}"
        entry: dict[str, object] = {"org": org, "api_url": address, "login_url": address}
        entry |= {"client_id": f"client-{org}", "client_secret": "s", "first_day": first_day}
        return entry | dict(self.more.get(org, {}))

    def configured(
        self, first_days: Mapping[str, date], *, queue_rules: str | None = None, **more: Any
    ) -> ByHand:
        """Return the same warehouse under another configuration, as after a restart."""
        rules = self.queue_rules if queue_rules is None else queue_rules
        return ByHand(self.folder, self.instance, first_days, self.clock, rules, more)

    def load(
        self, org: str, day: date, handle_ms: int = 60_000, finality: Finality = "final"
    ) -> None:
        """Store an org's day of one handled session."""
        self.clock.advance(1)
        self.write(RAW, org, day, RAW.empty(), finality)
        for table in FACTS:
            rows = [_handled(org, day, handle_ms)] if table is SESSION_METRICS else []
            self.write(table, org, day, pl.DataFrame(rows, schema=table.frame_schema), finality)

    def write(
        self, table: Table, org: str, day: date, frame: pl.DataFrame, finality: Finality = "final"
    ) -> None:
        """Replace an org's day of a table."""
        self.assembly.warehouse.replace_partition(
            table,
            Partition(org, day),
            frame,
            self.assembly.grant,
            stamp=WriteStamp("by hand", finality, self.clock.now()),
        )

    def build(self, *days: date) -> None:
        """Map queues and agents, and add up the days; contacts are left out, they take longest."""
        self.run(IDENTITY)
        for day in days:
            self.run(WORLD_DAY, day_key(day), [key_of(table) for table in SUMS])

    def run(
        self, job: str, key: str | None = None, selection: list[dg.AssetKey] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Execute a job in this process; fail with the errors of its steps."""
        self.clock.advance(1)
        ran = self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=key,
            asset_selection=selection,
            instance=self.instance,
            run_config=QUIET,
            raise_on_error=False,
        )
        failed = [
            event.step_failure_data.error for event in ran.all_events if event.is_step_failure
        ]
        assert ran.success, "\n".join(str(error) for error in failed)
        return ran

    @cached_property
    def repository(self) -> dg.RepositoryDefinition:
        return self.definitions.get_repository_def()

    def ticked(
        self, sensor: str, instance: dg.DagsterInstance | None = None
    ) -> dg.SensorExecutionData:
        """Evaluate a sensor as the daemon would; on another instance, if one is given."""
        with dg.build_sensor_context(
            instance=instance or self.instance,
            repository_def=self.repository,
            resources={"assembly": self.assembly},
        ) as context:
            return self.repository.get_sensor_def(sensor).evaluate_tick(context)

    def handled(self) -> dict[tuple[date, str], tuple[int, int]]:
        """Return handled and handle time as published, by day and org."""
        rows = self.assembly.warehouse.query(
            "select day, org, sum(handled_count)::bigint, sum(handle_ms)::bigint"
            " from rollups.handle_time group by day, org"
        ).rows()
        return {(day, org): (count, ms) for day, org, count, ms in rows}


def _handled(org: str, day: date, handle_ms: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SESSION_METRICS.frame_schema.names())
    return row | {
        "org": org,
        "day": day,
        "conversation_id": f"{org}-{day}",
        "session_number": 1,
        "queue_id": "q1",
        "metric": "tHandle",
        "value_ms": handle_ms,
        "emitted_at": datetime.combine(day, NOON.time(), UTC),
    }


@contextmanager
def by_hand(folder: Path, **first_days: date) -> Generator[ByHand]:
    """Put a platform together over an empty warehouse."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield ByHand(folder, instance, first_days)


def days_before(now: datetime, count: int) -> list[date]:
    """Return the last days that are over, in order."""
    return [now.date() - timedelta(days=back) for back in range(count, 0, -1)]
