"""Processes that write to a warehouse or hold its file, started by a test and killed at its end.

Belongs here: starting `contracts/warehouse_writer.py`, hearing what it says. Elsewhere: what it
does (there), what is expected (contracts/test_warehouse_over_processes.py).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
WRITER = Path(__file__).parent / "contracts" / "warehouse_writer.py"


@contextmanager
def writer(*arguments: object) -> Generator[subprocess.Popen[str]]:
    """Start a writing process; kill it at the end."""
    command = [sys.executable, str(WRITER), *(str(argument) for argument in arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def holding(file: Path) -> Generator[int]:
    """Let another process hold a DuckDB file, as a notebook left open does; yield its id."""
    code = f"import duckdb, time; held = duckdb.connect({str(file)!r}); print('held', flush=True)"
    command = [sys.executable, "-c", f"{code}; time.sleep(600)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert said(process) == "held"
            yield process.pid
        finally:
            process.kill()
