"""The same options give the same bytes: in another process, in any order, page by page."""

import os
import subprocess
import sys

import orjson

from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.timestamps import DAY_MS, day_start
from aggregation_platform.simulator.world import World

_PRINT_DIGEST = """
import hashlib, sys, orjson
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.timestamps import DAY_MS, day_start
from aggregation_platform.simulator.world import World
options = SimulatorOptions(conversations_per_day=150, seed=int(sys.argv[1]), history_days=3)
world, digest = World(options), hashlib.sha256()
for org in options.orgs:
    start = day_start(options.first_day)
    span = world.span(org, start, start + 2 * DAY_MS)
    for place in range(len(span)):
        record = record_of(world.story(span.ref(place)), world.directories[org])
        digest.update(orjson.dumps(record))
    digest.update(repr(world.directories[org].users).encode())
print(digest.hexdigest())
"""


def _digest(seed: int, hash_seed: str) -> str:
    # A child process gets this one's environment with another hash seed.
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_DIGEST, str(seed)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_two_processes_with_different_hash_seeds_tell_the_same_world():
    assert _digest(1, "1") == _digest(1, "2")


def test_another_seed_tells_another_world():
    assert _digest(1, "1") != _digest(2, "1")


def test_a_record_does_not_depend_on_what_was_told_before_it():
    options = SimulatorOptions(conversations_per_day=60)
    start = day_start(options.first_day)
    forward, backward = World(options), World(options)
    span = forward.span("us", start, start + DAY_MS)
    place = forward.directories["us"]

    told = [orjson.dumps(record_of(forward.story(span.ref(n)), place)) for n in range(len(span))]
    other = backward.directories["us"]
    again = [
        orjson.dumps(record_of(backward.story(span.ref(n)), other))
        for n in reversed(range(len(span)))
    ]

    assert told == again[::-1]
