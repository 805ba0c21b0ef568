"""What a correct platform.yaml means: defaults, variables, paths, addresses."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from aggregation_platform.config.load import (
    dagster_home,
    find_config,
    load_config,
    postgres_url,
)
from aggregation_platform.config.rules import load_rules
from aggregation_platform.errors import ConfigurationError, MissingVariableError

ORGANIZATION = """
organizations:
  - org: us
    region: us-east-1
    client_id: an-id
    client_secret: the-secret
    first_day: 2026-01-01
"""
EXAMPLE = Path(__file__).parents[3] / "platform.example.yaml"


def loaded(written, text, *, require_variables=True, **environment):
    return load_config(written(text), require_variables=require_variables, environment=environment)


def test_what_is_left_out_has_the_defaults_of_the_documentation(written, tmp_path):
    config = loaded(written, ORGANIZATION)

    us = config.organizations[0]
    assert (us.name, us.requests_per_second, us.page_size, us.time_zone) == ("us", 5, 1000, "UTC")
    assert us.first_day == date(2026, 1, 1)
    assert us.organization_id is None
    assert config.warehouse.kind == "duckdb"
    assert config.warehouse.duckdb.path == tmp_path / "data/warehouse.duckdb"
    assert config.landing.url == str(tmp_path / "data/landing")
    assert (config.rules.queues, config.rules.agents) == (None, None)
    assert config.rules.journeys.correlation_keys == ("IVR_UU_ID",)
    assert (config.site.name, config.site.role_source) == ("site1", "lease")
    assert config.freshness.model_dump() == {
        "delayed_after_minutes": 15,
        "stuck_after_hours": 8.0,
        "reread_days": 4,
    }


@pytest.mark.parametrize(
    ("region", "api_url", "login_url"),
    [
        ("us-east-1", "https://api.mypurecloud.com", "https://login.mypurecloud.com"),
        ("us_east_1", "https://api.mypurecloud.com", "https://login.mypurecloud.com"),
        ("eu_central_1", "https://api.mypurecloud.de", "https://login.mypurecloud.de"),
        ("ap-southeast-2", "https://api.mypurecloud.com.au", "https://login.mypurecloud.com.au"),
        ("us-east-2", "https://api.use2.us-gov-pure.cloud", "https://login.use2.us-gov-pure.cloud"),
    ],
)
def test_a_region_in_either_spelling_gives_both_addresses(written, region, api_url, login_url):
    us = loaded(written, ORGANIZATION.replace("us-east-1", region)).organizations[0]

    assert (us.api_url, us.login_url) == (api_url, login_url)


def test_given_addresses_win_over_the_region_and_lose_their_last_slash(written):
    text = ORGANIZATION + "    api_url: http://127.0.0.1:8600/us/\n    login_url: http://h/l\n"

    us = loaded(written, text).organizations[0]

    assert (us.api_url, us.login_url) == ("http://127.0.0.1:8600/us", "http://h/l")


def test_a_variable_is_put_in_as_a_whole_or_as_a_part_and_can_be_escaped(written):
    config = loaded(
        written,
        ORGANIZATION.replace("the-secret", "${SECRET}")
        + "    name: The ${PLACE} of $${PLACE} costs $5\n    page_size: ${SIZE}\n",
        SECRET="s3cret${X}",
        PLACE="North",
        SIZE="250",
    )

    us = config.organizations[0]
    assert us.name == "The North of ${PLACE} costs $5"
    assert us.page_size == 250
    assert us.client_secret.reveal() == "s3cret${X}"


def test_definitions_load_without_secrets_and_only_revealing_one_fails(written):
    text = ORGANIZATION.replace("the-secret", "${SECRET}")

    config = loaded(written, text, require_variables=False)

    us = config.organizations[0]
    assert us.client_id.reveal() == "an-id"
    assert not us.client_secret.is_available
    with pytest.raises(MissingVariableError) as refused:
        us.client_secret.reveal()
    assert str(refused.value) == (
        "platform.yaml: organizations[0].client_secret: environment variable SECRET is not set; "
        "set it (export SECRET=...) before starting"
    )


def test_both_ways_of_loading_say_the_same_about_a_missing_variable(written):
    text = ORGANIZATION.replace("the-secret", "${SECRET}")
    later = loaded(written, text, require_variables=False).organizations[0].client_secret

    with pytest.raises(MissingVariableError) as at_once:
        loaded(written, text)
    with pytest.raises(MissingVariableError) as revealed:
        later.reveal()

    assert str(at_once.value) == str(revealed.value)


@pytest.mark.parametrize("key", ["org: us", "region: us-east-1"])
def test_what_the_graph_is_built_from_cannot_wait_for_its_variable(written, key):
    text = ORGANIZATION.replace(key, key.split(":")[0] + ": ${NAME}")

    with pytest.raises(MissingVariableError, match="NAME"):
        loaded(written, text, require_variables=False)


def test_a_secret_is_in_no_repr_text_json_or_dump(written):
    config = loaded(written, ORGANIZATION)

    shown = [repr(config), str(config), config.model_dump_json(), repr(config.model_dump())]
    shown.append(f"{config.organizations[0].client_secret}")
    assert [text for text in shown if "the-secret" in text or "an-id" in text] == []
    assert json.loads(config.model_dump_json())["organizations"][0]["client_secret"] == "**********"


def test_the_configuration_cannot_be_changed(written):
    config = loaded(written, ORGANIZATION)

    with pytest.raises(ValueError, match="frozen"):
        config.organizations[0].page_size = 5


def test_relative_paths_are_relative_to_the_file_not_to_where_one_stands(tmp_path, monkeypatch):
    (tmp_path / "conf").mkdir()
    file = tmp_path / "conf" / "platform.yaml"
    file.write_text(
        ORGANIZATION
        + "rules: {queues: rules/queues.csv}\n"
        + "warehouse: {duckdb: {path: ../db/w.duckdb}}\nlanding: {url: pages}\n"
    )
    monkeypatch.chdir(tmp_path)

    config = load_config(Path("conf/platform.yaml"), environment={})

    assert config.rules.queues == tmp_path / "conf/rules/queues.csv"
    assert config.landing.url == str(tmp_path / "conf/pages")
    assert config.warehouse.duckdb.path.resolve() == tmp_path / "db/w.duckdb"
    assert config.file == tmp_path / "conf/platform.yaml"


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "az://container", "gs://bucket/a/b"])
def test_an_object_store_address_stays_as_written(written, url):
    config = loaded(written, ORGANIZATION + f"landing: {{url: {url}/}}\n")

    assert config.landing.url == url


def test_shared_state_lies_beside_the_duckdb_file_or_in_data(written, tmp_path):
    embedded = loaded(written, ORGANIZATION + "warehouse: {duckdb: {path: db/w.duckdb}}\n")
    production = loaded(
        written,
        ORGANIZATION
        + "warehouse: {kind: snowflake, snowflake: {account: a, user: u, private_key_path: k, "
        + "role: r, warehouse: w, database: d}}\n",
    )

    assert embedded.state_folder == tmp_path / "db"
    assert production.state_folder == tmp_path / "data"


def test_yes_no_and_on_are_words_and_a_colon_between_digits_is_no_sum(written):
    text = ORGANIZATION.replace("org: us", "org: no") + "    name: on\n"

    config = loaded(written, text + "rules: {journeys: {ignored_numbers: [12:30]}}\n")

    assert config.organizations[0].org == "no"
    assert config.organizations[0].name == "on"
    assert config.rules.journeys.ignored_numbers == ("12:30",)


def test_an_unknown_org_is_named_with_the_nearest_one(written):
    config = loaded(written, ORGANIZATION.replace("org: us", "org: emea"))

    with pytest.raises(ConfigurationError, match=r"no organization 'emae' .* did you mean emea\?"):
        config.organization("emae")


def test_the_file_is_found_by_path_then_by_variable_then_here(written, tmp_path):
    here = written(ORGANIZATION)
    elsewhere = tmp_path / "other.yaml"
    elsewhere.write_text(ORGANIZATION)
    named = {"AGGREGATION_PLATFORM_CONFIG": str(elsewhere)}

    assert find_config(Path("platform.yaml"), environment=named) == Path("platform.yaml")
    assert find_config(None, environment=named) == elsewhere
    assert find_config(None, environment={}) == here


def test_no_file_anywhere_names_the_three_places_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError) as refused:
        load_config(None, environment={})

    message = str(refused.value)
    for named in (
        "--config",
        "AGGREGATION_PLATFORM_CONFIG",
        "./platform.yaml",
        "aggregation-platform simulate",
        "platform.example.yaml",
    ):
        assert named in message


def test_a_variable_that_names_no_file_is_told_by_its_name(tmp_path):
    named = {"AGGREGATION_PLATFORM_CONFIG": str(tmp_path / "gone.yaml")}

    with pytest.raises(ConfigurationError, match=r"gone\.yaml: .*AGGREGATION_PLATFORM_CONFIG"):
        load_config(None, environment=named)


EXAMPLE_SECRETS = [
    f"GENESYS_{org}_CLIENT_{part}" for org in ("US", "EMEA", "APAC") for part in ("ID", "SECRET")
]


def set_to_something(names):
    return {name: f"value of {name}" for name in names}


def test_the_example_is_whole_once_its_variables_are_set(tmp_path):
    for name in ("platform.example.yaml", "rules/queues.csv", "rules/agents.csv"):
        copy = tmp_path / name.replace("platform.example", "platform")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((EXAMPLE.parent / name).read_bytes())

    environment = set_to_something(EXAMPLE_SECRETS)
    config = load_config(tmp_path / "platform.yaml", environment=environment)
    rules = load_rules(config.rules, config.orgs)

    assert config.orgs == ("us", "emea", "apac")
    assert config.warehouse.kind == "duckdb"
    assert config.warehouse.duckdb.path == tmp_path / "data" / "warehouse.duckdb"
    assert config.landing.url == str(tmp_path / "data" / "landing")
    assert rules.queues
    assert rules.agents


def test_what_the_example_says_of_production_is_whole_without_its_comment_signs(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text.replace("  kind: duckdb\n", "").replace("  url: data/landing ", "  # ")
    begin = text.index("  # kind: snowflake\n")
    end = text.index("  # Optional there")
    account = f"\n{text[begin:end]}".replace("\n  # ", "\n  ")
    text = (text[:begin] + account + text[end:]).replace("  # url: s3", "  url: s3")
    (tmp_path / "platform.yaml").write_text(text, encoding="utf-8")
    names = ["SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER", "SNOWFLAKE_PRIVATE_KEY_PATH"]

    environment = set_to_something([*EXAMPLE_SECRETS, *names])
    config = load_config(tmp_path / "platform.yaml", environment=environment)

    assert config.warehouse.kind == "snowflake"
    assert config.warehouse.snowflake is not None
    assert config.warehouse.snowflake.user.reveal() == "value of SNOWFLAKE_USER"
    assert config.landing.url == "s3://company-contact-center-landing/genesys"


def test_the_example_names_every_variable_that_it_lacks():
    with pytest.raises(MissingVariableError) as refused:
        load_config(EXAMPLE, environment={})

    assert [name for name in EXAMPLE_SECRETS if name not in str(refused.value)] == []
    assert len(str(refused.value).splitlines()) == len(EXAMPLE_SECRETS)


def test_the_rest_of_the_environment_is_read_here_and_secrets_in_it_are_masked(tmp_path):
    url = postgres_url({"AGGREGATION_PLATFORM_POSTGRES_URL": "postgresql://me:pw@host/db"})

    assert url is not None
    assert "pw" not in repr(url)
    assert url.reveal() == "postgresql://me:pw@host/db"
    assert postgres_url({}) is None
    assert dagster_home({"DAGSTER_HOME": str(tmp_path)}) == tmp_path
    assert dagster_home({}) is None
