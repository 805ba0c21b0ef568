"""Reporting views: which files there are.

Belongs here: reading `views/*.sql` in order of their names. A file is written once for both
warehouses (dialects.py spells it); each statement of it can be repeated.
Elsewhere: making them (schema_changes.py), the tables that they need beside the layers'
(reporting_tables.py).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class View:
    """One file of views."""

    file_name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def views_beside(migrations: Path) -> tuple[View, ...]:
    """Return the files in the folder `views` beside that of the migrations."""
    files = sorted((migrations.parent / "views").glob("*.sql"))
    return tuple(View(file.name, file.read_text(encoding="utf-8")) for file in files)
