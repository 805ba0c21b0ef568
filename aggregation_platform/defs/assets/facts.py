"""facts: typed rows of an org's UTC day, made of its raw conversations.

Belongs here: the asset that makes the six tables in one pass. Elsewhere: what a row is (facts/),
what a later reading changed (rollups/restatements.py).
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import key_of, outs_of
from aggregation_platform.defs.finalities import finality_of_raw
from aggregation_platform.defs.io_managers import PartitionBatches, PartitionOutput
from aggregation_platform.defs.partitions import Partitions, day_of, partition_of
from aggregation_platform.defs.pictures import table_of_rows
from aggregation_platform.defs.repetition import repeat_if_the_warehouse_was_held
from aggregation_platform.defs.run_log import log_progress
from aggregation_platform.facts.drift import DRIFT as FOUND_DRIFT
from aggregation_platform.facts.drift import drift_of, merged_drift
from aggregation_platform.facts.drift_history import continued, news
from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform.facts.rejected import rejected_counts
from aggregation_platform.facts.tables import REJECTS, SESSION_METRICS, TABLES
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.restatements import METRIC_COLUMNS, restatements
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.ops_tables import DRIFT, RESTATEMENTS
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.spool import scan_part
from aggregation_platform.warehouse.store import Finality, Rows


def facts_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""

    @dg.multi_asset(
        name="facts",
        ins={"raw": dg.AssetIn(key=key_of(RAW))},
        outs=outs_of(TABLES),
        partitions_def=partitions.org_days,
        hooks={repeat_if_the_warehouse_was_held},
    )
    def facts(
        context: dg.AssetExecutionContext,
        assembly: dg.ResourceParam[Assembly],
        raw: PartitionBatches,
    ) -> Iterator[dg.Output[PartitionOutput]]:
        partition = partition_of(context.partition_key, RAW.partitioned_by)
        with tempfile.TemporaryDirectory(dir=assembly.spool_folder) as folder:
            reading = FactsReading(assembly, partition, context.run.run_id, Path(folder))
            for batch in raw:
                reading.add(batch)
                done = reading.rows["conversations"]
                log_progress(context, "%s: %s conversations", partition, done)
            for table in TABLES:
                yield dg.Output(reading.output(table), output_name=table.name)

    return [facts]


class FactsReading:
    """One reading of an org's day: its rows table by table on disk, and what is told of them.

    Six writes then need no memory, and each is bounded by its own transaction.
    """

    def __init__(self, assembly: Assembly, partition: Partition, run_id: str, folder: Path) -> None:
        self._assembly = assembly
        self._partition = partition
        self._run_id = run_id
        self._folder = folder
        self._finality: Finality = finality_of_raw(assembly, partition)
        self._parts = 0
        self._drift: list[pl.DataFrame] = []
        self.rows: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()

    def add(self, batch: pl.DataFrame) -> None:
        """Read a chunk of raw rows."""
        org, day = self._partition.org or "", day_of(self._partition)
        facts: Facts = facts_of(batch, org=org, day=day)
        self._drift = [merged_drift([*self._drift, drift_of(facts, org=org, day=day)])]
        self._rejected.update(rejected_counts(facts.rejects))
        self._parts += 1
        for table, frame in facts.by_table():
            self.rows[table.name] += frame.height
            if frame.height:
                frame.write_parquet(self._path(table, self._parts), compression="lz4")

    def output(self, table: Table) -> PartitionOutput:
        """Return what is handed over for one table."""
        return PartitionOutput(
            self.frames(table),
            finality=self._finality,
            alongside=lambda: self._alongside(table),
            metadata=lambda: self._metadata(table),
        )

    def frames(self, table: Table) -> Iterator[pl.DataFrame]:
        """Yield the rows of a table, chunk by chunk."""
        for part in range(1, self._parts + 1):
            path = self._path(table, part)
            if path.exists():
                yield scan_part(path).collect()

    def _alongside(self, table: Table) -> Sequence[Rows]:
        if table is not SESSION_METRICS:
            return ()
        return [Rows(RESTATEMENTS, self._restated()), Rows(DRIFT, self._drifted()[0])]

    def _restated(self) -> pl.DataFrame:
        """Compare with the rows about to be replaced, if they counted as published."""
        day = day_of(self._partition)
        states = partition_states(self._assembly.warehouse, SESSION_METRICS, day, day)
        mine = states.filter(pl.col("org") == self._partition.org)["finality"].to_list()
        if mine in ([], ["provisional"]):
            return RESTATEMENTS.empty()
        before = PartitionBatches(
            self._assembly, SESSION_METRICS, [self._partition], METRIC_COLUMNS
        )
        return restatements(
            before,
            _Again(self, SESSION_METRICS),
            day=day,
            found_at=self._assembly.clock.now(),
            run_id=self._run_id,
        )

    def _drifted(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows of ops.drift, and those of them that are news."""
        known = self._assembly.warehouse.query(
            "select * from ops.drift where org = ?", [self._partition.org]
        )
        found = continued(
            known,
            merged_drift(self._drift) if self._drift else FOUND_DRIFT.empty(),
            seen_at=self._assembly.clock.now(),
            run_id=self._run_id,
        )
        return found, news(known, found)

    def _metadata(self, table: Table) -> Mapping[str, Any]:
        told: dict[str, Any] = dict(self._rejected or rejected_counts(REJECTS.empty()))
        sample = next(self.frames(table), table.empty())
        if table is REJECTS and sample.height:
            shown = sample.select("conversation_id", "level", "name", "reason", "path")
            told["first_rejects"] = table_of_rows(shown)
        return told

    def _path(self, table: Table, part: int) -> Path:
        return self._folder / f"{table.name}-{part:05d}.parquet"


class _Again:
    """A table of a reading that can be iterated more than once."""

    def __init__(self, reading: FactsReading, table: Table) -> None:
        self._reading = reading
        self._table = table

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self._reading.frames(self._table)
