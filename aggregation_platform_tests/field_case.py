"""A platform over one field case: its world over HTTP, its configuration with our address.

Elsewhere: what the API answers (case_server.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from click.testing import CliRunner, Result

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.main import cli
from aggregation_platform.clock import ManualClock
from aggregation_platform.config.load import load_config
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.jobs import IDENTITY, ORG_DAY, WORLD_DAY
from aggregation_platform.defs.materialize import Materialization, reason_of
from aggregation_platform_tests.case_server import CaseOrg, CaseServer, case_server
from aggregation_platform_tests.simulated_platform import QUIET

CASES = Path(__file__).parents[2] / "shared" / "cases"
MONDAY, TUESDAY = date(2026, 11, 2), date(2026, 11, 3)
"""The days of the cases."""

_ADDRESS = "http://127.0.0.1:8850"
_SENSORS = {
    "identity_due": IDENTITY,
    "world_days_due": WORLD_DAY,
    "runs_to_repeat": ORG_DAY,
    "org_days_due": None,
    "directories_due": None,
    "reconciliations_due": None,
}
"""The sensors, and the job of those whose requests are carried out here."""

Handled = dict[tuple[date, str], tuple[int, int]]


@dataclass
class FieldCase:
    """One case: change `orgs` or the rules beside the configuration before it is used."""

    source: Path
    folder: Path
    server: CaseServer
    instance: dg.DagsterInstance
    clock: ManualClock = field(
        default_factory=lambda: ManualClock(datetime(2026, 11, 6, 12, tzinfo=UTC))
    )

    def __post_init__(self) -> None:
        self.config_file = self.folder / "site" / "platform.yaml"
        self.config_file.parent.mkdir()

    @property
    def org(self) -> CaseOrg:
        """The only org of most cases."""
        return self.server.orgs["na"]

    def configure(
        self, name: str = "platform.yaml", *, queues: str = "queues.csv", **changes: str
    ) -> None:
        """Take a configuration of the case; `changes` replace values of its keys."""
        text = (self.source / name).read_text(encoding="utf-8").replace(_ADDRESS, self.server.url)
        for key, value in changes.items():
            before, key_and_rest = text.split(f"{key}: ", 1)
            text = f"{before}{key}: {value}\n{key_and_rest.partition(chr(10))[2]}"
        self.config_file.write_text(text, encoding="utf-8")
        shutil.copy(self.source / queues, self.folder / "queues.csv")
        if (self.source / "agents.csv").exists():
            shutil.copy(self.source / "agents.csv", self.folder)
        self.assembly = Assembly(load_config(self.config_file), clock=self.clock)
        self.definitions = build_definitions(self.assembly.config, self.assembly)

    def materialize(self, *days: date, again: bool = False) -> list[str]:
        """Fetch and build days of all orgs, as the command's process does; return what failed."""
        work = Materialization(
            assembly=self.assembly,
            instance=self.instance,
            orgs=self.assembly.config.orgs,
            days=days,
            say=lambda _: None,
            again=again,
        )
        work.run()
        return work.not_done

    def command(self, *arguments: object) -> Result:
        """Run a command of the program."""
        parts = ["--config", str(self.config_file), *map(str, arguments)]
        return CliRunner().invoke(cli, parts)

    def tick(self, sensor: str) -> list[dg.RunRequest]:
        """Evaluate a sensor as the daemon would; each request must be for what exists."""
        repository = self.definitions.get_repository_def()
        with dg.build_sensor_context(
            instance=self.instance,
            repository_def=repository,
            resources={"assembly": self.assembly},
        ) as context:
            evaluated = repository.get_sensor_def(sensor).evaluate_tick(context)
        return list(evaluated.run_requests or [])

    def let_sensors_run(self) -> set[str]:
        """Tick all sensors twice and carry out what some ask for; return its partitions."""
        done: set[str] = set()
        for _ in range(2):
            self.clock.advance(3600)
            for sensor, job in _SENSORS.items():
                for request in self.tick(sensor):
                    if job is not None:
                        self._carry_out(job, request)
                        done.add(str(request.partition_key))
        return done

    def _carry_out(self, job: str, request: dg.RunRequest) -> None:
        ran = self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=request.partition_key,
            asset_selection=list(request.asset_selection or []) or None,
            instance=self.instance,
            run_config=QUIET,
            raise_on_error=False,
            tags=dict(request.tags),
        )
        assert ran.success, reason_of(ran)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return rows of the warehouse."""
        return self.assembly.warehouse.query(query).rows()

    def handled(self) -> Handled:
        """Return handled and handle time as published, by day and org."""
        found = self.rows(
            "select day, org, sum(handled_count)::bigint, sum(handle_ms)::bigint"
            " from rollups.handle_time group by day, org"
        )
        return {(day, org): (count, ms) for day, org, count, ms in found}


@contextmanager
def field_case(name: str, folder: Path, *, world_of: str | None = None) -> Generator[FieldCase]:
    """Serve the world of a case (or of another one) and make a folder for its platform."""
    text = (CASES / (world_of or name) / "world.json").read_text(encoding="utf-8")
    orgs = {
        org: CaseOrg(world, secret=f"secret of {org}")
        for org, world in json.loads(text)["orgs"].items()
    }
    with case_server(orgs) as server, dg.DagsterInstance.ephemeral() as instance:
        yield FieldCase(CASES / name, folder, server, instance)
