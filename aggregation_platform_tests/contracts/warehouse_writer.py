"""A process that writes to a DuckDB warehouse, to be raced against others and killed.

python warehouse_writer.py replace <file> <version> <rows>   replace Monday, print `done`
python warehouse_writer.py hang <file> <rows>                stop before the commit, print `held`
python warehouse_writer.py hold <file>                       hold the file, print `held`
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from aggregation_platform.clock import SystemClock
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.duckdb_file import shared_file
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings, DuckDBWarehouse
from aggregation_platform.warehouse.sessions import Session
from aggregation_platform.warehouse.store import WriteStamp
from aggregation_platform_tests.warehouse_rig import MONDAY, NOON, THINGS, things

GRANT = WriteGrant("site1", Epoch(1))


class HangingWarehouse(DuckDBWarehouse):
    """Stops for ever where the fence would be passed: all rows loaded, nothing committed."""

    def _fence(self, session: Session, grant: WriteGrant) -> None:
        announce_and_wait()


def announce_and_wait() -> None:
    """Say that the file is held, and hold it."""
    print("held", flush=True)  # noqa: T201 - what the test waits for
    SystemClock().sleep(600)


def replace(warehouse: DuckDBWarehouse, frames: Iterable[pl.DataFrame], run_id: str) -> None:
    """Replace Monday of THINGS."""
    stamp = WriteStamp(run_id, "complete", NOON)
    warehouse.replace_partition(THINGS, Partition("us", MONDAY), frames, GRANT, stamp=stamp)


def main(verb: str, file: str, *rest: str) -> None:
    """Do what the command line says."""
    settings, clock = DuckDBSettings(Path(file)), SystemClock()
    if verb == "replace":
        version, rows = rest
        frame = things("us", MONDAY, *([version] * int(rows)))
        replace(DuckDBWarehouse(settings, clock=clock), [frame], version)
        print("done", flush=True)  # noqa: T201 - what the test waits for
    elif verb == "hang":
        frame = things("us", MONDAY, *(["late"] * int(rest[0])))
        replace(HangingWarehouse(settings, clock=clock), [frame], "late")
    else:
        with shared_file(settings.path).writing(clock=clock, wait_s=10):
            announce_and_wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
