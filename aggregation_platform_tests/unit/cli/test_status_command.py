"""`status` against a real DuckDB warehouse."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
from click.testing import CliRunner

from aggregation_platform.cli.main import cli
from aggregation_platform.clock import SystemClock
from aggregation_platform.intervals import Interval, spelled
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.ops_tables import BUILT_WITH, FAILED_ATTEMPTS
from aggregation_platform.warehouse.store import LedgerEntry
from aggregation_platform_tests.unit.cli.conftest import GRANT

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

    lines = run.stdout.splitlines()
    titles = next(n for n, line in enumerate(lines) if line.startswith("Loads of 7 days"))
    columns = [re.split(r" {2,}", lines[at].strip()) for at in (titles, titles + 2)]
    assert len(columns[0]) == len(set(columns[0])) == len(columns[1])
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
    assert f"--config {here.file} materialize --from 2026-01-06 --to 20" in run.stdout
    assert "--org us` loads them" in run.stdout


def test_before_anything_was_loaded_it_says_what_to_run(platform):
    here = platform(us="2026-01-05")
    (here.file.parent / "data" / "warehouse.duckdb").unlink()

    run = here.run("status", "--format", "json")

    assert run.exit_code == 1
    assert run.stdout == ""
    assert f"aggregation-platform --config {here.file} materialize --from " in run.stderr


def failing(org, reason, *, at, next_try_at=None):
    row = {
        "org": org,
        "day": MONDAY,
        "failed_at": at,
        "error": "TransientSourceError",
        "reason": reason,
        "next_try_at": next_try_at,
        "requests": 7,
        "retries": 6,
        "waited_ms": 1000,
        "bytes": 0,
        "requests_by_outcome": json.dumps({"5xx": 7}),
        "run_id": "a-run",
    }
    return pl.DataFrame([row], schema=FAILED_ATTEMPTS.frame_schema, orient="row")


def test_an_org_that_fails_is_shown_with_its_error_and_its_next_try(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    load_today(here)
    now = datetime.now(UTC)
    later = now + timedelta(minutes=10)
    here.warehouse.append(
        FAILED_ATTEMPTS, failing("us", "status 503", at=now, next_try_at=later), GRANT
    )

    us, emea = told(here)["orgs"]
    run = here.run("status")

    assert us["ingestion"]["requests_by_outcome"] == {"2xx": 3, "429": 1, "5xx": 7}
    assert us["ingestion"]["success_rate"] == 3 / 11
    assert us["attempts"]["last_failed"] is True
    assert us["attempts"]["last_error"]["reason"] == "status 503"
    assert us["attempts"]["next_try_at"] == spelled(later)
    assert emea["attempts"] == {
        "last_at": None,
        "last_failed": False,
        "last_error": None,
        "next_try_at": None,
    }
    assert f"status 503; next try after {later:%Y-%m-%d %H:%M} UTC" in run.stdout


def test_a_warehouse_without_the_table_of_failures_still_has_a_status(platform):
    here = platform(us="2026-01-05")
    with duckdb.connect(here.file.parent / "data" / "warehouse.duckdb") as connection:
        connection.execute("drop table ops.failed_attempts")

    assert told(here)["orgs"][0]["attempts"]["last_error"] is None


def test_rules_that_cannot_be_read_are_named_beside_those_that_stay_in_force(platform):
    here = platform(us="2026-01-05")
    here.file.write_text(here.file.read_text() + "rules: {queues: queues.csv}\n")
    rules = here.file.parent / "queues.csv"
    rules.write_text("org,queue,global_queue\nus,Sales,Sales\n")
    made = {
        "table_name": "identity.queues",
        "partition_key": "all",
        "named_by": "rules",
        "rules_version": "v1",
        "content_hash": None,
        "built_at": datetime(2026, 1, 7, 9, 30, tzinfo=UTC),
    }
    frame = pl.DataFrame([made], schema=BUILT_WITH.frame_schema, orient="row")
    here.warehouse.upsert(BUILT_WITH, frame, GRANT)
    well = told(here)["rules"]
    rules.write_text("org,queue,global_queue\nus,Sales,Sales\nmoon,Sales,Sales\n")
    broken, run = told(here)["rules"], here.run("status")

    assert well["state"] == "ok"
    assert broken["state"] == "broken"
    assert "line 3" in broken["mistakes"][0]
    assert "queues.csv: line 3" in run.stdout
    assert "the rules of 2026-01-07 09:30 UTC stay in force" in run.stdout


def test_days_of_the_past_that_are_being_stored_are_shown_as_a_backfill(platform):
    here = platform(us="2026-01-05")
    here.clock.advance((datetime.now(UTC) - here.clock.now()).total_seconds() - 1800)
    for day in (MONDAY, TUESDAY):
        raw = pl.DataFrame(schema=RAW.frame_schema)
        here.write(RAW, Partition("us", day), raw)

    backfill = told(here)["orgs"][0]["backfill"]
    run = here.run("status")

    assert backfill["stored"] == 2
    assert backfill["missing"] > 2
    assert backfill["minutes_left"] > 30
    assert "us: backfill: 2 days of the past stored in the last hour" in run.stdout


def test_the_command_that_loads_missing_days_can_be_pasted_whatever_the_folder_is_called(
    platform, tmp_path
):
    platform(us="2026-01-05")
    folder = tmp_path / "an odd; folder's name"
    folder.mkdir()
    for name in ("platform.yaml", "data"):
        (tmp_path / name).rename(folder / name)
    run = CliRunner().invoke(cli, ["--config", str(folder / "platform.yaml"), "status"])
    advice = next(line for line in run.stdout.splitlines() if "missing days" in line)
    words = shlex.split(advice.split("`")[1])

    assert words[:3] == ["aggregation-platform", "--config", str(folder / "platform.yaml")]
    assert words[3:6] == ["materialize", "--from", "2026-01-05"]
