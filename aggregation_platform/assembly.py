"""The parts, put together from one configuration: clients, warehouse, landing zone, shared state.

Belongs here: which implementation stands behind which seam, and the catalog of all tables.
Elsewhere: the parts themselves; the commands and assets that use them (cli/, defs/).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock

from aggregation_platform.clock import Clock, SystemClock
from aggregation_platform.config.load import postgres_url
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.config.rules import Rules, load_rules
from aggregation_platform.directory.tables import TABLES as DIRECTORY_TABLES
from aggregation_platform.epochs import WriteGrant
from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.facts.tables import TABLES as FACTS_TABLES
from aggregation_platform.genesys.client import GenesysClient, client_for
from aggregation_platform.genesys.retries import Heard, unheard
from aggregation_platform.genesys.transport import RequestsTransport, Transport
from aggregation_platform.identity.tables import TABLES as IDENTITY_TABLES
from aggregation_platform.journeys.tables import TABLES as JOURNEYS_TABLES
from aggregation_platform.landing.zone import LandingZone
from aggregation_platform.local_state.opening import local_state_at
from aggregation_platform.local_state.state import LocalState
from aggregation_platform.private_files import private_folder
from aggregation_platform.raw.tables import TABLES as RAW_TABLES
from aggregation_platform.rollups.tables import TABLES as ROLLUPS_TABLES
from aggregation_platform.sites.standalone import standing_grant
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.configured import warehouse_settings
from aggregation_platform.warehouse.membership import OrgsOfRules
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.ops_tables import TABLES as OPS_TABLES
from aggregation_platform.warehouse.reporting_rows import describe_for_reporting
from aggregation_platform.warehouse.reporting_tables import TABLES as REPORTING_TABLES
from aggregation_platform.warehouse.store import Warehouse

TABLES: tuple[Table, ...] = (
    *RAW_TABLES,
    *DIRECTORY_TABLES,
    *FACTS_TABLES,
    *IDENTITY_TABLES,
    *JOURNEYS_TABLES,
    *ROLLUPS_TABLES,
    *OPS_TABLES,
    *REPORTING_TABLES,
)

_BY_KEY: Mapping[str, Table] = {table.key: table for table in TABLES}


def table_of(layer: str, name: str) -> Table:
    """Return the declared table of an asset key."""
    return _BY_KEY[f"{layer}.{name}"]


def refuse_if_behind(warehouse: Warehouse) -> None:
    """Return if the warehouse has every declared table and column.

    Raises:
        SchemaMismatchError: Otherwise, with the command that helps.
    """
    lacking = [str(one) for one in warehouse.differences(TABLES) if one.declared]
    if lacking:
        raise SchemaMismatchError(
            f"the warehouse differs from this code in {len(lacking)} places, first "
            f"{lacking[0]}; run `aggregation-platform warehouse migrate`"
        )


class Assembly:
    """Everything that one process needs of one configuration. Nothing is opened before its use.

    Args:
        config: The configuration; its variables may still be missing.
        clock: Stamps and waits.
    """

    def __init__(self, config: PlatformConfig, *, clock: Clock | None = None) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.heard: Heard = unheard
        """Told when an org did not answer and is asked again; set it before the first client."""
        self._clients: dict[str, GenesysClient] = {}
        self._lock = Lock()

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse; its tables may still be missing."""
        return open_warehouse(warehouse_settings(self.config), clock=self.clock)

    @cached_property
    def grant(self) -> WriteGrant:
        """The right to write. The embedded warehouse is brought to this code's tables first.

        Raises:
            SchemaMismatchError: If Snowflake lacks a table or column; there, only an operator
                changes tables.
            FencedError: If another site holds the lease.
        """
        if self.warehouse.kind == "duckdb":
            self.warehouse.migrate(TABLES)
        else:
            refuse_if_behind(self.warehouse)
        grant = standing_grant(self.warehouse, self.config.site.name)
        describe_for_reporting(self.warehouse, self.config, grant, at=self.clock.now())
        return grant

    @cached_property
    def landing(self) -> LandingZone:
        """Where fetched pages are kept."""
        return LandingZone.open(self.config.landing.address, self.config.folder)

    @cached_property
    def local_state(self) -> LocalState:
        """What this site's processes share: rate budget, tokens, claims."""
        url = postgres_url()
        address = url.reveal() if url else self.config.state_folder / "shared.sqlite"
        return local_state_at(address, clock=self.clock)

    @cached_property
    def transport(self) -> Transport:
        """The way to every org's API."""
        return RequestsTransport(self.clock)

    @cached_property
    def rules(self) -> Rules:
        """The mapping rules.

        Raises:
            ConfigurationError: A line per mistake in the files.
        """
        return load_rules(self.config.rules, self.orgs_of_rules)

    @property
    def orgs_of_rules(self) -> OrgsOfRules:
        """The organizations that rules may name: also those that left and have stored days."""

        def stored() -> Warehouse | None:
            path = self.config.warehouse.duckdb.path
            nothing = self.config.warehouse.kind == "duckdb" and not path.exists()
            return None if nothing else self.warehouse

        return OrgsOfRules(self.config, stored)

    @cached_property
    def spool_folder(self) -> Path:
        """A folder for rows on their way, beside the other state; made when first asked for."""
        return private_folder(self.config.state_folder / "spool")

    def client(self, org: str) -> GenesysClient:
        """Return the client of an org; one for the whole process.

        Raises:
            ConfigurationError: If the org is not configured.
            MissingVariableError: If a credential's variable is not set.
        """
        with self._lock:
            if org not in self._clients:
                self._clients[org] = client_for(
                    self.config.organization(org),
                    clock=self.clock,
                    transport=self.transport,
                    state=self.local_state,
                    heard=self.heard,
                )
            return self._clients[org]
