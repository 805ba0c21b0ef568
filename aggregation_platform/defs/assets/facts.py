"""facts: typed rows of an org's UTC day, made of its raw conversations.

Belongs here: the asset that makes the six tables in one pass. Elsewhere: what a row is (facts/).
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.io_managers import PartitionBatches, PartitionOutput
from aggregation_platform.defs.partitions import Partitions, partition_of
from aggregation_platform.defs.pictures import table_of_rows
from aggregation_platform.facts.facts import facts_of
from aggregation_platform.facts.tables import TABLES
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Finality


def facts_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""

    @dg.multi_asset(
        name="facts",
        ins={"raw": dg.AssetIn(key=[RAW.layer, RAW.name])},
        outs={
            table.name: dg.AssetOut(
                key=[table.layer, table.name],
                io_manager_key="warehouse",
                description=table.grain,
                group_name=table.layer,
                kinds={"polars"},
            )
            for table in TABLES
        },
        partitions_def=partitions.org_days,
    )
    def facts(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        raw: PartitionBatches,
    ) -> Iterator[dg.Output[PartitionOutput]]:
        partition = partition_of(context.partition_key, RAW.partitioned_by)
        finality = finality_of_raw(assembly, partition)
        with tempfile.TemporaryDirectory(dir=assembly.spool_folder) as folder:
            spooled = _Spooled(Path(folder))
            for batch in raw:
                spooled.add(facts_of(batch, org=partition.org or "", day=_day(partition)))
                context.log.info(f"{partition}: {spooled.rows['conversations']} conversations")
            for table in TABLES:
                yield dg.Output(spooled.output(table, finality), output_name=table.name)

    return [facts]


def _day(partition: Partition) -> Any:
    return partition.day


def finality_of_raw(assembly: Assembly, partition: Partition) -> Finality:
    """Return how final the raw rows are that facts are made of."""
    day = partition.day
    if day is None:
        return "provisional"
    states = partition_states(assembly.warehouse, RAW, day, day)
    mine = states.filter(pl.col("org") == partition.org)["finality"].to_list()
    return mine[0] if mine else "provisional"


class _Spooled:
    """The rows of one pass, table by table on disk, so that six writes need no memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = 0
        self.rows: Counter[str] = Counter()

    def add(self, frames: Any) -> None:
        self._parts += 1
        for table in TABLES:
            frame: pl.DataFrame = getattr(frames, table.name)
            self.rows[table.name] += frame.height
            if frame.height:
                frame.write_parquet(self._path(table, self._parts), compression="lz4")

    def output(self, table: Table, finality: Finality) -> PartitionOutput:
        return PartitionOutput(
            self._frames(table), finality=finality, metadata=lambda: self._metadata(table)
        )

    def _frames(self, table: Table) -> Iterator[pl.DataFrame]:
        for part in range(1, self._parts + 1):
            path = self._path(table, part)
            if path.exists():
                yield pl.read_parquet(path)

    def _metadata(self, table: Table) -> Mapping[str, Any]:
        sample = next(self._frames(table), table.empty())
        if table.name == "rejects" and sample.height:
            shown = sample.select("conversation_id", "level", "reason", "path")
            return {"rejects": self.rows[table.name], "first_rejects": table_of_rows(shown)}
        return {"rejects": self.rows["rejects"]}

    def _path(self, table: Table, part: int) -> Path:
        return self._folder / f"{table.name}-{part:05d}.parquet"
