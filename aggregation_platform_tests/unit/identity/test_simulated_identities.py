"""Global agents and queues of simulated orgs, held against what their world knows."""

from datetime import UTC, datetime

import polars as pl
import pytest

from aggregation_platform.config.models import RulesConfig
from aggregation_platform.config.rules import Rules, load_rules
from aggregation_platform.directory import tables as directory
from aggregation_platform.directory.listings import listing_of, next_history
from aggregation_platform.identity.agents import agents
from aggregation_platform.identity.queues import queue_names, queues
from aggregation_platform.rollups.handle_time import handle_time
from aggregation_platform.simulator.directory_api import PageLimits, listing
from aggregation_platform.simulator.platform_file import write_rules
from aggregation_platform.simulator.replies import Request
from aggregation_platform.simulator.timestamps import DAY_MS, day_start
from aggregation_platform.simulator.truth import Truth
from aggregation_platform_tests.simulated_facts import simulated_facts

TODAY = datetime(2026, 1, 20, 6, tzinfo=UTC)
SIMULATED = simulated_facts(20260105)
WORLD = SIMULATED.world
TRUTH = Truth(WORLD)
PAGES = PageLimits(longest=500, cap=10_000)


def listed(table, path: str) -> pl.DataFrame:
    """The history that one listing of every org makes."""
    histories = []
    for org, place in WORLD.directories.items():
        request = Request(1, "GET", path, {"state": ["any"], "pageSize": ["500"]}, {}, b"")
        listing_now = listing_of(table, listing(place, request, PAGES)["entities"], org=org)
        histories.append(
            next_history(table.empty(), listing_now, table=table, seen_at=TODAY, whole=True)
        )
    return pl.concat(histories)


@pytest.fixture(scope="module")
def rules(tmp_path_factory) -> Rules:
    folder = tmp_path_factory.mktemp("rules")
    write_rules(WORLD, folder)
    config = RulesConfig(queues=folder / "queues.csv", agents=folder / "agents.csv")
    return load_rules(config, WORLD.options.orgs)


@pytest.fixture(scope="module")
def global_agents(rules) -> pl.DataFrame:
    return agents(listed(directory.USERS, "/api/v2/users"), rules.agents)


@pytest.fixture(scope="module")
def global_queues(rules) -> pl.DataFrame:
    names = [queue_names(facts.sessions) for facts in SIMULATED.facts]
    return queues(
        listed(directory.QUEUES, "/api/v2/routing/queues"), pl.concat(names), rules.queues
    )


def groups(member_of):
    """Who is together, whatever each group is called."""
    together = {}
    for one, group in member_of.items():
        together.setdefault(group, set()).add(one)
    return sorted(sorted(group) for group in together.values())


def test_accounts_are_one_person_exactly_where_the_world_says_so(global_agents):
    accounts = global_agents.select("org", "user_id", "global_agent_id").rows()
    found = groups({(org, user): agent for org, user, agent in accounts})

    assert found == groups(TRUTH.agents())
    assert any(len(accounts) > 1 for accounts in found)


def test_queues_are_global_queues_exactly_as_the_world_says(global_queues):
    for day in WORLD.options.simulated_days:
        known = {
            (org, queue): name
            for org, queue, name, begin, end in global_queues.select(
                "org", "queue_id", "global_queue", "valid_from", "valid_to"
            ).rows()
            if begin <= day < end
        }

        assert known == {one: name or "(unmapped)" for one, name in TRUTH.queues().items()}


def test_a_renamed_queue_is_called_on_each_day_what_its_records_called_it(global_queues):
    first, second = WORLD.options.simulated_days
    renamed = {
        (org, queue.id): queue
        for org, place in WORLD.directories.items()
        for queue in place.queues
        if queue.old_name
    }
    names = {
        (org, queue, day): name
        for org, queue, name, begin, end in global_queues.select(
            "org", "queue_id", "queue_name", "valid_from", "valid_to"
        ).rows()
        for day in (first, second)
        if begin <= day < end
    }

    assert renamed
    for (org, queue_id), queue in renamed.items():
        assert names[org, queue_id, first] == queue.name_on(first) == queue.old_name
        assert names[org, queue_id, second] == queue.name_on(second) == queue.name


def test_handle_time_by_global_queue_is_the_worlds_own(global_queues, global_agents):
    for day in WORLD.options.simulated_days:
        metrics = SIMULATED.frame("session_metrics").filter(pl.col("day") == day)
        cells = handle_time(metrics, day=day, queues=global_queues, agents=global_agents)
        ours = {
            (org, name): (count, ms)
            for org, name, count, ms in cells.group_by("org", "global_queue")
            .agg(pl.col("handled_count", "handle_ms").sum())
            .filter(~pl.col("global_queue").is_in(["(none)", "(unmapped)"]))
            .rows()
        }
        start = day_start(day)
        theirs = {
            (org, key[0]): figures
            for org in WORLD.options.orgs
            for key, figures in TRUTH.handle_times(
                org, start, start + DAY_MS, ("globalQueue",)
            ).items()
            if key[0] is not None
        }

        assert {key: figures for key, figures in ours.items() if figures[0]} == theirs
