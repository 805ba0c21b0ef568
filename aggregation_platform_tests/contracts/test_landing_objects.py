"""What every store behind the landing zone must do: a folder, memory, S3 (conftest.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregation_platform.landing.objects import Objects, open_objects


@pytest.fixture
def objects(landing_url: str, tmp_path: Path) -> Objects:
    return open_objects(landing_url, tmp_path)


def test_what_was_put_is_read_back(objects: Objects):
    objects.put("us/2026-01-05/a/done.json", b"{}")

    assert objects.get("us/2026-01-05/a/done.json") == b"{}"


def test_putting_again_replaces_the_whole(objects: Objects):
    objects.put("us/x", b"a long first body")
    objects.put("us/x", b"short")

    assert objects.get("us/x") == b"short"


def test_what_is_not_there_reads_as_nothing(objects: Objects):
    assert objects.get("us/none") is None


def test_creating_leaves_another_object_alone_and_says_so(objects: Objects):
    assert objects.create("us/x", b"first")
    assert not objects.create("us/x", b"second")

    assert objects.get("us/x") == b"first"


def test_creating_the_same_twice_counts_as_done_since_a_repeated_request_looks_so(
    objects: Objects,
):
    assert objects.create("us/x", b"same")
    assert objects.create("us/x", b"same")


def test_a_listing_has_every_object_below_with_its_size_and_nothing_beside(objects: Objects):
    objects.put("us/2026-01-05/a", b"1")
    objects.put("us/2026-01-05/b/c", b"22")
    objects.put("us/2026-01-06/a", b"333")
    objects.put("us2/2026-01-05/a", b"4444")
    found = {stored.path: stored.size for stored in objects.listing("us/2026-01-05")}

    assert found == {"us/2026-01-05/a": 1, "us/2026-01-05/b/c": 2}


def test_children_are_the_names_one_level_below(objects: Objects):
    objects.put("us/2026-01-06/a/done.json", b"")
    objects.put("us/2026-01-05/a/w/01/intent.json", b"")
    objects.put("emea/2026-01-05/a/done.json", b"")

    assert objects.children("us") == ("2026-01-05", "2026-01-06")
    assert objects.children("") == ("emea", "us")
    assert objects.children("apac") == ()


def test_several_are_read_at_once_and_missing_ones_are_left_out(objects: Objects):
    objects.put("us/a", b"1")
    objects.put("us/b", b"2")

    assert objects.get_all(["us/a", "us/none", "us/b"]) == {"us/a": b"1", "us/b": b"2"}


def test_a_copy_is_an_object_of_its_own(objects: Objects):
    objects.put("us/a", b"1")
    objects.copy("us/a", "us/deep/er/b")
    objects.put("us/a", b"2")

    assert objects.get("us/deep/er/b") == b"1"


def test_deleting_what_is_not_there_is_no_error(objects: Objects):
    objects.put("us/a", b"1")
    objects.delete(["us/a", "us/a", "us/none"])

    assert objects.get("us/a") is None
