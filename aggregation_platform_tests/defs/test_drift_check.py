"""What an org's records had for the first time is told once, and known from then on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from aggregation_platform.defs.asset_checks import has_nothing_new
from aggregation_platform.tables import Partition
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    """One org, two days; every fifth record has members and names that nobody has heard of."""
    with simulated_platform(
        tmp_path_factory.mktemp("drift"),
        orgs=("us",),
        conversations_per_day=15,
        agents_per_org=10,
        unknown_every=5,
    ) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def runs(platform: SimulatedPlatform) -> list[dg.ExecuteInProcessResult]:
    """Load the first day, then the second."""
    ran = [platform.org_day("us", day) for day in platform.days]
    assert all(each.success for each in ran)
    return ran


def evaluation(ran: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    (found,) = (
        each for each in ran.get_asset_check_evaluations() if each.check_name == "has_nothing_new"
    )
    return found


def news_of(ran: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    table: Any = evaluation(ran).metadata["what_is_new"]
    return [record.data for record in table.value.records]


def test_the_run_that_sees_it_first_goes_on_and_warns_with_an_example_and_since_when(
    platform: SimulatedPlatform, runs: list[dg.ExecuteInProcessResult]
):
    found = evaluation(runs[0])

    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    rows = news_of(runs[0])
    assert {
        ("member", "sentimentTrend", "sentimentTrend"),
        ("value", "participants[].sessions[].metrics[].name", "tPondering"),
        ("value", "participants[].sessions[].segments[].disconnectType", "quantum"),
    } <= {(row["kind"], row["path"], row["value"]) for row in rows}
    seen = platform.assembly.warehouse.query("select conversation_id from facts.conversations")
    assert {row["example"] for row in rows} <= set(seen["conversation_id"])
    assert all(row["since"] for row in rows)


def test_an_orgs_stock_of_attributes_is_no_news(runs: list[dg.ExecuteInProcessResult]):
    rows = news_of(runs[0])

    assert "attribute" not in {row["kind"] for row in rows}


def test_what_was_told_is_not_told_again(runs: list[dg.ExecuteInProcessResult]):
    first, second = ({(row["path"], row["value"]) for row in news_of(ran)} for ran in runs)

    assert first
    assert not first & second


def test_the_check_says_the_same_when_it_is_evaluated_again_later(
    platform: SimulatedPlatform, runs: list[dg.ExecuteInProcessResult]
):
    again = has_nothing_new(platform.assembly, Partition("us", platform.days[0]))

    assert again.metadata is not None
    told = evaluation(runs[0]).metadata["what_is_new"]
    assert again.metadata["what_is_new"] == told


def test_what_is_new_is_kept_and_can_be_queried(
    platform: SimulatedPlatform, runs: list[dg.ExecuteInProcessResult]
):
    assert runs
    kept = platform.assembly.warehouse.query(
        "select count(*) as n from facts.session_metrics where metric = 'tPondering'"
        " union all select count(*) from facts.conversations"
        " where json_extract_string(extra, '$.sentimentTrend.labels[0]') = 'warm'"
    )

    assert all(count > 0 for count in kept["n"])


def test_a_day_built_again_has_no_news(
    platform: SimulatedPlatform, runs: list[dg.ExecuteInProcessResult]
):
    assert runs
    again = platform.org_day("us", platform.days[1])

    assert evaluation(again).passed
