"""Dagster's own Snowflake resource, for assets and ops beside the platform's.

Belongs here: the resource `snowflake`, from the same section of the configuration as the warehouse.
Elsewhere: the platform's own connections (warehouse/snowflake_store.py): they are kept, ended after
an error and used by commands that know no Dagster, which this resource's are not (ADR 0011).

Its library costs five times the CPU of importing Dagster, so it is imported by who asks for it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dagster as dg

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.warehouse.configured import warehouse_settings
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings

if TYPE_CHECKING:
    from dagster_snowflake import SnowflakeResource

_DESCRIPTION = "The account of warehouse.snowflake, as dagster-snowflake's SnowflakeResource."


def snowflake_resources(config: PlatformConfig) -> dict[str, dg.ResourceDefinition]:
    """Return the resource `snowflake`, if that is the warehouse; it logs in when it is used."""

    def made(_: dg.InitResourceContext) -> SnowflakeResource:
        settings = warehouse_settings(config)
        if not isinstance(settings, SnowflakeSettings):
            raise TypeError("warehouse.kind is not snowflake")
        return snowflake_resource(settings)

    if config.warehouse.kind != "snowflake":
        return {}
    return {"snowflake": dg.ResourceDefinition(made, description=_DESCRIPTION)}


def snowflake_resource(settings: SnowflakeSettings) -> SnowflakeResource:
    """Return Dagster's resource that logs in and sets its session as the warehouse does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library's own, while imported
        from dagster_snowflake import SnowflakeResource

    arguments = settings.connector_arguments()
    named: dict[str, Any] = {
        "schema": arguments.pop("schema"),
        "private_key_path": arguments.pop("private_key_file", None),
        "private_key_password": arguments.pop("private_key_file_pwd", None),
    }
    for name in _NAMED:
        named[name] = arguments.pop(name, None)
    given = {name: value for name, value in named.items() if value is not None}
    return SnowflakeResource(**given, additional_snowflake_connection_args=arguments)


_NAMED = (
    *("account", "user", "password", "authenticator", "database", "role", "warehouse"),
    *("login_timeout", "network_timeout", "paramstyle"),
)
