"""Comments on columns, moved to where the columns are created.

Belongs here: turning `comment on column` into a part of CREATE. Snowflake takes a comment on a
view's column nowhere else, and 300 columns' comments are 300 statements.
Elsewhere: the comments' text (ddl.py, views/*.sql).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_COMMENT = re.compile(
    r"""comment on column (?P<place>"[^"]+"\."[^"]+")\.(?P<column>"[^"]+") """
    r"""is (?P<text>'[^']*');\n?"""
)
_CREATED = re.compile(
    r"""create (?:or replace view|table if not exists) (?P<place>"[^"]+"\."[^"]+") """
    r"""\((?P<columns>[^)]*)\)"""
)


def with_comments_within(sql: str) -> str:
    """Put each comment behind its column, where the same text creates the table or view."""
    told = {(found["place"], found["column"]): found["text"] for found in _COMMENT.finditer(sql)}
    created = {found["place"] for found in _CREATED.finditer(sql)}
    rest = _COMMENT.sub(lambda found: "" if found["place"] in created else found[0], sql)
    return _CREATED.sub(lambda found: _commented(found, told), rest)


def _commented(created: re.Match[str], told: Mapping[tuple[str, str], str]) -> str:
    columns = [column.strip() for column in created["columns"].split(",")]
    listed = ", ".join(_column(column, created["place"], told) for column in columns)
    return created[0].replace(created["columns"], listed)


def _column(column: str, place: str, told: Mapping[tuple[str, str], str]) -> str:
    text = told.get((place, column.split()[0]))
    return f"{column} comment {text}" if text else column
