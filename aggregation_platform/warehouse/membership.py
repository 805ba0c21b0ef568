"""Which organizations a UTC day counts, whatever becomes of them in the configuration later.

Belongs here: organizations that are configured, retired, or stored and configured no more; which of
them a day expects and which it counts. A day counts each organization whose facts of it are
stored, until that organization is retired. Elsewhere: the rows of ops.day_members and
ops.retirements (ops_tables.py), the assets and commands that ask (defs/, cli/).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import polars as pl

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.warehouse.store import Warehouse

ONE_DAY = timedelta(days=1)

_STORED = """
    select l.org, min(l.day) as stored_from, max(l.day) as stored_to,
        coalesce(max(o.first_day), min(l.day)) as first_day, max(o.name) as name,
        max(o.time_zone) as time_zone, max(o.organization_id) as organization_id
    from ops.partition_log l
    left join reporting.organizations o on o.org = l.org
    where l.table_name = 'facts.session_metrics' and l.org is not null and l.day is not null
    group by l.org
"""
_RETIREMENTS = """
    select org, retired_from, reason, noted_at, noted_by, first_day
    from ops.retirements order by noted_at, org
"""
_COUNTED = """
    select day, org from ops.day_members where table_name = ? and is_counted
"""


@dataclass(frozen=True)
class Retirement:
    """An organization's way out: the first UTC day on which it no longer counts, and why.

    Args:
        org: Our key of the organization.
        retired_from: None: it counts again.
        reason: As the operator gave it.
        noted_at: When it was decided.
        noted_by: Who decided.
        first_day: The organization's first day as configured at that time.
    """

    org: str
    retired_from: date | None
    reason: str
    noted_at: datetime
    noted_by: str
    first_day: date


@dataclass(frozen=True)
class Member:
    """One organization that days may count.

    Args:
        org: Our key of the organization.
        name: Its name.
        time_zone: IANA name of its own local time.
        first_day: The first UTC day on which it is expected.
        last_day: The last UTC day on which it is expected; None while there is no end to it. Of a
            retired organization the day before it was retired; of one that was taken out of the
            configuration without that, the last stored day.
        retired_from: The first UTC day on which it no longer counts; None: it was not retired.
        is_configured: Whether platform.yaml has it.
        stored_from: The first UTC day of which facts are stored; None if none are.
        stored_to: The last one.
        organization_id: The organization's own id, where it is known.
    """

    org: str
    name: str
    time_zone: str
    first_day: date
    last_day: date | None = None
    retired_from: date | None = None
    is_configured: bool = True
    stored_from: date | None = None
    stored_to: date | None = None
    organization_id: str | None = None

    def is_expected_on(self, day: date) -> bool:
        """Whether a figure of that day is incomplete without it."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)

    def has_stored(self, day: date) -> bool:
        """Whether the day lies between the first and the last of its stored days."""
        if self.stored_from is None or self.stored_to is None:
            return False
        return self.stored_from <= day <= self.stored_to

    def may_count_on(self, day: date) -> bool:
        """Whether a figure of that day counts it, once its facts are stored."""
        return self.retired_from is None or day < self.retired_from


@dataclass(frozen=True)
class Members:
    """All organizations that days may count: the configured ones in order, then those that left."""

    all: tuple[Member, ...]
    retirements: tuple[Retirement, ...] = ()

    def __iter__(self) -> Iterator[Member]:
        return iter(self.all)

    @property
    def orgs(self) -> tuple[str, ...]:
        """Their keys."""
        return tuple(each.org for each in self.all)

    @property
    def left(self) -> tuple[Member, ...]:
        """Those that have an end: retired, or configured no more."""
        return tuple(each for each in self.all if each.last_day is not None)

    def left_by(self, day: date) -> tuple[Member, ...]:
        """Return those whose last day is before that day."""
        return tuple(each for each in self.left if each.last_day and each.last_day < day)

    def get(self, org: str) -> Member | None:
        """Return one of them."""
        return next((each for each in self.all if each.org == org), None)

    def must(self, org: str) -> Member:
        """Return one of them.

        Raises:
            ConfigurationError: If no organization of that key is configured or stored.
        """
        member = self.get(org)
        if member is None:
            raise ConfigurationError(
                f"no organization {org!r} is configured or stored; {did_you_mean(org, self.orgs)}"
            )
        return member

    def expected_on(self, day: date) -> tuple[str, ...]:
        """Return the organizations without which a figure of that day is incomplete."""
        return tuple(each.org for each in self.all if each.is_expected_on(day))

    def counted(self, day: date, stored: Iterable[str]) -> tuple[str, ...]:
        """Return which of the organizations with facts of a day its figures count, in order."""
        there = set(stored)
        return tuple(each.org for each in self.all if each.org in there and each.may_count_on(day))

    def twin(self, org: str, day: date) -> Member | None:
        """Return the same organization under another key, if that key may count the day.

        A key that was renamed in platform.yaml leaves its stored days under the old one. The same
        day under both would count each conversation twice.
        """
        own_id = (member.organization_id or "").lower() if (member := self.get(org)) else ""
        return next(
            (
                each
                for each in self.all
                if own_id
                and each.org != org
                and (each.organization_id or "").lower() == own_id
                and each.has_stored(day)
                and each.may_count_on(day)
            ),
            None,
        )

    def is_counted(self, org: str, day: date) -> bool:
        """Whether a figure of that day may count an organization whose facts are stored."""
        member = self.get(org)
        return member is not None and member.may_count_on(day)


