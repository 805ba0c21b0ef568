"""Comments on columns go where the columns are created, and nowhere else."""

from __future__ import annotations

import re

from aggregation_platform.assembly import TABLES
from aggregation_platform.warehouse.comments import with_comments_within
from aggregation_platform.warehouse.dialects import SNOWFLAKE
from aggregation_platform.warehouse.migrations import FOLDER, load_migrations
from aggregation_platform.warehouse.views import views_beside

COMMENT = re.compile(r"""comment on column "(\w+)"\."(\w+)"\."(\w+)" is""")
TABLE = """create table if not exists "a"."t" (
    "x" {integer},
    "y" {text}
) {cluster day, org};
comment on table "a"."t" is 'rows; of t';
comment on column "a"."t"."y" is 'it is (so), or; not';
"""


def test_a_columns_comment_stands_behind_its_type():
    assert SNOWFLAKE.statements(with_comments_within(TABLE)) == [
        (
            'create table if not exists "A"."T" ("X" NUMBER(19,0), "Y" VARCHAR '
            'comment \'it is (so), or; not\') CLUSTER BY ("DAY", "ORG")'
        ),
        'comment on table "A"."T" is \'rows; of t\'',
    ]


def test_a_comment_on_what_is_created_elsewhere_stays_a_statement():
    sql = 'comment on column "a"."t"."y" is \'late\';'

    assert with_comments_within(sql) == sql


def test_every_comment_of_the_files_names_a_column_that_is_there():
    declared = {(table.key, column.name) for table in TABLES for column in table.columns}
    for file in (*load_migrations(), *views_beside(FOLDER)):
        moved = with_comments_within(file.sql)

        later = {(f"{found[1]}.{found[2]}", found[3]) for found in COMMENT.finditer(moved)}
        assert later <= declared, file.file_name
        assert moved.count("comment on column") == len(later), file.file_name
        within = moved.count(" comment '")
        assert within + len(later) == file.sql.count("comment on column"), file.file_name


def test_no_comment_of_a_view_is_a_statement_of_its_own():
    for view in views_beside(FOLDER):
        assert "comment on column" not in with_comments_within(view.sql), view.file_name
