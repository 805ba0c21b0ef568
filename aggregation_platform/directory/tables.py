"""Shapes of the directory tables: one row per version of an entity.

Belongs here: schemas, and the list of tables. A version holds from `valid_from` (when a listing
first showed it) until `valid_to` (when a listing first showed something else, or a whole listing
no longer had it); `valid_to` is null while it stands. Personal data (e-mail) is in `users` alone.
Elsewhere: how versions arise (listings.py), what the names mean over all orgs (identity/).
"""

from __future__ import annotations

import dataframely as dy

from aggregation_platform.tables import Table, instant, json_text


class Version(dy.Schema):
    """What each version of each kind of entity has."""

    org = dy.String(primary_key=True)
    valid_from = instant(primary_key=True, description="a listing first showed this version")
    valid_to = instant(nullable=True, description="null while this version stands")
    division_id = dy.String(nullable=True)
    division_name = dy.String(nullable=True)


class Users(Version):
    """One row per version of a user of an org, in every state."""

    user_id = dy.String(primary_key=True)
    user_name = dy.String(nullable=True)
    email = dy.String(nullable=True, description="personal data: in no other table")
    state = dy.String(nullable=True, description="active, inactive or deleted, as the org says")
    title = dy.String(nullable=True)
    department = dy.String(nullable=True)
    manager_id = dy.String(nullable=True)


class Queues(Version):
    """One row per version of a routing queue of an org."""

    queue_id = dy.String(primary_key=True)
    queue_name = dy.String(nullable=True)
    service_levels = json_text(description="per media: {percentage, durationMs}, as the org set it")


class WrapUpCodes(Version):
    """One row per version of a wrap-up code of an org."""

    wrap_up_code = dy.String(primary_key=True)
    wrap_up_name = dy.String(nullable=True)


class Divisions(Version):
    """One row per version of a division of an org; its own id and name are the division's."""

    division_id = dy.String(primary_key=True)
    is_home = dy.Bool(nullable=True)


class Skills(Version):
    """One row per version of a routing skill of an org."""

    skill_id = dy.String(primary_key=True)
    skill_name = dy.String(nullable=True)
    state = dy.String(nullable=True)


class Groups(Version):
    """One row per version of a group of an org."""

    group_id = dy.String(primary_key=True)
    group_name = dy.String(nullable=True)
    group_type = dy.String(nullable=True)
    state = dy.String(nullable=True)


class Teams(Version):
    """One row per version of a team of an org; `team_id` of a session names one."""

    team_id = dy.String(primary_key=True)
    team_name = dy.String(nullable=True)
    description = dy.String(nullable=True)


USERS = Table("directory", "users", Users, ("org",))
QUEUES = Table("directory", "queues", Queues, ("org",))
WRAP_UP_CODES = Table("directory", "wrap_up_codes", WrapUpCodes, ("org",))
DIVISIONS = Table("directory", "divisions", Divisions, ("org",))
SKILLS = Table("directory", "skills", Skills, ("org",))
GROUPS = Table("directory", "groups", Groups, ("org",))
TEAMS = Table("directory", "teams", Teams, ("org",))

TABLES = (USERS, QUEUES, WRAP_UP_CODES, DIVISIONS, SKILLS, GROUPS, TEAMS)
