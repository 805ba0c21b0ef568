"""Options that several commands share.

Belongs here: days, orgs, formats, --config after the command's name. Elsewhere: their meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.intervals import days_between, parse_day

if TYPE_CHECKING:
    from aggregation_platform.config.models import PlatformConfig

Command = TypeVar("Command", bound=Callable[..., Any])

MOST_DAYS = 3700
"""About ten years: a typing error in a year is refused, not executed."""


class Day(click.ParamType[date]):
    """A UTC day as yyyy-mm-dd."""

    name = "day"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> date:
        """Read the day, or fail as wrong usage."""
        if isinstance(value, date):
            return value
        try:
            return parse_day(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day; write yyyy-mm-dd.", param, ctx)


class HalfHour(click.ParamType[time]):
    """The beginning of a half hour of the day, UTC."""

    name = "hh:mm"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> time:
        """Read it, or fail as wrong usage."""
        if isinstance(value, time):
            return value
        try:
            found = time.fromisoformat(str(value))
        except ValueError:
            found = None
        if found is None or found not in (time(found.hour), time(found.hour, 30)):
            self.fail(f"{value!r} begins no half hour; write hh:00 or hh:30 (UTC).", param, ctx)
        return found


@dataclass(frozen=True)
class Days:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator of dates
        return days_between(self.first, self.last)

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def day_range(command: Command) -> Command:
    """Add --from and --to (inclusive, UTC); read them with `days_of`."""
    command = click.option("--to", "last", type=Day(), required=True, help="Last day (UTC).")(
        command
    )
    return click.option("--from", "first", type=Day(), required=True, help="First day (UTC).")(
        command
    )


def days_of(first: date, last: date) -> Days:
    """Return the days asked for.

    Raises:
        click.UsageError: If the last is before the first, or there are absurdly many.
    """
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}; swap them.")
    if (last - first).days >= MOST_DAYS:
        raise click.UsageError(
            f"--from {first} --to {last} are {(last - first).days + 1} days; ask for fewer than "
            f"{MOST_DAYS}."
        )
    return Days(first, last)


def ui_port_option(command: Command) -> Command:
    """Add --port, of the Dagster UI."""
    return click.option(
        "--port",
        type=click.IntRange(1, 65_535),
        default=3000,
        show_default=True,
        help="The UI's port, or the next free.",
    )(command)


def org_option(command: Command) -> Command:
    """Add --org, repeatable; read it with `orgs_of`."""
    return click.option(
        "--org", "orgs", multiple=True, help="Only this org; repeatable [default: all]."
    )(command)


def orgs_of(config: PlatformConfig, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the orgs asked for, in the configuration's order; none asked means all.

    Raises:
        ConfigurationError: If one is not configured.
    """
    for org in asked:
        config.organization(org)
    return tuple(org for org in config.orgs if not asked or org in asked)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """Add --format; the first is the default."""
    return click.option(
        "--format",
        "output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="What standard output holds.",
    )


def config_option(command: Command) -> Command:
    """Take --config after the command's name too; it wins over the one before it."""

    def remember(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            ctx.ensure_object(Invocation).config_path = value

    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=remember,
        help="Configuration file [default: as for the program].",
    )(command)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)
