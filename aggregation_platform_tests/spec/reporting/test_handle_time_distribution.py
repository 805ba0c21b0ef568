"""The median by SQL alone, out of reporting.handle_time_distribution, against the true one."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import aggregation_platform.warehouse as package
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.rollups.sketches import handle_time_sketches, quantiles
from aggregation_platform.rollups.tables import HANDLE_TIME_SKETCHES
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import WriteStamp

DAYS = (date(2026, 1, 5), date(2026, 1, 6))
HANDLE_TIMES = {
    ("us", "sales"): [1_000 * number for number in range(1, 100)],
    ("us", "desk"): [7, 0, 65_001, 90_000, 3_600_000],
    ("emea", "sales"): [300_000] * 9 + [86_400_000],
}
VIEWS = Path(package.__file__ or "").parent / "views"


@pytest.fixture
def distribution(reporting):
    """The warehouse, with every handle time of above on two days."""
    for day in DAYS:
        sketches = handle_time_sketches(
            metrics(day), day=day, queues=QUEUES.empty(), agents=AGENTS.empty()
        )
        stamp = WriteStamp("test", "final", reporting.assembly.clock.now())
        reporting.assembly.warehouse.replace_partition(
            HANDLE_TIME_SKETCHES, Partition(day=day), sketches, reporting.assembly.grant,
            stamp=stamp,
        )  # fmt: skip
    return reporting


def metrics(day):
    rows = [
        {"org": org, "queue_id": queue, "value_ms": ms, "metric": "tHandle",
         "emitted_at": datetime(day.year, day.month, day.day, 9, tzinfo=UTC)}
        for (org, queue), times in HANDLE_TIMES.items()
        for ms in times
    ]  # fmt: skip
    found = pl.DataFrame(rows, schema_overrides={"emitted_at": pl.Datetime("us", "UTC")})
    return pl.concat([SESSION_METRICS.empty(), found], how="diagonal")


def by_sql(reporting, share, group):
    """Ask as the view's own file says, for another group and share."""
    text = (VIEWS / "46_handle_time_distribution.sql").read_text(encoding="utf-8")
    example = "\n".join(
        line.removeprefix("--   ") for line in text.splitlines() if line.startswith("--   ")
    )
    asked = example.replace("global_queue", group).replace("0.5", str(share))
    return dict(reporting.ask(asked))


def exact(times, share):
    """The nearest rank: the smallest that at least this share does not exceed."""
    ordered = sorted(times)
    return ordered[-(-round(share * 1000) * len(ordered) // 1000) - 1]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_percentile_of_any_slice_is_within_two_percent_of_the_true_one(distribution, share):
    by_queue = by_sql(distribution, share, "queue_id")
    by_org = by_sql(distribution, share, "org")

    for queue in ("sales", "desk"):
        times = [ms for (_, mine), found in HANDLE_TIMES.items() if mine == queue for ms in found]
        assert by_queue[queue] == pytest.approx(exact(times, share), rel=0.02, abs=1)
    for org in ("us", "emea"):
        times = [ms for (mine, _), found in HANDLE_TIMES.items() if mine == org for ms in found]
        assert by_org[org] == pytest.approx(exact(times, share), rel=0.02, abs=1)


def test_the_view_and_the_pure_function_say_the_same(distribution):
    stored = distribution.assembly.warehouse.read(
        HANDLE_TIME_SKETCHES, [Partition(day=day) for day in DAYS]
    )
    pure = dict(quantiles(stored, 0.9, by=["org"]).select("org", "quantile_ms").rows())

    assert by_sql(distribution, 0.9, "org") == pytest.approx(pure, abs=1)


def test_every_handled_session_is_in_it_once(distribution):
    ((handled,),) = distribution.ask(
        "select sum(handled_count) as handled_count from reporting.handle_time_distribution"
    )

    assert handled == 2 * sum(len(times) for times in HANDLE_TIMES.values())
