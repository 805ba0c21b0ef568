"""The main job on Snowflake, as an emulator serves its protocol, ends where it ends on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import yaml

from aggregation_platform.assembly import TABLES, Assembly
from aggregation_platform.cli.aht import ask
from aggregation_platform.cli.options import Days
from aggregation_platform.config.load import load_config
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.rollups.tables import TABLES as ROLLUPS
from aggregation_platform.tables import Partition
from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform
from aggregation_platform_tests.warehouse_rig import snowflake_emulator

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

STAMPED = ("raw.conversations", "facts.conversations")
"""Their rows say when their page was fetched, and the two platforms fetched for themselves."""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    with simulated_platform(
        tmp_path_factory.mktemp("embedded"), conversations_per_day=40
    ) as filled:
        filled.fill()
        yield filled


@pytest.fixture(scope="module")
def on_snowflake(
    embedded: SimulatedPlatform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimulatedPlatform]:
    with snowflake_emulator() as port, dg.DagsterInstance.ephemeral() as instance:
        config = snowflake_configuration(embedded, tmp_path_factory.mktemp("snowflake"), port)
        assembly = Assembly(config)
        assembly.warehouse.migrate(TABLES)
        platform = SimulatedPlatform(
            simulator=embedded.simulator,
            config_file=config.file or Path(),
            config=config,
            assembly=assembly,
            definitions=build_definitions(config, assembly),
            instance=instance,
        )
        platform.fill()
        yield platform


def test_a_snowflake_without_tables_names_the_command(embedded: SimulatedPlatform, tmp_path: Path):
    with snowflake_emulator() as port:
        assembly = Assembly(snowflake_configuration(embedded, tmp_path, port))

        with pytest.raises(SchemaMismatchError, match="aggregation-platform warehouse migrate"):
            _ = assembly.grant


def test_every_partition_is_the_same_one(
    embedded: SimulatedPlatform, on_snowflake: SimulatedPlatform
):
    there, here = partition_log(on_snowflake), partition_log(embedded)

    assert here.height > 50
    assert there.rows() == here.rows()


def test_every_rollup_and_journey_has_the_same_rows(
    embedded: SimulatedPlatform, on_snowflake: SimulatedPlatform
):
    for table in (*ROLLUPS, *(one for one in TABLES if one.layer == "journeys")):
        for day in embedded.days:
            there, here = (
                platform.assembly.warehouse.read(table, [Partition(day=day)])
                for platform in (on_snowflake, embedded)
            )
            assert there.sort(there.columns).equals(here.sort(here.columns)), table.key


def test_aht_is_the_same_and_the_simulators_truth(
    embedded: SimulatedPlatform, on_snowflake: SimulatedPlatform
):
    days = Days(embedded.days[0], embedded.days[-1])
    there, here = (
        ask(platform.assembly.warehouse, platform.config, days, ("org", "global_queue", "hour"))
        for platform in (on_snowflake, embedded)
    )

    assert there.total.rows() == here.total.rows()
    assert there.rows.rows() == here.rows.rows()
    truth = [
        embedded.simulator.truth.handle_time(org, day)
        for org in embedded.config.orgs
        for day in embedded.days
    ]
    assert there.total["handle_ms"].to_list() == [sum(ms for _, ms in truth)]


@pytest.mark.parametrize("view", ["handle_time_by_local_hour", "handle_time_by_month", "org_days"])
def test_the_reporting_views_say_the_same(
    embedded: SimulatedPlatform, on_snowflake: SimulatedPlatform, view: str
):
    there, here = (
        platform.assembly.warehouse.query(f"select * from reporting.{view}")  # noqa: S608 - names above
        for platform in (on_snowflake, embedded)
    )

    assert here.height > 0
    assert there.sort(there.columns).rows() == here.sort(here.columns).rows()


def snowflake_configuration(like: SimulatedPlatform, folder: Path, port: int) -> PlatformConfig:
    """Write the same configuration, with a warehouse in the emulator and folders of its own."""
    written = yaml.safe_load(like.config_file.read_text())
    written["landing"] = {"url": "landing"}
    written["warehouse"] = {
        "kind": "snowflake",
        "snowflake": {
            "account": "emulated",
            "user": "writer",
            "password": "writer",
            "role": "WRITER",
            "warehouse": "W",
            "database": "CONTACT_CENTER",
            "host": "127.0.0.1",
            "port": port,
            "protocol": "http",
        },
    }
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump(written))
    return load_config(file)


def partition_log(platform: SimulatedPlatform) -> pl.DataFrame:
    """Return which write every partition holds, without what two fetches cannot share."""
    log = platform.assembly.warehouse.query(
        'select table_name, org, day, "ROWS" as row_count, content_hash, finality, epoch'
        " from ops.partition_log where table_name not like 'directory.%'"
        " and table_name not like 'identity.%'"
    )
    hidden = pl.when(pl.col("table_name").is_in(STAMPED)).then(pl.lit("")).otherwise("content_hash")
    return log.with_columns(content_hash=hidden).sort("table_name", "org", "day")
