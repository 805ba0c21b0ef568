"""What an org does not let us list, or lists in part, takes nothing away and hinders nothing."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import polars as pl
import pytest

from aggregation_platform.defs.assets.directory import LISTING_OF
from aggregation_platform.defs.jobs import DIRECTORY
from aggregation_platform.directory.tables import (
    DIVISIONS,
    GROUPS,
    QUEUES,
    SKILLS,
    TABLES,
    TEAMS,
    USERS,
    WRAP_UP_CODES,
)
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.tables import Partition, Table
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform

Standing = dict[str, tuple[object, pl.DataFrame]]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    """One org whose directory was listed once."""
    folder = tmp_path_factory.mktemp("listings")
    with simulated_platform(folder, orgs=("us",), days=1, conversations_per_day=5) as platform:
        platform.must(platform.run(DIRECTORY, "us"))
        yield platform


@pytest.fixture
def platform(listed: SimulatedPlatform) -> Iterator[SimulatedPlatform]:
    yield listed
    listed.simulator.faults.clear()


def strike(platform: SimulatedPlatform, kind: str, *tables: Table) -> None:
    for table in tables:
        platform.simulator.faults.add(Fault(kind=kind, path=LISTING_OF[table.key].path))


def standing(platform: SimulatedPlatform) -> Standing:
    """Return when each table was written last, and its rows."""
    written = dict(
        platform.assembly.warehouse.query(
            "select table_name, written_at from ops.partition_log"
            " where table_name like 'directory.%'"
        ).rows()
    )
    return {
        table.key: (
            written[table.key],
            platform.assembly.warehouse.read(table, [Partition(org="us")]),
        )
        for table in TABLES
    }


def found_whole(ran: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {
        ".".join(each.asset_key.path): each.passed for each in ran.get_asset_check_evaluations()
    }


def told(ran: dg.ExecuteInProcessResult, table: Table) -> dict[str, object]:
    (check,) = (
        each
        for each in ran.get_asset_check_evaluations()
        if each.asset_key.path == [table.layer, table.name]
    )
    return {name: value.value for name, value in check.metadata.items()}


def test_every_kind_is_listed_teams_among_them(platform: SimulatedPlatform):
    place = platform.simulator.world.directories["us"]
    rows = {name: frame for name, (_, frame) in standing(platform).items()}

    assert set(rows["directory.teams"]["team_id"]) == set(place.team_ids)
    assert all(frame.height for frame in rows.values())


def test_what_is_not_permitted_keeps_its_snapshot_is_told_and_hinders_no_other(
    platform: SimulatedPlatform,
):
    before, optional = standing(platform), (DIVISIONS, SKILLS, GROUPS, TEAMS)
    strike(platform, "forbidden", *optional)

    ran = platform.run(DIRECTORY, "us")

    after = standing(platform)
    assert ran.success
    for table in TABLES:
        (was_at, rows), (is_at, same) = before[table.key], after[table.key]
        assert same.equals(rows)
        assert (is_at == was_at) is (table in optional)
    assert found_whole(ran) == {table.key: table not in optional for table in TABLES}
    assert told(ran, TEAMS)["permitted"] is False
    assert "groups > team > view" in str(told(ran, TEAMS)["what_to_do"])


def test_without_users_the_run_fails_and_says_so_after_all_others_were_listed(
    platform: SimulatedPlatform,
):
    before = standing(platform)
    strike(platform, "forbidden", USERS)

    ran = platform.run(DIRECTORY, "us")

    after = standing(platform)
    renewed = {key for key in before if after[key][0] != before[key][0]}
    assert not ran.success
    assert renewed == {table.key for table in TABLES if table is not USERS}
    assert "directory > user > view" in str(told(ran, USERS)["what_to_do"])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_listing_cut_short_ends_nobody_and_is_told(platform: SimulatedPlatform, table: Table):
    strike(platform, "short_listing", table)

    ran = platform.run(DIRECTORY, "us")

    _, rows = standing(platform)[table.key]
    assert rows["valid_to"].null_count() == rows.height > 0
    assert ran.success
    assert found_whole(ran) == {each.key: each is not table for each in TABLES}


def test_users_that_fail_stop_no_other_listing_and_the_run_fails_after_all(
    platform: SimulatedPlatform,
):
    before = standing(platform)
    platform.simulator.faults.add(Fault(kind="bad_request", path=LISTING_OF[USERS.key].path))

    ran = platform.run(DIRECTORY, "us")

    after = standing(platform)
    renewed = {key for key in before if after[key][0] != before[key][0]}
    assert not ran.success
    assert renewed == {table.key for table in TABLES if table is not USERS}
    assert told(ran, USERS)["permitted"] is True


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_odd_entities_are_set_aside_counted_and_shown(platform: SimulatedPlatform, table: Table):
    strike(platform, "odd_entities", table)

    ran = platform.run(DIRECTORY, "us")

    _, rows = standing(platform)[table.key]
    platform.must(ran)
    assert rows.filter(pl.col("valid_to").is_null()).height > 0
    assert (told(ran, table)["set_aside"], told(ran, table)["with_unreadable_characters"]) == (4, 1)
    assert not found_whole(ran)[table.key]


def test_an_org_that_forbids_everything_that_only_adds_names_has_its_queues_and_people(
    tmp_path_factory: pytest.TempPathFactory,
):
    folder = tmp_path_factory.mktemp("forbidden")
    with simulated_platform(folder, orgs=("us",), days=1, conversations_per_day=5) as platform:
        strike(platform, "forbidden", DIVISIONS, SKILLS, GROUPS, TEAMS)
        ran = platform.run(DIRECTORY, "us")

        assert ran.success
        written = platform.assembly.warehouse.query(
            "select table_name from ops.partition_log where table_name like 'directory.%'"
        )
        assert set(written["table_name"]) == {USERS.key, QUEUES.key, WRAP_UP_CODES.key}


def test_more_users_than_the_cap_are_listed_and_what_remains_is_counted_and_shown(
    tmp_path_factory: pytest.TempPathFactory,
):
    folder = tmp_path_factory.mktemp("capped")
    with simulated_platform(
        folder, orgs=("us",), days=1, conversations_per_day=5, history_days=0,
        agents_per_org=120, max_entity_page_size=10, listing_cap=30,
    ) as platform:  # fmt: skip
        platform.simulator.faults.add(Fault(kind="forbidden", path="/api/v2/users/search"))
        ran = platform.run(DIRECTORY, "us")
        found = told(ran, USERS)

        platform.must(ran)
        assert found["counted_by_the_org"] == 120
        assert 60 <= int(str(found["listed"])) < 120
        assert found["not_listed"] == 120 - int(str(found["listed"]))
        assert found_whole(ran) == {each.key: each is not USERS for each in TABLES}

        platform.simulator.faults.clear()
        again = platform.run(DIRECTORY, "us")

        platform.must(again)
        assert (told(again, USERS)["listed"], told(again, USERS)["not_listed"]) == (120, 0)
