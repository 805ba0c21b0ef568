"""What a Snowflake account is told of us, over the wire: login, session parameters, query tags."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform_tests.warehouse_recorder import Recorder, recorded
from aggregation_platform_tests.warehouse_rig import (
    MONDAY,
    TABLES,
    THINGS,
    Rig,
    emptied,
    emulated,
    things,
)

PASSPHRASE = "a passphrase"


@pytest.fixture
def recorder(emulator_port: int) -> Iterator[Recorder]:
    with recorded(emulator_port) as recorder:
        yield recorder


@pytest.fixture
def heard(migrated_emulator: SnowflakeSettings, recorder: Recorder) -> SnowflakeSettings:
    """Settings of the migrated database without rows, by way of the recorder."""
    emptied(migrated_emulator)
    return replace(migrated_emulator, port=recorder.server_port)


def test_every_session_is_in_utc_and_bounded_whatever_the_accounts_defaults(
    heard: SnowflakeSettings, recorder: Recorder
):
    open_warehouse(heard).query("select 1")

    (login,) = recorder.logins
    parameters = login["SESSION_PARAMETERS"]
    assert parameters["TIMEZONE"] == "UTC"
    assert parameters["TIMESTAMP_TYPE_MAPPING"] == "TIMESTAMP_NTZ"
    assert parameters["LOCK_TIMEOUT"] == heard.lock_timeout_s
    assert parameters["ABORT_DETACHED_QUERY"] is True
    assert parameters["AUTOCOMMIT"] is False
    assert json.loads(parameters["QUERY_TAG"]) == {"application": "AggregationPlatform"}


def test_every_statement_of_a_write_is_tagged_with_table_partition_and_run(
    heard: SnowflakeSettings, recorder: Recorder
):
    rig = Rig(open_warehouse(heard))
    recorder.bodies.clear()
    rig.replace(things("us", MONDAY, "a"), run_id="run-7")

    ours = [each for each in recorder.statements if not each[0].startswith("PUT 'file://0")]
    tags = {statement.split()[0]: tag for statement, tag in ours}  # but the connector's own PUT
    assert {"CREATE", "PUT", "BEGIN", "DELETE", "COPY", "INSERT", "UPDATE", "SELECT"} <= set(tags)
    assert set(tags.values()) == {f"facts.things us/{MONDAY} run-7"}


def test_what_was_migrated_is_known_to_sessions_to_come(emulator_port: int):
    settings = emulated(emulator_port)
    open_warehouse(settings).migrate(TABLES)
    standing = open_warehouse(settings).standing(TABLES)

    assert not standing.is_behind


def test_a_read_leaves_the_sessions_own_tag_as_it_is(heard: SnowflakeSettings, recorder: Recorder):
    open_warehouse(heard).read(THINGS, [Partition("us", MONDAY)])

    assert [tag for _, tag in recorder.statements] == [None]


def test_a_key_pair_logs_in_by_a_token_of_that_key(
    heard: SnowflakeSettings, recorder: Recorder, tmp_path: Path
):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "site1.p8"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSPHRASE.encode()),
        )
    )
    by_key = replace(heard, password=None, private_key_path=file, private_key_passphrase=PASSPHRASE)
    open_warehouse(by_key).query("select 1")

    (login,) = recorder.logins
    claims = jwt.decode(login["TOKEN"], key.public_key(), algorithms=["RS256"])
    assert login["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    assert "PASSWORD" not in login
    assert claims["sub"] == "EMULATED.WRITER"
    assert claims["iss"] == f"EMULATED.WRITER.{fingerprint(key)}"


def fingerprint(key: rsa.RSAPrivateKey) -> str:
    """How Snowflake names a public key (DESC USER, RSA_PUBLIC_KEY_FP)."""
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode()
