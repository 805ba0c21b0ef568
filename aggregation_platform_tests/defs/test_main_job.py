"""From three organizations to one AHT, through Dagster, against the simulator's own truth."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product

import dagster as dg
import polars as pl
import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.asset_checks import keeps_totals
from aggregation_platform.defs.assets.raw import order_of
from aggregation_platform.defs.day_picture import SHOWN_IN_PLACE
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.simulator.directory import TEAMS
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import WriteStamp
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    with simulated_platform(tmp_path_factory.mktemp("platform")) as filled:
        filled.fill()
        yield filled


def test_handle_time_equals_the_truth_for_every_org_to_the_millisecond(platform: SimulatedPlatform):
    found = platform.assembly.warehouse.query(
        "select org, sum(handled_count)::bigint, sum(handle_ms)::bigint"
        " from rollups.handle_time group by org order by org"
    )

    truth = {
        org: [platform.simulator.truth.handle_time(org, day) for day in platform.days]
        for org in platform.config.orgs
    }
    assert {org: (handled, ms) for org, handled, ms in found.rows()} == {
        org: (sum(count for count, _ in days), sum(ms for _, ms in days))
        for org, days in truth.items()
    }


def test_each_conversation_that_began_on_these_days_is_in_exactly_one_contact(
    platform: SimulatedPlatform,
):
    warehouse = platform.assembly.warehouse
    began = warehouse.query(
        "select distinct org, conversation_id from facts.conversations"
        " where cast(started_at as date) >= ? order by all",
        [platform.days[0]],
    ).rows()
    legs = warehouse.query("select org, conversation_id from journeys.legs order by all").rows()

    assert len(began) > 300
    assert legs == began


def test_handle_time_is_told_by_team_under_the_names_that_each_org_lists(
    platform: SimulatedPlatform,
):
    by_team = platform.assembly.warehouse.query(
        """
        select t.org, t.team_name, sum(m.value_ms)::bigint as handle_ms
        from facts.session_metrics m
        join facts.sessions s using (org, day, conversation_id, session_number)
        left join directory.teams t on t.org = s.org and t.team_id = s.team_id
         and t.valid_to is null
        where m.metric = 'tHandle' group by t.org, t.team_name
        """
    )
    in_all = platform.assembly.warehouse.query(
        "select sum(handle_ms)::bigint as handle_ms from rollups.handle_time"
    )

    assert set(by_team.select("org", "team_name").rows()) == set(
        product(platform.config.orgs, TEAMS)
    )
    assert by_team["handle_ms"].sum() == in_all["handle_ms"].item()


def test_handle_time_by_contact_adds_up_to_that_by_session(platform: SimulatedPlatform):
    sums = "select sum(handled_count)::bigint, sum(handle_ms)::bigint from "
    by_contact, by_leg, of_days = (
        platform.assembly.warehouse.query(sums + table).row(0)
        for table in ("journeys.journeys", "journeys.legs", "rollups.journey_days")
    )
    by_session = platform.assembly.warehouse.query(
        "select count(*), sum(m.value_ms)::bigint from facts.session_metrics m"
        " join journeys.legs l on l.org = m.org and l.conversation_id = m.conversation_id"
        " where m.metric = 'tHandle'"
    ).row(0)

    assert by_contact == by_leg == of_days == by_session
    assert by_session[0] > 300


def test_a_partition_replayed_changes_nothing(platform: SimulatedPlatform):
    day = platform.days[0]
    before = _content_hashes(platform)

    assert platform.org_day("us", day).success
    assert platform.world_day(day).success

    assert _content_hashes(platform) == before


def test_a_day_before_an_orgs_first_is_refused_with_the_remedy(platform: SimulatedPlatform):
    config = platform.config.organization("us").model_copy(
        update={"first_day": platform.days[0] + timedelta(days=1)}
    )
    orgs = tuple(config if each.org == "us" else each for each in platform.config.organizations)
    later = platform.config.model_copy(update={"organizations": orgs})

    with pytest.raises(ConfigurationError, match="before its first_day"):
        order_of(Assembly(later), Partition(org="us", day=platform.days[0]))


def test_the_checks_of_a_whole_day_pass(platform: SimulatedPlatform):
    ran = platform.world_day(platform.days[0])

    checks = {each.check_name: each.passed for each in ran.get_asset_check_evaluations()}
    assert checks == {"has_every_org": True, "keeps_totals": True}


def test_a_rollup_that_lost_handle_time_fails_its_check(platform: SimulatedPlatform):
    day = platform.days[0]
    rollup = platform.assembly.warehouse.read(HANDLE_TIME, [Partition(day=day)])
    platform.assembly.warehouse.replace_partition(
        HANDLE_TIME,
        Partition(day=day),
        rollup.with_columns(handle_ms=pl.col("handle_ms") + 1),
        platform.assembly.grant,
        stamp=WriteStamp("test", "provisional", platform.assembly.clock.now()),
    )
    broken = keeps_totals(platform.assembly, day)
    assert platform.world_day(day).success

    assert not broken.passed
    assert keeps_totals(platform.assembly, day).passed


def test_every_written_asset_says_rows_and_hash(platform: SimulatedPlatform):
    ran = platform.org_day("apac", platform.days[1])

    written = ran.get_asset_materialization_events()
    assert {"/".join(event.asset_key.path) for event in written if event.asset_key} >= {
        "raw/conversations",
        "facts/conversations",
        "facts/sessions",
        "facts/segments",
        "facts/session_metrics",
        "facts/attributes",
        "facts/rejects",
    }
    assert all(
        {"written", "content_hash", "finality", "dagster/partition_row_count"}
        <= set(event.materialization.metadata)
        for event in written
    )


def test_a_rollups_metadata_previews_aht_and_draws_the_day(platform: SimulatedPlatform):
    ran = platform.world_day(platform.days[1])

    by_key = {
        event.asset_key.path[-1]: event.materialization.metadata
        for event in ran.get_asset_materialization_events()
        if event.asset_key
    }
    shown = by_key["handle_time"]
    previewed, drawn = shown["aht_by_org"], shown["half_hours_by_org"]
    assert isinstance(previewed, dg.TableMetadataValue)
    assert isinstance(drawn, dg.MarkdownMetadataValue)
    assert {row.data["org"] for row in previewed.records} == {"us", "emea", "apac"}
    assert (drawn.md_str or "").startswith("![handle time](data:image/png;base64,")


def test_a_rollups_metadata_begins_with_the_answer_and_the_picture(platform: SimulatedPlatform):
    day = platform.days[1]
    shown = _metadata_of(platform.world_day(day), "handle_time")

    handled = sum(platform.simulator.truth.handle_time(org, day)[0] for org in platform.config.orgs)
    ms = sum(platform.simulator.truth.handle_time(org, day)[1] for org in platform.config.orgs)
    aht = f"{ms // handled // 60_000}:{round(ms / handled / 1000) % 60:02d}"
    assert list(shown)[:2] == ["answer", "course_of_the_day"]
    finality = str(shown["finality"].value).capitalize()
    assert _text(shown["answer"]) == (
        f"AHT **{aht}** over {handled:,} handled. {finality}. No organization is missing."
    )
    assert len(_text(shown["course_of_the_day"])) < SHOWN_IN_PLACE


def test_the_numbers_that_the_ui_plots_over_days_are_aht_and_handled(platform: SimulatedPlatform):
    shown = _metadata_of(platform.world_day(platform.days[1]), "handle_time")

    numbers = [
        name
        for name, value in shown.items()
        if isinstance(value, dg.FloatMetadataValue | dg.IntMetadataValue)
    ]
    assert sorted(numbers) == [
        *("aht_seconds", "aht_seconds_apac", "aht_seconds_emea", "aht_seconds_us"),
        "handled_count",
    ]


def _metadata_of(ran: dg.ExecuteInProcessResult, table: str) -> Mapping[str, dg.MetadataValue]:
    (found,) = (
        event.materialization.metadata
        for event in ran.get_asset_materialization_events()
        if event.asset_key and event.asset_key.path[-1] == table
    )
    return found


def _text(shown: dg.MetadataValue) -> str:
    assert isinstance(shown, dg.MarkdownMetadataValue)
    return shown.md_str or ""


def _content_hashes(platform: SimulatedPlatform) -> list[tuple[object, ...]]:
    """Everything but what says when a page was fetched."""
    return platform.assembly.warehouse.query(
        "select table_name, org, day, rows, content_hash from ops.partition_log"
        " where table_name not in ('raw.conversations', 'facts.conversations')"
        " and table_name not like 'directory.%' and table_name not like 'identity.%'"
        " order by all"
    ).rows()
