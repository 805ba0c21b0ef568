"""Each wrong thing a person writes gets one line: file, path, value, remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregation_platform.config.load import load_config
from aggregation_platform.errors import ConfigurationError, MissingVariableError

ORGANIZATION = """
organizations:
  - org: us
    region: us-east-1
    client_id: an-id
    client_secret: the-secret
    first_day: 2026-01-01
"""

ONE_LINE = [
    (
        "unknown key",
        ORGANIZATION + "    page_sise: 10\n",
        "platform.yaml: organizations[0].page_sise: unknown key; did you mean page_size?",
    ),
    (
        "unknown section",
        ORGANIZATION + "warehose: {}\n",
        "platform.yaml: warehose: unknown key; did you mean warehouse?",
    ),
    (
        "unknown key unlike any other",
        ORGANIZATION + "site: {zzz: 1}\n",
        "platform.yaml: site.zzz: unknown key; use one of name, role_source",
    ),
    (
        "missing variable",
        ORGANIZATION.replace("the-secret", "${GENESYS_US_CLIENT_SECRET}"),
        (
            "platform.yaml: organizations[0].client_secret: environment variable "
            "GENESYS_US_CLIENT_SECRET is not set; set it (export GENESYS_US_CLIENT_SECRET=...) "
            "before starting"
        ),
    ),
    (
        "missing variable in a part of a value",
        ORGANIZATION + "    name: The ${PLACE} org\n",
        (
            "platform.yaml: organizations[0].name: environment variable PLACE is not set; "
            "set it (export PLACE=...) before starting"
        ),
    ),
    (
        "variable without an end",
        ORGANIZATION + "    name: ${PLACE\n",
        (
            "platform.yaml: organizations[0].name: `${` must be followed by a name and `}`; "
            "write $${ for the characters themselves"
        ),
    ),
    (
        "two orgs of one name",
        ORGANIZATION + ORGANIZATION.removeprefix("\norganizations:\n").replace("an-id", "other"),
        (
            "platform.yaml: organizations[1].org: us is not allowed; "
            "organizations[0] has it too; each organization needs its own"
        ),
    ),
    (
        "one client for two orgs",
        ORGANIZATION + ORGANIZATION.removeprefix("\norganizations:\n").replace("org: us", "org: b"),
        (
            "platform.yaml: organizations[1].client_id: the value (not shown) is not allowed; "
            "organizations[0] has it too; each organization needs its own"
        ),
    ),
    (
        "bad region",
        ORGANIZATION.replace("us-east-1", "us-eats-1"),
        "platform.yaml: organizations[0].region: us-eats-1 is not allowed; did you mean us-east-1?",
    ),
    (
        "no region",
        ORGANIZATION.replace("    region: us-east-1\n", ""),
        (
            "platform.yaml: organizations[0].region: missing; "
            "add region: us-east-1 (or yours), or api_url and login_url"
        ),
    ),
    (
        "one address of two",
        ORGANIZATION + "    api_url: http://127.0.0.1:8600/us\n",
        (
            "platform.yaml: organizations[0].api_url: http://127.0.0.1:8600/us is not allowed; "
            "give both api_url and login_url, or neither (region gives both)"
        ),
    ),
    (
        "an address with a password",
        ORGANIZATION + "    api_url: https://me:hunter2@proxy\n    login_url: https://proxy\n",
        (
            "platform.yaml: organizations[0].api_url: https://***@proxy is not allowed; "
            "use an address without user, password, query or fragment"
        ),
    ),
    (
        "page size 0",
        ORGANIZATION + "    page_size: 0\n",
        (
            "platform.yaml: organizations[0].page_size: 0 is not allowed; "
            "use a whole number from 1 to 10000"
        ),
    ),
    (
        "page size as a truth",
        ORGANIZATION + "    page_size: true\n",
        (
            "platform.yaml: organizations[0].page_size: true is not allowed; "
            "use a whole number from 1 to 10000"
        ),
    ),
    (
        "a number that no caller may have",
        ORGANIZATION + "rules: {journeys: {common_number_per_day: 0}}\n",
        (
            "platform.yaml: rules.journeys.common_number_per_day: 0 is not allowed; "
            "use a whole number from 1 to 100000"
        ),
    ),
    (
        "a limit of keys that is no number",
        ORGANIZATION + "rules: {journeys: {common_value_per_day: many}}\n",
        (
            "platform.yaml: rules.journeys.common_value_per_day: many is not allowed; "
            "use a whole number from 1 to 100000"
        ),
    ),
    (
        "a span that no window could hold",
        ORGANIZATION + "rules: {journeys: {max_span_hours: 1000}}\n",
        (
            "platform.yaml: rules.journeys.max_span_hours: 1000 is not allowed; "
            "use a whole number from 1 to 168"
        ),
    ),
    (
        "a limit spelled otherwise",
        ORGANIZATION + "rules: {journeys: {common_numbers_per_day: 5}}\n",
        (
            "platform.yaml: rules.journeys.common_numbers_per_day: unknown key; "
            "did you mean common_number_per_day?"
        ),
    ),
    (
        "first day in the future",
        ORGANIZATION.replace("2026-01-01", "2026-02-02"),
        (
            "platform.yaml: organizations[0].first_day: 2026-02-02 is not allowed; "
            "it is in the future; use a day up to today, 2026-02-01 (UTC)"
        ),
    ),
    (
        "a day that does not exist",
        ORGANIZATION.replace("2026-01-01", "2026-02-30"),
        (
            "platform.yaml: organizations[0].first_day: 2026-02-30 is not allowed; "
            "use a day as yyyy-mm-dd"
        ),
    ),
    (
        "a tab",
        ORGANIZATION + "\tpage_size: 10\n",
        "platform.yaml: line 8: a tab; indent with spaces, YAML allows no tabs there.",
    ),
    (
        "an empty file",
        "",
        (
            "platform.yaml: the file is empty; begin with `organizations:` "
            "(see platform.example.yaml)."
        ),
    ),
    (
        "only comments",
        "# nothing\n",
        (
            "platform.yaml: the file is empty; begin with `organizations:` "
            "(see platform.example.yaml)."
        ),
    ),
    (
        "a duplicate key",
        ORGANIZATION + "    region: eu-west-1\n",
        "platform.yaml: line 8: region stands here and in line 4; keep one",
    ),
    (
        "not a mapping",
        "- us\n- emea\n",
        (
            "platform.yaml: not a mapping of keys to values; begin with `organizations:` "
            "(see platform.example.yaml)."
        ),
    ),
    (
        "two documents",
        ORGANIZATION + "---\n" + ORGANIZATION,
        "platform.yaml: line 8: a second document begins; keep one per file, without `---`.",
    ),
    (
        "broken YAML",
        "organizations: [\n",
        (
            "platform.yaml: line 2, column 1: expected the node content, but found '<stream end>'; "
            "check indentation, colons and quotes there and in the line above."
        ),
    ),
    (
        "a list in the place of a mapping",
        ORGANIZATION + "warehouse: [duckdb]\n",
        "platform.yaml: warehouse: a list is not allowed; write its keys under it, indented",
    ),
    (
        "a text in the place of a list",
        "organizations: us\n",
        "platform.yaml: organizations: us is not allowed; write a list",
    ),
    (
        "no organization",
        "organizations: []\n",
        (
            "platform.yaml: organizations: an empty list is not allowed; "
            "write at least one organization"
        ),
    ),
    (
        "an organization without a key",
        ORGANIZATION.replace("org: us\n    region", "region"),
        "platform.yaml: organizations[0].org: missing; add a short key such as us",
    ),
    (
        "an org key in capitals",
        ORGANIZATION.replace("org: us", "org: US"),
        (
            "platform.yaml: organizations[0].org: US is not allowed; use up to 31 small letters, "
            "digits and underscores, beginning with a letter (in quotes if YAML takes it for "
            "something else)"
        ),
    ),
    (
        "an org key as a number",
        ORGANIZATION.replace("org: us", "org: 49"),
        (
            "platform.yaml: organizations[0].org: 49 is not allowed; "
            "write a text, in quotes if it looks like a number or a date"
        ),
    ),
    (
        "a secret that is no text",
        ORGANIZATION.replace("the-secret", "12345"),
        (
            "platform.yaml: organizations[0].client_secret: the value (not shown) is not allowed; "
            "write a text, in quotes if it looks like a number"
        ),
    ),
    (
        "an organization id that is none",
        ORGANIZATION + "    organization_id: acme\n",
        (
            "platform.yaml: organizations[0].organization_id: acme is not allowed; use the "
            "organization's id, 36 characters such as 6f1c2a34-0000-4000-8000-123456789abc, "
            "or leave it out"
        ),
    ),
    (
        "a bad time zone",
        ORGANIZATION + "    time_zone: Europe/Berln\n",
        (
            "platform.yaml: organizations[0].time_zone: Europe/Berln is not allowed; "
            "did you mean Europe/Berlin?"
        ),
    ),
    (
        "a country by a name that it has not",
        ORGANIZATION + "    country: UK\n",
        "platform.yaml: organizations[0].country: UK is not allowed; did you mean GB?",
    ),
    (
        "a country that is none",
        ORGANIZATION + "    country: Germany\n",
        (
            "platform.yaml: organizations[0].country: Germany is not allowed; "
            "use the country's two letters of ISO 3166, such as US, GB or DE"
        ),
    ),
    (
        "a bad landing address",
        ORGANIZATION + "landing: {url: https://bucket/x}\n",
        (
            "platform.yaml: landing.url: https://bucket/x is not allowed; use a folder, "
            "s3://bucket/prefix, az://container/prefix or gs://bucket/prefix"
        ),
    ),
    (
        "a file that DuckDB cannot write to",
        ORGANIZATION + "warehouse: {duckdb: {path: '/data/what?/w.duckdb'}}\n",
        (
            "platform.yaml: warehouse.duckdb.path: /data/what?/w.duckdb is not allowed; DuckDB "
            "cannot write to /data/what?/w.duckdb; choose a path without ? and backslash"
        ),
    ),
    (
        "a warehouse of no known kind",
        ORGANIZATION + "warehouse: {kind: duck}\n",
        "platform.yaml: warehouse.kind: duck is not allowed; use duckdb or snowflake",
    ),
    (
        "snowflake without an account",
        ORGANIZATION + "warehouse: {kind: snowflake}\n",
        (
            "platform.yaml: warehouse.kind: snowflake is not allowed; "
            "add warehouse.snowflake with account, user, private_key_path …"
        ),
    ),
    (
        "an empty section",
        ORGANIZATION + "site:\n",
        "platform.yaml: site: left empty; write its keys under it, or leave it out",
    ),
    (
        "delayed later than stuck",
        ORGANIZATION + "freshness: {delayed_after_minutes: 90, stuck_after_hours: 1.5}\n",
        (
            "platform.yaml: freshness.delayed_after_minutes: 90 is not allowed; "
            "it must be less than stuck_after_hours (1.5 h = 90 minutes)"
        ),
    ),
]


@pytest.mark.parametrize(
    ("text", "line"), [case[1:] for case in ONE_LINE], ids=[case[0] for case in ONE_LINE]
)
def test_a_mistake_is_told_in_one_line(mistakes, text, line):
    assert mistakes(text) == [line]


def test_several_mistakes_are_several_lines(mistakes):
    lines = mistakes(
        ORGANIZATION.replace("us-east-1", "mars-1") + "    page_size: 0\nlanding: {url: ftp://x}\n"
    )

    assert [line.split(": ")[1] for line in lines] == [
        "organizations[0].region",
        "organizations[0].page_size",
        "landing.url",
    ]


def test_a_value_that_came_from_a_variable_is_shown_as_it_was_written(mistakes):
    lines = mistakes(ORGANIZATION + "    page_size: ${SIZE}\n", SIZE="hunter2")

    assert lines == [
        (
            "platform.yaml: organizations[0].page_size: ${SIZE} is not allowed; "
            "use a whole number from 1 to 10000"
        )
    ]


def test_an_empty_variable_counts_as_not_set(mistakes):
    lines = mistakes(ORGANIZATION.replace("the-secret", "${SECRET}"), SECRET="")

    assert lines == [
        (
            "platform.yaml: organizations[0].client_secret: environment variable SECRET is not "
            "set; set it (export SECRET=...) before starting"
        )
    ]


def test_nothing_wrong_but_a_variable_is_an_error_of_its_own_class(written):
    file = written(ORGANIZATION.replace("the-secret", "${SECRET}"))

    with pytest.raises(MissingVariableError):
        load_config(file, environment={})


def test_a_file_that_is_not_utf8_is_told_so(written):
    file = written("")
    file.write_bytes(b"organizations: \xff\n")

    with pytest.raises(ConfigurationError, match=r"^platform\.yaml: byte 15 is not UTF-8; save"):
        load_config(file, environment={})


def test_a_folder_in_the_place_of_the_file_is_told_so(tmp_path):
    with pytest.raises(ConfigurationError, match="this is a folder; name the file in it"):
        load_config(tmp_path, environment={})


def test_a_file_that_may_not_be_read_is_told_so(monkeypatch, written):
    file = written(ORGANIZATION)
    denied = PermissionError(13, "Permission denied")

    def refuse(*_: object, **__: object) -> str:
        raise denied  # a test may run as root, who may read everything

    monkeypatch.setattr(Path, "read_text", refuse)

    with pytest.raises(
        ConfigurationError, match=r"cannot be read \(Permission denied\); check its permissions"
    ):
        load_config(file, environment={})
