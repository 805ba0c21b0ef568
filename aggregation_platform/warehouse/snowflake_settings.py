"""What is needed to reach a Snowflake account.

Belongs here: the settings, and the connector's arguments made of them. Elsewhere: reading them from
the configuration (config/), using the connection (snowflake_store.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from aggregation_platform.errors import ConfigurationError

APPLICATION = "AggregationPlatform"


@dataclass(frozen=True)
class SnowflakeSettings:
    """An account, who we are in it, and how long to wait. Secrets are left out of its repr.

    Args:
        account: The account identifier, `organization-account`.
        user: The service user. Both sites use the same one, each with a key of its own.
        database: The database; it must exist.
        role: The role; the user's default without it.
        warehouse: The virtual warehouse; the user's default without it.
        private_key_path: Key-pair authentication, first choice.
        private_key_passphrase: Of that key, if it has one.
        password: A password, or a programmatic access token.
        authenticator: The connector's name of another way to log in, such as `oauth`.
        token: What that way needs.
        host: Another host than the account's, such as an emulator or a private link.
        port: Its port.
        protocol: `https`, or `http` for an emulator.
        lock_timeout_s: Seconds that a statement waits for another transaction's lock.
        network_timeout_s: Seconds until a request without an answer is given up.
        attempts: Times that a transaction is tried whole, where repeating is safe.
        spool: Folder for rows on their way; by default the system's temporary folder.
    """

    account: str
    user: str
    database: str
    role: str | None = None
    warehouse: str | None = None
    private_key_path: Path | None = None
    private_key_passphrase: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    authenticator: str | None = None
    token: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    protocol: str | None = None
    lock_timeout_s: int = 30
    network_timeout_s: int = 600
    attempts: int = 4
    spool: Path | None = None

    def connector_arguments(self) -> dict[str, object]:
        """Return what the official connector's `connect` is called with.

        Raises:
            ConfigurationError: If no way to log in is given.
        """
        given = {
            "account": self.account,
            "user": self.user,
            "database": self.database,
            "schema": "PUBLIC",
            "role": self.role,
            "warehouse": self.warehouse,
            "host": self.host,
            "port": self.port,
            "protocol": self.protocol,
            **self._credentials(),
        }
        return {
            **{name: value for name, value in given.items() if value is not None},
            "application": APPLICATION,
            "paramstyle": "qmark",
            "login_timeout": min(60, self.network_timeout_s),
            "network_timeout": self.network_timeout_s,
            "session_parameters": self._session_parameters(),
        }

    def _credentials(self) -> dict[str, object]:
        if self.private_key_path:
            return {
                "private_key_file": str(self.private_key_path),
                "private_key_file_pwd": self.private_key_passphrase,
                "authenticator": self.authenticator or "SNOWFLAKE_JWT",
            }
        if self.password or self.authenticator:
            return {
                "password": self.password,
                "authenticator": self.authenticator,
                "token": self.token,
            }
        raise ConfigurationError(
            f"warehouse.snowflake: no way to log in as {self.user}; set private_key_path, or "
            "password, or authenticator with what it needs"
        )

    def _session_parameters(self) -> dict[str, object]:
        return {
            "TIMEZONE": "UTC",
            "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
            "LOCK_TIMEOUT": self.lock_timeout_s,
            "ABORT_DETACHED_QUERY": True,
            "QUERY_TAG": json.dumps({"application": APPLICATION}),
        }
