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

    def config_to_read(self) -> PlatformConfig:
        """Load the configuration for a command that asks no organization for anything.

        No variable has to be set for it. A value whose variable is missing fails where it is
        used, with the same message: the warehouse's account, or the address of the landing zone.

        Raises:
            ConfigurationError: As `load_config` does.
        """
        return self.config(require_variables=False)

    def set_up_logs(self) -> None:
        """Send log events to standard error."""
        from aggregation_platform.observability.logs import configure_logs

        configure_logs(level=self.log_level)
