"""What changes after a day was first read: the lake catches up, and the source rewrites."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import orjson
import pytest

from aggregation_platform.cli.status import status_of
from aggregation_platform.clock import ManualClock
from aggregation_platform.intervals import spelled
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform

DAY = date(2026, 11, 10)
AT_SIX = datetime(2026, 11, 10, 18, tzinfo=UTC)
JUST_PAST_MIDNIGHT = datetime(2026, 11, 11, 0, 5, tzinfo=UTC)


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    folder = tmp_path_factory.mktemp("platform")
    clock = ManualClock(JUST_PAST_MIDNIGHT)
    with simulated_platform(
        folder, clock=clock, orgs=("us",), days=1, conversations_per_day=80
    ) as one_org:
        yield one_org


def clock_of(platform: SimulatedPlatform) -> ManualClock:
    assert isinstance(platform.assembly.clock, ManualClock)
    return platform.assembly.clock


def hold_lake(platform: SimulatedPlatform, at: datetime | None) -> None:
    """Let the lake's watermark stand at an instant; None lets it go."""
    told = orjson.dumps({"org": "us", "at": spelled(at) if at else None})
    assert platform.simulator.request("POST", "/control/watermark", body=told).status == 200


def jobs_submitted(platform: SimulatedPlatform) -> int:
    told = orjson.loads(platform.simulator.request("GET", "/control/counters").body)
    return told["orgs"]["us"]["jobs_submitted"]


def sources(platform: SimulatedPlatform) -> dict[str, int]:
    rows = platform.assembly.warehouse.query(
        "select source, count(*) from raw.conversations where day = ? group by source", [DAY]
    )
    return dict(rows.rows())


def handle_time(platform: SimulatedPlatform) -> tuple[int, int]:
    return platform.assembly.warehouse.query(
        "select count(*), coalesce(sum(value_ms), 0)::bigint from facts.session_metrics"
        " where day = ? and metric = 'tHandle'",
        [DAY],
    ).row(0)


def finality(platform: SimulatedPlatform) -> str:
    return platform.assembly.warehouse.query(
        "select finality from ops.partition_log where table_name = 'facts.session_metrics'"
    ).item()


def test_with_the_lake_six_hours_behind_figures_are_fresh_and_the_job_replaces_the_tail(
    platform: SimulatedPlatform,
):
    hold_lake(platform, AT_SIX)
    platform.must(platform.org_day("us", DAY))

    status = status_of(platform.assembly.warehouse, platform.config, now=clock_of(platform).now())
    (us,) = status.orgs
    assert us.freshness_minutes is not None
    assert us.freshness_minutes <= 15
    assert us.mark.data_available_to == AT_SIX
    assert us.ingestion.freshness_minutes is not None
    assert us.ingestion.freshness_minutes <= us.freshness_minutes
    assert us.ingestion.requests == sum(us.ingestion.requests_by_outcome.values())
    assert us.ingestion.success_rate == 1.0
    assert sources(platform)["query"] > 0
    assert finality(platform) == "provisional"

    hold_lake(platform, None)
    platform.must(platform.org_day("us", DAY))

    assert set(sources(platform)) == {"job"}
    assert finality(platform) == "complete"
    assert handle_time(platform) == platform.simulator.truth.handle_time("us", DAY)


def test_the_tail_alone_asks_for_no_details_job(platform: SimulatedPlatform):
    hold_lake(platform, AT_SIX)
    platform.must(platform.org_day("us", DAY))
    submitted = jobs_submitted(platform)

    platform.must(platform.org_day("us", DAY, source="tail"))

    assert jobs_submitted(platform) == submitted
    assert sources(platform)["query"] > 0


def test_a_rewrite_changes_exactly_its_cells_and_names_them(platform: SimulatedPlatform):
    platform.must(platform.org_day("us", DAY))
    before = cells(platform)
    clock_of(platform).advance(72 * 3600)
    rewritten = platform.simulator.request("POST", "/control/rewrite", body=b'{"org": "us"}')
    assert rewritten.status == 200
    platform.must(platform.org_day("us", DAY))
    after = cells(platform)

    listed = platform.assembly.warehouse.query(
        "select cell, measure, before, after, conversation_ids from ops.restatements"
        " where measure in ('handled_count', 'handle_ms')"
    )
    named = {
        (
            orjson.loads(row["cell"])["interval_start"],
            orjson.loads(row["cell"])["queue_id"],
            orjson.loads(row["cell"])["user_id"],
            row["measure"],
        ): (row["before"] or 0, row["after"] or 0)
        for row in listed.iter_rows(named=True)
    }
    changed = {
        key: (before.get(key, 0), after.get(key, 0))
        for key in before.keys() | after.keys()
        if before.get(key, 0) != after.get(key, 0)
    }
    assert named == changed
    assert named != {}
    assert all(orjson.loads(ids) for ids in listed["conversation_ids"])
    assert handle_time(platform) == platform.simulator.truth.handle_time("us", DAY)


def cells(platform: SimulatedPlatform) -> dict[tuple[str, str, str, str], int]:
    rows = platform.assembly.warehouse.query(
        "select strftime(time_bucket(interval 30 minutes, emitted_at), '%Y-%m-%dT%H:%M:%SZ') as at,"
        " coalesce(queue_id, '(none)') as queue, coalesce(user_id, '(none)') as agent,"
        " count(*) as handled_count, sum(value_ms)::bigint as handle_ms"
        " from facts.session_metrics where metric = 'tHandle' and day = ? group by all",
        [DAY],
    )
    return {
        (row["at"], row["queue"], row["agent"], measure): row[measure]
        for row in rows.iter_rows(named=True)
        for measure in ("handled_count", "handle_ms")
    }
