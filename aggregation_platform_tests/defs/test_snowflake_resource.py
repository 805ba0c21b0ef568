"""Dagster's own Snowflake resource, from the configuration's account, for assets of one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aggregation_platform.config.load import load_config
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.snowflake_resource import snowflake_resources
from aggregation_platform_tests.configured_warehouse import in_emulator
from aggregation_platform_tests.simulated_platform import QUIET

ORGANIZATION = """
organizations:
  - {org: us, region: us-east-1, client_id: i, client_secret: s, first_day: 2026-01-01}
"""


def configured(folder: Path, warehouse: dict[str, Any]) -> PlatformConfig:
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(ORGANIZATION) | {"warehouse": warehouse}))
    return load_config(file)


@pytest.mark.parametrize("login", ["password", "key"])
def test_an_asset_of_ones_own_asks_the_same_account_in_utc(
    emulator_port: int, tmp_path: Path, login: str
):
    section = in_emulator(emulator_port)
    if login == "key":
        del section["snowflake"]["password"]
        section["snowflake"]["private_key_path"] = key_file(tmp_path / "key.p8")
    answers: list[tuple[object, ...]] = []

    @dg.asset
    def own(snowflake: dg.ResourceParam[Any]) -> None:
        with snowflake.get_connection() as connection:
            cursor = connection.cursor()
            answers.extend(cursor.execute("select current_database(), ? + 1", (41,)).fetchall())

    resources = snowflake_resources(configured(tmp_path, section))
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([own], resources=resources, instance=instance, run_config=QUIET)

    assert answers == [(section["snowflake"]["database"], 42)]


def test_its_session_is_set_as_the_warehouses(tmp_path: Path):
    section = {"kind": "snowflake", "snowflake": {**in_emulator(1)["snowflake"]}}
    (definition,) = snowflake_resources(configured(tmp_path, section)).values()
    resource = definition(dg.build_init_resource_context())
    beside = resource.additional_snowflake_connection_args or {}

    assert beside["session_parameters"]["TIMEZONE"] == "UTC"
    assert (resource.account, resource.role, resource.paramstyle) == ("emulated", "WRITER", "qmark")


def test_there_is_none_without_an_account(tmp_path: Path):
    assert snowflake_resources(configured(tmp_path, {"kind": "duckdb"})) == {}


def test_nobody_pays_for_its_library_who_does_not_ask_for_it(tmp_path: Path):
    config = configured(tmp_path, in_emulator(1))
    assert "snowflake" in (build_definitions(config).resources or {})
    loaded = (
        "import sys; from pathlib import Path\n"
        "from aggregation_platform.config.load import load_config\n"
        "from aggregation_platform.defs.build import build_definitions\n"
        f"build_definitions(load_config(Path({str(config.file)!r})))\n"
        "print([name for name in sys.modules if name.startswith('dagster_snowflake')])"
    )
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "[]"


def key_file(path: Path) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(path)
