"""The settings of the warehouse that a configuration names.

Belongs here: from the models of config/ to the settings of either warehouse. Elsewhere: the keys
(config/models.py), opening a warehouse of its settings (opening.py).
"""

from __future__ import annotations

from aggregation_platform.config.deferred import Deferred
from aggregation_platform.config.models import PlatformConfig, SnowflakeConfig
from aggregation_platform.errors import ConfigurationError, MissingVariableError
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings


def warehouse_settings(config: PlatformConfig) -> DuckDBSettings | SnowflakeSettings:
    """Return the settings of what `warehouse.kind` says.

    Raises:
        MissingVariableError: If a value's environment variable is not set.
        ConfigurationError: If the private key's file does not exist.
    """
    if config.warehouse.kind == "duckdb" or config.warehouse.snowflake is None:
        return DuckDBSettings(path=config.warehouse.duckdb.path)
    return _snowflake(config, config.warehouse.snowflake)


def _snowflake(config: PlatformConfig, given: SnowflakeConfig) -> SnowflakeSettings:
    _refuse_if_missing(given)
    key = _revealed(given.private_key_path)
    settings = SnowflakeSettings(
        account=given.account.reveal(),
        user=given.user.reveal(),
        database=given.database.reveal(),
        role=given.role.reveal(),
        warehouse=given.warehouse.reveal(),
        private_key_path=config.folder / key if key else None,
        private_key_passphrase=_revealed(given.private_key_passphrase),
        password=_revealed(given.password),
        authenticator=given.authenticator,
        token=_revealed(given.token),
        host=_revealed(given.host),
        port=given.port,
        protocol=given.protocol,
        network_timeout_s=given.network_timeout_seconds,
        spool=config.state_folder / "spool",
    )
    if settings.private_key_path and not settings.private_key_path.is_file():
        raise ConfigurationError(
            f"warehouse.snowflake.private_key_path: there is no file {settings.private_key_path}; "
            "put the private key there, or correct the path"
        )
    return settings


def _refuse_if_missing(given: SnowflakeConfig) -> None:
    """Return if every variable of the section is set.

    Raises:
        MissingVariableError: Otherwise, with a line for each.
    """
    values = [getattr(given, name) for name in SnowflakeConfig.model_fields]
    lines = [each.missing for each in values if isinstance(each, Deferred) and each.missing]
    if lines:
        raise MissingVariableError("\n".join(lines))


def _revealed(value: Deferred | None) -> str | None:
    return value.reveal() if value else None
