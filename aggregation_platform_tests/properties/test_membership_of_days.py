"""What holds for every configuration: a stored day keeps its organizations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.warehouse.membership import Members, known_members

ORGS = ("eu", "na", "us")
FIRST = date(2026, 11, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(10)]

days = st.sampled_from(DAYS)
stored_days = st.dictionaries(st.sampled_from(ORGS), st.sets(days, min_size=1), min_size=1)
configured = st.dictionaries(st.sampled_from((*ORGS, "new")), days, min_size=1)
decisions = st.lists(st.tuples(st.sampled_from(ORGS), st.none() | days), max_size=4)


def members_of(
    stored: dict[str, set[date]],
    config: dict[str, date],
    decided: list[tuple[str, date | None]] = [],  # noqa: B006 - never changed
) -> Members:
    entries = [
        {"org": org, "region": "us-east-1", "client_id": org, "client_secret": "s"}
        | {"first_day": day}
        for org, day in config.items()
    ]
    stored_rows = [
        {"org": org, "stored_from": min(there), "stored_to": max(there), "first_day": min(there)}
        | {"name": None, "time_zone": None, "organization_id": None}
        for org, there in stored.items()
    ]
    retirements = [
        {"org": org, "retired_from": day, "reason": "r", "noted_by": "p", "first_day": FIRST}
        | {"noted_at": datetime(2026, 12, 1, number, tzinfo=UTC)}
        for number, (org, day) in enumerate(decided)
    ]

    def query(sql: str) -> pl.DataFrame:
        return pl.DataFrame(retirements if "ops.retirements" in sql else stored_rows)

    warehouse: Any = SimpleNamespace(query=query)
    return known_members(warehouse, PlatformConfig.model_validate({"organizations": entries}))


@given(stored=stored_days, config=configured, day=days)
def test_a_stored_day_counts_the_same_organizations_whatever_is_configured(
    stored: dict[str, set[date]], config: dict[str, date], day: date
):
    there = {org for org, its in stored.items() if day in its}

    assert set(members_of(stored, config).counted(day, there)) == there


@given(stored=stored_days, config=configured, decided=decisions, day=days)
def test_a_retirement_takes_out_its_days_and_no_other_and_the_last_decision_is_in_force(
    stored: dict[str, set[date]],
    config: dict[str, date],
    decided: list[tuple[str, date | None]],
    day: date,
):
    there = {org for org, its in stored.items() if day in its}
    in_force = dict(decided)
    members = members_of(stored, config, decided)

    counted = set(members.counted(day, there))

    assert counted == {org for org in there if (end := in_force.get(org)) is None or day < end}
    ended = {org for org, end in in_force.items() if end is not None and day >= end}
    assert not ended & set(members.expected_on(day))
    assert not ended & counted


@given(stored=stored_days, config=configured, day=days)
def test_an_organization_is_expected_only_while_it_is_configured_or_was_stored(
    stored: dict[str, set[date]], config: dict[str, date], day: date
):
    expected = members_of(stored, config).expected_on(day)

    assert {org for org, first in config.items() if first <= day} == set(expected) & set(config)
    assert all(min(stored[org]) <= day <= max(stored[org]) for org in set(expected) - set(config))
