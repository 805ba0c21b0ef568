"""Comments on columns go where the columns are created, and nowhere else."""

from __future__ import annotations

from aggregation_platform.warehouse.comments import with_comments_within
from aggregation_platform.warehouse.dialects import SNOWFLAKE
from aggregation_platform.warehouse.migrations import FOLDER, load_migrations
from aggregation_platform.warehouse.views import views_beside

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
    for file in (*load_migrations(), *views_beside(FOLDER)):
        moved = with_comments_within(file.sql)

        assert "comment on column" not in moved, file.file_name
        assert moved.count(" comment '") == file.sql.count("comment on column"), file.file_name
