"""Where the landing zone is, and what is said when it cannot be there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aggregation_platform.errors import LandingError
from aggregation_platform.landing.objects import open_objects


def test_a_relative_folder_is_relative_to_the_base(tmp_path: Path):
    open_objects("data/landing", tmp_path).put("us/a", b"1")

    assert (tmp_path / "data/landing/us/a").read_bytes() == b"1"


def test_an_absolute_folder_and_its_file_address_are_the_same(tmp_path: Path):
    open_objects(f"file://{tmp_path}/zone", Path("/elsewhere")).put("us/a", b"1")

    assert open_objects(f"{tmp_path}/zone", Path("/elsewhere")).get("us/a") == b"1"


def test_a_folder_that_is_made_is_its_owners_alone(tmp_path: Path):
    open_objects("data/landing", tmp_path)

    assert (tmp_path / "data/landing").stat().st_mode & 0o777 == 0o700


def test_an_unknown_kind_of_address_says_which_there_are(tmp_path: Path):
    with pytest.raises(LandingError, match=r"landing zone ftp://host/x: cannot be opened.*s3://"):
        open_objects("ftp://host/x", tmp_path)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(LandingError, match="cannot be opened"):
        open_objects("file/landing", tmp_path)


def test_a_write_that_fails_names_the_object_and_what_to_check(tmp_path: Path):
    objects = open_objects("landing", tmp_path)
    (tmp_path / "landing" / "us").write_text("in the way")

    with pytest.raises(LandingError, match=r"cannot write us/2026-01-05/a: .*Check landing.url"):
        objects.put("us/2026-01-05/a", b"1")


def test_object_stores_open_without_a_network(tmp_path: Path):
    objects = open_objects("s3://bucket/landing", tmp_path)

    assert objects.spelled == "s3://bucket/landing"
    assert objects.folder is None


def test_on_a_folder_the_file_and_every_new_folder_are_flushed_before_the_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Patched on purpose: no seam short of a power cut shows a flush."""
    flushed: list[str] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    open_objects("zone", tmp_path).put("us/2026-01-05/a.json", b"1")
    zone = os.path.realpath(tmp_path / "zone")

    assert flushed[0] == f"{zone}/us/2026-01-05/a.json"
    assert {f"{zone}/us/2026-01-05", f"{zone}/us", zone} <= set(flushed)