def known_members(warehouse: Warehouse, config: PlatformConfig) -> Members:
    """Return all organizations that days may count."""
    stored = {row["org"]: row for row in warehouse.query(_STORED).iter_rows(named=True)}
    retirements = tuple(
        Retirement(**row) for row in warehouse.query(_RETIREMENTS).iter_rows(named=True)
    )
    latest = {each.org: each for each in retirements}
    configured = [
        _member(
            stored.get(entry.org),
            latest.get(entry.org),
            org=entry.org,
            name=entry.name,
            time_zone=entry.time_zone,
            first_day=entry.first_day,
            organization_id=entry.organization_id,
        )
        for entry in config.organizations
    ]
    left = [
        _member(
            row,
            latest.get(org),
            org=org,
            name=row["name"] or org,
            time_zone=row["time_zone"] or "UTC",
            first_day=latest[org].first_day if org in latest else row["first_day"],
            organization_id=row["organization_id"],
            is_configured=False,
        )
        for org, row in sorted(stored.items())
        if org not in config.orgs
    ]
    return Members((*configured, *left), retirements)


def _member(
    row: Mapping[str, date] | None,
    retirement: Retirement | None,
    *,
    org: str,
    name: str,
    time_zone: str,
    first_day: date,
    organization_id: str | None,
    is_configured: bool = True,
) -> Member:
    retired_from = retirement.retired_from if retirement else None
    stored_to = row["stored_to"] if row else None
    last_day = None if is_configured else stored_to
    return Member(
        org=org,
        name=name,
        time_zone=time_zone,
        first_day=first_day,
        last_day=retired_from - ONE_DAY if retired_from else last_day,
        retired_from=retired_from,
        is_configured=is_configured,
        stored_from=row["stored_from"] if row else None,
        stored_to=stored_to,
        organization_id=organization_id,
    )


def members_of_days(warehouse: Warehouse, table: str) -> Mapping[date, frozenset[str]]:
    """Return which organizations each built day of a rollup counts, as stored with the day."""
    found: dict[date, set[str]] = {}
    for day, org in warehouse.query(_COUNTED, [table]).iter_rows():
        found.setdefault(day, set()).add(org)
    return {day: frozenset(orgs) for day, orgs in found.items()}


def members_between(warehouse: Warehouse, table: str, first: date, last: date) -> pl.DataFrame:
    """Return which organizations the built days of a rollup count: org, day."""
    return warehouse.query(
        _COUNTED.replace("select day, org", "select org, day") + " and day between ? and ?",
        [table, first, last],
    )


class OrgsOfRules(Collection[str]):
    """The organizations that a rules file may name; what is stored is asked for only if needed.

    Args:
        config: Names the configured ones.
        warehouse: Opens the warehouse, which knows those that left; None: nothing is stored yet.
    """

    def __init__(self, config: PlatformConfig, warehouse: Callable[[], Warehouse | None]) -> None:
        self._config = config
        self._warehouse = warehouse

    @cached_property
    def _all(self) -> tuple[str, ...]:
        warehouse = self._warehouse()
        if warehouse is None:
            return self._config.orgs
        members = known_members(warehouse, self._config)
        return tuple({*members.orgs, *(each.org for each in members.retirements)})

    def __contains__(self, org: object) -> bool:
        return org in self._config.orgs or org in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)
