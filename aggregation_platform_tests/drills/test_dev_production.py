"""`dev-production`, as a person starts and stops it: everything comes up, and nothing stays."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

pytestmark = [pytest.mark.drill, pytest.mark.postgres, pytest.mark.timeout(900)]

PROGRAM = str(Path(sys.executable).with_name("aggregation-platform"))


def test_production_here_ends_in_the_truth_and_ctrl_c_stops_all_of_it(tmp_path: Path):
    command = [PROGRAM, "dev-production", "--conversations-per-day", "30", "--port", "3700"]
    said = tmp_path / "said"
    with (
        said.open("w") as output,
        subprocess.Popen(
            [*command, "--folder", str(tmp_path / "here")],
            cwd=tmp_path,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        try:
            text = await_line(said, process, "Dagster UI: ")
            ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)]
            assert all(answers(port) for port in ports)
            jobs = finished_jobs(text)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.terminate()

    assert "Equal to the simulator's truth, to the millisecond" in text
    assert "applied 0001_ops.sql" in text
    assert jobs == {"org_directory": 3, "org_day": 6, "world_identity": 1, "world_day": 2}
    assert not any(answers(port) for port in ports)
    assert left_over(tmp_path) == []


def finished_jobs(text: str) -> dict[str, int]:
    """Count the runs that filled the two days, in Dagster's storage: the one that was printed."""
    (url,) = re.findall(r"postgresql://\S+", text)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select pipeline_name, count(*) from runs where status = 'SUCCESS' group by 1"
        )
        return dict(cursor.fetchall())


def left_over(folder: Path) -> list[str]:
    """Return the processes that still have the folder in their environment."""
    found: list[str] = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if str(folder).encode() in environment.read_bytes():
                found.append(environment.parent.joinpath("cmdline").read_text())
    return found


def await_line(said: Path, process: subprocess.Popen[bytes], line: str) -> str:
    until = time.monotonic() + 600
    while time.monotonic() < until and process.poll() is None:
        text = said.read_text()
        if line in text:
            return text
        time.sleep(1)
    raise AssertionError(said.read_text())


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
