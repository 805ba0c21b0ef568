"""Whatever a frame holds comes back from a warehouse as it went in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregation_platform.tables import Partition
from aggregation_platform_tests.warehouse_rig import MONDAY, THINGS, Rig, rows_of, things

AWKWARD = [
    "",
    "NULL",
    "null",
    "\\N",
    "'; drop table things; --",
    'say "hi", then\nleave\r\n',
    "日本語",
    "👩‍👩‍👧",
    " ends with a space ",
    "tab\tand\\backslash",
    "{braces} ? $1 %s",
]
TEXTS = st.sampled_from(AWKWARD) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
)
INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), 2**63 - 1, 0])
FLOATS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
INSTANTS = st.datetimes(
    datetime.fromisoformat("0001-01-02"),
    datetime.fromisoformat("9999-12-30"),
    timezones=st.just(UTC),
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.none() | TEXTS,
            "number": st.none() | INT64,
            "share": st.none() | FLOATS,
            "is_good": st.none() | st.booleans(),
            "born_on": st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
            "seen_at": st.none() | INSTANTS,
            "extra": st.none() | JSONS.map(json.dumps),
        }
    ),
    max_size=8,
)


def comparable(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    """Return the rows, JSON by its meaning, in an order of their own."""
    rows = [
        (*row[:-1], row[-1] if row[-1] is None else json.dumps(json.loads(row[-1]), sort_keys=True))
        for row in frame.select(*sorted(set(frame.columns) - {"extra"}), "extra").rows()
    ]
    return sorted(rows, key=repr)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_arbitrary_rows_come_back_as_they_went_in(rig: Rig, rows: list[dict[str, object]]):
    frame = rows_of(THINGS, [{"org": "us", "day": MONDAY, **row} for row in rows])
    rig.replace(frame)

    found = rig.warehouse.read(THINGS, [Partition("us", MONDAY)])
    assert found.schema == THINGS.frame_schema
    assert comparable(found) == comparable(frame)


def test_null_and_empty_text_stay_apart(rig: Rig):
    rig.replace(things("us", MONDAY, "", None))

    assert rig.names() == [None, ""]


def test_an_org_with_a_quote_in_its_name_is_a_value_like_any_other(rig: Rig):
    rig.replace(things("o'hare", MONDAY, "a"), org="o'hare")
    rig.replace(things("o'hare", MONDAY, "b"), org="o'hare")

    assert rig.names("o'hare") == ["b"]


def test_the_same_rows_have_the_same_hash_on_every_warehouse_and_in_every_version(rig: Rig):
    full = {
        "org": "us",
        "day": MONDAY,
        "name": "日本",
        "number": -7,
        "share": 0.1,
        "is_good": True,
        "born_on": date(2000, 2, 29),
        "seen_at": datetime(2026, 1, 5, 23, 59, 59, 999999, tzinfo=UTC),
        "extra": '{"b": 1, "a": [null]}',
    }
    written = rig.replace(rows_of(THINGS, [full, {"org": "us", "day": MONDAY}]))

    assert written.content_hash == "v1:2:efcc4f61d76744ed"
