"""`reconcile` against the simulator's aggregates, which are computed from its own world."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import click
import polars as pl
import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.main import cli
from aggregation_platform.cli.reconcile_advice import closing_lines
from aggregation_platform.cli.reconcile_days import ComparedDay, Outcome
from aggregation_platform.comparison.org_day import compare_org_day
from aggregation_platform.comparison.stored import published_cells
from aggregation_platform.config.load import load_config
from aggregation_platform.extraction.org_day import extract_org_day
from aggregation_platform.extraction.outcome import FIRST_EPOCH, OrgDay
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.facts.tables import CONVERSATIONS, SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, QUEUES
from aggregation_platform.intervals import Interval, spelled
from aggregation_platform.landing.records import Loaded
from aggregation_platform.raw.conversations import raw_conversations
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


def with_the_first_twice(metrics):
    return pl.concat([metrics, metrics[:1]])


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
    assert run.stderr.splitlines()[-1].startswith(
        "1 cell differs (us 2026-01-05); "
        "`materialize --from 2026-01-05 --to 2026-01-05 --org us --from-landing` builds"
    )


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
        "the number of conversations differs: us 2026-01-05 (2 missing, 0 too many); "
        "`materialize --from 2026-01-05 --to 2026-01-05 --org us --again` reads the day again."
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
        "not loaded: us 2026-01-05; "
        "`materialize --from 2026-01-05 --to 2026-01-05 --org us` loads it."
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


def test_a_provisional_day_without_a_watermark_is_not_compared_and_so_not_equal(here):
    load(here, finality="provisional")

    run = reconciled(here, "--format", "json")

    assert run.exit_code == 1
    assert json.loads(run.stdout)["equal"] is False
    assert (told(run)["compared"], told(run)["cells"]) == (False, 0)
    assert run.stderr.splitlines()[-1].startswith("nothing to compare: none of these days has")


def test_an_unknown_org_is_told_with_the_known_ones(here):
    run = reconciled(here, "--org", "su")

    assert run.exit_code == 1
    assert run.stderr.startswith("no organization 'su' is configured; ")


def test_a_rollup_says_the_same_as_the_facts_it_was_made_of(here):
    metrics = load(here)

    published = published_cells(rolled_up(metrics))

    assert published.sort(pl.all()).equals(our_cells(metrics).sort(pl.all()))


# landed, and not counted

TUESDAY = date(2026, 1, 6)
JUST_AFTER_MIDNIGHT = datetime(2026, 1, 6, 0, 0, 0, 15_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def late_org():
    options = SimulatorOptions(
        orgs=("us",),
        days=2,
        conversations_per_day=20,
        history_days=0,
        agents_per_org=10,
        late_midnight_metrics=True,
    )
    with Simulator(options) as running:
        yield running


@pytest.fixture
def asked_from_midnight(platform, late_org, tmp_path):
    """Tuesday as it was loaded by a job that asked from midnight on, without a margin."""
    here = platform(us="2026-01-05")
    late_org.write_platform_files(tmp_path)
    assembly = Assembly(load_config(here.file))
    whole = Interval.of_day(TUESDAY)
    assembly.landing.begin(
        "us",
        TUESDAY,
        interval=whole,
        page_size=100,
        now=assembly.clock.now(),
        epoch=FIRST_EPOCH,
    )
    for day in (MONDAY, TUESDAY):
        land(assembly, day)
    pages = assembly.landing.landed_day("us", TUESDAY)
    assert pages is not None
    raw = pl.concat(raw_conversations(pages.pages, org="us", day=TUESDAY))
    facts = facts_of(raw, org="us", day=TUESDAY)
    here.write(RAW, Partition("us", TUESDAY), raw)
    here.write(SESSION_METRICS, Partition("us", TUESDAY), facts.session_metrics)
    here.write(CONVERSATIONS, Partition("us", TUESDAY), facts.conversations)
    rows = handle_time(
        facts.session_metrics, day=TUESDAY, queues=QUEUES.empty(), agents=AGENTS.empty()
    )
    here.write(HANDLE_TIME, Partition(day=TUESDAY), rows)
    return here


def land(assembly, day):
    order = OrgDay(org="us", day=day, page_size=100)
    return extract_org_day(
        assembly.client("us"), assembly.landing, assembly.local_state, order, clock=assembly.clock
    )


def tuesday(here, *more):
    return here.run("reconcile", "--from", "2026-01-06", "--to", "2026-01-06", *more)


def test_a_metric_that_is_landed_with_the_day_before_is_named_with_the_reason(asked_from_midnight):
    run = tuesday(asked_from_midnight, "--format", "json")

    assert run.exit_code == 1
    handled = [one for one in told(run)["differences"] if one["metric"] == "tHandle"]
    assert handled
    for difference in handled:
        (found,) = difference["not_counted"]
        assert found["value_ms"] == -difference["ms_difference"]
        assert found["emitted_at"] == spelled(JUST_AFTER_MIDNIGHT)
        assert found["landed_with"] == "2026-01-05"
        assert "its record was over when the day began" in found["reason"]


def test_fetching_again_is_advised_where_the_job_had_asked_from_midnight_on(asked_from_midnight):
    run = tuesday(asked_from_midnight)

    assert "landed and not counted: " in run.stdout
    assert run.stderr.splitlines()[-1].endswith(
        "(us 2026-01-06); `materialize --from 2026-01-06 --to 2026-01-06 --org us --again` asks "
        "the organization again, from 5 minutes before midnight on; that brings what is landed "
        "with another day."
    )


def test_what_is_landed_and_not_loaded_since_is_to_be_built_from_the_landing_zone(
    asked_from_midnight,
):
    assembly = Assembly(load_config(asked_from_midnight.file))
    earlier = assembly.landing.current("us", TUESDAY)
    assert earlier is not None
    earlier.mark_loaded(Loaded(loaded_at=assembly.clock.now(), run_id="a-run"))
    land(assembly, TUESDAY)

    run = tuesday(asked_from_midnight)

    assert "which has not been loaded since" in run.stdout
    assert run.stderr.splitlines()[-1].endswith(
        "(us 2026-01-06); `materialize --from 2026-01-06 --to 2026-01-06 --org us --from-landing` "
        "builds facts and rollups again from what is stored."
    )


def test_fetching_again_is_not_advised_where_it_cannot_help(asked_from_midnight):
    found = compare_org_day(Assembly(load_config(asked_from_midnight.file)), "us", TUESDAY)
    assert found is not None
    with_margin = replace(found.not_counted, asked_without_margin=False)
    later_than_that = replace(found, not_counted=with_margin)

    *_, outcome = closing_lines(
        Outcome([ComparedDay("us", TUESDAY, later_than_that)], asks_org=True)
    )

    assert "fetching again does not help" in outcome
    assert "materialize" not in outcome


# what is published, with each key once


def publish(here, rows):
    here.write(HANDLE_TIME, Partition(day=MONDAY), rows)


def test_a_planted_copy_of_the_days_rows_is_no_agreement(here):
    metrics = load(here)
    rows = rolled_up(metrics)
    publish(here, pl.concat([rows, rows]))

    run = reconciled(here, "--format", "json")

    assert run.exit_code == 1
    assert json.loads(run.stdout)["equal"] is False
    (rollup,) = told(run)["rollups"]
    assert (rollup["keys"], rollup["rows"]) == (rows.height, 2 * rows.height)
    assert rollup["doubled_keys"] == rows.height
    handled = [one for one in told(run)["rollup_differences"] if one["metric"] == "tHandle"]
    assert all(one["rollup_count"] == 2 * one["facts_count"] for one in handled)
    assert told(run)["differences"] == []


def test_a_key_in_two_rows_is_found_even_if_its_sum_is_right(here):
    rows = rolled_up(load(here))
    nothing = rows[:1].with_columns(pl.selectors.ends_with("_ms", "_count") * 0)
    publish(here, pl.concat([rows, nothing]))

    run = reconciled(here)

    assert run.exit_code == 1
    (line,) = [text for text in run.stdout.splitlines() if "doubled" in text]
    assert line.startswith("rollups.handle_time 2026-01-05 ")
    assert line.endswith(": doubled (2 rows)")


def test_facts_that_have_a_metric_twice_are_found_by_raw_without_asking_the_org(here):
    load(here, altered=with_the_first_twice)

    run = reconciled(here, "--stored", "--format", "json")

    assert run.exit_code == 1
    (doubled,) = told(run)["doubled_metrics"]
    assert (doubled["row_count"], doubled["raw_count"]) == (2, 1)


def test_a_metric_that_the_record_itself_has_twice_is_no_copy(here):
    load(here)

    assert told(reconciled(here, "--stored", "--format", "json"))["doubled_metrics"] == []


# without asking any org


@pytest.fixture
def without_secrets(platform, tmp_path):
    """A platform whose org's secret is a variable that is not set, and that cannot be reached."""
    here = platform(us="2026-01-05")
    text = here.file.read_text().replace("client_secret: a-secret", "client_secret: ${NOT_SET}")
    here.file.write_text(text)
    return here


