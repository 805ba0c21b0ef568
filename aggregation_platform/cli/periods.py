"""Which days are asked about: --from and --to, --last, --week, --month, and by which clock.

Belongs here: reading these options, and the period before. Elsewhere: the days of UTC that other
commands take (options.py), local days as instants (zones.py).
"""

from __future__ import annotations

import calendar
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import click

from aggregation_platform.cli.options import Command, Day, Days, days_of
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.intervals import ONE_DAY
from aggregation_platform.names import nearest
from aggregation_platform.zones import local_date, why_not_exact

UTC, OWN_TIME = "UTC", "org"
Unit = Literal["day", "week", "month"]
_UNITS: dict[str, Unit] = {"d": "day", "w": "week", "m": "month"}
_SAY = "name the days: --from and --to, --last 7d, --week last or --month last."
_MOST = {"day": 3700, "week": 520, "month": 120}


@dataclass(frozen=True)
class Period:
    """Days that follow one another, as they were asked for.

    Args:
        days: The days, by the clock asked for.
        unit: What they were counted in; `--from` and `--to` count days.
    """

    days: Days
    unit: Unit = "day"

    def previous(self) -> Days:
        """Return the period before: as many days, weeks or months as this one has."""
        first, last = self.days.first, self.days.last
        if self.unit == "month":
            months = (last.year - first.year) * 12 + last.month - first.month + 1
            return Days(_months_after(first, -months), first - ONE_DAY)
        return Days(first - (last - first) - ONE_DAY, first - ONE_DAY)

    def refuse_to_compare(self, by: tuple[str, ...]) -> None:
        """Return if groups of days can be compared with the period before.

        Raises:
            click.UsageError: If they are weeks or months of which the period has parts.
        """
        first, last = self.days.first, self.days.last
        whole_weeks = first.weekday() == 0 and last.weekday() == 6
        if "week" in by and not (whole_weeks and self.unit != "month"):
            raise click.UsageError(
                "--by week with --against previous needs whole weeks; pass --week or --last 4w."
            )
        if "month" in by and self.unit != "month":
            raise click.UsageError(
                "--by month with --against previous needs whole months; pass --month or --last 3m."
            )


@dataclass(frozen=True)
class Counted:
    """So many whole days, weeks or months before the present one; 0: the present one."""

    count: int
    unit: Unit

    def days(self, today: date) -> Days:
        """Return the days, seen from `today`."""
        if self.unit == "day":
            return Days(today - timedelta(days=self.count), today - ONE_DAY)
        start = _monday(today) if self.unit == "week" else today.replace(day=1)
        if not self.count:
            return Days(start, _after(start, self.unit, 1) - ONE_DAY)
        return Days(_after(start, self.unit, -self.count), start - ONE_DAY)


class Last(click.ParamType[Counted]):
    """A number of days, weeks or months: 7d, 4w, 3m."""

    name = "7d|4w|3m"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Counted:
        """Read it, or fail as wrong usage."""
        if isinstance(value, Counted):
            return value
        found = re.fullmatch(r"(\d{1,4})([dwm])", str(value).strip().lower())
        if not found or not 1 <= int(found[1]) <= _MOST[_UNITS[found[2]]]:
            self.fail(
                f"{value!r} is no number of days; write 7d for days, 4w for weeks, 3m for months.",
                param, ctx,
            )  # fmt: skip
        return Counted(int(found[1]), _UNITS[found[2]])


class _Named(click.ParamType[Counted | Days]):
    unit: Unit
    spelling: str

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Counted | Days:
        """Read it, or fail as wrong usage."""
        if isinstance(value, Counted | Days):
            return value
        if value in ("this", "last"):
            return Counted(int(value == "last"), self.unit)
        try:
            start = self.start_of(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is no {self.unit}; write {self.spelling}, last or this.", param, ctx
            )
        return Days(start, _after(start, self.unit, 1) - ONE_DAY)

    def start_of(self, text: str) -> date:
        """Return the first day, or raise ValueError."""
        raise NotImplementedError


class Week(_Named):
    """An ISO week: 2026-W03, last, this."""

    name, unit, spelling = "2026-W03|last|this", "week", "yyyy-Wnn such as 2026-W03"

    def start_of(self, text: str) -> date:
        """Return the Monday."""
        found = re.fullmatch(r"(\d{4})-?[wW](\d{2})", text)
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else _refuse()


