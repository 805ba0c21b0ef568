"""An organization leaves: what was published stays, and nothing stops.

Each test works on rows that are written by hand; no organization is asked for anything.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregation_platform.cli.findings import State
from aggregation_platform.cli.main import cli
from aggregation_platform.cli.store_checks import check_keys
from aggregation_platform.config.rules import load_rules
from aggregation_platform.defs.asset_checks import has_every_org, keeps_totals
from aggregation_platform.defs.assets.raw import order_of
from aggregation_platform.defs.jobs import IDENTITY
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.tables import Partition
from aggregation_platform_tests.filled_by_hand import ByHand, by_hand

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, 16) + timedelta(days=n) for n in range(3))
RULES = "org,queue,global_queue\nna,q1,Sales\neu,q1,Sales\n"
ONLY_EU = "org,queue,global_queue\neu,q1,Commerce\n"
SENSORS = (
    *("org_days_due", "directories_due", "identity_due"),
    *("world_days_due", "reconciliations_due", "runs_to_repeat"),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two organizations, two days, built once; each test works on a copy."""
    folder = tmp_path_factory.mktemp("built")
    with by_hand(folder, na=MONDAY, eu=TUESDAY) as platform:
        platform.queue_rules = RULES
        platform.load("na", MONDAY, 1_000)
        platform.load("na", TUESDAY, 2_000)
        platform.load("eu", TUESDAY, 4_000)
        platform.build(MONDAY, TUESDAY)
    return folder


@pytest.fixture
def both(built: Path, tmp_path: Path) -> Iterator[ByHand]:
    shutil.copytree(built, tmp_path / "platform")
    with by_hand(tmp_path / "platform", na=MONDAY, eu=TUESDAY) as platform:
        platform.queue_rules = RULES
        platform.clock.advance(3600)
        yield platform


def command(platform: ByHand, *arguments: str) -> Result:
    _ = platform.assembly.config  # writes platform.yaml
    file = str(platform.folder / "platform.yaml")
    return CliRunner().invoke(cli, ["--config", file, *arguments])


def to_now(platform: ByHand) -> None:
    """Move the platform's clock past the system's, which stamps what commands decide."""
    ahead = datetime.now(UTC) + timedelta(hours=1) - platform.clock.now()
    platform.clock.advance(ahead.total_seconds())


def requested(platform: ByHand, sensor: str) -> list[str]:
    return [str(request.partition_key) for request in platform.ticked(sensor).run_requests or []]


def restated(platform: ByHand) -> list[tuple[object, ...]]:
    return platform.assembly.warehouse.query(
        "select org, day, table_name, measure, before, after, cell from ops.restatements"
        " where measure = 'handle_ms' order by all"
    ).rows()


def test_past_days_keep_their_figures_when_an_organization_is_taken_out_and_rules_change(
    both: ByHand,
):
    published = both.handled()
    without = both.configured({"eu": TUESDAY}, queue_rules=ONLY_EU)

    without.run(IDENTITY)
    assert requested(without, "world_days_due") == [str(TUESDAY)]
    without.build(TUESDAY)

    assert without.handled() == published
    assert restated(without) == []
    assert keeps_totals(without.assembly, TUESDAY).passed
    assert has_every_org(without.assembly, TUESDAY).passed
    covered = without.assembly.warehouse.query(
        "select org, day, is_covered, finality from reporting.org_days order by all"
    ).rows()
    assert covered == [
        ("eu", TUESDAY, True, "final"),
        ("na", MONDAY, True, "final"),
        ("na", TUESDAY, True, "final"),
    ]


def test_an_organization_that_left_keeps_its_name_beside_its_figures(both: ByHand):
    named = both.configured({"na": MONDAY, "eu": TUESDAY}, na={"name": "North"})
    _ = named.assembly.grant  # writes reporting.organizations, as every command that writes does
    without = named.configured({"eu": TUESDAY}, queue_rules=ONLY_EU)

    days = ("--from", str(MONDAY), "--to", str(MONDAY))
    told = json.loads(command(without, "aht", *days, "--by", "org", "--format", "json").stdout)
    explained = command(without, "explain", "--day", str(MONDAY), "--org", "na").output

    assert [row["org_name"] for row in told["rows"]] == ["North"]
    assert "North" in explained


def test_a_later_first_day_takes_nothing_out_of_past_days(both: ByHand):
    published = both.handled()
    later = both.configured({"na": WEDNESDAY, "eu": TUESDAY})

    later.build(TUESDAY)

    assert later.handled() == published
    assert restated(later) == []


def test_days_before_the_calendar_are_set_aside_and_the_others_are_added_up(both: ByHand):
    """Without na, which began first, the calendar begins on Tuesday; Monday is no partition."""
    without = both.configured({"eu": TUESDAY}, queue_rules=ONLY_EU)
    without.run(IDENTITY)
    without.load("na", MONDAY, 1_001)
    without.load("eu", TUESDAY, 4_001)

    tick = without.ticked("world_days_due")

    assert [request.partition_key for request in tick.run_requests or []] == [str(TUESDAY)]
    assert tick.cursor is not None
    assert str(MONDAY) in tick.cursor


