"""A whole platform over simulated organizations, for tests: real parts, loopback, one folder.

Elsewhere: the simulated organizations (aggregation_platform/simulator/).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.clock import Clock, ManualClock
from aggregation_platform.config.load import load_config
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.jobs import DIRECTORY, IDENTITY, ORG_DAY, WORLD_DAY
from aggregation_platform.defs.partitions import org_day_key
from aggregation_platform.intervals import day_key
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator
from aggregation_platform.tables import Partition

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class SimulatedPlatform:
    """The simulator, the configuration it wrote, the parts and Dagster's definitions over them."""

    simulator: Simulator
    config_file: Path
    config: PlatformConfig
    assembly: Assembly
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    @property
    def days(self) -> tuple[date, ...]:
        return self.simulator.options.simulated_days

    def run(self, job: str, key: str | None = None, **tags: str) -> dg.ExecuteInProcessResult:
        """Execute a job in this process; tags are of our own prefix."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=key,
            instance=self.instance,
            run_config=QUIET,
            raise_on_error=False,
            tags={f"aggregation_platform/{name}": value for name, value in tags.items()},
        )

    def org_day(self, org: str, day: date, **tags: str) -> dg.ExecuteInProcessResult:
        return self.run(ORG_DAY, org_day_key(Partition(org=org, day=day)), **tags)

    def world_day(self, day: date) -> dg.ExecuteInProcessResult:
        return self.run(WORLD_DAY, day_key(day))

    def fill(self) -> None:
        """Materialize everything that is simulated."""
        for org in self.config.orgs:
            self.must(self.run(DIRECTORY, org))
        for day in self.days:
            for org in self.config.orgs:
                self.must(self.org_day(org, day))
        self.must(self.run(IDENTITY))
        for day in self.days:
            self.must(self.world_day(day))

    def must(self, ran: dg.ExecuteInProcessResult) -> None:
        """Fail with the errors of the steps that failed."""
        errors = [
            event.step_failure_data.error for event in ran.all_events if event.is_step_failure
        ]
        assert ran.success, "\n".join(str(error) for error in errors)


def clock_within_today() -> ManualClock:
    """Return a clock that has four hours of today before it, whatever the time is.

    By Dagster's own clock tomorrow has no partition yet, and sensors may not ask for one.
    """
    now = datetime.now(UTC)
    return ManualClock(min(now, now.replace(hour=20, minute=0)))


@contextmanager
def simulated_platform(
    folder: Path, *, clock: Clock | None = None, **options: Any
) -> Generator[SimulatedPlatform]:
    """Start simulated organizations and put a platform over them together.

    Args:
        folder: Everything is written below it.
        clock: For simulator and platform alike; None: the system's.
        options: Of the simulator.
    """
    given: dict[str, Any] = {"first_day": date(2026, 11, 10), "days": 2}
    given |= {"conversations_per_day": 60, **options}
    with Simulator(SimulatorOptions(**given), clock) as simulator:
        config_file = simulator.write_platform_files(folder)
        config = load_config(config_file)
        assembly = Assembly(config, clock=clock)
        with dg.DagsterInstance.ephemeral() as instance:
            yield SimulatedPlatform(
                simulator=simulator,
                config_file=config_file,
                config=config,
                assembly=assembly,
                definitions=build_definitions(config, assembly),
                instance=instance,
            )


@contextmanager
def one_working_org(folder: Path) -> Generator[SimulatedPlatform]:
    """Put a platform over one organization: yesterday is simulated, and the clock is ours."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    with simulated_platform(
        folder,
        clock=clock_within_today(),
        orgs=("us",),
        first_day=yesterday,
        days=1,
        conversations_per_day=20,
        history_days=2,
    ) as platform:
        yield platform


def ticked(platform: SimulatedPlatform, name: str) -> list[dg.RunRequest]:
    """Evaluate a sensor as the daemon would."""
    repository = platform.definitions.get_repository_def()
    with dg.build_sensor_context(
        instance=platform.instance,
        repository_def=repository,
        resources={"assembly": platform.assembly},
    ) as context:
        requests = list(repository.get_sensor_def(name).evaluate_tick(context).run_requests or [])
    # The daemon gets them over a wire that carries no enum of ours.
    tags = [tag for request in requests for tag in request.tags.values()]
    assert not any(isinstance(tag, Enum) for tag in tags)
    return requests
