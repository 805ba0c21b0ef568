"""What every command is given: the configuration asked for, and logs that are set up.

Belongs here: loading the configuration once per invocation. Elsewhere: the options (options.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregation_platform.config.models import PlatformConfig


@dataclass
class Invocation:
    """One call of the command line."""

    config_path: Path | None = None
    log_level: str = "warning"

    def config(self, *, require_variables: bool = True) -> PlatformConfig:
        """Load the configuration, and send log events to standard error from here on.

        Raises:
            ConfigurationError: As `load_config` does.
        """
        from aggregation_platform.config.load import load_config

        self.set_up_logs()
        return load_config(self.config_path, require_variables=require_variables)

    def set_up_logs(self) -> None:
        """Send log events to standard error."""
        from aggregation_platform.observability.logs import configure_logs

        configure_logs(level=self.log_level)
