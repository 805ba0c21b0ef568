"""Numbered migrations: which files there are, and which of them a database still lacks.

Belongs here: reading `migrations/NNNN_title.sql` and deciding what to apply. A file is written
once for both warehouses (dialects.py spells it). Each statement of it must be repeatable
(`if not exists`): Snowflake commits every one of them by itself, so a migration can stop half way.
Elsewhere: applying them (sql_store.py), making their text from declared tables (ddl.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aggregation_platform.errors import WarehouseError

FOLDER = Path(__file__).parent / "migrations"

_NAME = re.compile(r"(?P<number>\d{4})_(?P<title>[a-z0-9_]+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One file: its number, its title, its text in the spelling of files."""

    number: int
    title: str
    sql: str

    @property
    def file_name(self) -> str:
        """NNNN_title.sql."""
        return f"{self.number:04d}_{self.title}.sql"

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Read the files in order of their numbers.

    Raises:
        WarehouseError: If a file is not named NNNN_title.sql or a number is missing or twice.
    """
    migrations = sorted(
        (_read(path) for path in folder.glob("*.sql")), key=lambda migration: migration.number
    )
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise WarehouseError(f"migrations in {folder} are numbered {numbers}; count from 1 up")
    return tuple(migrations)


def pending(migrations: Sequence[Migration], applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """Return what is still to be applied.

    Args:
        migrations: What this code knows.
        applied: Number and checksum of what the database says was applied.

    Raises:
        WarehouseError: If the database is newer than this code, or a file was changed after it
            was applied.
    """
    newest = len(migrations)
    if (found := max(applied, default=0)) > newest:
        raise WarehouseError(
            f"the warehouse is at migration {found}, this code knows {newest}; "
            "deploy the newer code, do not write with this one"
        )
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise WarehouseError(
                f"{migration.file_name} was changed after it was applied; undo the change and "
                "put it in a migration of its own"
            )
    return tuple(migration for migration in migrations if migration.number not in applied)


def _read(path: Path) -> Migration:
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise WarehouseError(f"{path.name} is not named NNNN_title.sql")
    return Migration(int(named["number"]), named["title"], path.read_text(encoding="utf-8"))
