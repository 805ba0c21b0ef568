"""`demo`: the whole promise in one command, without credentials.

Belongs here: the order of the showing. Elsewhere: the simulated orgs (simulator/), the work itself
(materialize.py), the question (aht.py), the UI (launch.py).
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import click

from aggregation_platform.cli.documents import hours, minutes, print_table
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.launch import free_port, only_one, prepared_environment, serve_ui
from aggregation_platform.cli.materialize import command_line
from aggregation_platform.cli.options import Days, pass_invocation, ui_port_option
from aggregation_platform.clock import SystemClock
from aggregation_platform.errors import PlatformError
from aggregation_platform.private_files import private_folder

if TYPE_CHECKING:
    from aggregation_platform.config.models import PlatformConfig
    from aggregation_platform.simulator.server import Simulator

ORGS = ("us", "emea", "apac")
SIMULATOR_PORT = 8600
DAYS_AHEAD = 31
"""How long the simulated orgs go on working, for a demo that is left running."""


@click.command()
@click.option("--no-ui", is_flag=True, help="Stop after printing.")
@ui_port_option
@click.option(
    "--conversations-per-day",
    type=click.IntRange(0),
    default=2000,
    show_default=True,
    help="Of each org.",
)
@click.option("--seed", default=1, show_default=True, help="Another seed, another world.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/demo"),
    show_default=True,
    help="Everything the demo writes; emptied first.",
)
@pass_invocation
def demo(
    invocation: Invocation,
    no_ui: bool,  # noqa: FBT001 - a flag of the command line
    port: int,
    conversations_per_day: int,
    seed: int,
    folder: Path,
) -> None:
    """Start three simulated orgs, fill two days, print the global AHT, serve the Dagster UI."""
    invocation.set_up_logs()
    days = last_two_days()
    with simulated(days, conversations_per_day, seed) as simulator:
        config = fresh_configuration(simulator, folder.absolute())
        with only_one(config):
            _say(f"{len(ORGS)} simulated organizations at {simulator.url}; {days}")
            fill(config, days, prepared_environment(config))
            show(config, days, truth_at(simulator.url, days))
            if no_ui:
                _say(f"\nAsk more:\n  {question(config, days)}")
            else:
                chosen = free_port(port)
                log = folder.absolute() / "dagster.log"
                _say(f"\nDagster UI: http://127.0.0.1:{chosen}   (Ctrl-C stops everything)")
                _say(f"Ask more in another terminal:\n  {question(config, days)}")
                _say(f"What Dagster says meanwhile goes to {log}")
                sys.exit(serve_ui(config, port=chosen, events_level="debug", log=log))


def last_two_days() -> Days:
    """Return the days that are filled before anything is shown: yesterday and the day before."""
    yesterday = SystemClock().now().date() - timedelta(days=1)
    return Days(yesterday - timedelta(days=1), yesterday)


def simulated(days: Days, conversations_per_day: int, seed: int) -> Simulator:
    """Return the simulated orgs of the demo; a context manager that serves them.

    They work on while it runs: the running day fills up with the clock. Their lake does not lag,
    so that the two days are complete at any hour.
    """
    from aggregation_platform.simulator.options import SimulatorOptions
    from aggregation_platform.simulator.server import Simulator

    return Simulator(
        SimulatorOptions(
            orgs=ORGS,
            first_day=days.first,
            days=(days.last - days.first).days + 1 + DAYS_AHEAD,
            conversations_per_day=conversations_per_day,
            seed=seed,
            live=True,
            watermark_lag_minutes=0,
            port=free_port(SIMULATOR_PORT),
        )
    )


def fresh_configuration(simulator: Simulator, folder: Path) -> PlatformConfig:
    """Empty the demo's folder and write a configuration for the simulated orgs into it."""
    from aggregation_platform.config.load import load_config

    marker = folder / ".demo"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise PlatformError(
            f"{folder} is not empty and not the demo's; pass another one with --folder."
        )
    if marker.exists():
        with only_one(load_config(folder / "platform.yaml")):
            shutil.rmtree(folder)
    private_folder(folder)
    marker.touch()
    return load_config(simulator.write_platform_files(folder))


def fill(config: PlatformConfig, days: Days, environment: Mapping[str, str]) -> None:
    """Materialize the days in a process of its own.

    Raises:
        PlatformError: If it was not done.
    """
    command = command_line(str(config.file), days, config.orgs)
    ended = subprocess.run(command, env=environment, check=False)  # noqa: S603
    if ended.returncode:
        raise PlatformError(
            "the days could not be filled; the lines above say why. Run the same command again."
        )


def question(config: PlatformConfig, days: Days) -> str:
    """Return a command that asks the demo's warehouse for more, from any folder."""
    asked = ["aht", "--from", str(days.first), "--to", str(days.last), "--by", "org,global_queue"]
    return shlex.join([str(Path(sys.argv[0]).absolute()), "--config", str(config.file), *asked])


def truth_at(url: str, days: Days) -> Mapping[str, Any]:
    """Ask the simulator what is true; it counts from its own world."""
    address = f"{url}/control/truth?from={days.first}&to={days.last}"
    with urlopen(address, timeout=60) as reply:  # noqa: S310 - our own loopback address
        return json.load(reply)


def show(config: PlatformConfig, days: Days, truth: Mapping[str, Any]) -> None:
    """Print each org's AHT and the world's beside the truth; they are equal or it is an error."""
    from aggregation_platform.assembly import Assembly
    from aggregation_platform.cli.aht import ask

    found = ask(Assembly(config).warehouse, config, days, ("org",))
    true_rows = {row["org"]: row for row in truth["rows"]}
    wrong: list[str] = []
    rows = [
        _line(config.organization(row["org"]).name, row, true_rows[row["org"]], wrong)
        for row in found.rows.iter_rows(named=True)
    ]
    total = _line("All organizations", found.total.row(0, named=True), truth["total"], wrong)
    _say("")
    print_table(
        ("organization", "AHT", "handled", "handle time", "finality", "simulator's truth"),
        rows,
        numbers=("AHT", "handled", "handle time"),
        total=total,
    )
    if wrong:
        raise PlatformError(f"not equal to the simulator's truth: {', '.join(wrong)}.")
    _say(f"Equal to the simulator's truth, to the millisecond, for {days}.")


def _line(
    name: str, found: Mapping[str, Any], true: Mapping[str, Any], wrong: list[str]
) -> list[str]:
    equal = all(found[key] == true[key] for key in ("handled_count", "handle_ms"))
    if not equal:
        wrong.append(name)
    return [
        name,
        minutes(found["aht_ms"]),
        f"{found['handled_count']:,}",
        hours(found["handle_ms"]),
        found["finality"],
        f"{true['handle_ms']:,} ms / {true['handled_count']:,} {'=' if equal else '≠'}",
    ]


def _say(line: str) -> None:
    click.echo(line, err=True)
