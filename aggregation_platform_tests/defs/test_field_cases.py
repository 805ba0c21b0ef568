"""The cases from the field, each served as an API and taken through the product itself.

The cases are beside this checkout (../shared/cases); without them these tests are left out. Each
part of the product has tests of the same rules on inputs of its own.

Those of an organization that leaves take up to a minute each: they build days, change the
configuration, and let every sensor and the runs that it asks for go through Dagster.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from aggregation_platform.errors import ConfigurationError
from aggregation_platform_tests.field_case import CASES, MONDAY, TUESDAY, FieldCase, field_case

pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the field's cases are not beside this checkout"
)

Cases = Callable[..., FieldCase]
ONE_DAY = ("--from", MONDAY, "--to", MONDAY)
BOTH_DAYS = ("--from", MONDAY, "--to", TUESDAY)
PROGRAM = Path(sys.executable).with_name("aggregation-platform")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cases]:
    """Open a case by name; its secrets are set as its configuration names them."""
    for org in ("na", "eu"):
        monkeypatch.setenv(f"SECRET_{org.upper()}", f"secret of {org}")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with ExitStack() as stack:

        def opened(name: str, **more: Any) -> FieldCase:
            return stack.enter_context(field_case(name, tmp_path, **more))

        yield opened


# An organization leaves.

BOTH_ORGS = {
    (MONDAY, "na"): (2, 3_000),
    (MONDAY, "eu"): (2, 30),
    (TUESDAY, "na"): (2, 3_000),
    (TUESDAY, "eu"): (2, 30),
}


@pytest.mark.parametrize("changes", [{}, {"first_day": TUESDAY}], ids=["leaves", "and-eu-later"])
def test_past_days_stay_as_published_when_an_organization_leaves(
    case: Cases, changes: dict[str, Any]
):
    left = case("org-leaves-history-erased")
    left.configure("both.yaml", queues="both.csv")
    assert left.materialize(MONDAY, TUESDAY) == []
    assert left.handled() == BOTH_ORGS
    published = left.command("aht", *BOTH_DAYS, "--by", "day,org", "--format", "csv").stdout

    left.configure("without-na.yaml", queues="without-na.csv", **changes)
    left.let_sensors_run()

    assert left.handled() == BOTH_ORGS
    assert left.rows("select * from ops.restatements") == []
    figures = left.command("aht", *BOTH_DAYS, "--by", "day,org", "--format", "csv").stdout
    assert figures == published


def test_days_that_exist_are_asked_for_when_the_organization_that_began_first_leaves(case: Cases):
    left = case("org-leaves-world-stops")
    left.configure("both.yaml", queues="both.csv")
    assert left.materialize(MONDAY, TUESDAY) == []
    published = left.handled()
    assert published == {key: of for key, of in BOTH_ORGS.items() if key != (MONDAY, "eu")}
    left.configure("without-na.yaml", queues="without-na.csv")
    add_waiting_run(left.instance, f"{MONDAY}|na")
    later = left.server.orgs["eu"].world["conversations"]
    raise_handle_time(later[-1], by_ms=5)

    load_again(left, TUESDAY)

    assert str(TUESDAY) in left.let_sensors_run()
    assert left.handled() == {**published, (TUESDAY, "eu"): (2, 35)}


def test_runs_of_other_organizations_are_repeated_when_one_of_them_left(case: Cases):
    left = case("org-leaves-repeats-stop")
    left.configure("without-na.yaml")
    add_waiting_run(left.instance, f"{MONDAY}|na")
    add_waiting_run(left.instance, f"{MONDAY}|eu")

    assert f"{MONDAY}|eu" in left.let_sensors_run()

    assert left.handled() == {(MONDAY, "eu"): (2, 30)}


def add_waiting_run(instance: dg.DagsterInstance, partition: str) -> None:
    """Add what add_waiting_run.py of the case adds."""
    tags = {
        "aggregation_platform/run_again": "waiting",
        "aggregation_platform/run_again_at": datetime(2026, 11, 6, tzinfo=UTC).isoformat(),
        "dagster/partition": partition,
    }
    instance.add_run(
        dg.DagsterRun(job_name="org_day", status=dg.DagsterRunStatus.FAILURE, tags=tags)
    )


def load_again(left: FieldCase, day: Any) -> None:
    """Fetch a day of eu again, and leave the adding up to the sensors."""
    left.clock.advance(60)
    ran = left.definitions.resolve_job_def("org_day").execute_in_process(
        partition_key=f"{day}|eu",
        instance=left.instance,
        tags={"aggregation_platform/way": "job"},
    )
    assert ran.success


def raise_handle_time(conversation: dict[str, Any], *, by_ms: int) -> None:
    for metric in handle_time_of(conversation):
        metric["value"] += by_ms


def handle_time_of(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        metric
        for participant in conversation["participants"]
        for session in participant["sessions"]
        for metric in session["metrics"]
        if metric["name"] == "tHandle"
    ]


# Listings.


def users(active: int, *, deleted: int) -> list[dict[str, str]]:
    states = ["active"] * active + ["deleted"] * deleted
    return [
        {"id": f"u{n}", "name": f"{chr(97 + n % 26)}gent {n}", "email": f"{n}@x", "state": state}
        for n, state in enumerate(states)
    ]


def test_users_beyond_the_cap_are_listed_by_state_and_queues_have_names(case: Cases):
    large = case("more-than-10000-users", world_of="brackets-in-warehouse-path")
    large.org.world["users"][:] = users(6_000, deleted=5_000)
    large.configure()

    assert large.materialize(MONDAY) == []

    assert large.rows("select count(*) from directory.users") == [(11_000,)]
    assert large.rows("select distinct global_queue from rollups.handle_time") == [("G",)]


def test_users_that_no_way_reaches_are_counted_and_shown(case: Cases):
    large = case("more-than-10000-users", world_of="brackets-in-warehouse-path")
    large.org.world["users"][:] = users(20_700, deleted=0)
    large.org.may_search = False
    large.configure()

    checked = large.command("check")

    assert checked.exit_code == 0, checked.output
    assert "20000 users, 700 of the org's 20700 are not listed" in checked.output


def test_half_a_character_and_a_null_cost_no_user(case: Cases):
    half = case("half-emoji-in-a-user-name")
    half.configure()

    assert half.materialize(MONDAY) == []
    half.org.world["queues"].insert(0, None)
    checked = half.command("check")

    assert half.rows("select user_name from directory.users") == [("Ann \ufffd",)]
    assert half.rows("select distinct global_queue from rollups.handle_time") == [("G",)]
    assert checked.exit_code == 0, checked.output
    assert "1 users, 1 with a character that cannot be read" in checked.output
    assert "1 items without an id are left out" in checked.output


# A fault costs no more than the smallest thing that has it.


def test_odd_metrics_are_set_aside_and_counted_and_their_record_counts(case: Cases):
    """The case's fraction, and beside it whatever else is no whole number."""
    odd = case("new-metric-with-a-fraction")
    session, new = new_metric_of(odd.org.world["conversations"])
    values = ({"value": each} for each in (None, "0", [1], True, 10**30))
    without_value = {key: each for key, each in new.items() if key != "value"}
    session["metrics"] += [without_value, *({**without_value, **each} for each in values)]
    odd.configure()

    assert odd.materialize(MONDAY) == []

    assert odd.handled() == {(MONDAY, "na"): (2, 2_000)}
    set_aside = odd.rows("select count(*) from facts.rejects")
    rejects = odd.command("review", "rejects")
    assert rejects.exit_code == 0, rejects.output
    assert set_aside == [(7,)], rejects.output


