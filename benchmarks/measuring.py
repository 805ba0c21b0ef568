"""How everything here is measured.

Belongs here: a figure and its bar, CPU of ways that take turns, peak memory of this process.
Elsewhere: what is measured (one file each), the table of figures (__main__.py).

CPU seconds are those of all threads of the process. The machine is rarely idle: ways take turns in
random order, and a ratio is the median over the rounds of the ratio within a round.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the report.

    Args:
        what: What was measured.
        size: How much of it.
        ours: Ours, with its unit; empty where only the ratio counts.
        peer: The peer's, with its name and unit.
        ratio: Ours to the peer's; above 1 ours costs more.
        bar: The most that `ratio` should be (or `value` where there is no peer).
        value: What the bar is held against if not the ratio.
        note: What a reader must know.
    """

    what: str
    size: str = ""
    ours: str = ""
    peer: str = ""
    ratio: float | None = None
    bar: float | None = None
    value: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Within or over the bar; a dash where there is none."""
        held = self.value if self.value is not None else self.ratio
        if self.bar is None or held is None:
            return "-"
        return "within" if held <= self.bar else "OVER"


def cpu_seconds(work: Callable[[], object]) -> float:
    """Measure user and system time of all threads."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def wall_of(work: Callable[[], object]) -> float:
    """Measure the time that passes: for work that another process does."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def taking_turns(
    ways: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    measure: Callable[[Callable[[], object]], float] = cpu_seconds,
) -> dict[str, list[float]]:
    """Run every way once per round, in random order; give seconds by way."""
    order = random.Random(1)  # noqa: S311 - an order, not a secret
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name in order.sample(list(ways), len(ways)):
            seconds[name].append(measure(ways[name]))
    return seconds


def paired_ratio(ours: list[float], peers: list[float]) -> float:
    """Return the median over the rounds of ours to the peer's."""
    return statistics.median(a / b for a, b in zip(ours, peers, strict=True))


def figure_of(
    what: str,
    seconds: Mapping[str, list[float]],
    *,
    ours: str,
    peer: str,
    size: str,
    bar: float | None = None,
    note: str = "",
) -> Figure:
    """Hold one way against another one of the same rounds."""
    return Figure(
        what=what,
        size=size,
        ours=told(statistics.median(seconds[ours])),
        peer=f"{peer} {told(statistics.median(seconds[peer]))}",
        ratio=paired_ratio(seconds[ours], seconds[peer]),
        bar=bar,
        note=note,
    )


def told(seconds: float) -> str:
    """Print CPU seconds as a person reads them."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def growth_mib(work: Callable[[], object]) -> float:
    """Return by how much this process grew at most while the work was done.

    Memory that earlier work freed and the process kept is used first, and not seen here.
    """
    before = _status_mib("VmRSS")
    forget_peak()
    work()
    return peak_mib() - before


def peak_mib() -> float:
    """Return the most memory that this process held since the peak was last forgotten (VmHWM)."""
    return _status_mib("VmHWM")


def _status_mib(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Let the peak begin anew at what is held now, where the system allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # the peak then is that of the process so far
