"""What the loads of the last days cost, and how fresh they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from aggregation_platform.cli.ingestion import Ingestion, added_up


def load(committed_at, reached, *, tail=False, **counts):
    end = datetime.fromisoformat(f"2026-01-{reached}:00Z")
    return {
        "committed_at": datetime.fromisoformat(f"2026-01-{committed_at}:00Z"),
        "interval_to": end if tail else datetime(2026, 1, 9, tzinfo=UTC),
        "data_available_to": None if tail else end,
        "source_job_id": None if tail else "a-job",
        "requests": 0,
        "retries": 0,
        "waited_ms": 0,
        "received_bytes": 0,
        "pages": 0,
        "requests_by_outcome": "{}",
        **counts,
    }


def test_counts_add_up_and_success_is_of_the_requests_that_were_sent():
    first = load(
        "05T08:00",
        "05T07:00",
        requests=4,
        retries=1,
        waited_ms=500,
        received_bytes=10,
        pages=2,
        requests_by_outcome=json.dumps({"2xx": 3, "429": 1, "unsent": 5}),
    )
    second = load(
        "05T09:00",
        "05T08:00",
        requests=6,
        pages=1,
        requests_by_outcome=json.dumps({"2xx": 6}),
    )

    assert added_up([first, second]) == Ingestion(
        loads=2,
        requests=10,
        requests_by_outcome={"2xx": 9, "429": 1, "unsent": 5},
        success_rate=0.9,
        retries=1,
        waited_ms=500,
        received_bytes=10,
        pages=3,
        freshness_minutes=60.0,
    )


def test_freshness_is_of_loads_that_brought_something_newer_and_no_others():
    loads = [
        load("05T08:00", "05T07:00"),
        load("05T08:10", "05T08:00", tail=True),
        load("05T09:00", "05T07:30"),
        load("07T00:00", "05T08:00", tail=True),
        load("07T00:30", "07T00:10"),
    ]

    assert added_up(loads).freshness_minutes == 20.0


def test_a_job_and_its_fresh_tail_are_one_load_as_to_freshness():
    loads = [load("05T08:00", "05T02:00"), load("05T08:00", "05T07:55", tail=True)]

    assert added_up(loads).freshness_minutes == 5.0


def test_without_loads_there_is_no_rate():
    assert added_up([]).success_rate is None
    assert added_up([]).freshness_minutes is None


def test_requests_of_failed_attempts_count_as_sent_and_none_of_them_as_success():
    stored = load("05T08:00", "05T07:00", requests=3, requests_by_outcome='{"2xx": 3}')
    failed = load(
        "05T09:00",
        "05T07:00",
        requests=9,
        retries=6,
        waited_ms=90_000,
        requests_by_outcome='{"2xx": 2, "5xx": 7}',
    )

    found = added_up([stored], [failed])

    assert (found.loads, found.failed_attempts, found.requests) == (1, 1, 12)
    assert (found.success_rate, found.retries, found.waited_ms) == (3 / 12, 6, 90_000)
    assert found.requests_by_outcome == {"2xx": 5, "5xx": 7}
    assert added_up([], [failed]).success_rate == 0.0
