"""Progress on standard error: a moving line on a terminal, plain lines otherwise.

Belongs here: saying that work goes on, once it has taken two seconds. Elsewhere: results, which go
to standard output (documents.py).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TaskID as RichTask

from aggregation_platform.clock import Clock, SystemClock

SILENT_S = 2.0
"""Work shorter than this says nothing where there is no terminal."""

AGAIN_S = 10.0
"""Plain lines are at least this far apart, so that a log of hours stays readable."""


class Reporter(Protocol):
    """What the work tells while it goes on. Safe over threads."""

    def step(self, doing: str) -> None:
        """Say what is being done now."""
        ...

    def advance(self, count: int = 1) -> None:
        """Say that so many parts more are done."""
        ...


@contextmanager
def progress(
    doing: str, *, total: int | None = None, clock: Clock | None = None
) -> Generator[Reporter]:
    """Report progress on standard error until the block ends.

    Args:
        doing: What is being done, as a person would say it.
        total: How many parts there are; None: not known.
        clock: For the elapsed time; None: the system's.
    """
    if sys.stderr.isatty():
        with _Moving(doing, total) as moving:
            yield moving
    else:
        with _Plain(doing, total, clock or SystemClock()) as plain:
            yield plain


class _Moving:
    """A rich progress line that vanishes at the end."""

    def __init__(self, doing: str, total: int | None) -> None:
        parts = [MofNCompleteColumn()] if total is not None else []
        columns = (TextColumn("{task.description}"), BarColumn(), *parts, TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task: RichTask = self._progress.add_task(doing, total=total)

    def __enter__(self) -> _Moving:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, doing: str) -> None:
        self._progress.update(self._task, description=doing)

    def advance(self, count: int = 1) -> None:
        self._progress.advance(self._task, count)


class _Plain:
    """Plain lines, the first after SILENT_S, then one every AGAIN_S while the work goes on."""

    def __init__(self, doing: str, total: int | None, clock: Clock) -> None:
        self._doing, self._total, self._clock = doing, total, clock
        self._done = 0
        self._ended = threading.Event()
        self._began = clock.monotonic()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> _Plain:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def step(self, doing: str) -> None:
        self._doing = doing

    def advance(self, count: int = 1) -> None:
        self._done += count

    def _speak(self) -> None:
        wait = SILENT_S
        while not self._ended.wait(wait):
            click.echo(self._line(), err=True)
            wait = AGAIN_S

    def _line(self) -> str:
        elapsed = round(self._clock.monotonic() - self._began)
        parts = f" ({self._done} of {self._total})" if self._total is not None else ""
        return f"{self._doing}{parts}, {elapsed} s so far"