class Month(_Named):
    """A calendar month: 2026-01, last, this."""

    name, unit, spelling = "2026-01|last|this", "month", "yyyy-mm such as 2026-01"

    def start_of(self, text: str) -> date:
        """Return its first day."""
        found = re.fullmatch(r"(\d{4})-(\d{2})", text)
        return date(int(found[1]), int(found[2]), 1) if found else _refuse()


class Zone(click.ParamType[str]):
    """A clock: org, utc, or the name of a time zone."""

    name = "org|utc|NAME"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Read it, or fail as wrong usage."""
        text = str(value)
        if text.lower() in ("utc", "org"):
            return UTC if text.lower() == "utc" else OWN_TIME
        known = {name.lower(): name for name in zoneinfo.available_timezones()}
        if text.lower() not in known:
            near = nearest(text, [*known.values(), UTC, OWN_TIME])
            self.fail(
                f"{text!r} is no time zone; "
                + (f"did you mean {near}?" if near else "write org, utc, or Europe/Berlin."),
                param, ctx,
            )  # fmt: skip
        return known[text.lower()]


def period_options(command: Command) -> Command:
    """Add the options that name days, and --zone; read them with `period_of`."""
    options: tuple[Callable[[Command], Command], ...] = (
        click.option("--from", "first", type=Day(), help="First day."),
        click.option("--to", "last", type=Day(), help="Last day, included."),
        click.option(
            "--last", "recent", type=Last(),
            help="Whole days, ISO weeks or months before the present one.",
        ),
        click.option("--week", type=Week(), help="One ISO week, Monday to Sunday."),
        click.option("--month", type=Month(), help="One calendar month."),
        click.option(
            "--zone", type=Zone(), default="utc", show_default=True,
            help="Whose days and hours: org is each organization's own time.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class AskedDays:
    """The options that name days, as they were given."""

    first: date | None
    last: date | None
    recent: Counted | None
    week: Counted | Days | None
    month: Counted | Days | None

    def check(self) -> None:
        """Return if they name days once.

        Raises:
            click.UsageError: If nothing names days, or two options do.
        """
        given = {
            "--from": self.first or self.last,
            "--last": self.recent,
            "--week": self.week,
            "--month": self.month,
        }
        names = [name for name, value in given.items() if value is not None]
        if not names:
            raise click.UsageError(_SAY)
        if len(names) > 1:
            raise click.UsageError(f"{' and '.join(names)} name days twice; leave all but one out.")
        if names == ["--from"] and (self.first is None or self.last is None):
            lacking = "--from" if self.first is None else "--to"
            raise click.UsageError(f"{lacking} is missing: --from and --to go together.")
        if self.first and self.last:
            days_of(self.first, self.last)

    def period(self, today: date) -> Period:
        """Return the days, seen from `today`."""
        self.check()
        if self.first and self.last:
            return Period(days_of(self.first, self.last))
        asked = self.recent or self.week or self.month
        unit: Unit = "month" if self.month else "week" if self.week else "day"
        if isinstance(asked, Counted):
            return Period(asked.days(today), asked.unit)
        if asked is None:
            raise click.UsageError(_SAY)
        return Period(asked, unit)


def zones_of(zone: str, config: PlatformConfig) -> dict[str, str]:
    """Return the time zone of each org by the clock asked for.

    Raises:
        click.UsageError: If cells of half an hour are not exact in that zone.
    """
    found = {
        entry.org: entry.time_zone if zone == OWN_TIME else zone for entry in config.organizations
    }
    for name in {*found.values()} if zone != UTC else ():
        refuse_zone(name, min(entry.first_day for entry in config.organizations))
    return found


def refuse_zone(name: str, first: date) -> None:
    """Return if cells are exact in the zone since that day.

    Raises:
        click.UsageError: If not.
    """
    reason = why_not_exact(name, first)
    if reason is not None:
        raise click.UsageError(f"--zone: {reason}.")


def today_by(zones: dict[str, str], now: datetime) -> date:
    """Return the earliest day that any of the clocks shows."""
    return min(local_date(zone, now) for zone in zones.values())


def _refuse() -> date:
    raise ValueError


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _after(start: date, unit: Unit, count: int) -> date:
    return _months_after(start, count) if unit == "month" else start + timedelta(weeks=count)


def _months_after(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
