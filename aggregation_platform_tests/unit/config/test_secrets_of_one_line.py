"""A secret is one line: what an editor or a shell put around it goes, what is inside is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aggregation_platform.config.load import load_config, postgres_url
from aggregation_platform.errors import ConfigurationError, MissingVariableError
from aggregation_platform_tests.unit.config.conftest import ORGANIZATION, TODAY

FROM_VARIABLES = ORGANIZATION.replace("an-id", "${ID}").replace("the-secret", "${SECRET}")
SNOWFLAKE = """
warehouse:
  kind: snowflake
  snowflake:
    account: ${ACCOUNT}
    user: u
    role: r
    warehouse: w
    database: d
    private_key_path: ${KEY}
    private_key_passphrase: ${PASSPHRASE}
landing: {url: landing}
"""
Write = Callable[[str], Path]


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}", "\t{} ", "\n{}\n\n", "\u00a0{}"])
def test_blanks_and_line_breaks_around_a_secret_go(written: Write, around: str):
    given = {"ID": around.format("an-id"), "SECRET": around.format("s3cr et+/=")}

    (org,) = load_config(written(FROM_VARIABLES), today=TODAY, environment=given).organizations

    assert (org.client_id.reveal(), org.client_secret.reveal()) == ("an-id", "s3cr et+/=")


@pytest.mark.parametrize(
    "inside", ["s3\ncret", "s3\rcret", "s3\x00cret", "s3\x1b[0m", "s3\u2028cret"]
)
def test_a_line_break_inside_a_secret_is_refused_by_the_name_of_its_variable(
    mistakes: Callable[..., list[str]], inside: str
):
    (line,) = mistakes(FROM_VARIABLES, ID="an-id", SECRET=inside)

    assert line.startswith(
        "platform.yaml: organizations[0].client_secret: the value of SECRET (not shown) is not"
        " allowed; it has a line break or another control character inside; set it again"
    )
    assert "s3" not in line


def test_a_blank_variable_is_a_variable_that_is_not_set(written: Write):
    with pytest.raises(MissingVariableError, match="environment variable SECRET is not set"):
        load_config(written(FROM_VARIABLES), today=TODAY, environment={"ID": "x", "SECRET": "\n"})


def test_whatever_logs_in_to_snowflake_is_one_line_too(written: Write):
    given = {
        "ID": "x",
        "SECRET": "y",
        "ACCOUNT": "acc\n",
        "KEY": " /keys/k.p8\n",
        "PASSPHRASE": "p\n",
    }
    config = load_config(written(FROM_VARIABLES + SNOWFLAKE), today=TODAY, environment=given)
    snowflake = config.warehouse.snowflake

    assert snowflake is not None
    assert snowflake.account.reveal() == "acc"
    assert snowflake.private_key_path is not None
    assert snowflake.private_key_path.reveal() == "/keys/k.p8"
    assert snowflake.private_key_passphrase is not None
    assert snowflake.private_key_passphrase.reveal() == "p"


def test_the_address_of_postgres_is_one_line_too():
    name = "AGGREGATION_PLATFORM_POSTGRES_URL"
    url = postgres_url({name: "postgresql://me:hunter2@db/x\n"})

    assert url is not None
    assert url.reveal() == "postgresql://me:hunter2@db/x"
    with pytest.raises(ConfigurationError, match=f"{name}.*line break") as refused:
        postgres_url({name: "postgresql://me:hunter2@db\n/x"})
    assert "hunter2" not in str(refused.value)
