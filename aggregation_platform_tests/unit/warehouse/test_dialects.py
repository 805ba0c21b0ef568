"""SQL written once, spelled twice."""

from __future__ import annotations

import dataframely as dy
import pytest

from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.ddl import create_statements
from aggregation_platform.warehouse.dialects import DUCKDB, SNOWFLAKE
from aggregation_platform_tests.warehouse_rig import THINGS


class Nested(dy.Schema):
    """One row per list."""

    org = dy.String()
    names = dy.List(dy.String())


def test_names_types_and_clustering_are_spelled_for_each_warehouse():
    sql = 'create table "facts"."t" ("org" {text}, "at" {instant}) {cluster day, org}; -- done;'

    assert DUCKDB.statements(sql) == [
        'create table "facts"."t" ("org" VARCHAR, "at" TIMESTAMP)',
    ]
    assert SNOWFLAKE.statements(sql) == [
        'create table "FACTS"."T" ("ORG" VARCHAR, "AT" TIMESTAMP_NTZ(6)) CLUSTER BY ("DAY", "ORG")',
    ]


def test_text_in_quotes_is_left_as_it_is():
    sql = """comment on table "facts"."t" is 'a; "b" {c} -- d''s'"""

    assert SNOWFLAKE.statements(sql) == [
        """comment on table "FACTS"."T" is 'a; "b" {c} -- d''s'""",
    ]


def test_a_comment_on_a_column_is_spelled_for_each_warehouse():
    sql = """comment on column "facts"."t"."org" is 'our key'"""

    assert DUCKDB.statements(sql) == ["""COMMENT ON COLUMN "facts"."t"."org" IS 'our key'"""]
    assert SNOWFLAKE.statements(sql) == [
        """ALTER TABLE "FACTS"."T" ALTER COLUMN "ORG" COMMENT 'our key'"""
    ]


def test_an_unknown_kind_of_column_is_refused():
    with pytest.raises(KeyError, match="no kind of column"):
        DUCKDB.statements('create table "t" ("a" {number})')


def test_a_quote_in_a_name_is_doubled():
    assert SNOWFLAKE.quoted('a"b') == '"A""B"'


def test_the_grain_and_the_meaning_of_columns_go_into_the_warehouse():
    comments = [
        one for one in create_statements([THINGS], DUCKDB) if one.lower().startswith("comment")
    ]

    assert [comment.split(" is ", 1)[-1].split(" IS ", 1)[-1] for comment in comments] == [
        "'One row per thing of an org\N{RIGHT SINGLE QUOTATION MARK}s day.'",
        "'what it\N{RIGHT SINGLE QUOTATION MARK}s called'",
        "'microseconds, UTC'",
    ]


def test_a_type_without_a_place_in_the_warehouse_is_refused_by_name():
    nested = Table("facts", "nested", Nested, ("org",))

    with pytest.raises(SchemaMismatchError, match=r"facts\.nested\.names"):
        create_statements([nested])
