"""`warehouse`: the database itself, for operators: its tables, its views, moving its rows.

Belongs here: the commands and what they print. Elsewhere: migrations (warehouse/migrations.py),
copying (warehouse/copying.py), which warehouse the configuration names (warehouse/configured.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from aggregation_platform.assembly import TABLES, Assembly, refuse_if_behind
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import config_option, pass_invocation
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.errors import FencedError, PlatformError, WarehouseError
from aggregation_platform.sites.standalone import standing_grant
from aggregation_platform.warehouse.copying import Copy
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.reporting_rows import describe_for_reporting
from aggregation_platform.warehouse.store import Warehouse

MIGRATE = "run `aggregation-platform warehouse migrate`"


@click.group()
def warehouse() -> None:
    """The tables: migrate them, see where they stand, copy them elsewhere."""


@warehouse.command()
@config_option
@pass_invocation
def migrate(invocation: Invocation) -> None:
    """Bring tables and views to this code; safe to repeat, also after it died half way."""
    config = invocation.config_to_read()
    assembly = Assembly(config)
    migrated = assembly.warehouse.migrate(TABLES)
    for name in migrated.applied:
        click.echo(f"applied {name}")
    for name in migrated.added:
        click.echo(f"added {name}, as no migration brings it")
    for name in migrated.views:
        click.echo(f"made {name}")
    for key in _described(assembly):
        click.echo(f"filled {key}")
    click.echo(f"{named(config)}: at migration {migrated.version}, {len(TABLES)} tables.")


def _described(assembly: Assembly) -> tuple[str, ...]:
    """Fill what the views take from the configuration; the site that holds the lease does."""
    try:
        grant = standing_grant(assembly.warehouse, assembly.config.site.name)
    except FencedError:
        click.echo("the reporting tables are filled by the active site.", err=True)
        return ()
    return describe_for_reporting(
        assembly.warehouse, assembly.config, grant, at=assembly.clock.now()
    )


@warehouse.command()
@config_option
@pass_invocation
def status(invocation: Invocation) -> None:
    """Say which migration the tables are at and where they differ; exit 1 if they are behind."""
    config = invocation.config_to_read()
    standing = Assembly(config).warehouse.standing(TABLES)
    click.echo(f"{named(config)}: at migration {standing.version} of {standing.newest}.")
    for name in (*standing.pending, *standing.outdated_views):
        click.echo(f"to be applied: {name}")
    for difference in standing.differences:
        click.echo(str(difference))
    if standing.is_behind:
        raise WarehouseError(f"the tables are not those of this code; {MIGRATE}.")


@dataclass(frozen=True)
class End:
    """One end of a copy."""

    warehouse: Warehouse
    name: str
    spool: Path


@warehouse.command()
@click.option("--from", "origin", type=click.Path(path_type=Path), help="Copy out of this.")
@click.option("--to", "destination", type=click.Path(path_type=Path), help="Copy into this.")
@config_option
@pass_invocation
def copy(invocation: Invocation, origin: Path | None, destination: Path | None) -> None:
    """Copy all rows between the configured warehouse and another one, checked by their hashes.

    The other one is a DuckDB file, or a configuration (.yaml) that names a warehouse. Repeat the
    command after an interruption, or to bring over what has changed since: it goes on.
    """
    config = invocation.config_to_read()
    if (origin is None) == (destination is None):
        raise click.UsageError("name the other warehouse with either --from or --to.")
    source = _end(invocation, config, origin)
    target = _end(invocation, config, destination)
    if source.name == target.name:
        raise PlatformError(f"{source.name} would be copied onto itself; name another one.")
    copied = Copy(
        source=source.warehouse,
        target=target.warehouse,
        grant=_grant(source.warehouse, target.warehouse, config.site.name),
        spool=target.spool,
        clock=SystemClock(),
        tell=lambda line: click.echo(line, err=True),
    ).run(TABLES)
    for key in copied.unknown:
        click.echo(f"left behind: {key}, which this code does not know.", err=True)
    click.echo(
        f"{source.name} -> {target.name}: {copied.copied} partitions copied ({copied.rows:,} rows),"
        f" {copied.skipped} were there; {copied.kept} rows of ops."
    )


def _end(invocation: Invocation, config: PlatformConfig, where: Path | None) -> End:
    if where is not None and where.suffix not in (".yaml", ".yml"):
        path = where.absolute()
        opened = open_warehouse(DuckDBSettings(path))
        return End(opened, f"duckdb {path}", path.with_name(path.name + ".spool"))
    chosen = config if where is None else Invocation(where, invocation.log_level).config_to_read()
    return End(Assembly(chosen).warehouse, named(chosen), chosen.state_folder / "spool")


def _grant(source: Warehouse, target: Warehouse, site: str) -> WriteGrant:
    """Return the right to write the target; its epoch is above the source's."""
    if target.kind == "duckdb":
        target.migrate(TABLES)
    else:
        refuse_if_behind(target)
    lease = source.lease()
    floor = lease.epoch if lease else Epoch(0)
    grant = standing_grant(target, site)
    if grant.epoch > floor:
        return grant
    return target.take_epoch(site, seen=grant.epoch, by=site, reason="warehouse copy", floor=floor)


def named(config: PlatformConfig) -> str:
    """Say which warehouse a configuration names."""
    account = config.warehouse.snowflake
    if config.warehouse.kind == "snowflake" and account is not None:
        return f"snowflake {account.account} {account.database}"
    return f"duckdb {config.warehouse.duckdb.path}"
