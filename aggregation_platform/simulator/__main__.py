"""The simulator as a process: `python -m aggregation_platform.simulator --port 0`.

Belongs here: options of the command line; one line of JSON with the URL, then serving until the
process is told to stop.
"""

import json
import signal
import sys
import threading
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import click

from aggregation_platform.simulator.faults import Fault
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.profiles import org_keys
from aggregation_platform.simulator.server import Simulator


@click.command()
@click.option("--port", type=int, default=8600, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--orgs", default="3", show_default=True, help="A number, or us,emea,...")
@click.option("--first-day", default="2026-01-05", show_default=True)
@click.option("--days", type=int, default=2, show_default=True)
@click.option("--conversations-per-day", type=int, default=200, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--option", "more", multiple=True, help="Any other option: malformed_rate=0.01")
@click.option("--fault", "faults", multiple=True, help='JSON: {"kind":"slow","seconds":2}')
@click.option("--write", "directory", type=click.Path(path_type=Path), help="Write platform.yaml.")
def main(**given: Any) -> None:  # noqa: ANN401 - click hands over what was typed
    """Serve simulated organisations until stopped."""
    orgs = str(given["orgs"])
    options = SimulatorOptions(
        orgs=org_keys(int(orgs)) if orgs.isdecimal() else tuple(orgs.split(",")),
        first_day=date.fromisoformat(given["first_day"]),
        days=given["days"],
        conversations_per_day=given["conversations_per_day"],
        seed=given["seed"],
        host=given["host"],
        port=given["port"],
        **_more(given["more"]),
    )
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with Simulator(options) as simulator:
        for text in given["faults"]:
            simulator.faults.add(Fault(**json.loads(text)))
        told = {"url": simulator.url, "orgs": list(options.orgs)}
        if given["directory"]:
            told["config"] = str(simulator.write_platform_files(given["directory"].absolute()))
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        stopped.wait()


def _more(pairs: tuple[str, ...]) -> dict[str, Any]:
    known = {field.name for field in fields(SimulatorOptions)}
    read: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in known:
            raise click.UsageError(f"--option {name}: known are {', '.join(sorted(known))}")
        read[name] = json.loads(value)
    return read


if __name__ == "__main__":
    main()
