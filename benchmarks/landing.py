"""Fetching a page and landing it, as a share of FLOOR (facts.py): decoding it in Python at all.

Belongs here: a day fetched from a simulated org in another process; only our own CPU counts.
Elsewhere: the simulated org (day.py).

Each page is opened once before it is stored, for its ids and its next cursor: one that cannot be
read is asked for again while its job lives. That is most of it, and inflating is most of that.

Counted with the pages: login, the job and its polls, the rate budget, journal entries, checksums,
and every flush to disk.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import orjson

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.extraction.org_day import extract_org_day
from aggregation_platform.extraction.outcome import Extracted, OrgDay
from aggregation_platform.observability.logs import configure_logs
from benchmarks.day import DAY, ORG, simulated_day
from benchmarks.measuring import Figure, cpu_seconds, figure_of

DEFAULT_SIZE = 8_000
ROUNDS = 5
BAR = 0.4


def figures(size: int) -> Iterator[Figure]:
    """Fetch a day of so many conversations a few times."""
    configure_logs(level="error")
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-landing-") as folder,
        simulated_day(Path(folder), size) as config,
    ):
        assembly = Assembly(load_config(config))
        client = assembly.client(ORG)
        order = OrgDay(org=ORG, day=DAY, page_size=1000, fresh=True)

        def fetch() -> Extracted:
            return extract_org_day(
                client, assembly.landing, assembly.local_state, order, clock=assembly.clock
            )

        found = fetch()
        bodies = [path.read_bytes() for path in sorted(Path(folder).rglob("*.json.gz"))]
        seconds: dict[str, list[float]] = {"fetch and land": [], "FLOOR": []}
        for _ in range(ROUNDS):
            seconds["fetch and land"].append(cpu_seconds(fetch))
            seconds["FLOOR"].append(cpu_seconds(lambda: _decoded(bodies)))
    yield figure_of(
        "landing: pages fetched and landed",
        seconds,
        ours="fetch and land",
        peer="FLOOR",
        size=f"{found.pages} pages, {found.records:,} conversations",
        bar=BAR,
        note="with login, job, polls and flushes, which a larger day shares among more pages",
    )


def _decoded(bodies: list[bytes]) -> None:
    for body in bodies:
        orjson.loads(zlib.decompress(body, 31))
