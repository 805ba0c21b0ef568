"""Broken records among good ones: a fault costs its smallest part, and is kept with its reason."""

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
        select r.conversation_id, r.level, r.name, r.reason, r.path, r.page, r.position, w.payload
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
    kept = rejected(platform)
    whole = [row for row in kept if row["level"] == "record"]
    handle_times = [row for row in kept if row["name"] == "tHandle"]
    counts = ("rejects", "handle_times_set_aside", "parts_set_aside")
    assert [check.metadata[name].value for name in counts] == [
        len(whole), len(handle_times), len(kept) - len(whole) - len(handle_times),
    ]  # fmt: skip
    assert "runbooks/RecordsRejected.md" in str(check.metadata["what_to_do"].value)


def test_only_what_could_not_be_read_lacks_its_handle_time(
    platform: SimulatedPlatform, ran: dg.ExecuteInProcessResult
):
    assert ran.success
    stored = {
        one: (count, total)
        for one, count, total in platform.assembly.warehouse.query(
            "select conversation_id, count(*) as n, sum(value_ms)::bigint as ms"
            " from facts.session_metrics where metric = 'tHandle' group by conversation_id"
        ).rows()
    }
    truth = handle_times(platform)
    lacking = {one for one, cell in truth.items() if stored.get(one) != cell}
    kept = rejected(platform)
    without_participants = {row["conversation_id"] for row in kept if row["level"] == "participant"}
    without_id = [row for row in kept if row["level"] == "record"]
    landed = platform.assembly.warehouse.query("select conversation_id from facts.conversations")

    assert stored.keys() <= truth.keys()
    assert without_participants
    assert without_id
    assert lacking <= without_participants | (truth.keys() - set(landed["conversation_id"]))
    assert {row["level"] for row in kept} == {"record", "participant", "field", "metric"}
    assert landed.height + len(without_id) == _records(platform)


def handle_times(platform: SimulatedPlatform) -> dict[str, tuple[int, int]]:
    """Number and sum of handle time by conversation, as it was."""
    start = day_start(platform.days[0])
    truth: dict[str, tuple[int, int]] = {}
    for event in platform.simulator.truth.events("us", start, start + DAY_MS):
        if event.metric == "tHandle":
            count, total = truth.get(event.story.conversation_id, (0, 0))
            truth[event.story.conversation_id] = (count + 1, total + event.value)
    return truth


def _records(platform: SimulatedPlatform) -> int:
    counted = platform.assembly.warehouse.query(
        "select count(*)::bigint as n from raw.conversations"
    )
    return int(counted["n"].item())
