"""`materialize`: all assets of days and orgs, in a Dagster process of its own.

Belongs here: the options, passed on. Elsewhere: the work (defs/materialize.py), which prints its
progress on standard error and gives the exit status.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date

import click

from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.launch import prepared_environment
from aggregation_platform.cli.options import (
    Days,
    config_option,
    day_range,
    days_of,
    org_option,
    orgs_of,
    pass_invocation,
)
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import ConfigurationError

MODULE = "aggregation_platform.defs.materialize"


@click.command()
@day_range
@org_option
@click.option(
    "--from-landing",
    is_flag=True,
    help="Build the days again from what is stored of them; no org is asked for anything.",
)
@click.option("--again", is_flag=True, help="Fetch and build also what is here already.")
@config_option
@pass_invocation
def materialize(
    invocation: Invocation,
    first: date,
    last: date,
    orgs: tuple[str, ...],
    from_landing: bool,  # noqa: FBT001 - click's flag
    again: bool,  # noqa: FBT001 - click's flag
) -> None:
    """Fetch and build all assets of the days; resumes what was begun.

    A day that is here already is left alone: fetched, complete or final, and not due to be read
    again. --again fetches and replaces it. A provisional day is always fetched. A day of the world
    is built as soon as its organizations are there; contacts of loaded days around follow.

    After a correction of this program, --from-landing builds the days again without the orgs.
    """
    if from_landing and again:
        raise click.UsageError("--from-landing asks no org, --again asks all; pass one of them.")
    days = days_of(first, last)
    config = invocation.config()
    chosen = orgs_of(config, orgs)
    refuse_beyond_the_calendar(days, chosen, config, today=SystemClock().now().date())
    command = command_line(str(config.file), days, chosen, from_landing=from_landing, again=again)
    sys.exit(run_to_the_end(command, prepared_environment(config)))


def refuse_beyond_the_calendar(
    days: Days, orgs: Sequence[str], config: PlatformConfig, *, today: date
) -> None:
    """Return if there are such days, from the earliest first_day to the running one.

    Raises:
        ConfigurationError: Otherwise.
    """
    if days.last > today:
        raise ConfigurationError(f"{days.last} has not begun in UTC; pass --to {today} at most.")
    first = min(entry.first_day for entry in config.organizations)
    if days.first < first:
        raise ConfigurationError(
            f"nothing is fetched before {first}, the earliest first_day in {config.file}; pass "
            f"--from {first} at least, or move first_day."
        )
    own = min(config.organization(org).first_day for org in orgs)
    if days.last < own:
        raise ConfigurationError(
            f"{', '.join(orgs)}: nothing is fetched before {own}, the first_day in {config.file}; "
            "pass later days, or move first_day."
        )


def command_line(
    config_file: str,
    days: Days,
    orgs: Sequence[str],
    *,
    from_landing: bool = False,
    again: bool = False,
) -> list[str]:
    """Return the process that does the work."""
    chosen = [part for org in orgs for part in ("--org", org)]
    return [
        *(sys.executable, "-m", MODULE, "--config", config_file),
        *("--from", days.first.isoformat(), "--to", days.last.isoformat()),
        *chosen,
        *(["--from-landing"] if from_landing else []),
        *(["--again"] if again else []),
    ]


def run_to_the_end(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run to the end; an interruption or a termination reaches the process, and is awaited."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, env=environment
    ) as process:

        def pass_on(number: int, _: object) -> None:
            # A terminal's Ctrl-C reaches both; the process takes the second for the first.
            process.send_signal(number)

        passed_on = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, pass_on) for number in passed_on]
        try:
            status = process.wait()
        finally:
            for number, handler in zip(passed_on, before, strict=True):
                signal.signal(number, handler)
    if status < 0:
        click.echo(f"ended by signal {-status}; run the same command again, it resumes.", err=True)
    return min(abs(status), 1) if status < 0 else status
