"""`dev-production`: production's processes on this machine, without an account.

Belongs here: the order of the showing, and the processes it starts: a PostgreSQL of its own, an
emulator of Snowflake, the code server, the daemon, the webserver. Elsewhere: the simulated orgs
and the table that is printed (demo.py), production itself (docs/production.md).

Needs PostgreSQL's server programs (Debian: postgresql) and the development dependencies.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import Request, urlopen

import click
import yaml

from aggregation_platform.cli.demo import (
    fill,
    fresh_configuration,
    last_two_days,
    show,
    simulated,
    truth_at,
)
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.launch import free_port, interruptible, only_one, prepared_environment
from aggregation_platform.cli.options import pass_invocation, ui_port_option
from aggregation_platform.cli.own_postgres import own_postgres
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.load import POSTGRES_VARIABLE, load_config
from aggregation_platform.errors import PlatformError
from aggregation_platform.private_files import private_folder

if TYPE_CHECKING:
    from aggregation_platform.config.models import PlatformConfig

PORTS = {"postgres": 8650, "emulator": 8660, "code": 8670}
"""The first port that each is tried on."""

STARTS_WITHIN_S = 180.0
ENDS_WITHIN_S = 10.0
_EVERY_S = 0.5
FENCED_WITHIN_S = 5
"""The emulator answers the later of two writers with HTTP 500, which the connector would repeat for
ten minutes before the platform writes again; Snowflake lets it wait for the lock."""

_LOCATION = "aggregation_platform"


@click.command("dev-production")
@click.option("--once", is_flag=True, help="Stop when everything has come up.")
@ui_port_option
@click.option(
    "--conversations-per-day",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="Of each org.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/dev-production"),
    show_default=True,
    help="Everything it writes; emptied first.",
)
@pass_invocation
def dev_production(
    invocation: Invocation,
    once: bool,  # noqa: FBT001 - a flag of the command line
    port: int,
    conversations_per_day: int,
    folder: Path,
) -> None:
    """Run production's processes here: PostgreSQL, a Snowflake emulator, three of Dagster."""
    invocation.set_up_logs()
    _refuse_without_emulator()
    days, folder = last_two_days(), folder.absolute()
    with ExitStack() as running:
        running.enter_context(interruptible())
        simulator = running.enter_context(simulated(days, conversations_per_day, 1))
        emulator = free_port(PORTS["emulator"])
        config = _on_snowflake(fresh_configuration(simulator, folder), emulator)
        running.enter_context(only_one(config))
        url = running.enter_context(
            own_postgres(folder / "postgres", port=free_port(PORTS["postgres"]))
        )
        environment = prepared_environment(config) | {POSTGRES_VARIABLE: url}
        python = [sys.executable, "-m"]
        logs = _Logs(folder / "logs", environment)
        running.enter_context(
            logs.started("emulator", [*python, "fakesnow", "-s", "-p", str(emulator)])
        )
        _say(f"Dagster's storage: {url}\nSnowflake, emulated: http://127.0.0.1:{emulator}")
        _await_answer(f"http://127.0.0.1:{emulator}/monitoring/ping")
        _migrate(config, environment)
        fill(config, days, environment)
        show(config, days, truth_at(simulator.url, days))
        ui = _serve(running, logs, folder, free_port(port))
        _say(f"\nDagster UI: {ui}   (logs in {logs.folder}; Ctrl-C stops everything)")
        if not once:
            with suppress(KeyboardInterrupt):
                logs.await_any_end()


def _refuse_without_emulator() -> None:
    if find_spec("fakesnow") is None:
        raise PlatformError("the Snowflake emulator is not installed; run `make setup` first.")


