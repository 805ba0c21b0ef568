"""`status` against a real DuckDB warehouse."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from aggregation_platform.intervals import Interval
from aggregation_platform.warehouse.store import LedgerEntry

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


def fetched(org, day, *, until=None, tail=False):
    return LedgerEntry(
        org=org,
        dataset="conversations",
        interval=Interval.of_day(day),
        state="complete",
        rows=1,
        bytes=1,
        content_hash="h",
        attempt_id=f"{org}-{day}-{tail}",
        source_job_id=None if tail else "a-job",
        data_available_to=until,
    )


def told(here):
    run = here.run("status", "--format", "json")
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def test_each_org_has_its_watermark_its_days_and_what_is_missing(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    noon = datetime(2026, 1, 6, 12, tzinfo=UTC)
    here.load_facts("us", MONDAY, finality="final", ledger=[fetched("us", MONDAY, until=noon)])
    here.load_facts(
        "us", TUESDAY, finality="provisional", ledger=[fetched("us", TUESDAY, until=noon)]
    )

    us, emea = told(here)["orgs"]

    assert us["data_available_to"] == "2026-01-06T12:00:00.000Z"
    assert us["held_to"] == "2026-01-06T12:00:00.000Z"
    assert us["days"] | {"missing": 0} == {
        "provisional": 1,
        "complete": 0,
        "final": 1,
        "missing": 0,
    }
    assert us["missing"][0]["from"] == "2026-01-07"
    assert (emea["state"], emea["held_to"], emea["freshness_minutes"]) == ("stuck", None, None)
    assert emea["missing"][0]["from"] == "2026-01-05"


def test_the_fresh_tail_counts_for_freshness_beyond_the_watermark(platform):
    here = platform(us="2026-01-05")
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    here.load_facts(
        "us",
        MONDAY,
        ledger=[fetched("us", MONDAY, until=noon), fetched("us", MONDAY, tail=True)],
    )

    (us,) = told(here)["orgs"]

    assert us["data_available_to"] == "2026-01-05T12:00:00.000Z"
    assert us["held_to"] == "2026-01-06T00:00:00.000Z"


def test_match_rates_are_of_what_was_handled_and_has_an_id(platform):
    here = platform(us="2026-01-05")
    cell = {"org": "us", "interval_start": datetime(2026, 1, 5, 9, tzinfo=UTC), "handle_ms": 1000}
    here.roll_up(
        MONDAY,
        [
            {**cell, "global_queue": "Sales", "handled_count": 3, "global_agent_id": "a"},
            {**cell, "global_queue": "(unmapped)", "handled_count": 1, "global_agent_id": "a"},
            {**cell, "global_queue": "(none)", "handled_count": 6, "global_agent_id": "a"},
        ],
    )

    (us,) = told(here)["orgs"]

    assert us["match_rates"]["queue"] == {"record_rate": 0.75, "volume_rate": 0.5}
    assert us["match_rates"]["agent"]["record_rate"] == 1.0


def test_the_site_says_who_may_write(platform):
    here = platform(us="2026-01-05")

    site = told(here)["site"]

    assert site["name"] == "site1"
    assert site["mode"] == "STANDALONE"
    assert site["may_write"] is True
    assert site["epoch"] == 1
    assert site["lease"]["holder"] == "site1"


def test_the_table_says_what_is_missing_and_what_to_run(platform):
    here = platform(us="2026-01-05")
    here.load_facts("us", MONDAY, ledger=[fetched("us", MONDAY)])

    run = here.run("status")

    assert run.exit_code == 0
    assert "site site1: STANDALONE, lease held by site1, epoch 1" in run.stdout
    assert "us: missing days: 2026-01-06 to " in run.stdout
    assert "`materialize` loads them" in run.stdout


def test_before_anything_was_loaded_it_says_what_to_run(platform):
    here = platform(us="2026-01-05")
    (here.file.parent / "data" / "warehouse.duckdb").unlink()

    run = here.run("status", "--format", "json")

    assert run.exit_code == 1
    assert run.stdout == ""
    assert "aggregation-platform materialize" in run.stderr
