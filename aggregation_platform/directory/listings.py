"""From what an org lists today to a history of what it listed ever.

Belongs here: reading the entities of a listing, and telling versions apart.
Elsewhere: asking the org (genesys/), what the versions mean over all orgs (identity/).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, cast

import polars as pl

from aggregation_platform.directory.tables import (
    DIVISIONS,
    GROUPS,
    QUEUES,
    SKILLS,
    TEAMS,
    USERS,
    WRAP_UP_CODES,
)
from aggregation_platform.tables import INSTANT, Table

Entity = Mapping[str, Any]
_Read = Callable[[Entity], object]

ENTITY_ID = {
    USERS.key: "user_id",
    QUEUES.key: "queue_id",
    WRAP_UP_CODES.key: "wrap_up_code",
    DIVISIONS.key: "division_id",
    SKILLS.key: "skill_id",
    GROUPS.key: "group_id",
    TEAMS.key: "team_id",
}
"""The column that names an entity of each table within its org."""

_VALIDITY = ("valid_from", "valid_to")


def listing_of(table: Table, entities: Iterable[Entity], *, org: str) -> pl.DataFrame:
    """Read the entities of one listing, of one org, as the API gave them.

    One row per id, by id; what offset paging repeats is taken once, as last seen. What has no id
    is left out, and a member of another kind (a name that is a list) is null. Columns are the
    table's, without the validity.
    """
    readers = _READERS[table.key]
    rows = {entity["id"]: entity for entity in entities if entity.get("id")}
    columns = [name for name in table.frame_schema if name not in _VALIDITY]
    data = {
        name: [org] * len(rows)
        if name == "org"
        else [readers[name](entity) for entity in rows.values()]
        for name in columns
    }
    schema = {name: table.frame_schema[name] for name in columns}
    return pl.DataFrame(data, schema=schema, strict=False).sort(ENTITY_ID[table.key])


def next_history(
    previous: pl.DataFrame,
    listing: pl.DataFrame,
    *,
    table: Table,
    seen_at: datetime,
    whole: bool,
) -> pl.DataFrame:
    """Continue one org's history of an entity by one listing.

    What is new or changed begins a version at `seen_at`; a version that was changed ends there.
    What is missing in a whole listing ends there too, and keeps its past. An incomplete or empty
    listing never ends a version for being absent. An empty one usually means that a permission was
    withdrawn. The same listing again changes nothing; one seen before the standing
    versions began says nothing about them and is left out.

    Args:
        previous: The org's rows of the table so far.
        listing: What `listing_of` made of the new listing.
        table: Which table of directory/tables.py.
        seen_at: When the listing was read.
        whole: Whether the listing is known to have been read to its end.
    """
    identity = ENTITY_ID[table.key]
    content = [name for name in table.frame_schema if name not in _VALIDITY]
    moment = pl.lit(seen_at, INSTANT)
    standing = previous.filter(pl.col("valid_to").is_null())
    later = standing.filter(pl.col("valid_from") > moment)
    listed = listing.join(later, on=identity, how="anti")
    begun = listed.join(standing, on=content, how="anti", nulls_equal=True)
    gone = standing.join(listing, on=identity, how="anti").filter(pl.col("valid_from") < moment)
    ended = begun.select(identity)
    if whole and listing.height:
        ended = pl.concat([ended, gone.select(identity)])
    return _continued(previous, begun, ended, identity, moment).select(list(table.frame_schema))


def _continued(
    previous: pl.DataFrame, begun: pl.DataFrame, ended: pl.DataFrame, identity: str, at: pl.Expr
) -> pl.DataFrame:
    ends = pl.col("valid_to").is_null() & pl.col(identity).is_in(ended[identity].implode())
    closed = previous.with_columns(
        valid_to=pl.when(ends).then(at).otherwise(pl.col("valid_to"))
    ).filter(pl.col("valid_to").is_null() | (pl.col("valid_from") < pl.col("valid_to")))
    versions = begun.with_columns(valid_from=at, valid_to=pl.lit(None, INSTANT))
    return pl.concat([closed, versions], how="diagonal").sort(identity, "valid_from")


def _text(*path: str) -> _Read:
    def read(entity: Entity) -> object:
        found = _at(entity, path)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        return str(found) if is_number or isinstance(found, str) else None

    return read


def _flag(name: str) -> _Read:
    def read(entity: Entity) -> object:
        found = entity.get(name)
        return found if isinstance(found, bool) else None

    return read


def _service_levels(queue: Entity) -> object:
    settings = _at(queue, ("mediaSettings",))
    if not isinstance(settings, Mapping):
        return None
    media = cast("Mapping[str, object]", settings)
    levels = {name: _at(one, ("serviceLevel",)) for name, one in media.items()}
    known = {name: level for name, level in levels.items() if level is not None}
    if not known:
        return None
    return json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _at(node: object, path: tuple[str, ...]) -> object:
    for name in path:
        if not isinstance(node, Mapping):
            return None
        node = cast("Mapping[str, object]", node).get(name)
    return node


_DIVISION: dict[str, _Read] = {
    "division_id": _text("division", "id"),
    "division_name": _text("division", "name"),
}
_READERS: dict[str, dict[str, _Read]] = {
    USERS.key: {
        **_DIVISION,
        "user_id": _text("id"),
        "user_name": _text("name"),
        "email": _text("email"),
        "state": _text("state"),
        "title": _text("title"),
        "department": _text("department"),
        "manager_id": _text("manager", "id"),
    },
    QUEUES.key: {
        **_DIVISION,
        "queue_id": _text("id"),
        "queue_name": _text("name"),
        "service_levels": _service_levels,
    },
    WRAP_UP_CODES.key: {**_DIVISION, "wrap_up_code": _text("id"), "wrap_up_name": _text("name")},
    DIVISIONS.key: {
        "division_id": _text("id"),
        "division_name": _text("name"),
        "is_home": _flag("homeDivision"),
    },
    SKILLS.key: {
        **_DIVISION,
        "skill_id": _text("id"),
        "skill_name": _text("name"),
        "state": _text("state"),
    },
    GROUPS.key: {
        **_DIVISION,
        "group_id": _text("id"),
        "group_name": _text("name"),
        "group_type": _text("type"),
        "state": _text("state"),
    },
    TEAMS.key: {
        **_DIVISION,
        "team_id": _text("id"),
        "team_name": _text("name"),
        "description": _text("description"),
    },
}
