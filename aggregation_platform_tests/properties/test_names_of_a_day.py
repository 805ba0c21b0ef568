"""A queue is called on each day what it was called on that day, however late its record came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.directory import tables as directory
from aggregation_platform.facts.tables import SESSIONS
from aggregation_platform.identity.members import valid_on
from aggregation_platform.identity.queues import queue_names, queues

FIRST = date(2026, 1, 5)
DAYS = 5

names = st.lists(st.sampled_from(["Billing", "Accounts", "Orders"]), min_size=DAYS, max_size=DAYS)
"""What the queue is called on each day: it is renamed at midnight, perhaps more than once."""
conversations = st.lists(
    st.lists(st.integers(0, 24 * DAYS - 1), min_size=1, max_size=4), min_size=1, max_size=5
)
"""The hours at which each conversation queued."""
portions = st.permutations(range(DAYS)).flatmap(
    lambda days: st.integers(1, DAYS).map(lambda count: days[:count])
)
"""The days that were fetched, in the order in which they were."""


def fetched(day: int, called: list[str], queued_at: list[list[int]]) -> pl.DataFrame:
    """Return the sessions of a day's fetch: whole records, also what came before and after."""
    rows = [
        {
            "org": "us",
            "day": FIRST + timedelta(day),
            "purpose": "acd",
            "queue_id": "q1",
            "participant_name": called[hour // 24],
            "started_at": datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(hours=hour),
        }
        for hours in queued_at
        if min(hours) // 24 <= day <= max(hours) // 24
        for hour in hours
    ]
    return pl.DataFrame(rows, schema=SESSIONS.frame_schema)


@given(names, conversations, portions)
def test_no_name_reaches_a_day_on_which_the_queue_was_called_otherwise(called, queued_at, days):
    seen = pl.concat([queue_names(fetched(day, called, queued_at)) for day in days])
    mapped = queues(directory.QUEUES.empty(), seen, [])

    queued_on = {hour // 24 for hours in queued_at for hour in hours}
    for day in sorted(queued_on & set(days)):
        on_the_day = valid_on(mapped, FIRST + timedelta(day))
        assert on_the_day["queue_name"].to_list() == [called[day]]


@given(names, conversations, st.permutations(range(DAYS)))
def test_the_order_of_fetching_never_shows(called, queued_at, days):
    in_order, shuffled = (
        queues(
            directory.QUEUES.empty(),
            pl.concat([queue_names(fetched(day, called, queued_at)) for day in order]),
            [],
        )
        for order in (range(DAYS), days)
    )

    assert in_order.equals(shuffled)
