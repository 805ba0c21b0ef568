"""What the roles script grants, by Snowflake's rules, and that it covers every declared table.

The emulator knows no roles, so the grants are read here. A form of statement that is not known here
fails: then it must be reviewed by hand (docs/snowflake.md) and its meaning added.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import snowflake.connector
import sqlglot
from sqlglot import expressions

from aggregation_platform import warehouse
from aggregation_platform.assembly import TABLES
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.migrations import FOLDER
from aggregation_platform.warehouse.views import View, views_beside
from aggregation_platform_tests.warehouse_rig import emulated

FILE = Path(warehouse.__file__).parent / "roles" / "snowflake_roles.sql"
LAYERS = sorted({table.layer for table in TABLES})
ANALYSTS_LAYERS = {"journeys", "ops", "reporting", "rollups"}
ROWS = {"select", "insert", "update", "delete"}

PERSONAL = re.compile(
    r"(ani|dnis|session_dnis|remote|address_\w+|callback_\w+|email|payload|extra|participant_extra"
    r"|participant_name|user_name|agent_name|other_agent_name|external_contact_id|wrap_up_note"
    r"|subject|excerpt|flow_transfer_target_address|department)"
)
"""Columns that hold, or may hold, a phone number, an address, a name or free text of a person."""

UNKNOWN_TO_THE_EMULATOR = re.compile(
    r"create role|create user|create warehouse|grant |create schema .* with managed access"
)

GRANT = re.compile(
    r"grant (?P<privileges>[a-z, ]+) on (?P<scope>all|future) (?P<kind>tables|views|schemas) in "
    r"(?P<within>schema|database) contact_center(?:\.(?P<schema>\w+))? to role "
    r"aggregation_platform_(?P<role>\w+)"
    r"|grant (?P<privileges_on_one>[a-z, ]+) on (?P<one>schema|database|warehouse) "
    r"(?P<name>\w+(?:\.\w+)?) to role aggregation_platform_(?P<role_on_one>\w+)"
)

OTHER_FORMS = (
    r"use role (useradmin|sysadmin|securityadmin|aggregation_platform_operator)",
    r"create role if not exists aggregation_platform_\w+ comment = '[^']*'",
    (
        r"create user if not exists aggregation_platform type = service"
        r" default_role = aggregation_platform_writer default_warehouse = aggregation_platform"
        r" comment = '[^']*'"
    ),
    r"create database if not exists contact_center",
    (
        r"create warehouse if not exists aggregation_platform warehouse_size = xsmall"
        r" auto_suspend = 60 auto_resume = true initially_suspended = true comment = '[^']*'"
    ),
    r"create schema if not exists contact_center\.\w+ with managed access",
    r"grant role aggregation_platform_operator to role (sysadmin|securityadmin)",
    r"grant role aggregation_platform_writer to user aggregation_platform",
)


@dataclass(frozen=True)
class Grant:
    """Privileges of a role on one thing, or on all or future ones of a kind."""

    role: str
    privileges: frozenset[str]
    kind: str
    place: str
    """A schema's name, or * for the whole database."""

    scope: str


def statements() -> list[str]:
    """The script's statements, on one line each, without comments."""
    bare = "\n".join(line.partition("--")[0] for line in FILE.read_text().splitlines())
    return [" ".join(one.split()) for one in bare.split(";") if one.strip()]


def grants() -> Iterator[Grant]:
    for statement in statements():
        found = GRANT.fullmatch(statement)
        if found is None:
            continue
        named = found["privileges"] or found["privileges_on_one"]
        privileges = frozenset(one.strip() for one in named.split(","))
        if found["privileges"]:
            place = found["schema"] or "*"
            yield Grant(found["role"], privileges, found["kind"], place, found["scope"])
        else:
            place = found["name"].rpartition(".")[2]
            yield Grant(found["role_on_one"], privileges, found["one"], place, "one")


def allowed(role: str, layer: str, kind: str, scope: str) -> set[str]:
    """What a role may do with a layer's tables or views.

    Future grants on a schema, whoever's they are, take the place of all those on its database.
    """
    given = [one for one in grants() if (one.kind, one.scope) == (kind, scope)]
    own = [one for one in given if one.place == layer]
    whole = [one for one in given if one.place == "*"]
    effective = own if scope == "future" and own else [*own, *whole]
    return {each for one in effective if one.role == role for each in one.privileges}


