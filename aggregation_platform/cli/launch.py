"""Starting Dagster's own processes on one configuration.

Belongs here: DAGSTER_HOME and its dagster.yaml, the lock that refuses a second start, signals.
Elsewhere: the commands that call it (dev.py, demo.py).
"""

from __future__ import annotations

import fcntl
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import aggregation_platform
from aggregation_platform.config.load import CONFIG_VARIABLE, child_environment, dagster_home
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.local_state.plain_folders import plain_folder
from aggregation_platform.private_files import private_folder

RECOVERY = "aggregation_platform.defs.recovery"
_LOG_LEVEL = re.compile(r"python_log_level: \w+")
_ROOT = Path(aggregation_platform.__file__).parent.parent


def home_of(config: PlatformConfig) -> Path:
    """Return DAGSTER_HOME: as the environment says, else `dagster/` in the state folder."""
    return (dagster_home() or config.state_folder / "dagster").absolute()


def _made_home(config: PlatformConfig) -> Path:
    """Return DAGSTER_HOME, made if it is missing; one of our own is its owner's alone."""
    home = home_of(config)
    if dagster_home() is None or not home.exists():
        return private_folder(home)
    return home


def prepared_environment(config: PlatformConfig, *, log_level: str = "warning") -> dict[str, str]:
    """Put dagster.yaml into DAGSTER_HOME and return the environment of Dagster's processes.

    A dagster.yaml that is already there, and differs, was changed by a person and stays.

    Args:
        config: What they serve.
        log_level: The least level of a run's events that a terminal or log file shows. The UI
            shows all of them whatever it is.

    Raises:
        ConfigurationError: If the project's dagster.yaml is not where it belongs.
    """
    source = _ROOT / "dagster.yaml"
    if not source.exists():
        raise ConfigurationError(
            f"{source} is missing; run from a checkout of the project, or set DAGSTER_HOME to a "
            "folder that has a dagster.yaml."
        )
    home = _made_home(config)
    if dagster_home() is None or not (home / "dagster.yaml").exists():
        text = source.read_text(encoding="utf-8")
        (home / "dagster.yaml").write_text(
            _LOG_LEVEL.sub(f"python_log_level: {log_level.upper()}", text), encoding="utf-8"
        )
    return child_environment(
        {
            "DAGSTER_HOME": str(plain_folder(home)),
            CONFIG_VARIABLE: str(config.file.absolute() if config.file else ""),
            "DAGSTER_DISABLE_TELEMETRY": "1",
        }
    )


@contextmanager
def only_one(config: PlatformConfig) -> Generator[None]:
    """Hold the lock of this DAGSTER_HOME: two daemons on one storage launch runs twice.

    Raises:
        ConfigurationError: If another process of ours holds it.
    """
    home = _made_home(config)
    with (home / "running.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"Dagster already runs on {home}; stop it first, or set DAGSTER_HOME to another "
                "folder. Two daemons on one storage would start runs twice."
            ) from error
        yield


def free_port(wanted: int) -> int:
    """Return the wanted loopback port, or the next free one after it.

    Raises:
        ConfigurationError: If a hundred ports in a row are taken.
    """
    for port in range(wanted, min(wanted + 100, 65_536)):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ConfigurationError(
        f"no free port from {wanted} to {wanted + 99}; pass another one with --port."
    )


def serve_ui(
    config: PlatformConfig,
    *,
    port: int,
    log_level: str = "warning",
    events_level: str | None = None,
    log: Path | None = None,
) -> int:
    """Run Dagster's webserver and daemon until interrupted; return their exit status.

    Args:
        config: What they serve.
        port: The webserver's.
        log_level: The least level of what they write.
        events_level: The same for the events of runs; None: as `log_level`.
        log: Where they write what they have to say; None: to this terminal.
    """
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "dev",
        "--workspace",
        str(_ROOT / "workspace.yaml"),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--log-level",
        log_level,
    ]
    environment = prepared_environment(config, log_level=events_level or log_level)
    recover = [sys.executable, "-m", RECOVERY]
    subprocess.run(recover, env=environment, check=True)  # noqa: S603 - our own module
    with interruptible(), log.open("wb") if log else nullcontext() as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter's dagster
            command,
            env=environment,
            cwd=config.folder.absolute(),
            stdout=output,
            stderr=subprocess.STDOUT if log else None,
        )
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            return 0
        except SystemExit:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise


def _leave(_: int, __: object) -> None:
    sys.exit(0)


@contextmanager
def interruptible() -> Generator[None]:
    """Let SIGINT and SIGTERM end us in order.

    Started in the background by a shell, a process inherits SIGINT as ignored, and `dagster dev`
    below it then survives its own end: an old daemon would go on beside the next one.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    before_term = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, before_term)