def test_what_is_stored_is_compared_without_secrets_and_says_which_sides_and_as_of_when(
    without_secrets,
):
    metrics = [
        {"metric": "tHandle", "value_ms": 7, "emitted_at": TEN_PAST_TEN, "session_number": 1}
    ]
    without_secrets.load_facts("us", MONDAY, metrics)
    facts = without_secrets.warehouse.read(SESSION_METRICS, [US_MONDAY])
    publish(without_secrets, rolled_up(facts))

    run = reconciled(without_secrets, "--stored", "--format", "json")

    assert run.exit_code == 0, run.output
    answer = json.loads(run.stdout)
    assert (answer["equal"], answer["days_compared"], answer["cells_compared"]) == (True, 1, 1)
    assert answer["sides"] == ["rollups", "facts", "raw"]
    assert told(run)["differences"] is None
    assert told(run)["facts_written_at"] < told(run)["rollup_written_at"]
    assert "as last written 2026-01-08 00:02 UTC" in run.stderr
    assert "No organization was asked" in run.stderr


def test_what_is_stored_and_differs_is_no_agreement_and_its_command_needs_no_org(without_secrets):
    metrics = [
        {"metric": "tHandle", "value_ms": 7, "emitted_at": TEN_PAST_TEN, "session_number": 1}
    ]
    without_secrets.load_facts("us", MONDAY, metrics)

    run = reconciled(without_secrets, "--stored")

    assert run.exit_code == 1
    assert "not asked" in run.stdout
    assert run.stderr.splitlines()[-1] == (
        "1 cell differs (us 2026-01-05); `materialize --from 2026-01-05 --to 2026-01-05 --org us "
        "--from-landing` builds facts and rollups again from what is stored."
    )


