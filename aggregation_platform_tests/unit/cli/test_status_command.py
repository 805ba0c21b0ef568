"""`status` against a real DuckDB warehouse."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from aggregation_platform.clock import SystemClock
from aggregation_platform.intervals import Interval
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.warehouse.store import LedgerEntry

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


def fetched(org, day, *, until=None, tail=False, **figures: Any):
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
        **figures,
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


FIGURES: dict[str, Any] = {
    "requests": 4,
    "retries": 1,
    "waited_ms": 61_000,
    "pages": 2,
    "requests_by_outcome": {"2xx": 3, "429": 1},
}


def load_today(here):
    """Load Monday at an instant within the last days."""
    here.clock.advance((datetime.now(UTC) - here.clock.now()).total_seconds() - 3600)
    here.load_facts("us", MONDAY, ledger=[fetched("us", MONDAY, **FIGURES)])


def test_the_loads_of_the_last_days_add_up_and_earlier_ones_do_not_count(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    here.load_facts("us", TUESDAY, ledger=[fetched("us", TUESDAY, **FIGURES)])
    load_today(here)

    us, emea = told(here)["orgs"]

    assert us["ingestion"]["loads"] == 1
    assert us["ingestion"]["requests_by_outcome"] == {"2xx": 3, "429": 1}
    assert us["ingestion"]["success_rate"] == 0.75
    assert us["ingestion"]["waited_ms"] == 61_000
    assert (emea["ingestion"]["loads"], emea["ingestion"]["success_rate"]) == (0, None)


def test_the_table_tells_how_the_loads_went(platform):
    here = platform(us="2026-01-05")
    load_today(here)

    run = here.run("status")

    assert "Loads of 7 days" in run.stdout
    assert "75.0%" in run.stdout
    assert "0:01:01" in run.stdout
    assert "2xx 3, 429 1" in run.stdout


def test_an_org_that_wants_no_requests_for_now_is_shown_with_its_reason(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    state = SqliteState(here.file.parent / "data" / "shared.sqlite", clock=SystemClock())
    state.block("us", seconds=14_400, reason="status 429")
    state.close()

    us, emea = told(here)["orgs"]
    run = here.run("status")

    assert us["blocked"]["reason"] == "status 429"
    assert emea["blocked"] is None
    assert "us: asked to stay away until 20" in run.stdout
    assert "UTC: status 429" in run.stdout


def test_a_damaged_shared_state_hides_nothing_else(platform):
    here = platform(us="2026-01-05")
    file = here.file.parent / "data" / "shared.sqlite"
    file.write_bytes(b"no database" * 1000)

    document, run = told(here), here.run("status")

    assert document["site"]["name"] == "site1"
    assert "delete the file" in document["blocks_unknown"]
    assert "whether an org asked us to stay away is not known" in run.stdout


def test_looking_makes_no_file(platform):
    here = platform(us="2026-01-05")

    assert told(here)["blocks_unknown"] is None
    assert not (here.file.parent / "data" / "shared.sqlite").exists()


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
    assert "`materialize --from 2026-01-06 --to 20" in run.stdout
    assert "--org us` loads them" in run.stdout


def test_before_anything_was_loaded_it_says_what_to_run(platform):
    here = platform(us="2026-01-05")
    (here.file.parent / "data" / "warehouse.duckdb").unlink()

    run = here.run("status", "--format", "json")

    assert run.exit_code == 1
    assert run.stdout == ""
    assert "aggregation-platform materialize" in run.stderr
