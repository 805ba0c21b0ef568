"""A figure that was published and changed is named: cell, before, after, through whom."""

from datetime import UTC, date, datetime

import orjson
import polars as pl

from aggregation_platform.rollups.restatements import restatements

DAY = date(2026, 1, 5)
FOUND = datetime(2026, 1, 8, 3, tzinfo=UTC)


def metrics(table: str) -> pl.DataFrame:
    """Read `conversation | at | metric | value_ms`; org us, queue q, agent a, inbound voice."""
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return pl.DataFrame(
        {
            "org": ["us"] * len(rows),
            "queue_id": ["q"] * len(rows),
            "media_type": ["voice"] * len(rows),
            "direction": ["inbound"] * len(rows),
            "user_id": ["a"] * len(rows),
            "conversation_id": [row[0] for row in rows],
            "metric": [row[2] for row in rows],
            "value_ms": [int(row[3]) for row in rows],
            "emitted_at": [datetime.fromisoformat(f"2026-01-05T{row[1]}:00+00:00") for row in rows],
        },
        schema_overrides={"emitted_at": pl.Datetime("us", "UTC")},
    )


PUBLISHED = metrics("""
    c1 | 09:10 | tHandle       | 300000
    c1 | 09:10 | tTalkComplete | 240000
    c1 | 09:10 | tAcw          |  60000
    c2 | 09:20 | tHandle       | 100000
    c3 | 10:05 | tHandle       |  50000
""")


def changes(after: pl.DataFrame) -> list[tuple[str, str, int | None, int | None, list[str]]]:
    found = restatements([PUBLISHED], [after], day=DAY, found_at=FOUND, run_id="run")
    assert set(found["table_name"]) <= {"rollups.handle_time"}
    return [
        (
            orjson.loads(row["cell"])["interval_start"][11:16],
            row["measure"],
            row["before"],
            row["after"],
            orjson.loads(row["conversation_ids"]),
        )
        for row in found.iter_rows(named=True)
    ]


def test_the_same_reading_again_changes_nothing():
    assert changes(PUBLISHED.sample(fraction=1, shuffle=True, seed=1)) == []


def test_a_corrected_acw_restates_handle_time_and_acw_of_its_half_hour_alone():
    after = metrics("""
        c1 | 09:10 | tHandle       | 290000
        c1 | 09:10 | tTalkComplete | 240000
        c1 | 09:10 | tAcw          |  50000
        c2 | 09:20 | tHandle       | 100000
        c3 | 10:05 | tHandle       |  50000
    """)

    assert changes(after) == [
        ("09:00", "acw_ms", 60_000, 50_000, ["c1"]),
        ("09:00", "handle_ms", 400_000, 390_000, ["c1"]),
    ]


def test_handle_time_that_moved_leaves_one_half_hour_and_appears_in_another():
    after = metrics("""
        c1 | 09:10 | tHandle       | 300000
        c1 | 09:10 | tTalkComplete | 240000
        c1 | 09:10 | tAcw          |  60000
        c2 | 09:20 | tHandle       | 100000
        c3 | 11:40 | tHandle       |  50000
    """)

    assert changes(after) == [
        ("10:00", "handle_ms", 50_000, None, ["c3"]),
        ("10:00", "handled_count", 1, None, ["c3"]),
        ("11:30", "handle_ms", None, 50_000, ["c3"]),
        ("11:30", "handled_count", None, 1, ["c3"]),
    ]


def test_a_late_conversation_is_named_and_the_ones_beside_it_are_not():
    after = pl.concat([PUBLISHED, metrics("c4 | 09:29 | tHandle | 7")])

    assert changes(after) == [
        ("09:00", "handle_ms", 400_000, 400_007, ["c4"]),
        ("09:00", "handled_count", 2, 3, ["c4"]),
    ]


def test_a_day_read_as_empty_restates_every_cell():
    found = changes(PUBLISHED.clear())

    assert [
        (at, measure, after) for at, measure, _, after, _ in found if measure == "handle_ms"
    ] == [
        ("09:00", "handle_ms", None),
        ("10:00", "handle_ms", None),
    ]
    assert restatements([PUBLISHED], [], day=DAY, found_at=FOUND, run_id="r").height == len(found)


def test_a_conversation_is_named_as_it_is_whatever_its_id_is_made_of():
    odd = PUBLISHED[:1].with_columns(conversation_id=pl.lit('c"4\\'))

    assert changes(pl.concat([PUBLISHED, odd])) == [
        ("09:00", "handle_ms", 400_000, 700_000, ['c"4\\']),
        ("09:00", "handled_count", 2, 3, ['c"4\\']),
    ]


def test_a_corrected_wait_restates_the_queues_cell_which_knows_no_agent():
    answered = metrics("c9 | 09:05 | tAnswered | 20000")
    found = restatements(
        [answered],
        [answered.with_columns(value_ms=pl.lit(25_000, pl.Int64))],
        day=DAY,
        found_at=FOUND,
        run_id="run",
    )
    (row,) = found.iter_rows(named=True)

    assert row["table_name"] == "rollups.queue_intervals"
    assert orjson.loads(row["cell"]) == {
        "interval_start": "2026-01-05T09:00:00Z",
        "queue_id": "q",
        "media_type": "voice",
        "direction": "inbound",
    }
    assert (row["measure"], row["before"], row["after"]) == ("answered_ms", 20_000, 25_000)
    assert orjson.loads(row["conversation_ids"]) == ["c9"]
