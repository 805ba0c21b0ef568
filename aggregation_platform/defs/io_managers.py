"""Assets to tables and back: key prefix = schema, asset name = table, partition = what is replaced.

Belongs here: translating Dagster's contexts into Partitions, and what a write shows in the UI.
Elsewhere: the transaction, the fence and the partition log (warehouse/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, overload

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly, table_of
from aggregation_platform.defs.membership import partitions_of_the_day
from aggregation_platform.defs.partitions import partition_of
from aggregation_platform.defs.pictures import column_schema, table_of_rows
from aggregation_platform.defs.several_partitions import rows_apart
from aggregation_platform.intervals import parse_day
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.store import (
    Finality,
    LedgerEntry,
    PartitionWritten,
    Rows,
    WriteStamp,
)

_Item = TypeVar("_Item")

STORED = "stored"
"""In an input's metadata: which of the stored partitions to read, instead of those that Dagster
maps. Dagster knows the configured organizations; the warehouse has those that left, too."""
ALL_OF_IT = "all"
ORGS_OF_THE_DAY = "orgs of the day"


_WITH_FIGURES = ("journeys", "rollups")
"""Their assets show figures that people plot over days; the number of rows is none of them."""


def _ignore(_: PartitionWritten) -> None:
    """Do nothing about a commit."""


@dataclass(frozen=True)
class PartitionOutput:
    """What an asset hands over: frames of one partition, and what is committed with them.

    The callables are asked once the frames have run out, so that what was counted on the way is
    whole.

    Args:
        frames: One frame, or frames one after another (bounded memory). None at all replaces the
            old rows by nothing.
        finality: How final the partition is.
        ledger: Gives the extraction ledger's rows of the same transaction.
        alongside: Gives rows of other tables of the same transaction. Where several partitions are
            handed over at once, both go with the last of them.
        metadata: Gives what to show beside the write's own figures.
        committed: Told of each partition when its transaction is through.
    """

    frames: pl.DataFrame | Iterable[pl.DataFrame]
    finality: Finality
    ledger: Callable[[], Sequence[LedgerEntry]] = tuple
    alongside: Callable[[], Sequence[Rows]] = tuple
    metadata: Callable[[], Mapping[str, Any]] = dict
    committed: Callable[[PartitionWritten], None] = _ignore


class _Later(Sequence[_Item]):
    """A sequence that is made when it is first looked at: after the frames have run out."""

    def __init__(self, make: Callable[[], Sequence[_Item]]) -> None:
        self._make = make

    @cached_property
    def _items(self) -> Sequence[_Item]:
        return self._make()

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> _Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item]: ...
    def __getitem__(self, index: int | slice) -> _Item | Sequence[_Item]:
        return self._items[index]


class PartitionBatches:
    """The rows of an input, batch by batch, for an asset that must not hold them all at once."""

    def __init__(
        self,
        assembly: Assembly,
        table: Table,
        partitions: Sequence[Partition],
        columns: Sequence[str] | None = None,
    ) -> None:
        self._assembly = assembly
        self._table = table
        self._partitions = partitions
        self._columns = columns

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self._assembly.warehouse.read_batches(
            self._table, self._partitions, columns=self._columns
        )

    @property
    def orgs(self) -> tuple[str, ...]:
        """The organizations whose partitions these are."""
        return tuple(part.org for part in self._partitions if part.org is not None)


class WarehouseIOManager(dg.IOManager):
    """Writes each output as one fenced replacement of its partition, and reads inputs.

    An input annotated `PartitionBatches` comes in batches, any other as one frame; `columns` in an
    input's metadata names those wanted, STORED the partitions. A run over several partitions hands
    over the rows of all of them; each is replaced by its own, and by nothing where there are none.
    Dagster's stock managers delete and insert outside a transaction and skip empty results; this
    one does not.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def handle_output(self, context: dg.OutputContext, obj: PartitionOutput) -> None:
        """Replace the output's partition, or each of them."""
        table = table_of(*context.asset_key.path)
        partitions = _partitions(context, table)
        if len(partitions) == 1:
            written = self._replaced(context, obj, table, partitions[0], obj.frames)
            context.add_output_metadata({**obj.metadata(), **_told(table, obj, written)})
            return
        several = self._each_replaced(context, obj, table, partitions)
        context.add_output_metadata({**obj.metadata(), **_told_of_several(table, obj, several)})

    def load_input(self, context: dg.InputContext) -> pl.DataFrame | PartitionBatches:
        """Read the input's partitions."""
        table = table_of(*context.asset_key.path)
        wanted = context.definition_metadata or {}
        partitions = self._wanted(context, table, wanted.get(STORED))
        columns: Sequence[str] | None = wanted.get("columns")
        if context.dagster_type.typing_type is PartitionBatches:
            return PartitionBatches(self._assembly, table, partitions, columns)
        return self._assembly.warehouse.read(table, partitions, columns=columns)

    def _wanted(
        self, context: dg.InputContext, table: Table, stored: str | None
    ) -> list[Partition]:
        """Return what to read: the mapped partitions, or what is stored whatever is configured."""
        if stored == ALL_OF_IT:
            return [Partition()]
        if stored == ORGS_OF_THE_DAY:
            return partitions_of_the_day(self._assembly, parse_day(context.partition_key))
        return _partitions(context, table)

    def _each_replaced(
        self,
        context: dg.OutputContext,
        obj: PartitionOutput,
        table: Table,
        partitions: Sequence[Partition],
    ) -> Mapping[Partition, PartitionWritten]:
        """Replace each partition by its rows; what is committed beside them goes with the last."""
        spool, clock = self._assembly.spool_folder, self._assembly.clock
        alone = replace(obj, ledger=tuple, alongside=tuple)
        with rows_apart(obj.frames, table, partitions, spool=spool, clock=clock) as rows:
            return {
                one: self._replaced(
                    context, obj if one == partitions[-1] else alone, table, one, rows.of(one)
                )
                for one in partitions
            }

    def _replaced(
        self,
        context: dg.OutputContext,
        obj: PartitionOutput,
        table: Table,
        partition: Partition,
        frames: pl.DataFrame | Iterable[pl.DataFrame],
    ) -> PartitionWritten:
        written = self._assembly.warehouse.replace_partition(
            table,
            partition,
            frames,
            self._assembly.grant,
            stamp=WriteStamp(context.run_id, obj.finality, self._assembly.clock.now()),
            ledger=_Later(obj.ledger),
            alongside=_Later(obj.alongside),
        )
        obj.committed(written)
        return written


