"""A backfill of five organizations through the real daemon, which is killed on the way.

The sensors ask for the newest days of the same organizations meanwhile; the queue is shared.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator
from aggregation_platform_tests.dagster_server import (
    answers,
    backfill_status,
    graphql,
    launch_backfill,
    until,
)

pytestmark = [pytest.mark.drill, pytest.mark.timeout(3600)]
COMMAND = Path(sys.executable).with_name("aggregation-platform")
DAYS = 4
ORGS = ("us", "emea", "apac", "latam", "anz")


@contextmanager
def dagster(config: Path, port: int) -> Generator["subprocess.Popen[bytes]"]:
    """Serve UI and daemon as a group of processes of its own."""
    process = subprocess.Popen(
        [str(COMMAND), "dev", "--config", str(config), "--port", str(port)],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(url_of(port)), within_s=180)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


RUNS = """
query ($filter: RunsFilter!) {
  runsOrError(filter: $filter) { ... on Runs { results { runId status tags { key value } } } }
}
"""


def test_a_backfill_is_bounded_per_organization_and_outlives_its_daemon(tmp_path: Path):
    first = datetime.now(UTC).date() - timedelta(days=30)
    options = SimulatorOptions(
        orgs=ORGS, first_day=first, days=DAYS, conversations_per_day=40, history_days=2
    )
    with Simulator(options) as simulator:
        config = simulator.write_platform_files(tmp_path)
        most: Counter[str] = Counter()
        with dagster(config, 3471) as process:
            backfill = launch(3471, simulator)
            until(lambda: seen(3471, backfill, most)["SUCCESS"] >= 3, within_s=1200)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with dagster(config, 3472):
            until(lambda: is_over(3472, backfill, most), within_s=1800)
            ended = seen(3472, backfill, most)
            status = backfill_status(url_of(3472), backfill)

        stored = Assembly(load_config(config)).warehouse.query(
            "select org, count(*), sum(value_ms)::bigint from facts.session_metrics"
            " where metric = 'tHandle' and day between ? and ? group by org",
            [first, first + timedelta(days=DAYS - 1)],
        )
        truth = {
            org: [simulator.truth.handle_time(org, day) for day in options.simulated_days]
            for org in ORGS
        }

    assert status in ("COMPLETED_SUCCESS", "COMPLETED_FAILED")
    assert ended["SUCCESS"] >= len(ORGS) * DAYS
    assert max(most.values()) == 1
    assert {org: (handled, ms) for org, handled, ms in stored.rows()} == {
        org: (sum(count for count, _ in days), sum(ms for _, ms in days))
        for org, days in truth.items()
    }


def launch(port: int, simulator: Simulator) -> str:
    days = [day.isoformat() for day in simulator.options.simulated_days]
    return launch_backfill(url_of(port), [f"{day}|{org}" for day in days for org in ORGS])


def url_of(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def seen(port: int, backfill: str, most: "Counter[str]") -> "Counter[str]":
    """Count the backfill's runs by status, and the most that one org had under way at once."""
    tags = [{"key": "dagster/backfill", "value": backfill}]
    runs = graphql(url_of(port), RUNS, filter={"tags": tags})["runsOrError"]["results"]
    under_way = Counter(
        tag["value"]
        for run in runs
        if run["status"] in ("STARTED", "STARTING")
        for tag in run["tags"]
        if tag["key"] == "dagster/partition/org"
    )
    for org, count in under_way.items():
        most[org] = max(most[org], count)
    return Counter(run["status"] for run in runs)


def is_over(port: int, backfill: str, most: "Counter[str]") -> bool:
    seen(port, backfill, most)
    return backfill_status(url_of(port), backfill) not in ("REQUESTED", "COMPLETING", "FAILING")