def may_use(role: str, layer: str) -> bool:
    return any(
        one.role == role and "usage" in one.privileges and one.place in (layer, "*")
        for one in grants()
        if one.kind in ("schema", "schemas")
    )


@pytest.mark.parametrize("statement", statements())
def test_every_statement_has_a_form_whose_meaning_was_reviewed(statement: str):
    assert GRANT.fullmatch(statement) or any(re.fullmatch(form, statement) for form in OTHER_FORMS)


def test_what_a_parser_of_snowflakes_sql_knows_of_it_is_well_formed(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.ERROR, logger="sqlglot")  # it warns of what it does not know
    parsed = sqlglot.parse(";".join(statements()), dialect="snowflake")
    known = [one for one in parsed if not isinstance(one, expressions.Command)]

    assert len(parsed) == len(statements())
    assert {type(one).__name__ for one in known} == {"Use", "Create", "Grant"}


def test_what_the_emulator_knows_of_it_runs(emulator_port: int):
    arguments = emulated(emulator_port, database="CONTACT_CENTER").connector_arguments()
    ran: list[str] = []
    with snowflake.connector.connect(**arguments) as connection:
        for statement in statements():
            if not UNKNOWN_TO_THE_EMULATOR.match(statement):
                connection.cursor().execute(statement)
                ran.append(statement)

    assert "create database if not exists contact_center" in ran
    assert "use role aggregation_platform_operator" in ran


@pytest.mark.parametrize("layer", LAYERS)
def test_the_operator_makes_every_schema_before_anything_is_granted_on_it(layer: str):
    script = statements()
    made = script.index(f"create schema if not exists contact_center.{layer} with managed access")
    roles = [one for one in script[:made] if one.startswith("use role")]
    on_schemas = [
        number
        for number, one in enumerate(script)
        if re.search(r" on (all schemas|schema (?!c\S+public))", one)
    ]

    assert roles[-1] == "use role aggregation_platform_operator"
    assert made < min(on_schemas)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.key)
@pytest.mark.parametrize("scope", ["all", "future"])
def test_the_writer_reads_and_writes_rows_of_every_table_and_no_more(table: Table, scope: str):
    assert may_use("writer", table.layer)
    assert allowed("writer", table.layer, "tables", scope) == ROWS


def test_the_writer_makes_nothing_but_its_stage():
    beyond = {
        (each, one.kind, one.place)
        for one in grants()
        if one.role == "writer"
        for each in one.privileges - ROWS - {"usage"}
    }

    assert beyond == {("create stage", "schema", "ops")}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.key)
@pytest.mark.parametrize("scope", ["all", "future"])
def test_the_analyst_only_reads_and_only_tables_without_personal_data(table: Table, scope: str):
    reads = table.layer in ANALYSTS_LAYERS
    personal = [column.name for column in table.columns if PERSONAL.fullmatch(column.name)]

    assert may_use("analyst", table.layer) == reads
    assert allowed("analyst", table.layer, "tables", scope) == ({"select"} if reads else set())
    assert not (reads and personal)


@pytest.mark.parametrize("view", views_beside(FOLDER), ids=lambda view: view.file_name)
def test_no_view_shows_the_analyst_personal_data(view: View):
    listed = re.findall(r'create or replace view "(\w+)"\."\w+" \(([^)]+)\)', view.sql)
    columns = [(layer, name) for layer, names in listed for name in re.findall(r'"(\w+)"', names)]

    assert columns
    personal = {layer for layer, name in columns if PERSONAL.fullmatch(name)}
    assert [layer for layer in personal if may_use("analyst", layer)] == []


@pytest.mark.parametrize("scope", ["all", "future"])
@pytest.mark.parametrize("role", ["analyst", "writer"])
def test_reporting_views_are_read_by_analyst_and_writer_also_when_made_again(role: str, scope: str):
    assert allowed(role, "reporting", "views", scope) == {"select"}


@pytest.mark.parametrize("role", ["operator", "writer", "analyst"])
def test_every_role_has_a_database_and_a_warehouse_to_work_in(role: str):
    given = {(one.kind, each) for one in grants() if one.role == role for each in one.privileges}

    assert {("database", "usage"), ("warehouse", "usage")} <= given
    assert (("database", "create schema") in given) == (role == "operator")
