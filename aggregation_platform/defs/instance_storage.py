"""Dagster's own storage: SQLite when embedded, PostgreSQL in production, by one dagster.yaml.

Dagster's file cannot choose: an environment variable there has no default, and `storage` takes
one backend. So the file names this class, and the class looks at the environment.
Elsewhere: the warehouse (warehouse/), which is another database.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from aggregation_platform.config.load import dagster_home, postgres_url
from aggregation_platform.config.models import DEFAULT_DATA_FOLDER
from aggregation_platform.private_files import private_folder


class InstanceStorage(DagsterStorage, ConfigurableClass):
    """Never an object itself: making one gives Dagster's own SQLite or PostgreSQL storage.

    It leans on two private modules of Dagster; defs/test_instance_storage.py holds them to it.
    """

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return the configuration it takes in dagster.yaml: none."""
        return {}

    @classmethod
    def from_config_value(  # pyright: ignore[reportIncompatibleMethodOverride]  # as Dagster's own
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003 - Dagster's signature
    ) -> DagsterStorage:
        """Make the storage that the environment asks for."""
        url = postgres_url()
        if url is None:
            return DagsterSqliteStorage(base_dir=str(_home()), inst_data=inst_data)
        from dagster_postgres import DagsterPostgresStorage

        # SQLAlchemy 2.1 reads a bare postgresql:// as psycopg 3; dagster-postgres brings psycopg2.
        return DagsterPostgresStorage(
            postgres_url=url.reveal().replace("postgresql://", "postgresql+psycopg2://", 1),
            should_autocreate_tables=True,
            inst_data=inst_data,
        )


def _home() -> Path:
    """Return DAGSTER_HOME; a command run without one keeps to where `dev` would put it.

    Every process started in the same folder then finds the same history, where Dagster's own
    default is a temporary folder for each.
    """
    home = dagster_home() or DEFAULT_DATA_FOLDER / "dagster"
    if not home.exists():
        private_folder(home)
    return home.absolute()