def test_a_retired_organization_counts_until_its_last_day_and_every_figure_says_so(both: ByHand):
    published = both.handled()

    done = command(
        both, "org", "retire", "--org", "na", "--from", str(WEDNESDAY), "--reason", "was sold"
    )
    both.load("eu", WEDNESDAY, 8_000)
    both.build(WEDNESDAY)
    without = both.configured({"eu": TUESDAY}, queue_rules=ONLY_EU)
    without.build(TUESDAY, WEDNESDAY)

    assert done.exit_code == 0, done.output
    assert without.handled() == {**published, (WEDNESDAY, "eu"): (1, 8_000)}
    assert restated(without) == []
    assert has_every_org(without.assembly, WEDNESDAY).passed
    asked = ("aht", "--from", str(MONDAY), "--to", str(WEDNESDAY))
    told = json.loads(command(without, *asked, "--format", "json").stdout)
    assert told["orgs_retired"] == [{"org": "na", "until": str(TUESDAY)}]
    assert told["total"]["orgs_missing"] == []
    assert f"na: counted until {TUESDAY}" in command(without, *asked, "--by", "org").stdout
    assert f"na: counted until {TUESDAY}" in command(without, "status").stdout
    last_days = without.assembly.warehouse.query(
        "select org, last_day from reporting.organizations"
    )
    assert dict(last_days.iter_rows()) == {"eu": None, "na": TUESDAY}


def test_nothing_is_fetched_of_a_retired_organization_from_its_day_on_and_it_is_re_read_before(
    both: ByHand,
):
    both.load("na", TUESDAY, 2_000, "complete")
    command(both, "org", "retire", "--org", "na", "--from", str(WEDNESDAY), "--reason", "was sold")

    asked = {key for key in requested(both, "org_days_due") if key.endswith("|na")}

    assert asked == {f"{MONDAY}|na", f"{TUESDAY}|na"}
    assert requested(both, "directories_due") == ["eu"]
    with pytest.raises(ConfigurationError, match="retired from 2026-11-18"):
        order_of(both.assembly, Partition("na", WEDNESDAY))


def test_published_days_are_left_alone_unless_asked_and_then_restated_and_undo_brings_them_back(
    both: ByHand,
):
    published = both.handled()
    to_now(both)
    retire = ("org", "retire", "--org", "na", "--from", str(TUESDAY), "--reason", "was sold")

    refused = command(both, *retire)
    assert refused.exit_code == 1
    assert "--restate" in refused.output
    assert requested(both, "world_days_due") == []

    assert command(both, *retire, "--restate").exit_code == 0
    assert str(TUESDAY) in requested(both, "world_days_due")
    both.build(MONDAY, TUESDAY)
    assert both.handled() == {key: one for key, one in published.items() if key != (TUESDAY, "na")}
    left = ("na", TUESDAY, "rollups.handle_time", "handle_ms", 2_000, None, "{}")
    assert restated(both) == [left]
    assert requested(both, "world_days_due") == []

    assert command(both, "org", "rejoin", "--org", "na", "--reason", "called off").exit_code == 0
    assert str(TUESDAY) in requested(both, "world_days_due")
    both.build(MONDAY, TUESDAY)
    assert both.handled() == published
    back = ("na", TUESDAY, "rollups.handle_time", "handle_ms", None, 2_000, "{}")
    assert sorted(restated(both), key=str) == sorted([left, back], key=str)
    assert requested(both, "world_days_due") == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("retire", "--org", "nn", "--from", "2026-11-18"), "use one of eu, na"),
        (("retire", "--org", "na", "--from", "2026-11-15"), "counts only from 2026-11-16 on"),
        (("retire", "--org", "na", "--from", "2062-11-18"), "more than a year ahead"),
        (("rejoin", "--org", "na"), "na is not retired"),
    ],
)
def test_what_is_unsafe_is_refused_with_what_to_do(
    both: ByHand, arguments: tuple[str, ...], reason: str
):
    refused = command(both, "org", *arguments, "--reason", "was sold")

    assert refused.exit_code == 1
    assert reason in refused.output


def test_rules_may_name_an_organization_that_left_and_a_typing_error_is_still_named(both: ByHand):
    without = both.configured({"eu": TUESDAY}, queue_rules=RULES).assembly

    assert {rule.org for rule in without.rules.queues} == {"na", "eu"}
    assert without.config.rules.queues is not None
    without.config.rules.queues.write_text(RULES.replace("na,", "nna,"))
    with pytest.raises(ConfigurationError, match="unknown org nna"):
        load_rules(without.config.rules, without.orgs_of_rules)


def test_a_renamed_key_is_not_fetched_for_days_that_are_stored_under_the_old_one(both: ByHand):
    own_id = {"organization_id": "5f2c1d2e-0000-4000-8000-000000000001"}
    _ = both.configured(both.first_days, na=own_id).assembly.grant
    renamed = both.configured({"america": MONDAY, "eu": TUESDAY}, america=own_id)

    with pytest.raises(ConfigurationError, match="stored as that of na"):
        order_of(renamed.assembly, Partition("america", TUESDAY))
    tick = renamed.ticked("org_days_due")

    asked = {str(request.partition_key) for request in tick.run_requests or []}
    assert f"{TUESDAY}|america" not in asked
    assert f"{WEDNESDAY}|america" in asked
    assert tick.cursor is not None
    assert "same organization_id" in tick.cursor
    (found,) = check_keys(renamed.assembly)
    assert found.state is State.FAILED
    assert "Give the entry its key na back" in found.told
    (at_first,) = check_keys(both.assembly)
    assert at_first.state is State.OK


@pytest.mark.parametrize("leaves", ["na", "eu"])
def test_whoever_leaves_no_sensor_fails_and_each_request_can_be_taken(both: ByHand, leaves: str):
    stays = {org: day for org, day in both.first_days.items() if org != leaves}
    without = both.configured(stays, queue_rules=RULES)
    without.load(leaves, TUESDAY, 3_000, "complete")

    for sensor in SENSORS:
        for key in requested(without, sensor):
            assert leaves not in key