def _on_snowflake(config: PlatformConfig, port: int) -> PlatformConfig:
    """Write the warehouse in the emulator into the configuration, and read it again."""
    file = config.folder / "platform.yaml"
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    written["warehouse"] = {
        "kind": "snowflake",
        "snowflake": {
            "account": "emulated",
            "user": "writer",
            "password": "emulated",
            "role": "AGGREGATION_PLATFORM_WRITER",
            "warehouse": "AGGREGATION_PLATFORM",
            "database": "CONTACT_CENTER",
            "host": "127.0.0.1",
            "port": port,
            "protocol": "http",
            "network_timeout_seconds": FENCED_WITHIN_S,
        },
    }
    file.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    return load_config(file)


def _migrate(config: PlatformConfig, environment: Mapping[str, str]) -> None:
    program = Path(sys.executable).with_name("aggregation-platform")
    command = [str(program), "warehouse", "migrate", "--config", str(config.file)]
    if subprocess.run(command, env=environment, check=False, stdout=sys.stderr).returncode:  # noqa: S603 - our own
        raise PlatformError("the tables could not be made; the lines above say why.")


def _serve(running: ExitStack, logs: _Logs, folder: Path, port: int) -> str:
    """Start code server, daemon and webserver; return the UI's address once it answers."""
    code = free_port(PORTS["code"])
    server = {"host": "127.0.0.1", "port": code, "location_name": _LOCATION}
    workspace = folder / "workspace.yaml"
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    bound = ["-h", "127.0.0.1", "-p", str(code)]
    module = ["-m", "aggregation_platform.definitions"]
    running.enter_context(
        logs.started("code-server", [_program("dagster"), "api", "grpc", *module, *bound])
    )
    daemon = [_program("dagster-daemon"), "run", "-w", str(workspace)]
    running.enter_context(logs.started("daemon", daemon))
    webserver = [_program("dagster-webserver"), "-w", str(workspace), "-h", "127.0.0.1"]
    running.enter_context(logs.started("webserver", [*webserver, "-p", str(port)]))
    ui = f"http://127.0.0.1:{port}"
    _await_answer(f"{ui}/server_info")
    _await_location(ui)
    return ui


def _await_location(ui: str) -> None:
    """Wait until the webserver has the code server's definitions."""
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    clock = SystemClock()
    until = clock.monotonic() + STARTS_WITHIN_S
    while clock.monotonic() < until:
        body = json.dumps({"query": query}).encode()
        reply = _answer(f"{ui}/graphql", body)
        if b'"nodes": [{' in reply or b'"nodes":[{' in reply:
            return
        clock.sleep(_EVERY_S)
    raise PlatformError("the code server did not give its definitions; look at logs/code-server.")


def _await_answer(url: str) -> None:
    clock = SystemClock()
    until = clock.monotonic() + STARTS_WITHIN_S
    while clock.monotonic() < until:
        if _answer(url):
            return
        clock.sleep(_EVERY_S)
    raise PlatformError(f"nothing answers at {url}; look at the logs.")


def _answer(url: str, body: bytes | None = None) -> bytes:
    """Return what a process answers; nothing while it does not."""
    request = Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - our own loopback address
    try:
        with urlopen(request, timeout=10) as reply:  # noqa: S310 - as above
            return reply.read() or b"-"
    except URLError as error:
        return b"" if error.args and not hasattr(error, "code") else b"-"
    except OSError:
        return b""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, and then whatever runs on in its session, such as a run's worker."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDS_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _say(line: str) -> None:
    click.echo(line, err=True)


class _Logs:
    """Processes that write into a log of their own, and end with us."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        private_folder(folder)

    @contextmanager
    def started(self, name: str, command: list[str]) -> Generator[None]:
        """Run a process until we leave; an interruption of the terminal does not reach it."""
        with (
            (self.folder / name).open("wb") as log,
            subprocess.Popen(  # noqa: S603 - our own environment's programs
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            self._running[name] = process
            try:
                yield
            finally:
                del self._running[name]
                _end(process)

    def await_any_end(self) -> None:
        """Wait until one of the processes ends.

        Raises:
            PlatformError: When it does; they run until we end them.
        """
        clock = SystemClock()
        while True:
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise PlatformError(f"{name} has ended; look at {self.folder / name}.")
            clock.sleep(1)
