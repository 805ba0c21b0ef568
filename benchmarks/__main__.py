"""`python -m benchmarks [NAME] [--size N]`: run benchmarks, print one table.

Belongs here: which benchmarks there are, a process for each, the table.
Elsewhere: each benchmark (its file), how they measure (measuring.py).

Each runs in a process of its own, so that its peak of memory is its own. The exit status is 0
unless a benchmark could not run: a figure over its bar is for a person to look at.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Figure, peak_mib

NAMES = ("facts", "landing", "day", "journeys", "rollup", "partition")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", nargs="?", choices=NAMES, help="all of them by default")
    parser.add_argument("--size", type=int, help="conversations or rows; needs a name")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.size is not None and chosen.name is None:
        parser.error("--size needs the name of a benchmark")
    if chosen.one:
        _run_here(chosen.name, chosen.size)
        return
    sys.exit(_run_all((chosen.name,) if chosen.name else NAMES, chosen.size))


def _run_here(name: str, size: int | None) -> None:
    """Run one in this process; tell each figure as a line of JSON."""
    benchmark = importlib.import_module(f"benchmarks.{name}")
    for figure in benchmark.figures(size or benchmark.DEFAULT_SIZE):
        _tell(figure)
    _tell(Figure(what=f"{name}: peak memory of the benchmark", ours=f"{peak_mib():.0f} MiB"))


def _tell(figure: Figure) -> None:
    sys.stdout.write(json.dumps(asdict(figure)) + "\n")
    sys.stdout.flush()


def _run_all(names: tuple[str, ...], size: int | None) -> int:
    """Run each in a process of its own, and print the table; 1 if one could not run."""
    console, not_run, figures = _console(), list[str](), list[Figure]()
    loads = [os.getloadavg()[0]]
    for name in names:
        console.print(f"{name} …", style="dim")
        command = [sys.executable, "-m", "benchmarks", name, "--one"]
        command += ["--size", str(size)] if size else []
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - ours
        figures += _read(ended.stdout)
        loads.append(os.getloadavg()[0])
        if ended.returncode:
            not_run.append(name)
    _print(console, figures)
    cores = os.cpu_count() or 1
    console.print(f"load while running: {min(loads):.1f} to {max(loads):.1f} on {cores} cores")
    for name in not_run:
        console.print(f"{name} could not run; its error is above", style="red")
    return 1 if not_run else 0


def _console() -> Console:
    """Wide enough for the table where nobody says how wide it is."""
    return Console() if sys.stdout.isatty() else Console(width=200)


def _read(text: str) -> Iterator[Figure]:
    for line in text.splitlines():
        yield Figure(**json.loads(line))


def _print(console: Console, figures: list[Figure]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("what", "size", "ours", "peer", "ratio", "bar", "verdict"):
        table.add_column(title, justify="right" if title in ("ratio", "bar") else "left")
    for figure in figures:
        table.add_row(
            figure.what,
            figure.size,
            figure.ours,
            figure.peer,
            f"{figure.ratio:.2f}" if figure.ratio is not None else "",
            f"{figure.bar:g}" if figure.bar is not None else "",
            figure.verdict,
        )
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"{figure.what}: {figure.note}", style="dim", highlight=False)


if __name__ == "__main__":
    main()
