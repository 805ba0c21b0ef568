"""The warehouse as everyone above it knows it.

Belongs here: the Warehouse protocol and the values that go in and out of it.
Elsewhere: its two implementations (duckdb_store.py, snowflake_store.py), the tables that it keeps
about its own work (ops_tables.py), opening one from settings (opening.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

import polars as pl

from aggregation_platform.epochs import PLATFORM_SCOPE, Epoch, WriteGrant
from aggregation_platform.intervals import Interval
from aggregation_platform.tables import Partition, Table

Finality = Literal["provisional", "complete", "final"]
"""How settled a partition is: before the source's watermark, behind it, behind its re-reads."""

Parameter = str | int | float | bool | datetime | object
"""A value bound to a `?` of a statement. An aware datetime is bound as UTC."""


@dataclass(frozen=True)
class WriteStamp:
    """What the partition log says of a write, beside the rows.

    Args:
        run_id: Dagster's run, or the command that wrote.
        finality: How settled the rows are.
        written_at: The instant of the write, UTC.
    """

    run_id: str
    finality: Finality
    written_at: datetime


@dataclass(frozen=True)
class LedgerEntry:
    """One extraction of one interval, written in the transaction that stores its rows.

    Args:
        org: Our key of the organization.
        dataset: What was extracted, such as `conversations`.
        interval: The interval whose rows it brought; a job asks from a margin before it.
        state: What the extraction came to, such as `complete` or `provisional`.
        rows: Rows that went into the warehouse.
        bytes: Bytes received, as they came over the wire.
        content_hash: Of the pages or the rows; equal hashes mean an equal answer.
        attempt_id: Names the attempt in the landing zone; written twice, it is one row.
        source_job_id: The details job, or None for a synchronous query.
        data_available_to: The source's watermark as the last page gave it.
        pages: Pages landed.
        records: Records on those pages.
        duplicates: Records left out because another page had them.
        orphans: Records left out because nothing of them happened in the interval.
        earlier: Records left out because they were over before the interval.
        rejects: Records that did not fit.
        requests: Requests sent, retries included.
        retries: Requests that were repeated.
        waited_ms: Time spent waiting for permits and for the source, milliseconds.
        requests_by_outcome: How many requests came to 2xx, 4xx, 401, 429, 5xx, lost (sent, no
            whole reply) and unsent, which `requests` leaves out.
    """

    org: str
    dataset: str
    interval: Interval
    state: str
    rows: int
    bytes: int
    content_hash: str
    attempt_id: str
    source_job_id: str | None = None
    data_available_to: datetime | None = None
    pages: int = 0
    records: int = 0
    duplicates: int = 0
    orphans: int = 0
    earlier: int = 0
    rejects: int = 0
    requests: int = 0
    retries: int = 0
    waited_ms: int = 0
    requests_by_outcome: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Rows:
    """Rows for a table written alongside a partition (restatements, drift), same transaction.

    A table whose schema has a primary key takes them as an upsert, another one appends them.
    """

    table: Table
    frame: pl.DataFrame


@dataclass(frozen=True)
class PartitionWritten:
    """What a replaced partition now holds.

    Args:
        rows: Rows in the partition.
        bytes: Size of the Parquet files that carried them, compressed.
        content_hash: Independent of row order, column order, chunking and warehouse.
        query_ids: The warehouse's own names of the statements, where it has such names.
    """

    rows: int
    bytes: int
    content_hash: str
    query_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lease:
    """The row of ops.lease: which site may write a scope, as of which epoch."""

    scope: str
    epoch: Epoch
    holder: str
    taken_at: datetime
    taken_by: str
    reason: str


@dataclass(frozen=True)
class SchemaDifference:
    """One point at which the warehouse is not what the code declares."""

    table: str
    column: str | None
    declared: str | None
    found: str | None

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        return f"{place}: declared {self.declared or 'nothing'}, found {self.found or 'nothing'}"


@dataclass(frozen=True)
class Migrated:
    """What `migrate` did.

    Args:
        version: Number of the newest migration now in the database; 0 if there is none.
        applied: File names of the migrations applied this time.
        added: Declared tables and columns that no migration had brought, added as they are
            declared (`facts.sessions`, `facts.sessions.extra`).
        views: Files of reporting views that were made anew.
    """

    version: int
    applied: tuple[str, ...] = ()
    added: tuple[str, ...] = field(default=())
    views: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class SchemaStanding:
    """What the database has, beside what this code knows.

    Args:
        version: Number of the newest migration in the database; 0 if there is none.
        newest: Number of the newest migration that the code knows.
        pending: File names of the migrations still to be applied.
        outdated_views: Files of reporting views that are not in the database as they are here.
        differences: Declared tables and columns that differ.
    """

    version: int
    newest: int
    pending: tuple[str, ...]
    outdated_views: tuple[str, ...]
    differences: tuple[SchemaDifference, ...]

    @property
    def is_behind(self) -> bool:
        """Whether `migrate` has something to do, or a table is not as declared."""
        return bool(self.pending or self.outdated_views or self.differences)


