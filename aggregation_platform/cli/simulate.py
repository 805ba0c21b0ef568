"""`simulate`: organizations to run against on one's own machine.

Belongs here: the options, the file for --write, serving until told to stop.
Elsewhere: the simulated world and its server (simulator/).
"""

from __future__ import annotations

import errno
import json
import signal
import threading
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import click

from aggregation_platform.cli.options import Day
from aggregation_platform.cli.progress import progress
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.simulator.faults import KINDS, Fault
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.platform_file import write_rules
from aggregation_platform.simulator.profiles import org_keys
from aggregation_platform.simulator.server import Simulator

LOOPBACK = "http://127.0.0.1:"
_FAULT_FIELDS = tuple(field.name for field in fields(Fault) if field.name != "kind")


class FaultText(click.ParamType[Fault]):
    """A fault as KIND or KIND:name=value,name=value."""

    name = "fault"

    def convert(
        self, value: str | Fault, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fault:
        """Read the fault, or fail as wrong usage."""
        if isinstance(value, Fault):
            return value
        kind, _, rest = value.partition(":")
        if kind not in KINDS:
            self.fail(f"no fault {kind!r}; {did_you_mean(kind, KINDS)}", param, ctx)
        settings: dict[str, Any] = {}
        for pair in filter(None, rest.split(",")):
            name, separator, text = pair.partition("=")
            if name not in _FAULT_FIELDS or not separator:
                self.fail(f"{pair!r} is not name=value with one of {', '.join(_FAULT_FIELDS)}")
            settings[name] = _number_or_text(text)
        try:
            return Fault(kind=kind, **settings)
        except (TypeError, ValueError) as error:
            self.fail(str(error), param, ctx)


class Orgs(click.ParamType[tuple[str, ...]]):
    """A number of orgs, or their keys separated by commas."""

    name = "orgs"

    def convert(
        self,
        value: str | tuple[str, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        """Return the keys, or fail as wrong usage."""
        if isinstance(value, tuple):
            return value
        if not value.isdecimal():
            return tuple(part.strip() for part in value.split(","))
        if not 1 <= int(value) <= 1000:
            self.fail("use a number from 1 to 1000, or keys such as us,emea", param, ctx)
        return org_keys(int(value))


def _fault_help() -> str:
    return (
        "Switch a fault on, repeatable: KIND[:org=us,probability=0.1,remaining=5,...]. Kinds: "
        + (", ".join(KINDS))
    )


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8600, show_default=True, help="0: a free one."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same world.")
@click.option(
    "--orgs", type=Orgs(), default="3", show_default=True, help="A number, or keys: us,emea."
)
@click.option("--first-day", type=Day(), default="2026-01-05", show_default=True)
@click.option("--days", type=click.IntRange(1, 3700), default=2, show_default=True)
@click.option(
    "--conversations-per-day",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Per org.",
)
@click.option(
    "--novelties-from",
    type=Day(),
    help="From this day on, records have an attribute, a metric, a medium and an object that none "
    "had before.",
)
@click.option(
    "--late-midnight-metrics",
    is_flag=True,
    help="The last calls of a day emit their handle time just after midnight, or exactly at it.",
)
@click.option(
    "--exclusive-interval-start",
    is_flag=True,
    help="A job leaves out what ended exactly at the start of its interval.",
)
@click.option("--live", is_flag=True, help="Nothing past the clock exists yet.")
@click.option("--fault", "faults", type=FaultText(), multiple=True, help=_fault_help())
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Write a matching platform.yaml, and its rules beside it.",
)
def simulate(
    port: int,
    seed: int,
    orgs: tuple[str, ...],
    first_day: date,
    days: int,
    conversations_per_day: int,
    novelties_from: date | None,
    late_midnight_metrics: bool,  # noqa: FBT001 - click's flag
    exclusive_interval_start: bool,  # noqa: FBT001 - click's flag
    live: bool,  # noqa: FBT001 - click's flag
    faults: tuple[Fault, ...],
    write: Path | None,
) -> None:
    """Serve simulated organizations until interrupted.

    Faults can also be switched on and off while it runs: GET /control/faults tells of each kind and
    what is on, POST {"kind": "down", "org": "us"} to it switches one on, DELETE all of them off.
    """
    options = SimulatorOptions(
        orgs=orgs,
        first_day=first_day,
        days=days,
        conversations_per_day=conversations_per_day,
        seed=seed,
        port=port,
        novelties_from=novelties_from,
        late_midnight_metrics=late_midnight_metrics,
        exclusive_interval_start=exclusive_interval_start,
        live=live,
    )
    if write is not None:
        _refuse_to_overwrite(write)
    with progress("building the simulated world"):
        simulator = _started(options)
    try:
        for fault in faults:
            simulator.faults.add(fault)
        _announce(simulator, _written(simulator, write))
        _wait_for_the_end()
    finally:
        simulator.stop()


def _started(options: SimulatorOptions) -> Simulator:
    try:
        return Simulator(options).start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise ConfigurationError(
            f"port {options.port} is taken; pass --port 0 for a free one, or end what uses it."
        ) from error


def _announce(simulator: Simulator, config: Path | None) -> None:
    days = simulator.options.simulated_days
    click.echo(f"{', '.join(simulator.options.orgs)} at {simulator.url}, {days[0]} to {days[-1]}")
    if config is not None:
        click.echo(f"configuration: {config}")
        click.echo(
            f"try: aggregation-platform --config {config} "
            f"materialize --from {days[0]} --to {_last_begun(days)}"
        )
    click.echo("serving until interrupted (Ctrl-C)", err=True)


def _last_begun(days: Sequence[date]) -> date:
    """Return the last day that materialize takes; the first, if none has begun."""
    today = SystemClock().now().date()
    return max(days[0], min(days[-1], today))


def _written(simulator: Simulator, path: Path | None) -> Path | None:
    """Write the configuration at exactly that path, and its rules beside it."""
    if path is None:
        return None
    target = _file_of(path).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    write_rules(simulator.world, target.parent / "rules")
    target.write_text(simulator.platform_yaml(target.parent), encoding="utf-8")
    return target


def _file_of(path: Path) -> Path:
    return path if path.suffix in (".yaml", ".yml") else path / "platform.yaml"


def _refuse_to_overwrite(path: Path) -> None:
    """Keep a configuration of real organizations: it may be the only copy."""
    target = _file_of(path)
    if not target.exists():
        return
    addresses = [
        line.partition(":")[2].strip()
        for line in target.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith(("api_url:", "login_url:"))
    ]
    if not addresses or not all(address.startswith(LOOPBACK) for address in addresses):
        raise ConfigurationError(
            f"{target} exists and was not written by the simulator; "
            "name another file with --write, or move that one away."
        )


def _number_or_text(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text


def _wait_for_the_end() -> None:
    ended = threading.Event()

    def end(*_: object) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    ended.wait()
