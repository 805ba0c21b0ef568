"""`explain`: a figure and everything behind it, over simulated organizations."""

from __future__ import annotations

import gzip
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.main import cli
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import QUEUES
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import WriteStamp
from aggregation_platform_tests.simulated_platform import SimulatedPlatform

ALL = ("--limit", "1000")
PERSONAL = re.compile(r"[\w.]+@[\w.]+|tel:|(?<![\w-])\+\d{8,}")


def explained(platform: SimulatedPlatform, *asked: str) -> Result:
    return explained_by(platform.config_file, platform.days[0], *asked)


def explained_by(config_file: Path | None, day: date, *asked: str) -> Result:
    return CliRunner().invoke(
        cli, ["--config", str(config_file), "explain", "--day", str(day), *asked]
    )


def told(platform: SimulatedPlatform, *asked: str) -> dict[str, Any]:
    run = explained(platform, *asked, "--format", "json")
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def cells(platform: SimulatedPlatform, by: str) -> list[tuple[str, int, int]]:
    return platform.assembly.warehouse.query(
        f"select {by}, sum(handled_count)::bigint as n, sum(handle_ms)::bigint as ms"  # noqa: S608 - names of this file
        f" from rollups.handle_time group by {by} having n > 0 order by n desc, {by}"
    ).rows()


@pytest.mark.parametrize(
    ("option", "by"),
    [
        ("--org", "org"),
        ("--queue", "global_queue"),
        ("--queue", "queue_id"),
        ("--agent", "global_agent_id"),
        ("--agent", "user_id"),
        ("--media", "media_type"),
        ("--direction", "direction"),
        ("--interval", "strftime(interval_start, '%H:%M')"),
    ],
)
def test_the_sessions_of_a_cell_add_up_to_it(
    filled_platform: SimulatedPlatform, option: str, by: str
):
    member, handled_count, handle_ms = cells(filled_platform, by)[0]

    found = told(filled_platform, option, member, *ALL)

    assert found["cell"]["handled_count"] == handled_count == len(found["sessions"])
    assert found["cell"]["handle_ms"] == handle_ms
    assert sum(session["handle_ms"] for session in found["sessions"]) == handle_ms
    assert found["not_shown"] == {"handled_count": 0, "handle_ms": 0}


def test_queues_without_a_mapping_and_sessions_without_a_queue_are_explained_too(
    filled_platform: SimulatedPlatform,
):
    members = {member: (n, ms) for member, n, ms in cells(filled_platform, "global_queue")}
    found = told(filled_platform, "--queue", "(none)", *ALL)

    shown = found["sessions"]
    assert members["(none)"] == (len(shown), sum(session["handle_ms"] for session in shown))


def test_what_a_limit_cuts_is_said_and_the_longest_stay(filled_platform: SimulatedPlatform):
    whole, cut = told(filled_platform, *ALL), told(filled_platform, "--limit", "3")

    assert cut["sessions"] == whole["sessions"][:3]
    shown = [session["handle_ms"] for session in cut["sessions"]]
    assert shown == sorted(shown, reverse=True)
    assert cut["not_shown"] == {
        "handled_count": whole["cell"]["handled_count"] - 3,
        "handle_ms": whole["cell"]["handle_ms"] - sum(shown),
    }
    assert "more sessions with" in explained(filled_platform, "--limit", "3").stdout


def test_the_record_lies_at_the_position_of_the_object_that_is_named(
    filled_platform: SimulatedPlatform,
):
    found = told(filled_platform, "--limit", "5")

    for conversation in found["conversations"]:
        page = json.loads(gzip.decompress(Path(conversation["object"]).read_bytes()))
        record = page["conversations"][conversation["position"]]
        assert record["conversationId"] == conversation["conversation_id"]
        assert conversation["raw_is_the_same"]
    assert {attempt["attempt_id"] for attempt in found["attempts"]} >= {
        conversation["attempt_id"] for conversation in found["conversations"]
    }
    assert all(Path(attempt["journal"], "done.json").exists() for attempt in found["attempts"])


def test_one_conversation_is_told_with_its_parts_and_the_mapping_that_named_it(
    filled_platform: SimulatedPlatform,
):
    longest = told(filled_platform, "--queue", cells(filled_platform, "global_queue")[0][0])
    conversation = longest["sessions"][0]["conversation_id"]
    found = told(filled_platform, "--conversation", conversation)

    assert {session["conversation_id"] for session in found["sessions"]} == {conversation}
    assert all(session["parts"] for session in found["sessions"])
    queue = found["mappings"]["queues"][0]
    assert queue["global_queue"] == found["sessions"][0]["global_queue"]
    assert {"evidence", "valid_from", "valid_to"} <= set(queue)
    assert found["mappings"]["rules"]["version"] == filled_platform.assembly.rules.version


def test_names_are_beside_the_ids_of_orgs_queues_and_agents(filled_platform: SimulatedPlatform):
    found = told(filled_platform, *ALL)
    shown = explained(filled_platform, "--limit", "3").stdout

    agents = {row["user_id"]: row["agent_name"] for row in found["mappings"]["agents"]}
    queues = {row["queue_id"]: row["queue_name"] for row in found["mappings"]["queues"]}
    assert found["orgs"] == {each.org: each.name for each in filled_platform.config.organizations}
    assert any(agents.values())
    for session in found["sessions"]:
        assert session["agent_name"] == agents.get(session["user_id"])
        assert session["queue_name"] == queues.get(session["queue_id"])
    assert found["sessions"][0]["agent_name"] in shown


