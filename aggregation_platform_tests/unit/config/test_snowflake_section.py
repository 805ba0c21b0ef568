"""One way to log in to Snowflake; the optional keys; what becomes of them as settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregation_platform.config.load import load_config
from aggregation_platform.errors import ConfigurationError, MissingVariableError
from aggregation_platform.warehouse.configured import warehouse_settings
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings

ORGANIZATION = """
organizations:
  - {org: us, region: us-east-1, client_id: i, client_secret: s, first_day: 2026-01-01}
"""
ACCOUNT = "account: a, user: u, role: r, warehouse: w, database: d"


def text(keys: str) -> str:
    return f"{ORGANIZATION}warehouse: {{kind: snowflake, snowflake: {{{ACCOUNT}, {keys}}}}}\n"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            "protocol: http",
            "private_key_path: missing; add it, or password, or authenticator (and token)",
        ),
        (
            "private_key_path: k, password: p",
            (
                "password: the value (not shown) is not allowed; "
                "give private_key_path or password, not both"
            ),
        ),
        (
            "password: p, private_key_passphrase: x",
            (
                "private_key_passphrase: the value (not shown) is not allowed; "
                "it belongs to private_key_path, which is missing"
            ),
        ),
        (
            "password: p, token: t",
            (
                "token: the value (not shown) is not allowed; "
                "say what it is with authenticator, such as authenticator: oauth"
            ),
        ),
        (
            "password: p, port: 0",
            "port: 0 is not allowed; use a whole number from 1 to 65535",
        ),
        ("password: p, protocol: ftp", "protocol: ftp is not allowed; use https or http"),
    ],
)
def test_a_login_that_cannot_be_is_told_in_one_line(mistakes, keys: str, told: str):
    assert mistakes(text(keys)) == [f"platform.yaml: warehouse.snowflake.{told}"]


def test_every_key_reaches_the_settings_and_no_secret_is_shown(written):
    keys = "password: '${PW}', host: 127.0.0.1, port: 8700, protocol: http,"
    keys += " network_timeout_seconds: 5"
    config = load_config(written(text(keys)), environment={"PW": "hush"})

    settings = warehouse_settings(config)

    assert isinstance(settings, SnowflakeSettings)
    assert (settings.account, settings.user, settings.password) == ("a", "u", "hush")
    assert (settings.host, settings.port, settings.protocol) == ("127.0.0.1", 8700, "http")
    assert settings.network_timeout_s == 5
    assert "hush" not in repr(config) + repr(settings)


def test_the_key_file_is_taken_from_the_configurations_folder(written, tmp_path: Path):
    config = load_config(written(text("private_key_path: keys/rsa.p8")), environment={})

    with pytest.raises(ConfigurationError, match=r"there is no file .*keys/rsa\.p8"):
        warehouse_settings(config)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "rsa.p8").touch()
    settings = warehouse_settings(config)
    assert isinstance(settings, SnowflakeSettings)
    assert settings.private_key_path == tmp_path / "keys" / "rsa.p8"


def test_a_missing_variable_fails_where_the_account_is_needed(written):
    file = written(text("password: '${PW}'"))
    config = load_config(file, environment={}, require_variables=False)

    with pytest.raises(MissingVariableError, match="PW"):
        warehouse_settings(config)


def test_duckdb_is_its_file(written, tmp_path: Path):
    config = load_config(written(ORGANIZATION), environment={})

    assert warehouse_settings(config) == DuckDBSettings(tmp_path / "data" / "warehouse.duckdb")
