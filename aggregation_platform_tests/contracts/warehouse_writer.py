"""A process that writes to a warehouse, to be raced against others and killed.

python warehouse_writer.py replace <where> <version> <rows> <times>   replace Monday, print `done`
python warehouse_writer.py stop <where> <instant> <rows>   replace Monday with `late`, print `held`
python warehouse_writer.py cram <where> <width> <rows>     replace Monday where files may not grow
                                                           much, print the error
python warehouse_writer.py hold <where>                    hold the DuckDB file, print `held`

<where> is a DuckDB file, or `emulator:<port>:<database>:<spool>`.
"""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from pathlib import Path

import polars as pl

from aggregation_platform.clock import SystemClock
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.errors import WarehouseError
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.duckdb_file import shared_file
from aggregation_platform.warehouse.duckdb_store import (
    DuckDBSession,
    DuckDBSettings,
    DuckDBWarehouse,
)
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.sessions import Session
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.spool import Spooled
from aggregation_platform.warehouse.store import Warehouse, WriteStamp
from aggregation_platform_tests.warehouse_rig import MONDAY, NOON, THINGS, emulated, things

GRANT = WriteGrant("site1", Epoch(1))
HASH_WIDTH = 64


class StoppingWarehouse(DuckDBWarehouse):
    """Announces one instant of a write, to be killed there.

    It waits before it would go on; `while loading` and `while committing` it goes on at once, so
    that the kill strikes anywhere in the work, and waits after it.
    """

    def __init__(self, settings: DuckDBSettings, instant: str) -> None:
        super().__init__(settings, clock=SystemClock())
        self.instant = instant

    def load(self, session: DuckDBSession, spooled: Spooled) -> None:
        """Load, and stop before or after."""
        self._stop("before the load")
        self._say("while loading")
        session.load(spooled)
        self._wait("while loading")

    def _fence(self, session: Session, grant: WriteGrant) -> None:
        self._stop("before the fence")
        super()._fence(session, grant)

    @contextmanager
    def _writing(self, spooled: Sequence[Spooled], tag: str) -> Generator[DuckDBSession]:
        with super()._writing(spooled, tag) as session:
            yield LoadingSession(session, self)
            self._stop("before the commit")
            self._say("while committing")
        self._stop("after the commit")
        self._wait("while committing")

    def _stop(self, instant: str) -> None:
        self._say(instant)
        self._wait(instant)

    def _say(self, instant: str) -> None:
        if instant == self.instant:
            print("held", flush=True)  # noqa: T201 - what the test waits for

    def _wait(self, instant: str) -> None:
        if instant == self.instant:
            SystemClock().sleep(600)


class LoadingSession(DuckDBSession):
    """Has its loads stopped by the warehouse."""

    def __init__(self, session: DuckDBSession, warehouse: StoppingWarehouse) -> None:
        super().__init__(session._connection)
        self._session = session
        self._warehouse = warehouse

    def load(self, spooled: Spooled) -> None:
        """Load as the warehouse says."""
        self._warehouse.load(self._session, spooled)


def replace(warehouse: Warehouse, frames: Iterable[pl.DataFrame], run_id: str) -> None:
    """Replace Monday of THINGS."""
    stamp = WriteStamp(run_id, "complete", NOON)
    warehouse.replace_partition(THINGS, Partition("us", MONDAY), frames, GRANT, stamp=stamp)


def cram(file: Path, width: int, rows: int) -> None:
    """Replace Monday with names that pack well if they are wide, with hardly any room on disk.

    The limit is that of a file's size: the error is the one of a full disk but for its number.
    """
    if width > HASH_WIDTH:
        names = [f"{number:0{width}d}" for number in range(rows)]
    else:
        names = [hashlib.sha256(b"%d" % number).hexdigest()[:width] for number in range(rows)]
    most = file.stat().st_size + 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        replace(open_warehouse(DuckDBSettings(file)), [things("us", MONDAY, *names)], "late")
    except WarehouseError as error:
        print(error, flush=True)  # noqa: T201 - what the test waits for


def settings_of(where: str) -> DuckDBSettings | SnowflakeSettings:
    """Return the settings of a place on the command line."""
    if not where.startswith("emulator:"):
        return DuckDBSettings(Path(where))
    _, port, database, spool = where.split(":")
    return changed(emulated(int(port), database=database), spool=Path(spool))


def main(verb: str, where: str, *rest: str) -> None:
    """Do what the command line says."""
    settings = settings_of(where)
    if verb == "replace":
        version, rows, times = rest
        warehouse = open_warehouse(settings)
        for number in range(int(times)):
            run_id = f"{version}{number}"
            replace(warehouse, [things("us", MONDAY, *([run_id] * int(rows)))], run_id)
        print("done", flush=True)  # noqa: T201 - what the test waits for
    elif verb == "stop" and isinstance(settings, DuckDBSettings):
        instant, rows = rest
        frame = things("us", MONDAY, *(["late"] * int(rows)))
        replace(StoppingWarehouse(settings, instant), [frame], "late")
    elif verb == "cram":
        cram(Path(where), *(int(one) for one in rest))
    else:
        with shared_file(Path(where)).writing(clock=SystemClock(), wait_s=10):
            print("held", flush=True)  # noqa: T201 - what the test waits for
            SystemClock().sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:])
