"""The median of any slice, from buckets alone."""

from datetime import date

import polars as pl
import pytest

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.rollups.sketches import handle_time_sketches, quantiles
from aggregation_platform.rollups.tables import HANDLE_TIME_SKETCHES

DAY = date(2026, 1, 5)


def sketched(handle_times, *, queues=("sales",)):
    metrics = pl.DataFrame(
        {
            "queue_id": [queues[number % len(queues)] for number in range(len(handle_times))],
            "value_ms": handle_times,
        },
        schema_overrides={"value_ms": pl.Int64},
    ).with_columns(
        metric=pl.lit("tHandle"),
        org=pl.lit("us"),
        emitted_at=pl.datetime(2026, 1, 5, 10, time_zone="UTC", time_unit="us"),
    )
    whole = pl.concat([SESSION_METRICS.empty(), metrics], how="diagonal")
    rows = handle_time_sketches(whole, day=DAY, queues=QUEUES.empty(), agents=AGENTS.empty())
    return HANDLE_TIME_SKETCHES.schema.validate(rows)


def test_the_median_is_within_two_percent_of_the_true_one():
    handle_times = [1_000 * number for number in range(1, 1_000)]
    read = quantiles(sketched(handle_times), 0.5)

    assert read["handled_count"].item() == 999
    assert read["quantile_ms"].item() == pytest.approx(500_000, rel=0.02)


def test_one_call_that_lasts_a_day_moves_the_average_and_not_the_median():
    read = quantiles(sketched([300_000] * 9 + [86_400_000]), 0.5)

    assert read["quantile_ms"].item() == pytest.approx(300_000, rel=0.02)


def test_medians_of_queues_and_of_all_come_from_the_same_buckets():
    sketches = sketched([100_000, 900_000] * 50 + [100_000], queues=("sales", "billing"))
    by_queue = quantiles(sketches, 0.5, by=["queue_id"])
    of_all = quantiles(sketches, 0.5)

    assert by_queue["queue_id"].to_list() == ["billing", "sales"]
    assert by_queue["quantile_ms"].to_list() == [
        pytest.approx(900_000, rel=0.02),
        pytest.approx(100_000, rel=0.02),
    ]
    assert of_all["quantile_ms"].item() == pytest.approx(100_000, rel=0.02)


def test_handle_time_of_nothing_at_all_is_zero_and_counts():
    read = quantiles(sketched([0, 0, 0, 50_000]), 0.75)

    assert read.rows() == [(4, 0)]


def test_a_slice_without_a_handled_session_has_no_median():
    assert quantiles(sketched([]), 0.5).is_empty()


@pytest.mark.parametrize("q", [0, -0.1, 1.1])
def test_what_is_no_quantile_is_refused(q):
    with pytest.raises(ValueError, match="above 0"):
        quantiles(sketched([1]), q)
