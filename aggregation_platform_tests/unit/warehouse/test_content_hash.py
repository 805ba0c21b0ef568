"""The hash of a partition, held against the same rule in plain Python."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregation_platform.tables import Table
from aggregation_platform.warehouse.content_hash import content_hash
from aggregation_platform.warehouse.spool import SpoolFolder
from aggregation_platform_tests.warehouse_rig import MONDAY, NOON, THINGS, Things, rows_of, things

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MoreThings(Things):
    """One row per thing of an org's day."""

    added_later = dy.String(nullable=True)


def hash_of(tmp_path: Path, *frames: pl.DataFrame, table: Table = THINGS) -> str:
    number = len(list(tmp_path.iterdir()))
    folder = tmp_path / str(number)
    folder.mkdir()
    return SpoolFolder(folder).write(table, None, frames).content_hash


def spelled(name: str, value: object) -> str:
    if isinstance(value, str):
        return f"{name}={len(value.encode())}:{value}"
    if isinstance(value, bool):
        return f"{name}={str(value).lower()};"
    if isinstance(value, datetime):
        return f"{name}={(value - EPOCH) // timedelta(microseconds=1)};"
    return f"{name}={value:.17g};" if isinstance(value, float) else f"{name}={value};"


def in_plain_python(rows: Sequence[Mapping[str, object]]) -> str:
    total = 0
    for row in rows:
        text = "".join(spelled(name, row[name]) for name in sorted(row) if row[name] is not None)
        digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
        total += int.from_bytes(digest[8:], "little")
    return f"v1:{len(rows)}:{total % 2**64:016x}"


def test_the_hash_is_the_sum_of_the_rows_md5(tmp_path: Path):
    full = {
        "org": "us",
        "day": MONDAY,
        "name": "日本; a=1:b",
        "number": -7,
        "share": 0.1,
        "is_good": True,
        "born_on": date(2000, 2, 29),
        "seen_at": NOON + timedelta(microseconds=1),
        "extra": '{"b": 1}',
    }
    rows = [full, {"org": "us", "day": MONDAY, "name": ""}, {"org": "us", "day": MONDAY}]

    assert hash_of(tmp_path, rows_of(THINGS, rows)) == in_plain_python(rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(["a", "b", "", None]), max_size=6), cut=st.integers(0, 6))
def test_neither_the_order_of_rows_nor_their_cutting_matters(
    tmp_path: Path, names: list[str | None], cut: int
):
    whole = things("us", MONDAY, *names)
    cut_up = [whole[cut:].reverse(), whole[:cut].select(reversed(whole.columns))]

    assert hash_of(tmp_path, *cut_up) == hash_of(tmp_path, whole)


def test_rows_that_differ_have_another_hash(tmp_path: Path):
    frames = [
        things("us", MONDAY),
        things("us", MONDAY, ""),
        things("us", MONDAY, None),
        things("us", MONDAY, None, None),
        things("us", MONDAY, "", ""),
        things("us", MONDAY, "", None),
        things("us", MONDAY, "", number=0),
    ]

    assert len({hash_of(tmp_path, frame) for frame in frames}) == len(frames)


def test_a_column_added_later_and_empty_changes_nothing(tmp_path: Path):
    wider = Table("facts", "things", MoreThings, ("org", "day"))
    frame = things("us", MONDAY, "a")
    widened = frame.with_columns(added_later=pl.lit(None, pl.String))

    assert hash_of(tmp_path, widened, table=wider) == hash_of(tmp_path, frame)


def test_nothing_has_a_hash_too():
    assert content_hash(THINGS, []) == "v1:0:0000000000000000"
