"""Reading the configuration and the environment: the only module that does.

Belongs here: finding platform.yaml, loading it as a whole, and every other variable the platform
reads. Elsewhere: what the keys mean (models.py), the rules files (rules.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aggregation_platform.clock import SystemClock
from aggregation_platform.config import mistakes
from aggregation_platform.config.deferred import ONE_LINE, Secret, has_control_character
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.config.text_files import read_text
from aggregation_platform.config.variables import Substitution, dotted, missing_line, substitute
from aggregation_platform.config.yaml_text import read_yaml
from aggregation_platform.errors import ConfigurationError, MissingVariableError

CONFIG_VARIABLE = "AGGREGATION_PLATFORM_CONFIG"
POSTGRES_VARIABLE = "AGGREGATION_PLATFORM_POSTGRES_URL"
DAGSTER_HOME_VARIABLE = "DAGSTER_HOME"
DEFAULT_FILE = Path("platform.yaml")


def load_config(
    path: Path | None = None,
    *,
    require_variables: bool = True,
    today: date | None = None,
    environment: Mapping[str, str] | None = None,
) -> PlatformConfig:
    """Read and check the whole configuration.

    Args:
        path: The file; None: as `find_config` finds it.
        require_variables: Fail at once when a named variable is not set. False lets
            credentials, the Snowflake account and the address of the landing zone wait until
            they are revealed.
        today: The present UTC day; None: the system clock's.
        environment: Names to values; None: the process's own.

    Raises:
        MissingVariableError: If nothing is wrong but that variables are not set.
        ConfigurationError: Every mistake on a line of its own: file, path, value, remedy.
    """
    variables = os.environ if environment is None else environment
    file = find_config(path, environment=variables)
    written = read_yaml(read_text(file), file=str(file))
    found = substitute(written, variables, file=str(file), defer=not require_variables)
    folder = file.absolute().parent
    context = {"folder": folder, "today": today or SystemClock().now().date()}
    config = _validated(written, found, context, str(file))
    return config.read_from(folder / file.name)


def find_config(path: Path | None = None, *, environment: Mapping[str, str] | None = None) -> Path:
    """Return the configuration file: as given, else as the variable says, else ./platform.yaml.

    Raises:
        ConfigurationError: If there is no file where it should be.
    """
    variables = os.environ if environment is None else environment
    if path is not None:
        return _existing(path, "the file named by --config does not exist; correct the path")
    named = variables.get(CONFIG_VARIABLE)
    if named:
        remedy = f"the file named by {CONFIG_VARIABLE} does not exist; correct the variable"
        return _existing(Path(named), remedy)
    if DEFAULT_FILE.exists():
        return DEFAULT_FILE
    raise ConfigurationError(
        f"no configuration found: looked at --config, at {CONFIG_VARIABLE} and at ./platform.yaml; "
        "copy platform.example.yaml to platform.yaml, or run `aggregation-platform simulate "
        "--write platform.yaml` for simulated organizations; the demo's is data/demo/platform.yaml."
    )


def _existing(path: Path, remedy: str) -> Path:
    try:
        exists = path.exists()
    except OSError:  # a path that is no path, such as one of 5000 characters
        exists = False
    if not exists:
        raise ConfigurationError(f"{path}: {remedy}.")
    return path


def _validated(
    written: dict[str, Any], found: Substitution, context: dict[str, Any], file: str
) -> PlatformConfig:
    """Validate the tree, and gather what the substitution and the models found wrong."""
    unset = [missing_line(file, path, name) for path, name in found.missing]
    malformed = [
        f"{file}: {dotted(path)}: `${{` must be followed by a name and `}}`; "
        "write $${ for the characters themselves"
        for path in found.malformed
    ]
    known = {path for path, _ in found.missing} | set(found.malformed)
    wrong: list[str] = []
    config: PlatformConfig | None = None
    try:
        config = PlatformConfig.model_validate(found.tree, context=context)
    except ValidationError as error:
        wrong = mistakes.lines(error, written, file=file, known=known)
    if malformed or wrong:
        raise ConfigurationError("\n".join([*malformed, *unset, *wrong]))
    if unset or config is None:
        raise MissingVariableError("\n".join(unset))
    return config


def postgres_url(environment: Mapping[str, str] | None = None) -> Secret | None:
    """Return where Dagster's storage and the shared state live in production; None: embedded.

    Raises:
        ConfigurationError: If the variable holds more than one line.
    """
    variables = os.environ if environment is None else environment
    url = variables.get(POSTGRES_VARIABLE, "").strip()
    if has_control_character(url):
        raise ConfigurationError(f"{POSTGRES_VARIABLE}: the value (not shown): {ONE_LINE}.")
    return Secret(url) if url else None


def dagster_home(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return Dagster's home folder as the environment names it; None: not set."""
    variables = os.environ if environment is None else environment
    home = variables.get(DAGSTER_HOME_VARIABLE)
    return Path(home).expanduser() if home else None


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a process we start: ours, and what is given on top."""
    return {**os.environ, **extra}