def test_the_rules_a_figure_was_built_with_are_told_beside_todays(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    used = filled_platform.assembly.rules.version
    rules = without_api.config.rules.queues
    assert rules is not None
    rules.write_text(rules.read_text() + "us,Somewhere,Else\n")
    changed = Assembly(without_api.config)

    for named_by in told(filled_platform)["mappings"]["built_with"]:
        assert named_by["rules_version"] == named_by["rules_version_since"] == used
        assert named_by["content_hash"] == named_by["content_hash_since"]
    assert f"built with rules version {used}; today's is {used}\n" in (
        explained(filled_platform).stdout
    )
    day = filled_platform.days[0]
    later = explained_by(changed.config.file, day)
    assert f"built with rules version {used}; today's is {changed.rules.version}\n" in later.stdout
    document = json.loads(explained_by(changed.config.file, day, "--format", "json").stdout)
    assert document["mappings"]["rules"]["version"] == changed.rules.version != used
    assert {
        row["named_by"]: row["rules_version"] for row in document["mappings"]["built_with"]
    } == {
        "identity.queues": used,
        "identity.agents": used,
    }


def test_a_mapping_made_again_with_another_content_is_told(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    warehouse, used = without_api.warehouse, without_api.rules.version
    stamp = WriteStamp("test", "final", without_api.clock.now())
    warehouse.replace_partition(
        QUEUES, Partition(), warehouse.read(QUEUES, [Partition()]).head(1), without_api.grant,
        stamp=stamp,
    )  # fmt: skip

    shown = explained_by(without_api.config.file, filled_platform.days[0]).stdout

    said = f"today's is {used}. Made again since, with another content: queues."
    assert f"built with rules version {used}; {said}" in shown


def test_every_partition_behind_it_is_told_with_its_run_and_epoch(
    filled_platform: SimulatedPlatform,
):
    found = told(filled_platform, "--org", "emea")

    assert {(row["table_name"], row["org"]) for row in found["partitions"]} == {
        ("raw.conversations", "emea"),
        ("facts.conversations", "emea"),
        ("facts.session_metrics", "emea"),
        ("identity.queues", None),
        ("identity.agents", None),
        ("rollups.handle_time", None),
    }
    assert all(row["run_id"] and row["epoch"] == 1 for row in found["partitions"])


def test_no_phone_number_and_no_address_is_printed(filled_platform: SimulatedPlatform):
    in_facts = filled_platform.assembly.warehouse.query(
        "select ani, address_from from facts.sessions"
    )
    assert PERSONAL.search(str(in_facts.to_dicts()))

    for form in ("table", "json"):
        shown = explained(filled_platform, *ALL, "--format", form).stdout
        assert not PERSONAL.search(shown)


def test_a_figure_that_is_no_longer_that_of_its_facts_is_said_with_the_remedy(
    filled_platform: SimulatedPlatform,
):
    warehouse, us = filled_platform.assembly.warehouse, Partition("us", filled_platform.days[0])
    before = warehouse.read(SESSION_METRICS, [us])
    handled = pl.col("metric") == "tHandle"
    one = handled & (handled.cum_sum() == 1)
    replace(filled_platform, us, before.with_columns(pl.col("value_ms") + one.cast(pl.Int64)))
    try:
        run = explained(filled_platform, "--org", "us", "--format", "json")
    finally:
        replace(filled_platform, us, before)

    assert run.exit_code == 1
    document = json.loads(run.stdout)
    assert document["facts"]["handle_ms"] - document["cell"]["handle_ms"] == 1
    assert "--from-landing` builds it again" in run.stderr
    assert told(filled_platform, "--org", "us")["equal"]


def replace(platform: SimulatedPlatform, partition: Partition, frame: pl.DataFrame) -> None:
    stamp = WriteStamp("test", "final", platform.assembly.clock.now())
    platform.assembly.warehouse.replace_partition(
        SESSION_METRICS, partition, frame, platform.assembly.grant, stamp=stamp
    )


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (("--queue", "Sales Suport"), 1, "no queue 'Sales Suport'; did you mean Sales Support?"),
        (("--org", "su"), 1, "no organization 'su' is configured"),
        (("--interval", "09:15"), 2, "'09:15' begins no half hour"),
        (("--limit", "0"), 2, "0 is not in the range"),
        (("--conversation", "nobody"), 1, "nothing was handled"),
    ],
)
def test_what_cannot_be_explained_is_said(
    filled_platform: SimulatedPlatform, asked: tuple[str, ...], status: int, said: str
):
    run = explained(filled_platform, *asked)

    assert run.exit_code == status
    assert said in run.stderr
    assert run.stdout == ""


LOAD = "`aggregation-platform --config {file} materialize --from 2026-11-11 --to 2026-11-11`"


@pytest.mark.parametrize(
    ("day", "remedy"),
    [
        ("2026-11-11", f"{LOAD} loads it."),
        ("2026-11-01", "nothing is fetched before 2026-11-10, the earliest first_day in {file}."),
        ("2199-01-01", "2199-01-01 has not begun in UTC."),
    ],
)
def test_a_day_that_is_not_rolled_up_is_said_with_what_can_be_done(
    filled_platform: SimulatedPlatform, day: str, remedy: str
):
    file = filled_platform.config_file
    run = CliRunner().invoke(cli, ["--config", str(file), "explain", "--day", day])

    assert run.exit_code == 1
    assert run.stderr.splitlines()[-1] == f"{day} is not rolled up; {remedy.format(file=file)}"
