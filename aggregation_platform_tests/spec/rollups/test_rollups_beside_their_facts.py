"""A rollup beside its facts: each key once on both sides, and the same sums."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.rollups.handle_time import handle_time
from aggregation_platform.rollups.queue_intervals import queue_intervals
from aggregation_platform.rollups.rollup_check import (
    HANDLE_TIME_SHAPE,
    QUEUE_INTERVALS_SHAPE,
    SKETCHES_SHAPE,
    FactsCells,
    RollupComparison,
    Shape,
    compare_rollup,
)
from aggregation_platform.rollups.sketches import handle_time_sketches

DAY = date(2026, 1, 5)
METRICS = """
    conversation_id | user_id | queue_id | metric        | value_ms | emitted_at
    ----------------+---------+----------+---------------+----------+--------------------
    c1              |         | sales    | nOffered      |        1 | 2026-01-05T10:00:00
    c1              | ann     | sales    | tAnswered     |    9_000 | 2026-01-05T10:01:00
    c1              | ann     | sales    | tTalkComplete |   90_000 | 2026-01-05T10:04:00
    c1              | ann     | sales    | tHandle       |  100_000 | 2026-01-05T10:05:00
    c2              | bob     | sales    | tHandle       |   50_000 | 2026-01-05T10:20:00
    c3              | ann     |          | tHandle       |        0 | 2026-01-05T23:40:00
"""


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


def built(metrics: pl.DataFrame) -> dict[Shape, pl.DataFrame]:
    members = {"queues": QUEUES.empty(), "agents": AGENTS.empty()}
    return {
        HANDLE_TIME_SHAPE: handle_time(metrics, day=DAY, **members),
        QUEUE_INTERVALS_SHAPE: queue_intervals(metrics, day=DAY, queues=QUEUES.empty()),
        SKETCHES_SHAPE: handle_time_sketches(metrics, day=DAY, **members),
    }


def beside(
    shape: Shape, stored: pl.DataFrame, metrics: pl.DataFrame, **options
) -> RollupComparison:
    cells = FactsCells()
    cells.add(metrics)
    return compare_rollup(shape, stored, dict(cells.by_rollup())[shape], **options)


SHAPES = pytest.mark.parametrize(
    "shape", [HANDLE_TIME_SHAPE, QUEUE_INTERVALS_SHAPE, SKETCHES_SHAPE], ids=lambda s: s.table.key
)


@SHAPES
def test_a_rollup_agrees_with_the_facts_it_was_made_of(metrics, shape):
    found = beside(shape, built(metrics)[shape], metrics)

    assert found.agrees
    assert found.key_count == found.row_count == built(metrics)[shape].height > 0


@SHAPES
def test_a_copy_of_the_rows_is_found_in_every_key(metrics, shape):
    rows = built(metrics)[shape]

    found = beside(shape, pl.concat([rows, rows]), metrics)

    assert found.doubled_count == rows.height
    assert set(found.differences["finding"]) == {"doubled"}
    assert set(found.differences["rows"]) == {2}


def test_a_doubled_key_names_what_is_too_much(metrics):
    rows = built(metrics)[HANDLE_TIME_SHAPE]
    anns = rows.filter(pl.col("user_id") == "ann", pl.col("queue_id") == "sales")

    found = beside(HANDLE_TIME_SHAPE, pl.concat([rows, anns]), metrics)

    assert found.differences.filter(measure="handle_ms").rows() == [
        (
            "2026-01-05 10:00 org=us queue=sales media_type=voice direction=inbound user=ann",
            "doubled",
            "handle_ms",
            200_000,
            100_000,
            2,
        )
    ]


def test_a_key_in_two_rows_whose_sum_is_right_is_found_all_the_same(metrics):
    rows = built(metrics)[HANDLE_TIME_SHAPE]
    nothing = rows.with_columns(pl.col(HANDLE_TIME_SHAPE.measures) * 0)

    found = beside(HANDLE_TIME_SHAPE, pl.concat([rows, nothing]), metrics)

    assert found.doubled_count == rows.height
    assert found.differences["measure"].null_count() == rows.height


def test_a_key_that_the_facts_do_not_have_is_found_even_if_it_holds_nothing(metrics):
    rows = built(metrics)[HANDLE_TIME_SHAPE]
    empty = rows[:1].with_columns(
        pl.col(HANDLE_TIME_SHAPE.measures) * 0, queue_id=pl.lit("nobody's")
    )

    found = beside(HANDLE_TIME_SHAPE, pl.concat([rows, empty]), metrics)

    assert found.differences["finding"].to_list() == ["only in the rollup"]


def test_a_key_that_the_rollup_does_not_have_is_found(metrics):
    rows = built(metrics)[HANDLE_TIME_SHAPE].filter(pl.col("user_id") != "bob")

    found = beside(HANDLE_TIME_SHAPE, rows, metrics)

    assert set(found.differences["finding"]) == {"only in the facts"}
    assert found.differences.select("measure", "facts").rows() == [
        ("handle_ms", 50_000),
        ("handled_count", 1),
    ]


def test_half_hours_that_are_not_settled_are_left_out(metrics):
    rows = built(metrics)[HANDLE_TIME_SHAPE]
    late = rows.with_columns(
        handle_ms=pl.col("handle_ms") + pl.when(pl.col("queue_id") == "(none)").then(1).otherwise(0)
    )
    before = datetime(2026, 1, 5, 23, 59, tzinfo=UTC)

    assert not beside(HANDLE_TIME_SHAPE, late, metrics).agrees
    assert beside(HANDLE_TIME_SHAPE, late, metrics, settled_before=before).agrees


@given(data=st.data())
def test_any_change_of_any_rows_is_found(data):
    """Rows doubled, lost or changed, in whatever number: the comparison never agrees."""
    made = pl.DataFrame(
        {
            "conversation_id": [f"c{n}" for n in range(6)],
            "user_id": ["ann", "bob", "ann", None, "cem", "cem"],
            "queue_id": ["q1", "q1", None, "q2", "q2", "q2"],
            "metric": ["tHandle", "tHandle", "tHandle", "tAcw", "tHandle", "tTalkComplete"],
            "value_ms": [1, 2, 3, 4, 0, 6],
            "emitted_at": [datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in range(6)],
            "org": ["us"] * 6,
            "media_type": ["voice"] * 6,
            "direction": ["inbound"] * 6,
        },
        schema_overrides={"emitted_at": pl.Datetime("us", "UTC")},
    )
    rows = built(made)[HANDLE_TIME_SHAPE]
    times = data.draw(st.lists(st.integers(0, 3), min_size=rows.height, max_size=rows.height))

    stored = pl.concat([rows[place : place + 1] for place, n in enumerate(times) for _ in range(n)]
                       or [rows[:0]])  # fmt: skip

    assert beside(HANDLE_TIME_SHAPE, stored, made).agrees == all(n == 1 for n in times)
