"""One org's day, from details job to DuckDB, with real processes.

Belongs here: the simulated org as a process, the loading process and its stages.
Elsewhere: the work itself: the same extraction and the same Dagster job that `materialize` runs.

The pages come from a simulator that makes each record when asked; fetching takes as long as that
takes. So fetching is told as CPU of the loading process, and beside it stands the time below which
no client may go: pages / requests per second, each permit resting a second after its reply.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

from benchmarks.measuring import MIB, Figure, forget_peak, peak_mib

DEFAULT_SIZE = 1_000_000
MEMORY_BAR_MIB = 1536.0
DAY = date(2026, 1, 5)
ORG = "us"
FETCHED = "fetched and landed"
REQUESTS_PER_SECOND = 5
"""Of a real organization; the simulated one allows more, so that waiting is not measured."""


@dataclass(frozen=True)
class Stage:
    """What one stage took; `peak_mib` is the most the process held during it."""

    name: str
    wall_s: float
    cpu_s: float
    peak_mib: float


class Stages:
    """Stages of one process, one after the other."""

    def __init__(self) -> None:
        self.done: list[Stage] = []
        self._name = ""
        self._wall = self._cpu = 0.0

    def begin(self, name: str) -> None:
        """End the stage under way and begin one."""
        self.end()
        forget_peak()
        self._name, self._wall, self._cpu = name, time.perf_counter(), time.process_time()

    def end(self) -> None:
        """End the stage under way."""
        if not self._name:
            return
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self.done.append(Stage(self._name, wall, cpu, peak_mib()))
        sys.stderr.write(f"  {self.done[-1]}\n")
        self._name = ""


class StagedWarehouse:
    """A warehouse that begins a stage where its caller does."""

    def __init__(self, warehouse: Any, stages: Stages) -> None:  # noqa: ANN401 - passes through
        self._warehouse = warehouse
        self._stages = stages

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - passes through
        return getattr(self._warehouse, name)

    def replace_partition(self, table: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401
        """Replace as a stage of its own; raw's frames are made while they are written."""
        before = "pages to " if table.key == "raw.conversations" else ""
        self._stages.begin(f"{before}{table.key} written")
        written = self._warehouse.replace_partition(table, *given, **named)
        self._stages.begin("between")
        return written

    def read_batches(self, table: Any, *given: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401
        """Read as a stage of its own, what is made of the batches included."""
        self._stages.begin(f"{table.key} read and used")
        yield from self._warehouse.read_batches(table, *given, **named)
        self._stages.begin("between")


def figures(size: int) -> Iterator[Figure]:
    """Load a day of so many conversations; one figure per stage, then the peak and the limit."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-day-") as folder,
        simulated_day(Path(folder), size) as config,
    ):
        told = _loaded(config)
    stages = [Stage(**stage) for stage in told["stages"]]
    count = f"{told['conversations']:,}"
    for stage in stages:
        if stage.wall_s >= 0.05:
            yield Figure(
                what=f"day: {stage.name}",
                size=count,
                ours=f"{stage.cpu_s:.1f} s CPU, {stage.wall_s:.1f} s, {stage.peak_mib:.0f} MiB",
            )
    yield from _sums(stages, told, count)


def _sums(stages: Sequence[Stage], told: dict[str, Any], count: str) -> Iterator[Figure]:
    cpu, wall = sum(each.cpu_s for each in stages), sum(each.wall_s for each in stages)
    highest = max(stages, key=lambda each: each.peak_mib)
    fetching = next(each for each in stages if each.name == FETCHED)
    latency_s = fetching.wall_s / max(1, told["pages"])
    at_once = told["pages"] / REQUESTS_PER_SECOND
    limit_s = max(at_once * (1 + latency_s), told["pages"] * latency_s)
    yield Figure(
        what="day: peak memory of the loading process",
        size=count,
        ours=f"{highest.peak_mib:.0f} MiB ({highest.name})",
        value=highest.peak_mib,
        bar=MEMORY_BAR_MIB,
    )
    own = wall - fetching.wall_s
    yield Figure(
        what="day: loading (without fetching) against what the rate budget takes to fetch",
        size=count,
        ours=f"{own:.0f} s",
        peer=f"budget {limit_s:.0f} s",
        ratio=own / limit_s,
        note=(
            f"{told['pages']} pages at {REQUESTS_PER_SECOND} permits per (1 s + latency): "
            f"{at_once:.0f} s without latency, {limit_s:.0f} s at the {latency_s:.2f} s seen here, "
            "one page after the other, since each names the next"
        ),
    )
    yield Figure(
        what="day: everything",
        size=count,
        ours=f"{cpu:.0f} s CPU, {wall:.0f} s",
        note=f"{told['conversations'] / cpu:,.0f} conversations per CPU second; "
        f"landing {told['landing_mib']:.0f} MiB, warehouse {told['warehouse_mib']:.0f} MiB",
    )


@contextmanager
def simulated_day(folder: Path, size: int) -> Generator[Path]:
    """Serve one org's day from a process of its own; give its platform.yaml."""
    command = [
        *(sys.executable, "-m", "aggregation_platform.simulator", "--port", "0", "--orgs", ORG),
        *("--first-day", DAY.isoformat(), "--days", "1", "--conversations-per-day", str(size)),
        *("--option", f"result_cap={max(400_000, 2 * size)}", "--option", "history_days=2"),
        *("--write", str(folder)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        try:
            line = cast("Any", server.stdout).readline()
            yield Path(json.loads(line)["config"])
        finally:
            server.terminate()


def _loaded(config: Path) -> dict[str, Any]:
    """Run the loading process and return what it told."""
    command = [sys.executable, "-m", "benchmarks.day", str(config)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603 - ours
    return json.loads(ended.stdout.splitlines()[-1])


def load(config_file: Path) -> dict[str, Any]:
    """Do the work in this process, as `materialize` does for one org's day."""
    from aggregation_platform.assembly import Assembly
    from aggregation_platform.config.load import load_config
    from aggregation_platform.extraction.org_day import extract_org_day
    from aggregation_platform.extraction.outcome import OrgDay
    from aggregation_platform.observability.logs import configure_logs

    configure_logs(level="error")
    assembly, stages = Assembly(load_config(config_file)), Stages()
    assembly.__dict__["warehouse"] = StagedWarehouse(assembly.warehouse, stages)
    order = OrgDay(org=ORG, day=DAY, page_size=1000, epoch=assembly.grant.epoch)
    client = assembly.client(ORG)
    client.organization()
    stages.begin(FETCHED)
    found = extract_org_day(
        client, assembly.landing, assembly.local_state, order, clock=assembly.clock
    )
    stages.begin("start of the run")
    _run_job(assembly)
    stages.end()
    return {
        "stages": [asdict(stage) for stage in stages.done],
        "conversations": found.records,
        "pages": found.pages,
        "landing_mib": _size(config_file.parent.rglob("*.json.gz")) / MIB,
        "warehouse_mib": _size(config_file.parent.rglob("*.duckdb")) / MIB,
    }


def _run_job(assembly: Any) -> None:  # noqa: ANN401 - Assembly, imported late
    import dagster as dg

    from aggregation_platform.defs.build import build_definitions
    from aggregation_platform.defs.jobs import ORG_DAY
    from aggregation_platform.defs.partitions import org_day_key
    from aggregation_platform.tables import Partition

    with dg.DagsterInstance.ephemeral() as instance:
        build_definitions(assembly.config, assembly).resolve_job_def(ORG_DAY).execute_in_process(
            partition_key=org_day_key(Partition(org=ORG, day=DAY)),
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(load(Path(sys.argv[1]))) + "\n")
