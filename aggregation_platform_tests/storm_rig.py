"""The storm: simulated orgs, what goes wrong at them, and processes that extract all the same.

Belongs here: sizes, faults, starting and killing processes, what they leave behind.
Elsewhere: what must hold in the end (drills/test_extraction_storm.py).
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import requests
import yaml

from aggregation_platform.clock import SystemClock
from aggregation_platform.config.load import load_config
from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform.landing.journal import AttemptJournal
from aggregation_platform.landing.zone import LandingZone
from aggregation_platform.local_state.opening import local_state_at
from aggregation_platform.local_state.state import LocalState
from aggregation_platform.raw.conversations import RawConversations

DAY = date(2026, 1, 5)
FETCHED = datetime(2026, 1, 6, tzinfo=UTC)
TRIES = 10
WORKER = Path(__file__).parent / "drills" / "extraction_worker.py"

PER_REQUEST: list[dict[str, Any]] = [
    {"kind": "rate_limited", "probability": 0.02, "retry_after": "1"},
    {"kind": "rate_limited", "probability": 0.01},
    {"kind": "unauthorized", "probability": 0.02},
    {"kind": "server_error", "probability": 0.01, "status": 500},
    {"kind": "server_error", "probability": 0.01, "status": 502},
    {"kind": "server_error", "probability": 0.01, "status": 503},
    {"kind": "server_error", "probability": 0.01, "status": 504},
    {"kind": "slow", "probability": 0.02, "seconds": 0.5},
    {"kind": "drop_before", "probability": 0.01},
    {"kind": "drop_after", "probability": 0.02},
    {"kind": "torn", "probability": 0.02},
    {"kind": "unfulfilled_results", "probability": 0.02},
    {"kind": "duplicates", "probability": 0.1, "count_of": 3},
]
PER_JOB: list[dict[str, Any]] = [
    {"kind": "job_failed", "probability": 0.1},
    {"kind": "job_expired", "probability": 0.1},
    {"kind": "job_stuck", "probability": 0.05},
    {"kind": "job_slow", "probability": 0.2, "seconds": 1.0},
    {"kind": "cursor_expired", "probability": 0.02, "remaining": 4},
    {"kind": "drop_after", "probability": 0.2, "route": "job_create"},
    {"kind": "server_error", "probability": 0.05, "status": 503, "route": "token"},
]


@dataclass(frozen=True)
class Size:
    """How much of a storm."""

    orgs: tuple[str, ...]
    conversations: int
    page_size: int
    per_second: int
    kills: int
    longest_life_s: float
    calm_down: float = 1.0
    """Scales the faults that strike single requests, so that a bigger storm still ends."""
    caps: tuple[str, ...] = ()
    """Limits of the orgs, as options of the simulator."""

    @property
    def faults(self) -> list[dict[str, Any]]:
        scaled = [
            {**fault, "probability": fault["probability"] * self.calm_down} for fault in PER_REQUEST
        ]
        return scaled + PER_JOB


@dataclass(frozen=True)
class Hits:
    """What the kills hit: only those count that ended a process which was running."""

    processes: int = 0
    paging: int = 0
    """Of these, processes that had stored pages of their own."""

    def __add__(self, more: Hits) -> Hits:
        return Hits(self.processes + more.processes, self.paging + more.paging)


@dataclass
class Storm:
    """A simulator and processes that extract from it into one landing zone."""

    url: str
    folder: Path
    size: Size

    def control(self, method: str, what: str, body: object = None) -> Any:
        reply = requests.request(method, f"{self.url}/control/{what}", json=body, timeout=60)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def seen(self, org: str) -> dict[str, Any]:
        """What the org has counted."""
        return self.control("GET", "counters")["orgs"][org]

    def moments(self, org: str) -> list[float]:
        """When requests came, in Unix time."""
        return self.control("GET", "counters?moments=true")["orgs"][org]["moments"]

    def strike(self, **fault: Any) -> int:
        """Switch a fault on."""
        return self.control("POST", "faults", fault)["id"]

    def config(self, name: str) -> Path:
        """A configuration with a landing zone and shared state of its own."""
        told = yaml.safe_load((self.folder / "platform.yaml").read_text())
        for organization in told["organizations"]:
            organization["requests_per_second"] = self.size.per_second
            organization["page_size"] = self.size.page_size
        folder = self.folder / name
        folder.mkdir()
        told["landing"]["url"] = str(folder / "landing")
        told["warehouse"]["duckdb"]["path"] = str(folder / "warehouse.duckdb")
        (folder / "platform.yaml").write_text(yaml.safe_dump(told))
        return folder / "platform.yaml"

    def worker(self, config: Path) -> subprocess.Popen[str]:
        """Start an extracting process; returns once it is about to ask for something."""
        with (config.parent / "worker.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, str(WORKER), str(config), DAY.isoformat(), *self.size.orgs],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", (config.parent / "worker.log").read_text()
        return process

    def finish(
        self, config: Path, process: subprocess.Popen[str], *, but_for: str | None = None
    ) -> list[str]:
        """Let it end; one that reports trouble is started again, as a scheduler would.

        Args:
            config: What to start it with.
            process: The process.
            but_for: Trouble that it may, and then must, end with: how each line of it begins.

        Returns:
            What it said of that trouble.
        """
        said = ""
        for _ in range(TRIES):
            said, _ = process.communicate(timeout=1200)
            troubles = [line for line in said.splitlines() if line.startswith("failed: ")]
            if but_for is None and process.returncode == 0:
                return []
            if but_for and troubles and all(line.startswith(but_for) for line in troubles):
                return troubles
            process = self.worker(config)
        process.kill()
        process.communicate()
        pytest.fail(f"not done after {TRIES} tries: {said[-2000:]}")

    def kill(
        self, config: Path, workers: list[subprocess.Popen[str]], kills: int, dice: random.Random
    ) -> Hits:
        """Kill one of two processes at a random moment, start another; again and again."""
        hits = Hits()
        for _ in range(3 * kills):
            if hits.processes == kills:
                break
            time.sleep(dice.uniform(0.05, self.size.longest_life_s))
            victim = dice.randrange(2)
            workers[victim].kill()  # SIGKILL
            said, _ = workers[victim].communicate()
            if workers[victim].returncode == -signal.SIGKILL:
                hits += Hits(1, int(" paging " in said))
            workers[victim] = self.worker(config)
        return hits


@contextmanager
def storm_over(size: Size, folder: Path) -> Generator[Storm]:
    options = [part for cap in size.caps for part in ("--option", cap)]
    command = [
        *(sys.executable, "-m", "aggregation_platform.simulator", "--port", "0", "--days", "1"),
        *("--orgs", ",".join(size.orgs), "--conversations-per-day", str(size.conversations)),
        *("--write", str(folder), *options),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            yield Storm(url, folder, size)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@contextmanager
def two_workers(storm: Storm, config: Path) -> Generator[list[subprocess.Popen[str]]]:
    """Two processes at once on every org; none outlives the test."""
    workers = [storm.worker(config), storm.worker(config)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


@contextmanager
def shared_state(config: Path) -> Generator[LocalState]:
    """What the processes share at the orgs, as an operator would look at it."""
    folder = load_config(config).state_folder
    state = local_state_at(folder / "shared.sqlite", clock=SystemClock())
    try:
        yield state
    finally:
        state.close()


def zone_of(config: Path) -> LandingZone:
    return LandingZone.open(str(config.parent / "landing"), config.parent)


def attempts(config: Path, org: str) -> tuple[AttemptJournal, ...]:
    return zone_of(config).attempts(org, DAY)


def raw_of(config: Path, org: str) -> pl.DataFrame:
    landed = zone_of(config).landed_day(org, DAY)
    assert landed is not None
    return pl.concat(RawConversations(landed.pages, org=org, day=DAY))


def payloads(raw: pl.DataFrame) -> list[tuple[str | None, str]]:
    """What raw holds of a day, as id and record, sorted."""
    return sorted(zip(raw["conversation_id"], raw["payload"], strict=True), key=str)


def facts(raw: pl.DataFrame, org: str) -> Facts:
    """The day's facts of the records alone: on which page one was found is left out."""
    raw = raw.sort("conversation_id", "payload", nulls_last=True)
    placed = raw.with_columns(
        pl.lit(1, pl.Int64).alias("page"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("position"),
        pl.lit(None, pl.String).alias("job_id"),
        pl.lit(FETCHED).cast(raw.schema["fetched_at"]).alias("fetched_at"),
    )
    return facts_of(placed.select(raw.columns), org=org, day=DAY)
