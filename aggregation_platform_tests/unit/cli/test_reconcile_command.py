"""`reconcile` against the simulator's aggregates, which are computed from its own world."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.comparison import published_cells
from aggregation_platform.config.load import load_config
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.facts.tables import CONVERSATIONS, SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.intervals import Interval
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.handle_time import handle_time
from aggregation_platform.rollups.reconciliation import our_cells
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import LedgerEntry

MONDAY = date(2026, 1, 5)
US_MONDAY = Partition("us", MONDAY)
TEN_PAST_TEN = datetime(2026, 1, 5, 10, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def simulator():
    options = SimulatorOptions(
        orgs=("us",), days=1, conversations_per_day=60, history_days=0, agents_per_org=10
    )
    with Simulator(options) as running:
        yield running


@pytest.fixture
def here(platform, simulator, tmp_path):
    here = platform(us="2026-01-05")
    simulator.write_platform_files(tmp_path)
    return here


def inflated(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def raw_rows(here) -> pl.DataFrame:
    """Return the day's conversations, as the org's own query gives them."""
    client = Assembly(load_config(here.file)).client("us")
    rows: list[dict[str, Any]] = []
    number = 1
    while (
        page := client.query_details(Interval.of_day(MONDAY), page_number=number)
    ).conversation_ids:
        for position, record in enumerate(json.loads(inflated(page.body))["conversations"]):
            rows.append(
                {
                    "org": "us",
                    "day": MONDAY,
                    "conversation_id": record["conversationId"],
                    "page": number,
                    "position": position,
                    "payload": json.dumps(record),
                    "source": "query",
                    "fetched_at": datetime(2026, 1, 6, tzinfo=UTC),
                }
            )
        number += 1
    return pl.DataFrame(rows, schema=RAW.frame_schema)


def load(here, *, altered=None, finality="final", ledger=(), conversations_left_out=0):
    """Load Monday as the platform would; `altered` changes the metrics before they are stored."""
    raw = raw_rows(here)
    facts = facts_of(raw, org="us", day=MONDAY)
    metrics = facts.session_metrics
    here.write(CONVERSATIONS, US_MONDAY, facts.conversations[conversations_left_out:])
    stored = altered(metrics) if altered else metrics
    here.write(RAW, US_MONDAY, raw)
    here.write(SESSION_METRICS, US_MONDAY, stored, finality, ledger)
    here.write(HANDLE_TIME, Partition(day=MONDAY), rolled_up(stored))
    return metrics


def rolled_up(metrics):
    return handle_time(metrics, day=MONDAY, queues=QUEUES.empty(), agents=AGENTS.empty())


def with_one_millisecond_more(metrics):
    """Change one handle time by one millisecond: that of the conversation `fifth_of` names."""
    is_it = (pl.col("conversation_id") == fifth_of(metrics)) & (pl.col("metric") == "tHandle")
    more = pl.when(is_it & is_it.cum_sum().eq(1)).then(1).otherwise(0)
    return metrics.with_columns(pl.col("value_ms") + more)


def without_the_fifth(metrics):
    return metrics.filter(pl.col("conversation_id") != fifth_of(metrics))


def until_ten(metrics):
    return metrics.filter(pl.col("emitted_at") < TEN_PAST_TEN)


def fifth_of(metrics):
    return metrics.filter(pl.col("metric") == "tHandle")["conversation_id"][4]


def reconciled(here, *more):
    return here.run("reconcile", "--from", "2026-01-05", "--to", "2026-01-05", *more)


def told(run):
    return json.loads(run.stdout)["days"][0]


def test_facts_and_rollup_are_equal_to_the_orgs_own_aggregates_in_every_cell(here):
    metrics = load(here)

    run = reconciled(here, "--format", "json")

    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["equal"] is True
    assert told(run)["handled_count"] == metrics.filter(pl.col("metric") == "tHandle").height
    assert told(run)["handled_count"] > 30
    assert told(run)["cells"] > 100


def test_one_millisecond_is_found_and_the_one_conversation_named(here):
    metrics = load(here, altered=with_one_millisecond_more)

    run = reconciled(here, "--format", "json")

    assert run.exit_code == 1
    (difference,) = told(run)["differences"]
    assert (difference["count_difference"], difference["ms_difference"]) == (0, 1)
    first = difference["conversations"][0]
    assert (first["conversation_id"], first["finding"]) == (fifth_of(metrics), "altered")
    assert first["value_ms"] - first["rebuilt_ms"] == 1
    assert run.stderr.splitlines()[-1].startswith("1 cell differs (us 2026-01-05); materialize")


def test_for_people_a_difference_is_one_line_with_its_conversation(here):
    metrics = load(here, altered=with_one_millisecond_more)

    run = reconciled(here)

    (line,) = [text for text in run.stdout.splitlines() if "ours" in text]
    assert line.startswith("us 2026-01-05 ")
    assert f"conversations: {fifth_of(metrics)} (altered: " in line


def test_the_conversations_of_a_settled_day_are_counted_on_both_sides(here):
    load(here)

    counts = told(reconciled(here, "--format", "json"))["conversations"]

    assert counts["counted_by_the_org"] == counts["landed"] > 30
    assert (counts["missing"], counts["surplus"], counts["rejected"]) == (0, 0, 0)


def test_conversations_that_are_not_here_are_counted(here):
    load(here, conversations_left_out=2)

    run = reconciled(here)

    assert run.exit_code == 1
    assert run.stderr.splitlines()[-1].startswith(
        "the number of conversations differs: us 2026-01-05 (2 missing, 0 too many); materialize"
    )


def test_a_lost_conversation_is_named_from_raw(here):
    metrics = load(here, altered=without_the_fifth)

    run = reconciled(here, "--format", "json")

    lost = [
        one["conversation_id"]
        for difference in told(run)["differences"]
        for one in difference["conversations"]
        if one["finding"] == "lost"
    ]
    assert set(lost) == {fifth_of(metrics)}


def test_a_rollup_that_is_not_of_its_facts_is_told_as_such(here):
    metrics = load(here)
    here.write(HANDLE_TIME, Partition(day=MONDAY), rolled_up(with_one_millisecond_more(metrics)))

    run = reconciled(here, "--format", "json")

    assert run.exit_code == 1
    assert told(run)["differences"] == []
    (difference,) = told(run)["rollup_differences"]
    assert difference["rollup_ms"] - difference["facts_ms"] == 1


def test_a_day_that_is_not_loaded_is_no_agreement(here):
    run = reconciled(here, "--format", "json")

    assert run.exit_code == 1
    assert told(run) == {"org": "us", "day": "2026-01-05", "loaded": False}
    assert run.stderr.splitlines()[-1] == (
        "not loaded: us 2026-01-05; `materialize --from 2026-01-05 --to 2026-01-05` loads them."
    )


def test_a_provisional_day_is_compared_up_to_the_watermark_that_its_fetch_saw(here):
    entry = LedgerEntry(
        org="us",
        dataset="conversations",
        interval=Interval.of_day(MONDAY),
        state="provisional",
        rows=1,
        bytes=1,
        content_hash="h",
        attempt_id="a",
        data_available_to=TEN_PAST_TEN,
    )
    load(here, altered=until_ten, finality="provisional", ledger=[entry])

    run = reconciled(here, "--format", "json")

    assert run.exit_code == 0, run.output
    assert told(run)["compared_until"] == "2026-01-05T10:00:00.000Z"
    assert told(run)["cells_not_settled"] > 0
    assert told(run)["conversations"] is None
    assert "us 2026-01-05: compared up to 10:00 UTC only." in run.stderr


def test_a_provisional_day_without_a_watermark_is_not_compared_at_all(here):
    load(here, finality="provisional")

    run = reconciled(here, "--format", "json")

    assert run.exit_code == 0
    assert told(run)["cells"] == 0


def test_an_unknown_org_is_told_with_the_known_ones(here):
    run = reconciled(here, "--org", "su")

    assert run.exit_code == 1
    assert run.stderr.startswith("no organization 'su' is configured; ")


def test_a_rollup_says_the_same_as_the_facts_it_was_made_of(here):
    metrics = load(here)

    published = published_cells(rolled_up(metrics))

    assert published.sort(pl.all()).equals(our_cells(metrics).sort(pl.all()))