def test_asking_the_org_still_needs_its_secret(without_secrets):
    run = reconciled(without_secrets)

    assert run.exit_code == 1
    assert "NOT_SET" in run.stderr


# nothing compared


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        ("2026-01-01", "2026-01-04", "no organization is counted on 2026-01-01 to 2026-01-04"),
        ("2127-01-01", "2127-01-02", "2127-01-01 has not begun in UTC"),
    ],
)
def test_days_on_which_no_org_is_counted_are_nothing_to_compare_and_not_equal(
    here, first, last, why
):
    run = here.run("reconcile", "--from", first, "--to", last, "--format", "json")

    assert run.exit_code == 1
    answer = json.loads(run.stdout)
    assert (answer["equal"], answer["days_compared"], answer["days"]) == (False, 0, [])
    assert run.stderr.splitlines()[-1].startswith(f"nothing to compare: {why}")


def test_the_days_before_the_first_day_are_left_out_of_a_range_that_reaches_past_it(here):
    load(here)

    run = here.run("reconcile", "--from", "2025-12-30", "--to", "2026-01-05", "--format", "json")

    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["days_compared"] == 1


# advice


def test_every_command_that_is_advised_is_one_that_can_be_pasted(here):
    load(here, altered=with_one_millisecond_more, conversations_left_out=1)

    run = reconciled(here)

    advised = re.findall(r"`([^`]+)`", run.stderr)
    assert len(advised) == 2
    for text in advised:
        name, *arguments = shlex.split(text)
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.make_context(name, arguments)


def test_only_days_that_are_missing_are_to_be_loaded(platform):
    here = platform(us="2026-01-05", emea="2026-01-07")
    here.load_facts("us", date(2026, 1, 6))

    run = here.run("reconcile", "--stored", "--from", "2026-01-05", "--to", "2026-01-08")

    assert run.exit_code == 1
    assert (
        "`materialize --from 2026-01-05 --to 2026-01-05 --org us` and "
        "`materialize --from 2026-01-07 --to 2026-01-08 --org us --org emea` loads them."
    ) in run.stderr
