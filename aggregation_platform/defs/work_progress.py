"""What `materialize` says on standard error: each thing done, how far it is, what it waits for.

Belongs here: counting, the estimate of the time left, a line when nothing else was said for a
while, and the moving line of a terminal. Elsewhere: the work (materialize.py), progress of the
commands that only read (cli/progress.py).
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from aggregation_platform.clock import Clock
from aggregation_platform.extraction.outcome import Progress as DayProgress
from aggregation_platform.genesys.retries import Repetition
from aggregation_platform.observability.masking import masked_text

SILENT_S = 15.0
"""After so long without a line, one says what is being waited for."""

ESTIMATE_OVER_S = 900.0
"""The time left is estimated from what was done within this time."""

_AT_WORK = {
    "waiting": "waits for another process that fetches it",
    "submitted": "the organization prepares its data (details job)",
    "paging": "pages come in",
}


Say = Callable[[str], None]
"""Prints a line."""


def say_on_standard_error(line: str) -> None:
    """Print a line, with secrets, numbers and addresses masked."""
    click.echo(masked_text(line), err=True)


class WorkProgress:
    """Says what happens. Safe over threads.

    Args:
        clock: For the estimate.
        say: Prints a line; None: on standard error, above the moving line of a terminal.
    """

    def __init__(self, clock: Clock, say: Say | None = None) -> None:
        self._clock = clock
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
            speed_estimate_period=ESTIMATE_OVER_S,
            get_time=clock.monotonic,
            transient=True,
            disable=say is not None or not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("materialize", total=0)
        self._print = say or (say_on_standard_error if self._bar.disable else self._above_bar)
        self._lock = threading.RLock()
        self._said_at = clock.monotonic()
        self._doing: dict[str, tuple[str, float]] = {}
        self._trouble: dict[str, Repetition] = {}
        self._days: dict[tuple[str, date], DayProgress] = {}
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to say by itself what is being waited for."""
        self._bar.start()
        threading.Thread(target=self._keep_saying, name="progress", daemon=True).start()

    def stop(self) -> None:
        """Say nothing more by itself, and leave a terminal as it was."""
        self._ended.set()
        self._bar.stop()

    def end_with(self, line: str) -> None:
        """Print the last line of a process that ends at once; threads that go on say no more."""
        self._lock.acquire(timeout=1)  # kept, so that nothing follows; the process ends
        self._ended.set()
        self._bar.stop()
        self._print(line)

    # what is to be done, and what is done

    def expect(self, parts: int) -> None:
        """Count parts that are to be done beside those expected so far."""
        with self._lock:
            task = self._bar.tasks[0]
            self._bar.update(self._task, total=(task.total or 0) + parts)

    def say(self, line: str) -> None:
        """Print a line."""
        with self._lock:
            self._said_at = self._clock.monotonic()
            self._print(line)

    def done(self, line: str, *, parts: int = 1) -> None:
        """Print what is done or cannot be done, and how far everything is."""
        with self._lock:
            self._bar.advance(self._task, parts)
            self.say(f"{line}; {self.how_far()}")

    def skip(self, parts: int = 1) -> None:
        """Count parts no more: they need not be done after all."""
        self.expect(-parts)

    def how_far(self) -> str:
        """Return `12 of 42, about 9 min left`; the estimate is from what was done lately."""
        task = self._bar.tasks[0]
        counted = f"{task.completed:.0f} of {task.total or 0:.0f}"
        left_s = task.time_remaining
        if left_s is None or task.finished:
            return counted
        return f"{counted}, about {_minutes(left_s)} left"

    # what is being waited for

    def at_work(self, who: str, doing: str | None) -> None:
        """Note what is being done here now; None: nothing."""
        with self._lock:
            self._doing.pop(who, None)
            if doing is not None:
                self._doing[who] = (doing, self._clock.monotonic())

    def day(self, progress: DayProgress) -> None:
        """Say each change of state of an org's day; note it while pages come in."""
        with self._lock:
            key = (progress.org, progress.day)
            was = self._days.get(key)
            self._days[key] = progress
            self._answered(progress.org)
            count = progress.conversations
            shown = f", {count} conversations" if count else ""
            if progress.state in _AT_WORK:
                doing = f"{progress.org} {progress.day}: {_AT_WORK[progress.state]}{shown}"
                is_new = was is None or was.state != progress.state
                since = self._clock.monotonic() if is_new else self._doing[str(key)][1]
                self._doing[str(key)] = (doing, since)
            else:
                self.at_work(str(key), None)
            if progress.state != "failed" and (was is None or was.state != progress.state):
                self.say(f"{progress.org} {progress.day}: {progress.state}{shown}")

    def repeated(self, repetition: Repetition) -> None:
        """Say at once that an org does not answer, until when it is tried, and why."""
        with self._lock:
            self._trouble[repetition.org] = repetition
            self.say(
                f"{self._waiting_for(repetition)} Other organizations go on. "
                f"Reason: {repetition.reason}"
            )

    def given_up(self, org: str) -> None:
        """Wait no more for an org."""
        with self._lock:
            self._trouble.pop(org, None)

    def _answered(self, org: str) -> None:
        if self._trouble.pop(org, None) is not None:
            self.say(f"{org} answers again.")

    def _waiting_for(self, repetition: Repetition) -> str:
        return (
            f"{repetition.org} does not answer; it is asked again at "
            f"{_time(repetition.next_at)}, until about {_time(repetition.last_at)} UTC."
        )

    def _keep_saying(self) -> None:
        while not self._ended.wait(SILENT_S / 3):
            with self._lock:
                if self._clock.monotonic() - self._said_at >= SILENT_S:
                    self.say(self.what_is_waited_for())

    def what_is_waited_for(self) -> str:
        """Return how far everything is, what is at work and for how long, who does not answer."""
        now = self._clock.monotonic()
        doing = [f"{text}, {_seconds(now - since)}" for text, since in self._doing.values()]
        waiting = [self._waiting_for(each) for each in self._trouble.values()]
        return "; ".join([self.how_far(), *doing, *waiting])

    def _above_bar(self, line: str) -> None:
        self._bar.console.print(masked_text(line), markup=False, highlight=False, soft_wrap=True)


def count_of(finalities: Mapping[str, int]) -> str:
    """Return `2 complete, 38 final`."""
    return ", ".join(f"{count} {finality}" for finality, count in sorted(finalities.items()))


def _minutes(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _seconds(seconds: float) -> str:
    return f"for {seconds:.0f} s" if seconds < 120 else f"for {seconds / 60:.0f} min"


def _time(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
