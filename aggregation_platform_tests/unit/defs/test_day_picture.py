"""The answer and the small picture of a day, as the UI shows them without a click."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import dagster as dg
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.defs.day_picture import SHOWN_IN_PLACE, answer, course_of_the_day

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


def rollup(cells: list[tuple[int, int, int]]) -> pl.DataFrame:
    """Rows of half hour, handled_count, handle_ms."""
    rows = [(MIDNIGHT + timedelta(minutes=30 * slot), count, ms) for slot, count, ms in cells]
    schema = {
        "interval_start": pl.Datetime("us", "UTC"),
        "handled_count": pl.Int64(),
        "handle_ms": pl.Int64(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def drawing(shown: dg.MarkdownMetadataValue) -> ET.Element:
    image = (shown.md_str or "").partition("](data:image/svg+xml,")[2].partition(")\n")[0]
    return ET.fromstring(unquote(image))  # noqa: S314 - our own drawing


@pytest.mark.parametrize(
    ("handled", "aht_ms", "finality", "missing", "said"),
    [
        (12_653, 216_420, "final", [], "AHT **3:36** over 12,653 handled. Final. No organization"),
        (7, 60_000, "provisional", ["emea", "us"], "Provisional. Missing: **emea, us**."),
        (0, None, "complete", [], "Nothing was handled. Complete. No organization is missing."),
    ],
)
def test_the_answer_says_aht_finality_and_who_is_missing(handled, aht_ms, finality, missing, said):
    total = {"handled_count": handled, "aht_ms": aht_ms, "finality": finality}

    assert said in (answer(total, missing).md_str or "")


def test_a_bar_is_as_high_as_its_hour_is_busy_and_an_hour_without_anything_has_none():
    shown = course_of_the_day(rollup([(0, 5, 5), (1, 5, 5), (2, 20, 20), (6, 10, 10)]))

    bars, line, _ = drawing(shown)
    assert bars.get("d") == "M10,96V51M30,96V6M70,96V51"
    assert str(line.get("d")).count("M") == 2, "the line is open where an hour has nothing"


def test_a_day_without_handle_time_says_so():
    assert course_of_the_day(rollup([(4, 0, 0)])).md_str == "Nothing was handled on this day."


@given(
    st.lists(
        st.tuples(st.integers(0, 47), st.integers(0, 10**12), st.integers(0, 10**15)), max_size=200
    )
)
def test_any_day_is_shown_in_place_and_can_be_drawn(cells: list[tuple[int, int, int]]):
    shown = course_of_the_day(rollup(cells))

    assert len(shown.md_str or "") < SHOWN_IN_PLACE
    if any(count for _, count, _ in cells):
        drawing(shown)
