"""AHT over any slice: divided last, and honest about what it lacks."""

from datetime import date

import polars as pl
import pytest

from aggregation_platform.rollups.aht import aht
from aggregation_platform.rollups.tables import HANDLE_TIME

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
ORGS = ["emea", "us"]

CELLS = """
    day        | interval_start      | org  | global_queue | handled_count | handle_ms
    -----------+---------------------+------+--------------+---------------+----------
    2026-01-05 | 2026-01-05T10:00:00 | us   | Sales        |             1 |   100_000
    2026-01-05 | 2026-01-05T10:30:00 | us   | Billing      |             9 |   180_000
    2026-01-05 | 2026-01-05T11:00:00 | emea | Sales        |             1 |   300_000
    2026-01-06 | 2026-01-06T10:00:00 | us   | Sales        |             2 |   201_001
"""


@pytest.fixture
def ask(told):
    def answer(*by, states="", orgs=ORGS, days=(MONDAY, TUESDAY), cells=CELLS):
        loaded = (
            states
            or """
            org  | day        | finality
            us   | 2026-01-05 | final
            emea | 2026-01-05 | final
            us   | 2026-01-06 | final
            emea | 2026-01-06 | final
        """
        )
        lines = [[cell.strip() for cell in line.split("|")] for line in loaded.split("\n")]
        rows = [line for line in lines if len(line) == 3][1:]
        known = pl.DataFrame(rows, schema=["org", "day", "finality"], orient="row")
        known = known.with_columns(pl.col("day").str.to_date())
        return aht(told(HANDLE_TIME, cells), known, by=by, orgs=orgs, days=days)

    return answer


def test_the_average_of_all_is_not_the_average_of_averages(ask):
    answer = ask("global_queue", days=[MONDAY])

    assert answer.rows.select("global_queue", "aht_ms").rows() == [
        ("Billing", 20_000),
        ("Sales", 200_000),
    ]
    assert answer.total.select("handled_count", "handle_ms", "aht_ms").rows() == [
        (11, 580_000, 52_727)
    ]


def test_half_a_millisecond_is_rounded_up(ask):
    cells = """
        day        | interval_start      | org | handled_count | handle_ms
        2026-01-05 | 2026-01-05T10:00:00 | us  |             2 |   201_001
    """

    assert ask(cells=cells).total["aht_ms"].item() == 100_501


def test_a_slice_in_which_nothing_was_handled_has_no_average(ask):
    answer = ask("org", "day", days=[TUESDAY])

    assert answer.rows.select("org", "handled_count", "handle_ms", "aht_ms").rows() == [
        ("emea", 0, 0, None),
        ("us", 2, 201_001, 100_501),
    ]


def test_hours_of_several_days_make_a_profile_and_with_the_day_a_course(ask):
    assert ask("hour").rows.select("hour", "handled_count").rows() == [(10, 12), (11, 1)]
    assert ask("day", "hour").rows.select("day", "hour", "handled_count").rows() == [
        (MONDAY, 10, 10),
        (MONDAY, 11, 1),
        (TUESDAY, 10, 2),
    ]


def test_a_figure_names_the_orgs_it_lacks_and_is_then_provisional(ask):
    states = """
        org  | day        | finality
        us   | 2026-01-05 | final
        emea | 2026-01-05 | final
        us   | 2026-01-06 | final
    """

    by_day = ask("day", states=states).rows
    by_org = ask("org", states=states).rows
    by_queue = ask("global_queue", states=states).rows

    assert by_day.select("orgs_missing", "finality").rows() == [
        ([], "final"),
        (["emea"], "provisional"),
    ]
    assert by_org.select("org", "orgs_missing", "finality").rows() == [
        ("emea", ["emea"], "provisional"),
        ("us", [], "final"),
    ]
    assert by_queue["orgs_missing"].to_list() == [["emea"], ["emea"]]


def test_a_figure_is_only_as_final_as_its_slowest_org(ask):
    states = """
        org  | day        | finality
        us   | 2026-01-05 | final
        emea | 2026-01-05 | complete
    """

    answer = ask("org", states=states, days=[MONDAY])

    assert answer.rows.select("org", "finality").rows() == [("emea", "complete"), ("us", "final")]
    assert answer.total["finality"].item() == "complete"


def test_an_org_that_was_not_asked_for_is_not_in_the_figure(ask):
    assert ask(orgs=["emea"]).total["handle_ms"].item() == 300_000


def test_grouping_by_what_is_no_dimension_is_refused(ask):
    with pytest.raises(ValueError, match="wrap_up_code"):
        ask("wrap_up_code")