def new_metric_of(conversations: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the session with the fraction, and its metric."""
    (found,) = (
        (session, metric)
        for conversation in conversations
        for participant in conversation["participants"]
        for session in participant["sessions"]
        for metric in session["metrics"]
        if isinstance(metric["value"], float)
    )
    return found


# Names in one form.


def test_queue_names_that_look_alike_are_one_name(case: Cases):
    spaces = case("queue-name-with-space")
    spaces.configure()
    with (spaces.folder / "queues.csv").open("a", encoding="utf-8") as rules:
        rules.write("na,Selas,G4\n")

    assert spaces.materialize(MONDAY) == []
    checked = spaces.command("check").output
    turned = "na,\xa0SALES\t,G1\nna,facturacio\u0301n ,G2\nna,Back  office,G3\n"
    (spaces.folder / "queues.csv").write_text("org,queue,global_queue\n" + turned, encoding="utf-8")

    found = spaces.rows(
        "select global_queue, sum(handle_ms)::bigint from rollups.handle_time group by all"
    )
    assert sorted(found) == [("G1", 60_000), ("G2", 60_000), ("G3", 60_000)]
    assert checked.count("matches nothing") == 1
    assert "'Selas' of na matches nothing; did you mean 'Sales '?" in checked
    assert "matches nothing" not in spaces.command("check").output


def test_an_address_matches_whatever_its_letters_are_folded_to(case: Cases):
    """The case's two forms, and beside them a ligature and a final sigma."""
    folded = case("agent-rule-eszett")
    rules = ("o\ufb03ce@x.example", "\u039d\u0399\u039a\u039f\u03a3@x.example")
    listed = ("OFFICE@x.example", "\u03bd\u03b9\u03ba\u03bf\u03c2@x.example")
    (anna,) = folded.org.world["users"]
    for email in listed:
        folded.org.world["users"].append({**anna, "id": email, "email": email})
    folded.configure()
    with (folded.folder / "agents.csv").open("a", encoding="utf-8") as file:
        file.write(f"na,{rules[0]},P2\nna,{rules[1]},P3\n")

    assert folded.materialize(MONDAY) == []

    mapped = dict(folded.rows("select user_id, global_agent_id from identity.agents"))
    assert mapped == {anna["id"]: "P1", listed[0]: "P2", listed[1]: "P3"}
    assert folded.rows("select distinct global_agent_id from rollups.handle_time") == [("P1",)]
    assert "matches no account" not in folded.command("review", "agents").output
    assert "matches no account" not in folded.command("check").output


# Paths, zones, secrets.


def test_a_day_loads_into_a_path_that_looks_like_a_pattern(case: Cases, tmp_path: Path):
    """By the program itself: a process of its own, whose Dagster is on disk."""
    brackets = case("brackets-in-warehouse-path")
    brackets.configure()
    home = tmp_path / "home [a]?*"
    home.mkdir()
    environment = {**os.environ, "DAGSTER_HOME": str(home)}

    ended = subprocess.run(
        [PROGRAM, "--config", brackets.config_file, "materialize", *map(str, ONE_DAY)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert ended.returncode == 0, ended.stderr
    assert brackets.handled() == {(MONDAY, "na"): (2, 3_000)}
    assert (brackets.config_file.parent / "wh [eu]" / "warehouse.duckdb").is_file()


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Chatham", "Australia/Eucla"])
def test_a_zone_in_which_half_hours_would_be_wrong_is_refused_with_the_reason(
    case: Cases, zone: str
):
    quarter = case("quarter-hour-time-zone")
    with pytest.raises(ConfigurationError, match=f"{zone}.*half"):
        quarter.configure(time_zone=zone)

    checked = quarter.command("check")
    assert checked.exit_code == 1
    assert zone in checked.output


def test_local_days_of_a_zone_of_half_hours_are_exact(case: Cases):
    """In India the first of the case's two contacts ends at 23:40, the second at 23:50."""
    half = case("quarter-hour-time-zone")
    for conversation in half.org.world["conversations"][1:]:
        for metric in handle_time_of(conversation):
            metric["emitDate"] = "2026-11-02T18:30:00.000Z"  # midnight there
    half.configure(time_zone="Asia/Kolkata")

    assert half.materialize(MONDAY) == []

    asked = ("aht", *BOTH_DAYS, "--zone", "org", "--by", "day", "--format", "csv")
    by_day = pl.read_csv(half.command(*asked).stdout.encode())
    assert by_day.select("day", "handle_ms").rows() == [
        ("2026-11-02", 60_000),
        ("2026-11-03", 60_000),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_secret_that_ends_in_a_line_break_logs_in(
    case: Cases, monkeypatch: pytest.MonkeyPatch, end: str
):
    ended = case("brackets-in-warehouse-path")
    monkeypatch.setenv("SECRET_NA", f"secret of na{end}")
    ended.configure()

    checked = ended.command("check")

    assert checked.exit_code == 0, checked.output


# Around midnight.
