"""What `check` tries of the warehouse and the landing zone.

Belongs here: whether each can be read and written. Elsewhere: the rules
(rules_check.py), what is printed (check.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

from aggregation_platform.assembly import TABLES, Assembly, refuse_if_behind
from aggregation_platform.cli.findings import Finding, found
from aggregation_platform.errors import LandingError, WarehouseError

PROBE_FOLDER = "_check"
"""No org is called that: keys begin with a letter."""


def check_warehouse(assembly: Assembly) -> Sequence[Finding]:
    """Look at the tables and the lease; a file that is not there yet must be possible."""
    return [found("warehouse", lambda: _warehouse(assembly))]


def _warehouse(assembly: Assembly) -> str:
    path = assembly.config.warehouse.duckdb.path
    if assembly.config.warehouse.kind == "duckdb":
        _try_to_write_in(path.parent)
        if not path.exists():
            return f"{path}: will be created when something is loaded"
    if assembly.warehouse.kind == "snowflake":
        refuse_if_behind(assembly.warehouse)
    lacking = assembly.warehouse.differences(TABLES)
    lease = assembly.warehouse.lease()
    site = assembly.config.site.name
    if lease is not None and lease.holder != site:
        raise WarehouseError(
            f"the lease is held by {lease.holder} (epoch {lease.epoch}), this site is {site}; "
            "it can read but not write. Change site.name if that is wrong."
        )
    where = str(path) if assembly.config.warehouse.kind == "duckdb" else "snowflake"
    tables = f"{len(TABLES)} tables" if not lacking else "tables are completed at the next load"
    return f"{where}: {tables}, epoch {lease.epoch if lease else 0}"


def _try_to_write_in(folder: Path) -> None:
    """Write a file without a name in the folder, or in the nearest one that exists."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with TemporaryFile(dir=existing) as probe:
            probe.write(b"probe")
    except OSError as error:
        raise WarehouseError(
            f"folder {existing} cannot be written ({error.strerror}); "
            "change its permissions, or warehouse.duckdb.path"
        ) from error


def check_landing(assembly: Assembly) -> Sequence[Finding]:
    """Write a small object, read it back, remove it."""
    return [found("landing", lambda: _landing(assembly))]


def _landing(assembly: Assembly) -> str:
    objects = assembly.landing.objects
    path, body = f"{PROBE_FOLDER}/{secrets.token_hex(8)}", b"probe"
    objects.put(path, body)
    try:
        if objects.get(path) != body:
            raise LandingError(
                f"{assembly.config.landing.address}: what was written does not read back the same; "
                "check the store's consistency and any proxy in between"
            )
    finally:
        objects.delete([path])
    return f"{assembly.config.landing.address}: written, read and removed"
