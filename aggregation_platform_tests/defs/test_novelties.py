"""A day on which records have what none had before: the runs go on, all is kept and told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg
import pytest

from aggregation_platform.defs.source_checks import reconciles_with_the_source
from aggregation_platform.simulator.novelties import (
    ATTRIBUTE,
    MEDIA,
    MEMBER,
    METRIC,
    SENTIMENTS,
)
from aggregation_platform.simulator.timestamps import DAY_MS, day_start
from aggregation_platform.tables import Partition
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform

SECOND_DAY = date(2026, 11, 11)
Runs = Sequence[dg.ExecuteInProcessResult]
NEW = {
    ("attribute", "participants[].attributes", ATTRIBUTE),
    ("member", f"participants[].sessions[].{MEMBER}", MEMBER),
    ("value", "participants[].sessions[].mediaType", MEDIA),
    ("value", "participants[].sessions[].metrics[].name", METRIC),
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    """One org, three days; the second brings what is new."""
    with simulated_platform(
        tmp_path_factory.mktemp("novelties"),
        orgs=("us",),
        days=3,
        conversations_per_day=60,
        agents_per_org=10,
        unknown_every=0,
        multi_day_every=0,
        orphan_every=0,
        open_every=0,
        history_days=1,
        novelties_from=SECOND_DAY,
    ) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def runs(platform: SimulatedPlatform) -> Runs:
    """Load the three days in their order."""
    ran = [platform.org_day("us", day) for day in platform.days]
    for each in ran:
        platform.must(each)
    platform.must(platform.run("org_directory", "us"))
    platform.must(platform.run("world_identity"))
    for day in platform.days:
        platform.must(platform.world_day(day))
    return ran


def told(ran: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    (check,) = (
        each for each in ran.get_asset_check_evaluations() if each.check_name == "has_nothing_new"
    )
    table: Any = check.metadata["what_is_new"]
    rows = [record.data for record in table.value.records]
    assert check.passed is not bool(rows)
    return rows


def ask(platform: SimulatedPlatform, sql: str) -> list[tuple[Any, ...]]:
    return platform.assembly.warehouse.query(sql).rows()


def test_what_is_new_is_told_on_its_day_once_with_an_example(
    platform: SimulatedPlatform, runs: Runs
):
    before, first, after = ({_named(row): row for row in told(ran)} for ran in runs)

    assert before.keys().isdisjoint(NEW)
    assert set(first) == NEW
    assert not after
    examples = {row["example"] for row in first.values()}
    on_the_day = ask(
        platform,
        f"select conversation_id from facts.conversations where day = '{platform.days[1]}'",  # noqa: S608 - a date
    )
    assert examples <= {one for (one,) in on_the_day}


def _named(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["kind"], row["path"], row["value"]


def test_a_person_can_see_since_when_and_that_it_goes_on(platform: SimulatedPlatform, runs: Runs):
    since = {_named(row): row["since"] for row in told(runs[1])}
    rows = platform.assembly.warehouse.query(
        "select kind, path, value, first_seen_at, last_seen_at from ops.drift where org = 'us'"
    ).to_dicts()

    seen = {_named(row): row for row in rows if _named(row) in NEW}
    assert {name: row["first_seen_at"].isoformat() for name, row in seen.items()} == since
    assert all(row["last_seen_at"] > row["first_seen_at"] for row in seen.values())


def test_the_new_attribute_is_queried_beside_handle_time(platform: SimulatedPlatform, runs: Runs):
    assert runs
    by_sentiment = ask(
        platform,
        """
        select a.value, count(*) as handled_count, sum(m.value_ms) / count(*) as aht_ms
        from facts.session_metrics m
        join (select distinct org, day, conversation_id, value from facts.attributes
              where name = 'Customer_Sentiment') a
          on a.org = m.org and a.day = m.day and a.conversation_id = m.conversation_id
        where m.metric = 'tHandle' group by a.value
        """,
    )

    assert {value for value, _, _ in by_sentiment} == set(SENTIMENTS)
    assert all(handled > 0 and aht_ms > 0 for _, handled, aht_ms in by_sentiment)


def test_the_new_metric_is_a_metric_like_any_other(platform: SimulatedPlatform, runs: Runs):
    assert runs
    kept = ask(
        platform,
        "select day, count(*), sum(value_ms)::bigint, count(emitted_at)"
        " from facts.session_metrics where metric = 'tSentiment' group by day order by day",
    )

    assert [day for day, *_ in kept] == list(platform.days[1:])
    assert all(n == with_instant > 0 and ms > 0 for _, n, ms, with_instant in kept)


def test_the_new_medium_has_its_handle_time_in_every_figure_to_the_millisecond(
    platform: SimulatedPlatform, runs: Runs
):
    assert runs
    found = ask(
        platform,
        "select day, media_type, sum(handled_count)::bigint, sum(handle_ms)::bigint"
        " from rollups.handle_time group by day, media_type having sum(handled_count) > 0",
    )

    truth = platform.simulator.truth
    assert {(day, media): (n, ms) for day, media, n, ms in found} == {
        (day, media): cell
        for day in platform.days
        for (media,), cell in truth.handle_times(
            "us", day_start(day), day_start(day) + DAY_MS, ("mediaType",)
        ).items()
    }
    assert {day for day, media, *_ in found if media == MEDIA} == set(platform.days[1:])


def test_the_new_object_is_queried_to_its_depth(platform: SimulatedPlatform, runs: Runs):
    assert runs
    kept = ask(
        platform,
        """
        select day, json_extract_string(extra, '$.sentimentAnalysis.overall.model') as model,
               avg(cast(json_extract_string(extra, '$.sentimentAnalysis.turns[0].score') as double))
        from facts.sessions where json_exists(extra, '$.sentimentAnalysis')
        group by day, model order by day
        """,
    )

    assert [(day, model) for day, model, _ in kept] == [(day, "v2") for day in platform.days[1:]]
    assert all(-1 <= score <= 1 for *_, score in kept)


def test_the_org_itself_agrees_on_the_day_of_the_news(platform: SimulatedPlatform, runs: Runs):
    assert runs
    compared = reconciles_with_the_source(platform.assembly, Partition("us", platform.days[1]))

    assert compared.passed
    assert (compared.metadata or {})["compared"] == dg.MetadataValue.bool(True)
