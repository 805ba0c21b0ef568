"""Our handle time beside the source's: equal to the millisecond, or explained."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
import pytest

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.rollups.reconciliation import (
    behind,
    our_cells,
    reconciled,
    source_cells,
)

DAY = date(2026, 1, 5)
METRICS = """
    conversation_id | user_id | queue_id | metric        | value_ms | emitted_at
    ----------------+---------+----------+---------------+----------+--------------------
    c1              | ann     | sales    | tTalkComplete |   90_000 | 2026-01-05T10:04:00
    c1              | ann     | sales    | tHandle       |  100_000 | 2026-01-05T10:05:00
    c2              | ann     | sales    | tHandle       |   50_000 | 2026-01-05T10:20:00
    c3              | ann     |          | tHandle       |   70_000 | 2026-01-05T10:40:00
    c3              | ann     |          | tTalk         |   70_000 | 2026-01-05T10:40:00
"""


@dataclass(frozen=True)
class Aggregate:
    """A row of the source's own reply."""

    interval_start: datetime
    queue_id: str | None
    metric: str
    count: int
    sum_ms: int
    user_id: str | None = "ann"
    media_type: str | None = "voice"
    direction: str | None = "inbound"


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 1, 5, hour, minute, tzinfo=UTC)


THEIRS = [
    Aggregate(at(10, 0), "sales", "tHandle", 2, 150_000),
    Aggregate(at(10, 0), "sales", "tTalkComplete", 1, 90_000),
    Aggregate(at(10, 30), None, "tHandle", 1, 70_000),
]


@pytest.fixture
def metrics(told):
    return told(
        SESSION_METRICS,
        METRICS,
        org="us",
        day=DAY,
        media_type="voice",
        direction="inbound",
        session_number=1,
    )


def compared(ours: pl.DataFrame, theirs=THEIRS, **options):
    return reconciled(our_cells(ours), source_cells(theirs, org="us"), **options)


def altered(metrics: pl.DataFrame, conversation: str, by: int) -> pl.DataFrame:
    """Change one conversation's handle time in the warehouse."""
    its = (pl.col("conversation_id") == conversation) & (pl.col("metric") == "tHandle")
    return metrics.with_columns(value_ms=pl.col("value_ms") + pl.when(its).then(by).otherwise(0))


def test_what_agrees_to_the_millisecond_agrees(metrics):
    found = compared(metrics)

    assert found.agrees
    assert (found.compared_count, found.handled_count, found.handle_ms) == (3, 3, 220_000)
    assert str(found).startswith("agrees with the source: 3 cells")


def test_one_millisecond_in_one_conversation_is_found_and_the_conversation_is_named(metrics):
    warehouse = altered(metrics, "c2", 1)
    found = compared(warehouse)
    named = behind(found.differences, warehouse, rebuilt=metrics)

    assert found.differences.select("queue_id", "metric", "our_ms", "source_ms").rows() == [
        ("sales", "tHandle", 150_001, 150_000)
    ]
    assert found.differences.select("count_difference", "ms_difference").rows() == [(0, 1)]
    assert named.select("conversation_id", "value_ms", "rebuilt_ms", "finding").rows() == [
        ("c2", 50_001, 50_000, "altered"),
        ("c1", 100_000, 100_000, "in the cell"),
    ]


def test_changes_that_cancel_out_within_a_cell_are_found_by_raw_alone(metrics):
    warehouse = altered(altered(metrics, "c2", 5), "c1", -5)

    assert compared(warehouse).agrees


def test_a_conversation_that_the_warehouse_lost_is_named(metrics):
    warehouse = metrics.filter(pl.col("conversation_id") != "c3")
    found = compared(warehouse)
    named = behind(found.differences, warehouse, rebuilt=metrics)

    assert found.differences.select("queue_id", "count_difference").rows() == [("(none)", -1)]
    assert named.select("conversation_id", "finding").rows() == [("c3", "lost")]


def test_a_row_that_no_record_accounts_for_is_named(metrics):
    twice = pl.concat([metrics, metrics.filter(pl.col("conversation_id") == "c3")])
    found = compared(twice)
    named = behind(found.differences, twice, rebuilt=metrics)

    assert "not in raw" in named["finding"].to_list()


def test_where_raw_says_what_we_say_the_source_has_changed_and_all_of_the_cell_is_named(metrics):
    rewritten = [Aggregate(at(10, 0), "sales", "tHandle", 2, 149_000), *THEIRS[1:]]
    found = compared(metrics, rewritten)

    assert behind(found.differences, metrics, rebuilt=metrics).select(
        "conversation_id", "finding"
    ).rows() == [("c1", "in the cell"), ("c2", "in the cell")]


def test_a_cell_that_one_side_lacks_is_zero_there(metrics):
    found = compared(metrics, [*THEIRS, Aggregate(at(12, 0), "sales", "tHandle", 1, 9_000)])

    assert found.differences.select("our_count", "source_count", "ms_difference").rows() == [
        (0, 1, -9_000)
    ]


def test_half_hours_that_are_not_settled_are_left_out_and_counted(metrics):
    wrong = [*THEIRS[:2], Aggregate(at(10, 30), None, "tHandle", 1, 1)]

    settled = compared(metrics, wrong, settled_before=at(10, 59))
    assert settled.agrees
    assert settled.unsettled_count == 1
    assert not compared(metrics, wrong, settled_before=at(11, 0)).agrees


def test_our_cells_of_chunks_are_our_cells_of_the_whole(metrics):
    chunks = [metrics.slice(start, 2) for start in range(0, metrics.height, 2)]

    assert our_cells(chunks).equals(our_cells(metrics))