def _partitions(context: dg.InputContext | dg.OutputContext, table: Table) -> list[Partition]:
    if not context.has_asset_partitions:
        return [Partition()]
    return [partition_of(key, table.partitioned_by) for key in context.asset_partition_keys]


def _told(table: Table, obj: PartitionOutput, written: PartitionWritten) -> dict[str, Any]:
    """What a write shows in the UI."""
    rows = {} if table.layer in _WITH_FIGURES else {"dagster/partition_row_count": written.rows}
    return {**rows, "content_hash": written.content_hash, **_told_of_any(table, obj, [written])}


def _amount(written: Sequence[PartitionWritten]) -> str:
    """Say rows and bytes as text: the UI plots every number, and people look at its plots."""
    rows, size = sum(one.rows for one in written), sum(one.bytes for one in written)
    return f"{rows:,} rows, {size:,} bytes"


def _told_of_several(
    table: Table, obj: PartitionOutput, written: Mapping[Partition, PartitionWritten]
) -> dict[str, Any]:
    """What the writes of a range show: Dagster shows one and the same beside each partition."""
    rows = [
        {
            "partition": str(partition),
            "rows": one.rows,
            "bytes": one.bytes,
            "content_hash": one.content_hash,
        }
        for partition, one in written.items()
    ]
    shown = table_of_rows(pl.DataFrame(rows), rows=len(rows))
    return {"partitions": shown, **_told_of_any(table, obj, list(written.values()))}


def _told_of_any(
    table: Table, obj: PartitionOutput, written: Sequence[PartitionWritten]
) -> dict[str, Any]:
    query_ids = [query_id for one in written for query_id in one.query_ids]
    return {
        "dagster/table_name": table.key,
        "dagster/column_schema": column_schema(table),
        "written": _amount(written),
        "finality": obj.finality,
        **({"query_ids": query_ids} if query_ids else {}),
    }
