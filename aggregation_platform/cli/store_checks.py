"""What `check` tries of the warehouse and the landing zone.

Belongs here: whether each can be read and written. Elsewhere: the rules
(rules_check.py), what is printed (check.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryFile

from aggregation_platform.assembly import TABLES, Assembly, refuse_if_behind
from aggregation_platform.cli.findings import Finding, found
from aggregation_platform.errors import ConfigurationError, LandingError, WarehouseError
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.ops_tables import DAY_MEMBERS, RETIREMENTS
from aggregation_platform.warehouse.reporting_tables import ORGANIZATIONS

PROBE_FOLDER = "_check"
"""No org is called that: keys begin with a letter."""


def check_keys(assembly: Assembly) -> Sequence[Finding]:
    """Look for an organization that is stored under another key than it is configured with."""

    def look() -> str:
        members = known_members(assembly.warehouse, assembly.config)
        for entry in assembly.config.organizations:
            for other in members.left:
                twin = members.twin(entry.org, max(entry.first_day, other.stored_from or date.max))
                if twin is not None:
                    raise ConfigurationError(
                        f"{entry.org} and {twin.org} have the same organization_id, and days until "
                        f"{twin.stored_to} are stored as {twin.org}: they would count twice, so "
                        f"they are not fetched as {entry.org}. Give the entry its key {twin.org} "
                        f"back, or move first_day of {entry.org} after {twin.stored_to}"
                    )
        left = ", ".join(f"{each.org} until {each.last_day}" for each in members.left)
        return f"left: {left}" if left else "each organization is stored under its own key"

    path = assembly.config.warehouse.duckdb.path
    if assembly.config.warehouse.kind == "duckdb" and not path.exists():
        return []
    if assembly.warehouse.differences([DAY_MEMBERS, RETIREMENTS, ORGANIZATIONS]):
        return []  # the line of the warehouse says that tables are missing
    return [found("keys", look)]


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
