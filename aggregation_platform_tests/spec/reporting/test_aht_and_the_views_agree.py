"""`aht` by any clock says what the reporting views say, on both warehouses."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from aggregation_platform.cli.aht_answer import Question, answer_of
from aggregation_platform.cli.options import Days
from aggregation_platform.queries.handle_time import queue_names

NOW = datetime(2027, 6, 1, tzinfo=UTC)
DAYS = Days(date(2026, 10, 24), date(2026, 10, 26))
"""Around the day on which Berlin sets its clocks back."""


@pytest.fixture
def filled(reporting):
    """A handled session each half hour, of two orgs, from the 23rd to the 27th."""
    for number in range(23, 28):
        day = date(2026, 10, number)
        for org in ("us", "emea"):
            reporting.load(org, day, finality="complete" if number == 25 else "final")
        half_hours = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 30)]
        reporting.roll_up(
            day,
            *(("us", at, 1, 1000 * number, "Sales", "ann") for at in half_hours),
            *(("emea", at, 2, 100 * number, "Care", "bob") for at in half_hours),
        )
    return reporting


def rows_of(reporting, zone, *by, chosen=()):
    asked = Question(days=DAYS, by=by, orgs=("us", "emea"), zone=zone, chosen=chosen)
    assembly = reporting.assembly
    found = answer_of(assembly.warehouse, assembly.config, asked, now=NOW).figures.rows
    return found.select(*by, "handled_count", "handle_ms", "finality").rows()


@pytest.mark.parametrize("clock", ["org", "UTC", "Asia/Tokyo", "Europe/Berlin"])
def test_days_of_each_org(filled, clock):
    told = filled.ask(
        "select org, day, handled_count, handle_ms, finality"  # noqa: S608 - a clock of above
        f" from reporting.aht_of_orgs_by_local_day where clock = '{clock}'"
        " and org in ('us', 'emea') and day between '2026-10-24' and '2026-10-26' order by org, day"
    )

    assert rows_of(filled, clock, "org", "day") == told


@pytest.mark.parametrize("clock", ["org", "Asia/Tokyo"])
def test_hours_of_each_org(filled, clock):
    told = filled.ask(
        "select org, cast(extract(hour from local_hour) as integer) as of_day,"  # noqa: S608 - likewise
        " cast(sum(handled_count) as bigint), cast(sum(handle_ms) as bigint)"
        f" from reporting.handle_time_by_local_hour where clock = '{clock}'"
        " and cast(local_hour as date) between '2026-10-24' and '2026-10-26'"
        " group by org, of_day order by org, of_day"
    )

    assert [row[:4] for row in rows_of(filled, clock, "org", "hour")] == told


def test_a_choice_and_the_names_of_queues_are_the_same_on_both(filled):
    chosen = ({"global_queue": ["Care"], "queue_id": ["none such"]},)

    ((queue, handled, _, _),) = rows_of(filled, "org", "global_queue", chosen=chosen)

    assert (queue, handled) == ("Care", 2 * 2 * (24 * 3 + 1))
    assert queue_names(filled.assembly.warehouse, DAYS.first, DAYS.last) == {"q": "q"}
