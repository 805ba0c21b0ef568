"""What it costs to turn landed pages into facts, against just decoding them.

FLOOR is `orjson.loads(zlib.decompress(page))`: what any Python reader pays before it has done
anything. Pages are the simulator's.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast

import orjson
import polars as pl
from isal import isal_zlib

from aggregation_platform.facts.facts import exact_facts_of, facts_of
from aggregation_platform.facts.flattening import flattened
from aggregation_platform.intervals import Interval
from aggregation_platform.raw.conversations import raw_conversations
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.world import World
from benchmarks.measuring import Figure, figure_of, peak_mib, taking_turns

DAY = date(2026, 1, 5)
PAGE_SIZE = 1000
DEFAULT_SIZE = 6_000
ROUNDS = 5
BARS = {"flatten": 0.85, "facts_of": 0.85, "pages to facts": 1.3}
"""Of FLOOR; `flatten` is without the gate, the other two with the gate on every record."""


@dataclass(frozen=True)
class GzippedPage:
    """A page as it lies in the landing zone."""

    number: int
    compressed: bytes
    conversation_ids: tuple[str | None, ...]
    source: str = "job"
    job_id: str | None = "job"
    fetched_at: datetime = field(default=datetime(2026, 1, 10, tzinfo=UTC))

    def read(self) -> bytes:
        """Inflate the page."""
        return cast("bytes", cast("Any", isal_zlib).decompress(self.compressed, 31))


def simulated_pages(count: int, *, unknown_every: int = 1000) -> list[GzippedPage]:
    """Make pages of conversations that began on one simulated day of one org."""
    options = SimulatorOptions(
        conversations_per_day=count * PAGE_SIZE, unknown_every=unknown_every, history_days=0
    )
    world = World(options)
    whole_day = Interval.of_day(DAY)
    bounds = [int(moment.timestamp() * 1000) for moment in (whole_day.start, whole_day.end)]
    span = world.started_in("us", *bounds)
    place = world.directories["us"]
    records = [
        record_of(world.story(span.ref(index)), place)
        for index in range(min(len(span), count * PAGE_SIZE))
    ]
    chunks = [records[at : at + PAGE_SIZE] for at in range(0, len(records), PAGE_SIZE)]
    return [_page(number, chunk) for number, chunk in enumerate(chunks, start=1)]


def _page(number: int, records: list[dict[str, object]]) -> GzippedPage:
    text = json.dumps({"conversations": records, "cursor": "abc"}, separators=(",", ":"))
    ids = tuple(str(record["conversationId"]) for record in records)
    return GzippedPage(number, gzip.compress(text.encode(), 6), ids)


def with_new_member(page: GzippedPage) -> GzippedPage:
    """Return the page as if the source had begun to send one more member with every session."""
    text = page.read().replace(b'"sessionId":', b'"novelty":7,"sessionId":')
    return GzippedPage(page.number, gzip.compress(text, 6), page.conversation_ids)


def raw_frames(pages: list[GzippedPage]) -> Iterator[pl.DataFrame]:
    """Read the pages into raw.conversations."""
    yield from raw_conversations(pages, org="us", day=DAY)


def ways(pages: list[GzippedPage]) -> dict[str, Callable[[], object]]:
    """Name what is measured; each does its work for all pages."""
    frames = list(raw_frames(pages))
    payloads = [frame["payload"].cast(pl.Binary).to_list() for frame in frames]
    numbers = [pl.Series("record", range(frame.height), dtype=pl.UInt32) for frame in frames]
    novel = list(raw_frames([with_new_member(page) for page in pages]))
    return {
        "FLOOR": lambda: [orjson.loads(zlib.decompress(p.compressed, 31)) for p in pages],
        "pages to raw": lambda: list(raw_frames(pages)),
        "flatten": lambda: [
            flattened(each, number, day=DAY) for each, number in zip(payloads, numbers, strict=True)
        ],
        "facts_of": lambda: [facts_of(frame, org="us", day=DAY) for frame in frames],
        "pages to facts": lambda: [facts_of(f, org="us", day=DAY) for f in raw_frames(pages)],
        "a new member in each session": lambda: [
            facts_of(frame, org="us", day=DAY) for frame in novel
        ],
        "the exact way": lambda: [exact_facts_of(frame, org="us", day=DAY) for frame in frames],
    }


def peak_growth_mib(pages: list[GzippedPage], *, times: int) -> tuple[float, float]:
    """Return peak memory after the pages were read once, and its growth over so many times."""

    def read_once() -> None:
        for frame in raw_frames(pages):
            facts_of(frame, org="us", day=DAY)

    read_once()
    first = peak_mib()
    for _ in range(times):
        read_once()
    return first, peak_mib() - first


def figures(size: int) -> Iterator[Figure]:
    """Measure pages of so many conversations in all."""
    pages = simulated_pages(max(1, size // PAGE_SIZE))
    records = sum(len(page.conversation_ids) for page in pages)
    told = f"{len(pages)} pages, {records:,} conversations"
    first, growth = peak_growth_mib(pages, times=10)
    yield Figure(
        what="facts: peak memory, and its growth over ten times the pages",
        size=told,
        ours=f"{first:.0f} MiB, grows {growth:.0f} MiB",
        value=growth / first,
        bar=0.1,
    )
    seconds = taking_turns(ways(pages), ROUNDS)
    for name in seconds:
        if name != "FLOOR":
            yield figure_of(
                f"facts: {name}",
                seconds,
                ours=name,
                peer="FLOOR",
                size=told,
                bar=BARS.get(name),
            )
