"""One bad item never stops a tick: it is set aside and shown, and the rest of the tick goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation_platform.clock import ManualClock
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.defs.jobs import ORG_DAY
from aggregation_platform.defs.partitions import org_day_key, partitions_of
from aggregation_platform.defs.repetition import REPEATED_TAG, RUN_AGAIN_AT, RUN_AGAIN_TAGS
from aggregation_platform.defs.runs_to_repeat import runs_to_repeat
from aggregation_platform.defs.tick import tick_of
from aggregation_platform.errors import LocalStateError
from aggregation_platform.tables import Partition
from aggregation_platform_tests.filled_by_hand import NOON, ByHand, by_hand

FIRST = date(2026, 11, 10)
GOOD = {RUN_AGAIN_AT: "2026-11-20T11:59:00+00:00"}
IN_A_WHILE = {RUN_AGAIN_AT: "2026-11-20T18:00:00+00:00"}

PARTITIONS = partitions_of(
    PlatformConfig.model_validate(
        {
            "organizations": [
                {
                    "org": org,
                    "region": "us-east-1",
                    "client_id": org,
                    "client_secret": "s",
                    "first_day": FIRST,
                }
                for org in ("eu", "us")
            ]
        }
    )
)

malformed = st.sampled_from(["", "soon", "2026-13-01T00:00:00+00:00", "1763640000", "None"])
bad_runs = st.one_of(
    st.just({"dagster/partition": "2026-11-10|na", **GOOD}),  # na has left
    st.just({"dagster/partition": "2026-11-09|eu", **GOOD}),  # before the calendar
    st.just({"dagster/partition": "2026-11-10|eu"}),  # without RUN_AGAIN_AT
    st.just(GOOD),  # without a partition
    malformed.map(lambda at: {"dagster/partition": "2026-11-10|eu", RUN_AGAIN_AT: at}),
    malformed.filter(lambda n: not n.isdigit()).map(
        lambda n: {"dagster/partition": "2026-11-11|eu", REPEATED_TAG: n, **GOOD}
    ),
    malformed.map(lambda key: {"dagster/partition": key, **GOOD}),
    st.just({"dagster/partition": "eu|2026-11-10", **GOOD}),
    st.just({"dagster/partition": "2026-11-10|eu|us", **GOOD}),
)


@pytest.fixture(scope="module")
def definitions_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    with by_hand(tmp_path_factory.mktemp("platform"), eu=FIRST, us=FIRST) as made:
        yield made


@pytest.fixture
def platform(definitions_of_two: ByHand) -> Iterator[ByHand]:
    """Two organizations without a run and without a day."""
    with dg.DagsterInstance.ephemeral() as instance:
        definitions_of_two.instance = instance
        yield definitions_of_two


def waiting_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    run = dg.DagsterRun(
        job_name=ORG_DAY,
        status=dg.DagsterRunStatus.FAILURE,
        tags={**RUN_AGAIN_TAGS, **tags},
    )
    return instance.add_run(run).run_id


def key(org: str, day: date) -> str:
    return str(org_day_key(Partition(org, day)))


def test_a_run_of_an_organization_that_left_does_not_stop_the_repetition_of_others(
    platform: ByHand,
):
    left = waiting_run(platform.instance, {"dagster/partition": key("na", FIRST), **GOOD})
    waiting_run(platform.instance, {"dagster/partition": key("eu", FIRST), **GOOD})

    tick = platform.ticked("runs_to_repeat")

    assert [request.partition_key for request in tick.run_requests or []] == [key("eu", FIRST)]
    assert tick.cursor is not None
    assert tick.cursor.startswith("set aside 1: ")
    assert key("na", FIRST) in tick.cursor
    still = platform.instance.get_run_by_id(left)
    assert still is not None
    assert still.tags.items() >= RUN_AGAIN_TAGS.items()


@settings(deadline=None)
@given(
    bad=st.lists(bad_runs, min_size=1, max_size=4),
    good=st.sets(st.tuples(st.sampled_from(["eu", "us"]), st.integers(0, 8)), max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_any_bad_run_among_good_ones_is_set_aside_and_each_good_one_repeated(
    bad: list[dict[str, str]], good: set[tuple[str, int]], order: Random
):
    keys = {key(org, FIRST + timedelta(days=offset)) for org, offset in good}
    tags = [*bad, *({"dagster/partition": partition, **GOOD} for partition in keys)]
    tags.append({"dagster/partition": key("us", FIRST), **IN_A_WHILE})
    order.shuffle(tags)
    runs = [dg.DagsterRun(job_name=ORG_DAY, tags={**RUN_AGAIN_TAGS, **one}) for one in tags]
    records = [SimpleNamespace(dagster_run=run, create_timestamp=NOON) for run in runs]
    instance: Any = SimpleNamespace(
        get_run_records=Mock(return_value=records), get_runs=Mock(return_value=[])
    )
    assembly: Any = SimpleNamespace(clock=ManualClock(NOON))
    context: Any = SimpleNamespace(instance=instance)

    found = runs_to_repeat(assembly, context)
    tick = tick_of(found, PARTITIONS.org_days)

    assert {str(request.partition_key) for request in tick.requests} == keys
    assert len(tick.set_aside) == len(bad)


def test_a_time_without_a_zone_is_taken_as_utc(platform: ByHand):
    tags = {RUN_AGAIN_AT: "2026-11-20T11:59:00", "dagster/partition": key("eu", FIRST)}
    waiting_run(platform.instance, tags)
    waiting_run(
        platform.instance,
        {RUN_AGAIN_AT: "2026-11-20T12:01:00", "dagster/partition": key("us", FIRST)},
    )

    asked = platform.ticked("runs_to_repeat").run_requests or []

    assert [request.partition_key for request in asked] == [key("eu", FIRST)]


def test_what_coordinates_one_organization_is_away_and_the_others_are_fetched(
    platform: ByHand, monkeypatch: pytest.MonkeyPatch
):
    state = platform.assembly.local_state
    known = state.blocked

    def blocked(org: str) -> object:
        if org == "eu":
            raise LocalStateError("the shared state of eu cannot be read; look at shared.sqlite")
        return known(org)

    monkeypatch.setattr(state, "blocked", blocked)
    tick = platform.ticked("org_days_due")

    asked = {str(request.partition_key).partition("|")[2] for request in tick.run_requests or []}
    assert asked == {"us"}
    assert tick.cursor is not None
    assert "eu: the shared state of eu cannot be read" in tick.cursor


def test_a_tick_that_set_something_aside_and_found_nothing_else_shows_what(platform: ByHand):
    waiting_run(platform.instance, {"dagster/partition": key("na", FIRST), **GOOD})

    tick = platform.ticked("runs_to_repeat")

    assert tick.skip_message is not None
    assert key("na", FIRST) in tick.skip_message
    assert "platform.yaml" in tick.skip_message
