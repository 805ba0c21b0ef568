"""`check` against the simulator: each thing tried has its line, and a failure its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregation_platform.cli.main import cli
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator


@pytest.fixture(scope="module")
def simulator():
    options = SimulatorOptions(
        orgs=("us", "emea"), conversations_per_day=5, history_days=0, agents_per_org=10
    )
    with Simulator(options) as running:
        yield running


@pytest.fixture
def file(simulator, tmp_path):
    simulator.faults.clear()
    return simulator.write_platform_files(tmp_path)


def checked(file: Path):
    return CliRunner().invoke(cli, ["--log-level", "error", "--config", str(file), "check"])


def lines_of(run, subject):
    return [line for line in run.stdout.splitlines() if line[9:].startswith(subject)]


def test_when_all_is_well_each_thing_has_an_ok_line_and_the_status_is_0(file):
    run = checked(file)

    assert run.exit_code == 0, run.stdout
    assert {line.split()[0] for line in run.stdout.splitlines()} == {"ok"}
    for subject in (
        *("configuration", "rules", "warehouse", "landing"),
        *(
            f"{org} {what}"
            for org in ("us", "emea")
            for what in ("login", "identity", "permissions", "availability")
        ),
    ):
        assert len(lines_of(run, subject)) == 1, subject


def test_it_leaves_nothing_behind_in_the_landing_zone(file):
    checked(file)

    landing = file.parent / "data" / "landing"
    assert [path for path in landing.rglob("*") if path.is_file()] == []


def test_a_wrong_secret_fails_one_org_and_the_others_are_tried(file):
    file.write_text(file.read_text().replace("secret-of-us", "not-the-secret"))

    run = checked(file)

    assert run.exit_code == 1
    assert lines_of(run, "us login")[0].startswith("FAILED")
    assert "Check client_id and client_secret" in lines_of(run, "us login")[0]
    assert lines_of(run, "us identity")[0].startswith("skipped")
    assert lines_of(run, "emea login")[0].startswith("ok")
    assert run.stderr.splitlines()[-1].startswith("1 of 12 checks failed: us login")
    assert "not-the-secret" not in run.output


def test_a_secret_that_was_changed_over_there_is_noticed_although_a_token_is_still_good(
    file, simulator
):
    assert checked(file).exit_code == 0
    simulator.faults.add(Fault(kind="server_error", org="us", route="token"))

    run = checked(file)

    assert lines_of(run, "us login")[0].startswith("FAILED")


def test_credentials_of_another_organization_are_refused(file, simulator):
    simulator.faults.add(Fault(kind="wrong_organization", org="emea"))

    run = checked(file)

    assert run.exit_code == 1
    assert "organization_id" in lines_of(run, "emea login")[0]


def test_without_an_organization_id_the_line_says_which_one_to_write(file, simulator):
    identity = simulator.world.directories["us"].organization_id
    text = file.read_text().replace(f"  organization_id: {identity}\n", "")
    file.write_text(text)

    run = checked(file)

    assert run.exit_code == 0
    assert lines_of(run, "us identity")[0].startswith("note")
    assert f"add organization_id: {identity}" in lines_of(run, "us identity")[0]


def test_an_org_that_is_down_is_told_in_one_line(file, simulator):
    simulator.faults.add(Fault(kind="down", org="us"))

    run = checked(file)

    assert run.exit_code == 1
    assert len(lines_of(run, "us login")) == 1


def test_a_listing_that_only_adds_names_is_a_note_when_refused_and_one_of_people_a_failure(
    file, simulator
):
    simulator.faults.add(Fault(kind="forbidden", org="us", path="/api/v2/teams"))
    simulator.faults.add(Fault(kind="forbidden", org="emea", path="/api/v2/users"))

    run = checked(file)

    us, emea = (lines_of(run, f"{org} permissions")[-1] for org in ("us", "emea"))
    assert us.startswith("note")
    assert "groups > team > view" in us
    assert emea.startswith("FAILED")
    assert run.exit_code == 1


def test_a_wrong_rule_fails_its_line_with_file_and_line_number(file):
    rules = file.parent / "rules" / "queues.csv"
    rules.write_text(rules.read_text() + "nowhere,Q,G\n")

    run = checked(file)

    assert run.exit_code == 1
    assert "queues.csv: line" in lines_of(run, "rules")[0]


def test_a_warehouse_where_no_file_can_be_made_fails_its_line(file):
    (file.parent / "blocked").write_text("a file where the folder should be")
    text = file.read_text().replace("data/warehouse.duckdb", "blocked/sub/warehouse.duckdb")
    file.write_text(text)

    run = checked(file)

    assert run.exit_code == 1
    assert lines_of(run, "warehouse")[0].startswith("FAILED")
    assert "warehouse.duckdb.path" in lines_of(run, "warehouse")[0]


def test_a_wrong_configuration_is_told_line_by_line_and_nothing_is_tried(file):
    file.write_text(file.read_text().replace("page_size: 1000", "page_size: 0"))

    run = checked(file)

    assert run.exit_code == 1
    assert [line.split()[0] for line in run.stdout.splitlines()] == ["FAILED", "FAILED"]
    assert "organizations[0].page_size: 0 is not allowed" in run.stdout


def test_more_users_than_a_listing_gives_are_a_note_and_no_lack_of_permissions(tmp_path):
    options = SimulatorOptions(
        orgs=("us",), conversations_per_day=5, history_days=0, agents_per_org=120,
        max_entity_page_size=10, listing_cap=30,
    )  # fmt: skip
    with Simulator(options) as simulator:
        file = simulator.write_platform_files(tmp_path)
        simulator.faults.add(Fault(kind="forbidden", path="/api/v2/users/search"))

        run = checked(file)

    (line,) = lines_of(run, "us listings")
    assert run.exit_code == 0, run.stdout
    assert line.startswith("note")
    assert "of the org's 120 are not listed" in line
    assert "users" not in lines_of(run, "us permissions")[0]


def test_a_listing_that_fails_fails_the_listings_and_not_the_permissions(simulator, file):
    simulator.faults.add(Fault(kind="bad_request", org="us", path="/api/v2/users"))

    run = checked(file)

    (line,) = lines_of(run, "us listings")
    assert run.exit_code == 1
    assert line.startswith("FAILED")
    assert "status 400" in line
    assert len(lines_of(run, "us permissions")) == 1


def test_odd_entities_of_a_listing_are_noted(simulator, file):
    simulator.faults.add(Fault(kind="odd_entities", org="us", path="/api/v2/users"))

    run = checked(file)

    (line,) = lines_of(run, "us listings")
    assert run.exit_code == 0
    assert "4 items without an id are left out" in line
    assert "1 with a character that cannot be read" in line
