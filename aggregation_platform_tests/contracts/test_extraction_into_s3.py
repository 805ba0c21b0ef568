"""An org's day, fetched into S3 as a configuration names it, beside the same day in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from aggregation_platform.clock import ManualClock
from aggregation_platform.config.load import load_config
from aggregation_platform.errors import LandingError, SourceError
from aggregation_platform.extraction.org_day import extract_org_day
from aggregation_platform.extraction.outcome import Extracted, OrgDay
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.genesys.client import client_for
from aggregation_platform.genesys.transport import RequestsTransport
from aggregation_platform.landing.zone import LandingZone
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.raw.conversations import RawConversations
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator
from aggregation_platform_tests.s3_server import S3Server

DAY = date(2026, 1, 5)
PAGES = 6


@dataclass(frozen=True)
class Fetched:
    """One org's day of the same simulated org, in one landing zone."""

    result: Extracted
    objects: list[tuple[str, int]]
    bodies: list[bytes]
    raw: pl.DataFrame


def fetched(folder: Path, landing_url: str, *faults: Fault, tries: int = 1) -> Fetched:
    """Fetch the day; a run that a fault ends is repeated, with a client that knows nothing."""
    clock = ManualClock(datetime(2026, 1, 7, tzinfo=UTC))
    options = SimulatorOptions(orgs=("us",), days=1, conversations_per_day=150, history_days=1)
    with Simulator(options, clock) as simulator:
        config_file = simulator.write_platform_files(folder)
        told = yaml.safe_load(config_file.read_text())
        told["landing"]["url"] = landing_url
        config_file.write_text(yaml.safe_dump(told))
        for fault in faults:
            simulator.faults.add(fault)
        for _ in range(tries - 1):
            with pytest.raises(SourceError):
                extracted(config_file, clock)
        result = extracted(config_file, clock)
    return Fetched(result, stored(result), [page.read() for page in result.landed], raw(result))


def extracted(config_file: Path, clock: ManualClock) -> Extracted:
    config = load_config(config_file)
    state = SqliteState(config.folder / "shared.sqlite", clock=clock)
    client = client_for(
        config.organization("us"), clock=clock, transport=RequestsTransport(clock), state=state
    )
    landing = LandingZone.open(config.landing.address, config.folder)
    order = OrgDay(org="us", day=DAY, page_size=30)
    return extract_org_day(client, landing, state, order, clock=clock)


def stored(result: Extracted) -> list[tuple[str, int]]:
    """Every object of the attempt by its path below it, with its size."""
    journal = result.journal
    found = journal.objects.listing(journal.prefix)
    return sorted((one.path.removeprefix(journal.prefix), one.size) for one in found)


def raw(result: Extracted) -> pl.DataFrame:
    return pl.concat(RawConversations(result.landed.pages, org="us", day=DAY))


def facts(found: Fetched) -> Any:
    return facts_of(found.raw, org="us", day=DAY)


def test_a_day_fetched_into_s3_equals_the_same_day_in_a_folder(s3: S3Server, tmp_path: Path):
    in_folder = fetched(tmp_path / "one", "landing")
    in_s3 = fetched(tmp_path / "two", f"{s3.new_bucket()}/landing")

    assert in_s3.objects == in_folder.objects
    assert in_s3.bodies == in_folder.bodies
    assert_frame_equal(in_s3.raw, in_folder.raw)
    for one, other in zip(facts(in_s3), facts(in_folder), strict=True):
        assert_frame_equal(one, other)
    assert in_s3.raw.height > 100


def test_a_run_that_ended_in_the_middle_goes_on_from_what_lies_in_s3(s3: S3Server, tmp_path: Path):
    gone_for_one_run = Fault(kind="down", route="job_results", skip=3, remaining=7)
    whole = fetched(tmp_path / "one", f"{s3.new_bucket()}/landing")
    in_two_runs = fetched(tmp_path / "two", f"{s3.new_bucket()}/landing", gone_for_one_run, tries=2)

    assert in_two_runs.result.jobs_submitted == 1
    assert in_two_runs.bodies == whole.bodies
    assert in_two_runs.result.pages == whole.result.pages == PAGES


def test_a_bucket_that_is_not_there_is_named_with_what_to_check(s3: S3Server, tmp_path: Path):
    landing = LandingZone.open("s3://nobody-has-made-it/landing", tmp_path)

    with pytest.raises(LandingError, match=r"s3://nobody-has-made-it/landing: .*NoSuchBucket"):
        landing.objects.put("us/a", b"1")
    with pytest.raises(LandingError, match=r"cannot list us: .*NoSuchBucket.*Check landing.url"):
        landing.objects.children("us")


def test_only_one_of_two_zones_over_one_bucket_may_write_the_same_intent(
    s3: S3Server, tmp_path: Path
):
    """Two machines that share nothing but the bucket: the store itself decides (If-None-Match)."""
    url = f"{s3.new_bucket()}/landing"
    here, there = LandingZone.open(url, tmp_path), LandingZone.open(url, tmp_path)
    path = "us/2026-01-05/a/w/01/intent.json"

    assert here.objects.create(path, b"by one")
    assert not there.objects.create(path, b"by another")
    assert there.objects.get(path) == b"by one"
