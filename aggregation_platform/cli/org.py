"""`org`: let an organization leave the figures, or count again.

Belongs here: what is refused, what is noted, what is printed. Elsewhere: who counts on a day
(warehouse/membership.py), building days without an org (defs/membership.py).
"""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import click
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import Day, config_option, pass_invocation
from aggregation_platform.cli.reading import refuse_unless_loaded
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.warehouse.membership import Member, known_members
from aggregation_platform.warehouse.ops_tables import RETIREMENTS
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.reporting_rows import describe_for_reporting

FARTHEST_AHEAD = timedelta(days=366)
"""A retirement later than that is taken for a typing error."""

reason_option = click.option(
    "--reason", required=True, help="Why; kept with the decision in ops.retirements."
)


@click.group()
def org() -> None:
    """Let an organization leave the figures, or count again."""


@org.command()
@click.option("--org", "key", required=True, help="The organization's key.")
@click.option(
    "--from",
    "first",
    type=Day(),
    required=True,
    help="First day (UTC) on which it no longer counts.",
)
@reason_option
@click.option(
    "--restate",
    is_flag=True,
    help="Take it out of published days from then on, too; ops.restatements lists the change.",
)
@config_option
@pass_invocation
def retire(
    invocation: Invocation,
    key: str,
    first: date,
    reason: str,
    restate: bool,  # noqa: FBT001 - click's flag
) -> None:
    """Let an organization leave: from a day on it is neither expected, fetched nor counted.

    The days before stay as they were published. After this the organization's entry may be taken
    out of platform.yaml.
    """
    assembly, member = _found(invocation, key)
    _refuse_unsafe(assembly, member, first)
    later = _published_from(assembly, key, first)
    if later and not restate:
        raise ConfigurationError(
            f"published days from {first} on count {key}: {len(later)}, {later[0]} to {later[-1]}; "
            f"pass --restate to take it out of them, or --from {later[-1] + timedelta(days=1)} to "
            "leave them as they are."
        )
    _note(assembly, member, first, reason)
    for line in _retired(assembly, member, first, later):
        click.echo(line)


@org.command()
@click.option("--org", "key", required=True, help="The organization's key.")
@reason_option
@config_option
@pass_invocation
def rejoin(invocation: Invocation, key: str, reason: str) -> None:
    """Undo a retirement: the organization is expected, fetched and counted again."""
    assembly, member = _found(invocation, key)
    if member.retired_from is None:
        raise ConfigurationError(f"{key} is not retired; there is nothing to undo.")
    _note(assembly, member, None, reason)
    click.echo(f"{key}: counts again; it was retired from {member.retired_from} on.")
    if key in assembly.config.orgs:
        click.echo(
            "Stored days from then on are built with it again within minutes while the platform "
            "runs; days that were not fetched meanwhile are missing, `aggregation-platform status` "
            "names them."
        )
    else:
        click.echo(
            f"It is not in {assembly.config.file}: put its entry back, with the same key, and "
            "restart; see runbooks/add-an-organization.md."
        )


def _found(invocation: Invocation, key: str) -> tuple[Assembly, Member]:
    """Return the organization that is meant; the right to write is asked for first."""
    config = invocation.config_to_read()
    refuse_unless_loaded(config)
    assembly = Assembly(config)
    assembly.grant  # noqa: B018 - brings the tables there, and refuses a site that may not write
    return assembly, known_members(assembly.warehouse, config).must(key)


def _refuse_unsafe(assembly: Assembly, member: Member, first: date) -> None:
    """Return if the organization can be retired from that day on.

    Raises:
        ConfigurationError: Otherwise, with what to do.
    """
    key, today = member.org, assembly.clock.now().date()
    if member.retired_from is not None:
        raise ConfigurationError(
            f"{key} is already retired from {member.retired_from} on; to change the day, "
            f"`aggregation-platform org rejoin --org {key} --reason ...` first."
        )
    begins = min(member.first_day, member.stored_from or member.first_day)
    if first < begins:
        raise ConfigurationError(
            f"{key} counts only from {begins} on; pass that day or a later one with --from."
        )
    if first > today + FARTHEST_AHEAD:
        raise ConfigurationError(
            f"{first} is more than a year ahead; pass a day up to {today + FARTHEST_AHEAD}."
        )


def _published_from(assembly: Assembly, key: str, first: date) -> list[date]:
    """Return the stored days from then on whose figures are not provisional, in order."""
    states = partition_states(assembly.warehouse, SESSION_METRICS, first, date.max)
    mine = states.filter(pl.col("org") == key, pl.col("finality") != "provisional")
    return sorted(mine["day"])


def _note(assembly: Assembly, member: Member, first: date | None, reason: str) -> None:
    """Write the decision, fenced, and let the views know."""
    row = {
        "org": member.org,
        "retired_from": first,
        "reason": reason,
        "noted_at": assembly.clock.now(),
        "noted_by": _person(),
        "first_day": member.first_day,
    }
    frame = pl.DataFrame([row], schema=RETIREMENTS.frame_schema)
    assembly.warehouse.append(RETIREMENTS, frame, assembly.grant)
    describe_for_reporting(
        assembly.warehouse, assembly.config, assembly.grant, at=assembly.clock.now()
    )


def _person() -> str:
    """Return the account of this process."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def _retired(
    assembly: Assembly, member: Member, first: date, later: Sequence[date]
) -> Iterator[str]:
    """Say what was done and what happens next."""
    key, last = member.org, first - timedelta(days=1)
    yield f"{key}: retired from {first} on. Its days until {last} stay in every figure."
    if later:
        yield (
            f"{len(later)} published days are built again without it, each change listed in "
            "ops.restatements: within minutes while the platform runs, or by "
            f"`aggregation-platform materialize --from {later[0]} --to {later[-1]} --from-landing`."
        )
    if member.is_configured:
        file = shlex.quote(str(assembly.config.file))
        yield (
            f"Its days until {last} are read again until they are final, so leave its entry in "
            f"{file} for now. `aggregation-platform status` shows when none of its days is "
            "provisional or complete; then take the entry out and restart."
        )
