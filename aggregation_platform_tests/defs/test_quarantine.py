"""Broken records among good ones: the run goes on, each is kept with its reason, no other lacks."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from aggregation_platform.simulator.timestamps import DAY_MS, day_start
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    """One org, one day; every fourth record is served broken in one of five ways."""
    with simulated_platform(
        tmp_path_factory.mktemp("quarantine"),
        orgs=("us",),
        days=1,
        conversations_per_day=120,
        malformed_rate=0.25,
        history_days=1,
        orphan_every=0,
        open_every=0,
        multi_day_every=0,
    ) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def ran(platform: SimulatedPlatform) -> dg.ExecuteInProcessResult:
    loaded = platform.org_day("us", platform.days[0])
    platform.must(loaded)
    return loaded


def rejected(platform: SimulatedPlatform) -> list[dict[str, object]]:
    return platform.assembly.warehouse.query(
        """
        select r.conversation_id, r.level, r.reason, r.path, r.page, r.position, w.payload
        from facts.rejects r
        left join raw.conversations w
          on w.org = r.org and w.day = r.day and w.page = r.page and w.position = r.position
        """
    ).to_dicts()


def test_each_is_kept_with_reason_and_place_and_raw_has_it_as_it_came(
    platform: SimulatedPlatform, ran: dg.ExecuteInProcessResult
):
    assert ran.success
    kept = rejected(platform)

    assert len(kept) > 10
    assert all(row["reason"] and row["level"] and row["payload"] for row in kept)
    assert {row["path"] for row in kept} >= {"conversationId", "participants"}
    start = day_start(platform.days[0])
    broken = set(platform.simulator.truth.malformed("us", start, start + DAY_MS))
    assert {row["conversation_id"] for row in kept} - {None} <= broken


def test_a_check_counts_them_and_says_what_to_do(
    platform: SimulatedPlatform, ran: dg.ExecuteInProcessResult
):
    (check,) = (each for each in ran.get_asset_check_evaluations() if each.check_name == "has_none")

    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["rejects"].value == len(rejected(platform))
    assert "runbooks/RecordsRejected.md" in str(check.metadata["what_to_do"].value)


def test_all_others_have_their_handle_time_and_no_rejected_one_has_any(
    platform: SimulatedPlatform, ran: dg.ExecuteInProcessResult
):
    assert ran.success
    found = platform.assembly.warehouse.query(
        "select conversation_id, count(*) as n, sum(value_ms)::bigint as ms"
        " from facts.session_metrics where metric = 'tHandle' group by conversation_id"
    ).rows()
    start = day_start(platform.days[0])
    truth: dict[str, tuple[int, int]] = {}
    for event in platform.simulator.truth.events("us", start, start + DAY_MS):
        if event.metric == "tHandle":
            count, total = truth.get(event.story.conversation_id, (0, 0))
            truth[event.story.conversation_id] = (count + 1, total + event.value)

    stored = {one: (count, total) for one, count, total in found}
    landed = platform.assembly.warehouse.query("select conversation_id from facts.conversations")[
        "conversation_id"
    ].to_list()
    lacking = truth.keys() - stored.keys()
    assert stored == {one: cell for one, cell in truth.items() if one not in lacking}
    assert lacking
    assert lacking.isdisjoint(landed)
    assert len(landed) + len(rejected(platform)) == _records(platform)


def _records(platform: SimulatedPlatform) -> int:
    counted = platform.assembly.warehouse.query(
        "select count(*)::bigint as n from raw.conversations"
    )
    return int(counted["n"].item())
