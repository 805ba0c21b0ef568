"""Our handle time beside an org's own, cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from aggregation_platform.cli.reconciliation import (
    compared,
    facts_cells,
    rollup_cells,
    source_cells,
)
from aggregation_platform.genesys.aggregates import HandleTimeAggregate

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
CELL = {"queue_id": "q", "user_id": "u", "media_type": "voice", "direction": "inbound"}


def handled(conversation_id, value_ms, minute=5, metric="tHandle", **also):
    at = NINE.replace(minute=minute)
    return {
        "conversation_id": conversation_id,
        **CELL,
        "metric": metric,
        "value_ms": value_ms,
        "emitted_at": at,
        **also,
    }


def said(count, sum_ms, metric="tHandle", **also):
    cell: dict[str, Any] = {"interval_start": NINE, **CELL, "metric": metric}
    return HandleTimeAggregate(**cell | {"count": count, "sum_ms": sum_ms} | also)


def metrics_of(*rows):
    return pl.DataFrame(rows, schema_overrides={"emitted_at": pl.Datetime("us", "UTC")})


def published(*rows):
    schema = {"interval_start": pl.Datetime("us", "UTC")}
    return pl.DataFrame(
        [{"interval_start": NINE, **CELL, **row} for row in rows], schema_overrides=schema
    )


def compare(source, metrics, rollup, until=MIDNIGHT):
    return compared(
        source_cells(source, until=until),
        facts_cells(metrics, until=until),
        rollup_cells(rollup, until=until),
        metrics,
    )


def test_equal_counts_and_milliseconds_are_no_difference():
    found = compare(
        [said(2, 300), said(2, 90, metric="tAcw")],
        metrics_of(handled("c1", 100), handled("c2", 200), handled("c1", 90, metric="tAcw")),
        published({"handled_count": 2, "handle_ms": 300}),
    )

    assert found.differences.is_empty()
    assert found.cells == 1


def test_one_millisecond_is_a_difference_and_names_the_conversations_of_the_cell():
    found = compare(
        [said(2, 300)],
        metrics_of(handled("c1", 100), handled("c2", 201)),
        published({"handled_count": 2, "handle_ms": 301}),
    )

    (row,) = found.differences.to_dicts()
    assert (row["source_ms"], row["facts_ms"], row["rollup_ms"]) == (300, 301, 301)
    assert row["conversation_ids"] == ["c1", "c2"]


def test_a_rollup_that_differs_from_its_facts_is_a_difference_too():
    found = compare(
        [said(1, 100)],
        metrics_of(handled("c1", 100)),
        published({"handled_count": 1, "handle_ms": 99}),
    )

    assert found.differences["rollup_ms"].to_list() == [99]


def test_a_cell_that_only_the_org_has_is_a_difference_without_conversations():
    found = compare(
        [said(1, 100)],
        metrics_of(handled("c1", 5, metric="tAcw")),
        published({"handled_count": 0, "handle_ms": 0}),
    )

    (row,) = found.differences.to_dicts()
    assert (row["source_count"], row["facts_count"]) == (1, 0)
    assert row["conversation_ids"] == []


@pytest.mark.parametrize("dimension", ["queue_id", "user_id", "media_type", "direction"])
def test_a_session_without_a_dimension_is_the_same_cell_on_both_sides(dimension):
    nothing: dict[str, Any] = {dimension: None}

    found = compare(
        [said(1, 100, **nothing)],
        metrics_of(handled("c1", 100, **nothing), handled("c0", 1, metric="tAcw")),
        published({"handled_count": 1, "handle_ms": 100, dimension: "(none)"}),
    )

    assert found.differences.is_empty()


def test_half_hours_that_have_not_settled_are_left_out():
    found = compare(
        [said(1, 100), said(1, 50, interval_start=NINE.replace(minute=30))],
        metrics_of(handled("c1", 100), handled("c2", 7, minute=31)),
        published({"handled_count": 1, "handle_ms": 100}),
        until=NINE.replace(minute=30),
    )

    assert found.differences.is_empty()


def test_handle_time_belongs_to_the_half_hour_in_which_it_was_emitted():
    found = compare(
        [said(1, 100, interval_start=NINE.replace(minute=30))],
        metrics_of(handled("c1", 100, minute=30)),
        published(
            {"handled_count": 1, "handle_ms": 100, "interval_start": NINE.replace(minute=30)}
        ),
    )

    assert found.differences.is_empty()


def test_totals_are_the_sums_of_each_side():
    found = compare(
        [said(1, 100), said(1, 50, queue_id="other")],
        metrics_of(handled("c1", 100)),
        published({"handled_count": 1, "handle_ms": 100}),
    )

    assert found.totals.to_dicts()[0] == {
        "source_count": 2,
        "source_ms": 150,
        "facts_count": 1,
        "facts_ms": 100,
        "rollup_count": 1,
        "rollup_ms": 100,
    }
