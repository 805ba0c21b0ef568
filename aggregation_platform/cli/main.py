"""The front door of the command line: which commands there are, and how one ends.

Belongs here: the list of commands (loaded when called), the global options, exit statuses:
0 done, 1 not done (the last line on standard error says why and what to do), 2 wrong usage.
Elsewhere: each command (its own file), the options they share (options.py).
"""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn, cast

import click

from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.errors import PlatformError

PROGRAM = "aggregation-platform"
LOG_LEVELS = ("debug", "info", "warning", "error")


class Entry(NamedTuple):
    """Where a command is, as module:name, and the line that --help has for it."""

    target: str
    summary: str


_CLI = "aggregation_platform.cli"

COMMANDS: dict[str, Entry] = {
    "demo": Entry(
        f"{_CLI}.demo:demo", "Start three simulated orgs, fill two days, print the global AHT."
    ),
    "simulate": Entry(f"{_CLI}.simulate:simulate", "Serve simulated organizations."),
    "check": Entry(f"{_CLI}.check:check", "Try everything the configuration names; one line each."),
    "materialize": Entry(
        f"{_CLI}.materialize:materialize", "Fetch and build days; resumes what was begun."
    ),
    "aht": Entry(f"{_CLI}.aht:aht", "Average handle time, with completeness and finality."),
    "status": Entry(f"{_CLI}.status:status", "How fresh, complete and final each org is."),
    "unblock": Entry(
        f"{_CLI}.unblock:unblock", "Forget that an org asked to stay away, and say why it did."
    ),
    "reconcile": Entry(
        f"{_CLI}.reconcile:reconcile", "Our handle time beside the orgs' own aggregates."
    ),
    "explain": Entry(
        f"{_CLI}.explain:explain", "One figure, down to sessions, conversations, raw page and job."
    ),
    "review": Entry(
        f"{_CLI}.review:review", "What waits for a person: queues, agents, rejects, drift."
    ),
    "org": Entry(f"{_CLI}.org:org", "Let an organization leave the figures, or count again."),
    "warehouse": Entry(
        f"{_CLI}.warehouse:warehouse", "Migrate the tables, see where they stand, copy them."
    ),
    "dev": Entry(f"{_CLI}.dev:dev", "Serve the Dagster UI and daemon on the configuration found."),
    "dev-production": Entry(
        f"{_CLI}.dev_production:dev_production", "Run production's processes here, emulated."
    ),
}
"""In the order of --help. A new command is one line here and one file."""


class Commands(click.Group):
    """Loads a command's module when it is called, and ends with the right status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the registry."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or return None for an unknown one."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.target.partition(":")
        return cast("click.Command", getattr(import_module(module), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of that name."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else "see --help for the list"
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run; a PlatformError becomes its message on standard error and status 1."""
        try:
            return cast("object", super().invoke(ctx))
        except PlatformError as error:
            _not_done(ctx, error)


def _not_done(ctx: click.Context, error: PlatformError) -> NoReturn:
    from aggregation_platform.observability.masking import masked_text  # --help stays fast

    click.echo(masked_text(str(error)), err=True)
    ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file [default: $AGGREGATION_PLATFORM_CONFIG, else ./platform.yaml].",
)
@click.option(
    "--log-level",
    type=click.Choice(LOG_LEVELS, case_sensitive=False),
    default="warning",
    show_default=True,
    help="Least level of the log lines on standard error.",
)
@click.version_option(package_name=PROGRAM, prog_name=PROGRAM)
@click.pass_context
def cli(ctx: click.Context, config: Path | None, log_level: str) -> None:
    """One trustworthy handle time over many Genesys Cloud organizations.

    Exit status: 0 done, 1 not done (the last line says why), 2 wrong usage.
    """
    ctx.obj = Invocation(config_path=config, log_level=log_level)


def main() -> None:
    """Run the command line of this process."""
    cli(prog_name=PROGRAM)
