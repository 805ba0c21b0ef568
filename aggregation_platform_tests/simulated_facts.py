"""Simulated orgs as facts, without a server between: their records, read as ours are."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import combinations

import orjson
import polars as pl

from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.timestamps import DAY_MS, day_start
from aggregation_platform.simulator.truth import Truth
from aggregation_platform.simulator.world import World

Pair = tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True)
class SimulatedFacts:
    """What happened, as told by the world and as read from its records."""

    world: World
    facts: tuple[Facts, ...]

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of one table of facts."""
        return pl.concat([getattr(one, table) for one in self.facts])

    def true_pairs(self) -> set[Pair]:
        """Every two conversations of one contact, of those that were read."""
        options = self.world.options
        contacts = Truth(self.world).journeys(
            day_start(options.first_day) - DAY_MS, day_start(options.end_day)
        )
        known = set(self.frame("conversations").select("org", "conversation_id").rows())
        return {pair for contact in contacts for pair in combinations(sorted(contact & known), 2)}


@cache
def simulated_facts(seed: int) -> SimulatedFacts:
    """Give two days of three simulated orgs with many handed-over calls, by seed."""
    options = SimulatorOptions(
        seed=seed, days=2, conversations_per_day=250, pair_every=10, history_days=3
    )
    world = World(options)
    days = [(org, day) for org in options.orgs for day in options.simulated_days]
    return SimulatedFacts(world, tuple(_facts(world, org, day) for org, day in days))


def _facts(world: World, org: str, day: date) -> Facts:
    start = day_start(day)
    span = world.span(org, start, start + DAY_MS)
    place = world.directories[org]
    stories = [world.story(span.ref(number)) for number in range(len(span))]
    raw = pl.DataFrame(
        {
            "payload": [orjson.dumps(record_of(story, place)).decode() for story in stories],
            "conversation_id": [story.conversation_id for story in stories],
            "position": range(len(stories)),
        }
    ).with_columns(
        org=pl.lit(org),
        day=pl.lit(day),
        page=pl.lit(1),
        source=pl.lit("job"),
        job_id=pl.lit("job-1"),
        fetched_at=pl.lit(datetime(2026, 2, 1, tzinfo=UTC)),
    )
    shaped = raw.select(pl.col(name).cast(kind) for name, kind in RAW.frame_schema.items())
    return facts_of(shaped, org=org, day=day)