class Warehouse(Protocol):
    """Tables replaced partition by partition, each in one fenced transaction.

    A reader sees the old partition or the new one, never none and never a mixture. After an error
    the old rows stand. Safe for use by several threads; what another process may do at the same
    time is the implementation's.
    """

    @property
    def kind(self) -> Literal["duckdb", "snowflake"]:
        """Which implementation, as configuration spells it."""
        ...

    def replace_partition(
        self,
        table: Table,
        partition: Partition,
        frames: pl.DataFrame | Iterable[pl.DataFrame],
        grant: WriteGrant,
        *,
        stamp: WriteStamp,
        ledger: Sequence[LedgerEntry] = (),
        alongside: Sequence[Rows] = (),
    ) -> PartitionWritten:
        """Put these rows in the place of whatever the partition held.

        The frames are used up before the warehouse is touched; their memory is bounded by the
        largest of them. No frames, or frames without rows, empty the partition.

        Raises:
            SchemaMismatchError: A frame does not have the table's columns and types, a value
                lies outside the partition, or the warehouse lacks a migration.
            FencedError: The grant is not that of the present epoch.
            WarehouseBusyError: Somebody else held the warehouse for too long.
            WarehouseError: Anything else that the warehouse refused.
        """
        ...

    def read_batches(
        self, table: Table, partitions: Sequence[Partition], *, columns: Sequence[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the partitions' rows in frames of bounded size, in no particular order.

        A partition with its org or day left out means all of them; no partitions means no rows.
        All rows are of one moment. Nothing of the warehouse is held while the caller works.

        Raises:
            SchemaMismatchError: The table or a column does not exist.
            WarehouseBusyError: Somebody else held the warehouse for too long.
        """
        ...

    def read(
        self, table: Table, partitions: Sequence[Partition], *, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the partitions' rows in one frame; see `read_batches`."""
        ...

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> pl.DataFrame:
        """Return the rows of one SELECT; instants as Datetime us UTC, JSON as text.

        Raises:
            WarehouseError: The statement is not a single SELECT, or failed.
            WarehouseBusyError: Somebody else held the warehouse for too long.
        """
        ...

    def append(self, table: Table, frame: pl.DataFrame, grant: WriteGrant) -> None:
        """Add rows to a table, fenced. Raises as `replace_partition`."""
        ...

    def upsert(self, table: Table, frame: pl.DataFrame, grant: WriteGrant) -> None:
        """Put rows in the place of those with the same primary key, fenced.

        Raises:
            SchemaMismatchError: The table's schema declares no primary key, or as
                `replace_partition`.
        """
        ...

    def migrate(self, tables: Iterable[Table] = ()) -> Migrated:
        """Bring the database to this code: numbered migrations, then what is still missing.

        Safe to repeat, also after one that died half way. Columns and tables are only ever added.

        Raises:
            WarehouseError: The database is newer than this code, or a statement failed.
        """
        ...

    def standing(self, tables: Iterable[Table]) -> SchemaStanding:
        """Compare what this code knows with the database; nothing is changed.

        Raises:
            WarehouseError: The database is newer than this code.
        """
        ...

    def differences(self, tables: Iterable[Table]) -> list[SchemaDifference]:
        """Compare the declared tables with the database; empty means equal."""
        ...

    def lease(self, scope: str = PLATFORM_SCOPE) -> Lease | None:
        """Return who may write a scope, or None if nobody ever could."""
        ...

    def ensure_lease(self, grant: WriteGrant) -> WriteGrant:
        """Take a scope that nobody ever held; give a site that holds it its present grant.

        For a site that stands alone.

        Raises:
            FencedError: Another site holds the scope.
        """
        ...

    def take_epoch(
        self,
        site: str,
        *,
        seen: Epoch,
        by: str,
        reason: str,
        scope: str = PLATFORM_SCOPE,
        floor: Epoch = Epoch(0),  # noqa: B008 - a number under another name
    ) -> WriteGrant:
        """Become the holder, if the epoch is still the one seen; the next epoch is above `floor`.

        Args:
            site: The site that takes over.
            seen: The epoch in the evidence; 0 if there was no lease.
            by: Who does it.
            reason: Why, for the record.
            scope: What is taken.
            floor: The highest epoch known elsewhere (a witness); epochs never go back.

        Raises:
            FencedError: The epoch has moved on since it was seen.
        """
        ...
