"""`aht --percentiles`: the median of any slice, out of buckets, beside the average."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.rollups.handle_time import handle_time
from aggregation_platform.rollups.sketches import handle_time_sketches
from aggregation_platform.rollups.tables import HANDLE_TIME, HANDLE_TIME_SKETCHES
from aggregation_platform.tables import Partition

MONDAY = date(2026, 1, 5)
CALLS = {
    ("us", "voice", 9): [60_000, 90_000, 120_000, 150_000, 7_200_000],
    ("us", "chat", 10): [30_000, 40_000],
    ("emea", "voice", 9): [200_000] * 4,
}
ASKED = ("aht", "--from", "2026-01-05", "--to", "2026-01-05")


@pytest.fixture
def here(platform):
    made = platform(us="2026-01-05", emea="2026-01-05")
    for org in ("us", "emea"):
        made.load_facts(org, MONDAY)
    metrics = session_metrics()
    queues, agents = QUEUES.empty(), AGENTS.empty()
    cells = handle_time(metrics, day=MONDAY, queues=queues, agents=agents)
    buckets = handle_time_sketches(metrics, day=MONDAY, queues=queues, agents=agents)
    made.write(HANDLE_TIME, Partition(day=MONDAY), cells)
    made.write(HANDLE_TIME_SKETCHES, Partition(day=MONDAY), buckets)
    return made


def session_metrics():
    rows = [
        {"org": org, "media_type": media_type, "value_ms": ms, "metric": "tHandle",
         "emitted_at": datetime(2026, 1, 5, hour, tzinfo=UTC)}
        for (org, media_type, hour), times in CALLS.items()
        for ms in times
    ]  # fmt: skip
    found = pl.DataFrame(rows, schema_overrides={"emitted_at": pl.Datetime("us", "UTC")})
    return pl.concat([SESSION_METRICS.empty(), found], how="diagonal")


def answer(run):
    assert run.exit_code == 0, run.stderr
    return json.loads(run.stdout)


def about(milliseconds):
    return pytest.approx(milliseconds, rel=0.02)


def test_the_median_of_each_slice_and_of_all_stands_beside_its_average(here):
    told = answer(here.run(*ASKED, "--by", "org", "--percentiles", "50,90", "--format", "json"))

    us, emea = sorted(told["rows"], key=lambda row: row["org"], reverse=True)
    assert (us["p50_ms"], us["p90_ms"]) == (about(90_000), about(7_200_000))
    assert (emea["p50_ms"], emea["p90_ms"]) == (about(200_000), about(200_000))
    assert told["total"]["p50_ms"] == about(150_000)
    assert us["aht_ms"] == sum(CALLS["us", "voice", 9] + CALLS["us", "chat", 10]) // 7


@pytest.mark.parametrize(
    ("by", "group"),
    [
        ("media_type", {"voice": 200_000, "chat": 30_000}),
        ("hour", {9: 200_000, 10: 30_000}),
        ("day", {"2026-01-05": 150_000}),
        ("global_queue", {"(none)": 150_000}),
        ("global_agent", {"(none)": 150_000}),
    ],
)
def test_it_is_given_by_whatever_the_average_is_grouped_by(here, by, group):
    told = answer(here.run(*ASKED, "--by", by, "--percentiles", "50", "--format", "json"))

    assert {row[by]: row["p50_ms"] for row in told["rows"]} == {
        name: about(ms) for name, ms in group.items()
    }


def test_without_the_option_the_document_is_as_it_was(here):
    told = answer(here.run(*ASKED, "--format", "json"))

    assert set(told["total"]) == {
        *("handled_count", "handle_ms", "aht_ms", "orgs_missing", "finality")
    }


def test_the_table_says_median_and_csv_has_a_column(here):
    shown = here.run(*ASKED, "--by", "org", "--percentiles", "50,95").stdout
    rows = csv.DictReader(
        io.StringIO(
            here.run(*ASKED, "--by", "org", "--percentiles", "95", "--format", "csv").stdout
        )
    )

    assert "Median ±2 % (m:ss)" in shown
    assert "P95 ±2 % (m:ss)" in shown
    assert {row["org"]: int(row["p95_ms"]) for row in rows}["emea"] == about(200_000)


def test_where_nothing_was_handled_there_is_no_median(here):
    told = answer(
        here.run(
            *("aht", "--from", "2026-01-06", "--to", "2026-01-06"),
            *("--by", "org", "--percentiles", "50", "--format", "json"),
        )
    )

    assert told["total"]["p50_ms"] is None
    assert [row["p50_ms"] for row in told["rows"]] == [None, None]


def test_buckets_that_lack_sessions_of_the_average_are_told(here):
    here.write(HANDLE_TIME_SKETCHES, Partition(day=MONDAY), HANDLE_TIME_SKETCHES.empty())

    run = here.run(*ASKED, "--percentiles", "50", "--format", "json")

    assert answer(run)["total"]["p50_ms"] is None
    assert "percentiles are of 0 handled sessions, the average of 11" in run.stderr


@pytest.mark.parametrize("wrong", ["0", "100", "median", "50,,90", "1.5"])
def test_what_is_no_percentile_is_wrong_usage(here, wrong):
    run = here.run(*ASKED, "--percentiles", wrong)

    assert run.exit_code == 2
    assert "is no percentile" in run.stderr
