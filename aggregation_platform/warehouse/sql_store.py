"""What both warehouses do alike, in SQL.

Belongs here: the order of things in a fenced write, reading, the lease, migrations; all of it over
a Session (sessions.py).
Elsewhere: connections and transactions (duckdb_store.py, snowflake_store.py), the text of
statements (statements.py, ddl.py), the decisions (fencing.py, migrations.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar, cast

import polars as pl

from aggregation_platform.clock import Clock
from aggregation_platform.epochs import PLATFORM_SCOPE, Epoch, WriteGrant
from aggregation_platform.errors import FencedError, WarehouseError
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse import statements as say
from aggregation_platform.warehouse.dialects import Dialect
from aggregation_platform.warehouse.fencing import (
    only_lease,
    refuse_unless_current,
    refuse_unless_seen,
)
from aggregation_platform.warehouse.migrations import load_migrations
from aggregation_platform.warehouse.ops_tables import LEASE, MUTEX
from aggregation_platform.warehouse.outcomes import settled, unsettled
from aggregation_platform.warehouse.schema_changes import (
    bring_up_to_date,
    schema_differences,
    schema_standing,
)
from aggregation_platform.warehouse.sessions import Session
from aggregation_platform.warehouse.shapes import check_partition, chosen_columns
from aggregation_platform.warehouse.spool import Spooled, SpoolFolder, read_parts, spool_folder
from aggregation_platform.warehouse.store import (
    Lease,
    LedgerEntry,
    Migrated,
    Parameter,
    PartitionWritten,
    Rows,
    SchemaDifference,
    SchemaStanding,
    WriteStamp,
)
from aggregation_platform.warehouse.views import views_beside

_Result = TypeVar("_Result")


class SqlWarehouse(ABC):
    """A warehouse that is sent SQL. See the protocol in store.py for what each method promises."""

    dialect: Dialect

    def __init__(self, *, spool: Path, clock: Clock, migrations: Path) -> None:
        self._spool = spool
        self._clock = clock
        self._migrations = migrations

    @property
    def kind(self) -> Literal["duckdb", "snowflake"]:
        """Which implementation, as configuration spells it."""
        return self.dialect.name

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]:
        """Give a connection that only reads."""

    @abstractmethod
    def _writing(self, spooled: Sequence[Spooled], tag: str) -> AbstractContextManager[Session]:
        """Give a transaction that can load these files: commits at the end, or undoes all.

        The tag says to whoever looks at the warehouse's own records what this was for.
        """

    @abstractmethod
    def _changing_schema(self) -> AbstractContextManager[Session]:
        """Give a connection for DDL: a transaction where the warehouse has such a thing."""

    @abstractmethod
    def _check_is_one_select(self, sql: str) -> None:
        """Raise WarehouseError unless this is a single statement that only reads."""

    def _repeated(self, write: Callable[[], _Result]) -> _Result:
        """Do a whole transaction, again where that is safe and may help."""
        return write()

    # writing

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
        """Put these rows in the place of whatever the partition held."""
        check_partition(table, partition)
        with self._folder() as folder:
            spooled = folder.write(table, partition, frames)
            beside = [(rows, folder.write(rows.table, None, rows.frame)) for rows in alongside]

            def write() -> PartitionWritten:
                files = [spooled, *(one for _, one in beside)]
                with self._writing(files, f"{table.key} {partition} {stamp.run_id}") as session:
                    self._send(session, say.delete_partition(self.dialect, table, partition))
                    session.load(spooled)
                    for rows, one in beside:
                        self._put(session, rows, one)
                    self._note(session, table, partition, spooled, grant, stamp, ledger)
                    self._fence(session, grant)
                    return _written(spooled, session)

            def is_there() -> bool:
                return self._is_logged(table, partition, spooled, grant, stamp)

            return settled(self._repeated, write, is_there, _written(spooled))

    def append(self, table: Table, frame: pl.DataFrame, grant: WriteGrant) -> None:
        """Add rows to a table, fenced."""
        self._add(Rows(table, frame), grant, replace_keys=False)

    def upsert(self, table: Table, frame: pl.DataFrame, grant: WriteGrant) -> None:
        """Put rows in the place of those with the same primary key, fenced."""
        self._add(Rows(table, frame), grant, replace_keys=True)

    def _add(self, rows: Rows, grant: WriteGrant, *, replace_keys: bool) -> None:
        with self._folder() as folder:
            files = folder.write(rows.table, None, rows.frame)

            def write() -> None:
                with self._writing([files], rows.table.key) as session:
                    if replace_keys:
                        self._clear_keys(session, rows)
                    session.load(files)
                    self._fence(session, grant)

            if replace_keys:
                settled(self._repeated, write, lambda: False, None)
            else:
                unsettled(self._repeated, write, rows.table.key)

    def _put(self, session: Session, rows: Rows, files: Spooled) -> None:
        if rows.table.schema.primary_key():
            self._clear_keys(session, rows)
        session.load(files)

    def _clear_keys(self, session: Session, rows: Rows) -> None:
        for statement in say.delete_keys(self.dialect, rows.table, rows.frame):
            self._send(session, statement)

    def _note(
        self,
        session: Session,
        table: Table,
        partition: Partition,
        spooled: Spooled,
        grant: WriteGrant,
        stamp: WriteStamp,
        ledger: Sequence[LedgerEntry],
    ) -> None:
        written = _written(spooled)
        for statement in (
            *say.log_statements(self.dialect, table, partition, written, grant, stamp),
            *say.ledger_statements(self.dialect, ledger, grant, stamp),
        ):
            self._send(session, statement)

    def _is_logged(
        self,
        table: Table,
        partition: Partition,
        spooled: Spooled,
        grant: WriteGrant,
        stamp: WriteStamp,
    ) -> bool:
        statement = say.logged_write(
            self.dialect, table, partition, _written(spooled), grant, stamp
        )
        with self._reading() as session:
            return bool(session.fetch(statement.sql, statement.values))

    # reading

    def read_batches(
        self, table: Table, partitions: Sequence[Partition], *, columns: Sequence[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the partitions' rows in frames of bounded size, in no particular order."""
        chosen = chosen_columns(table, columns)
        statement = say.select(self.dialect, table, chosen, partitions)
        with self._folder() as folder:
            with self._reading() as session:
                parts = session.export(statement.sql, statement.values, folder.subfolder())
            yield from read_parts(parts, chosen)

    def read(
        self, table: Table, partitions: Sequence[Partition], *, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the partitions' rows in one frame."""
        chosen = chosen_columns(table, columns)
        empty = table.empty().select(column.name for column in chosen)
        return pl.concat([empty, *self.read_batches(table, partitions, columns=columns)])

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> pl.DataFrame:
        """Return the rows of one SELECT; instants as Datetime us UTC, JSON as text."""
        self._check_is_one_select(sql)
        with self._reading() as session:
            return plain(session.frame(sql, [say.bound(value) for value in parameters]))

    # schema

    def migrate(self, tables: Iterable[Table] = ()) -> Migrated:
        """Bring the database to this code: numbered migrations, then what is still missing."""
        known = load_migrations(self._migrations)
        views = views_beside(self._migrations)
        return bring_up_to_date(
            self.dialect, self._changing_schema, known, tuple(tables), views, self._clock.now()
        )

    def standing(self, tables: Iterable[Table]) -> SchemaStanding:
        """Compare what this code knows with the database; nothing is changed."""
        known, views = load_migrations(self._migrations), views_beside(self._migrations)
        with self._reading() as session:
            return schema_standing(self.dialect, session, known, tuple(tables), views)

    def differences(self, tables: Iterable[Table]) -> list[SchemaDifference]:
        """Compare the declared tables with the database; empty means equal."""
        with self._reading() as session:
            return schema_differences(self.dialect, session, tuple(tables))

    # the lease

    def lease(self, scope: str = PLATFORM_SCOPE) -> Lease | None:
        """Return who may write a scope, or None if nobody ever could."""
        with self._reading() as session:
            return self._read_lease(session, scope)

    def ensure_lease(self, grant: WriteGrant) -> WriteGrant:
        """Take a scope that nobody ever held; give a site that holds it its present grant."""
        lease = self.lease(grant.scope) or self._first_lease(grant)
        if lease.holder != grant.site:
            raise FencedError(
                f"{grant.site} does not hold {grant.scope!r}: epoch {lease.epoch} is held by "
                f"{lease.holder}. Change site.name, or take over; see runbooks/FencedWriter.md"
            )
        return WriteGrant(grant.site, lease.epoch, grant.scope)

    def _first_lease(self, grant: WriteGrant) -> Lease:
        """Take epoch 1; another process of the same site may have been faster."""
        with suppress(FencedError):
            self.take_epoch(
                grant.site,
                seen=Epoch(0),
                by=grant.site,
                reason="stands alone",
                scope=grant.scope,
                floor=Epoch(grant.epoch - 1),
            )
        lease = self.lease(grant.scope)
        if lease is None:
            raise WarehouseError(f"the lease of {grant.scope!r} was taken and is gone; look")
        return lease

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
        """Become the holder, if the epoch is still the one seen; the next is above `floor`."""
        grant = WriteGrant(site, Epoch(max(seen, floor) + 1), scope)
        row: dict[str, object] = {
            "scope": scope,
            "epoch": grant.epoch,
            "holder": site,
            "taken_at": self._clock.now(),
            "taken_by": by,
            "reason": reason,
        }

        def write() -> None:
            with self._writing([], f"{site} takes {scope}") as session:
                self._send(session, say.lock_scope(self.dialect, scope))
                lease = self._read_lease(session, scope)
                refuse_unless_seen(scope, seen, lease)
                self._write_lease(session, lease, row)
                self._fence(session, grant)

        def is_there() -> bool:
            lease = self.lease(scope)
            return lease is not None and lease == _lease(tuple(row.values()))

        settled(self._repeated, write, is_there, None)
        return grant

    def _write_lease(self, session: Session, lease: Lease | None, row: dict[str, object]) -> None:
        if lease is not None:
            self._send(session, say.move_lease(self.dialect, lease.epoch, row))
            return
        scope = {"scope": row["scope"], "n": 0}
        for statement in (
            *say.insert(self.dialect, MUTEX, [scope]),
            *say.insert(self.dialect, LEASE, [row]),
        ):
            self._send(session, statement)

    def _fence(self, session: Session, grant: WriteGrant) -> None:
        """Last in the transaction: lock, then read the lease by a statement of its own."""
        self._send(session, say.lock_scope(self.dialect, grant.scope))
        refuse_unless_current(grant, self._read_lease(session, grant.scope))

    def _read_lease(self, session: Session, scope: str) -> Lease | None:
        statement = say.read_lease(self.dialect, scope)
        rows = session.fetch(statement.sql, statement.values)
        return only_lease(scope, [_lease(row) for row in rows])

    # inside

    def _send(self, session: Session, statement: say.Statement) -> None:
        session.execute(statement.sql, statement.values)

    def _folder(self) -> AbstractContextManager[SpoolFolder]:
        return spool_folder(self._spool, self._clock)


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with the few types that both warehouses can agree on.

    Whole numbers are Int64, others Float64, instants Datetime us UTC. A whole number too large
    for 64 bits stays a decimal.
    """
    return frame.with_columns(_plain(values) for values in frame)


def _plain(values: pl.Series) -> pl.Series:
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime):
        instants = values.cast(pl.Datetime("us", dtype.time_zone))
        zoned = instants.dt.convert_time_zone if dtype.time_zone else instants.dt.replace_time_zone
        return zoned("UTC")
    if dtype.is_integer() or (isinstance(dtype, pl.Decimal) and not dtype.scale):
        whole = values.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == values.null_count() else values
    return values.cast(pl.Float64) if dtype.is_numeric() else values


def _written(spooled: Spooled, session: Session | None = None) -> PartitionWritten:
    query_ids = session.query_ids if session else ()
    return PartitionWritten(spooled.rows, spooled.bytes, spooled.content_hash, query_ids)


def _lease(row: tuple[object, ...]) -> Lease:
    scope, epoch, holder, taken_at, taken_by, reason = row
    return Lease(
        scope=str(scope),
        epoch=Epoch(int(cast("int", epoch))),
        holder=str(holder),
        taken_at=cast("datetime", taken_at).replace(tzinfo=UTC),
        taken_by=str(taken_by),
        reason=str(reason),
    )
