"""What a write comes to when the connection to Snowflake breaks, at each of its statements.

The connector is the real one, the sockets are real; a relay breaks them. Sessions outlive
connections there, so a transaction may be left open by whoever began it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import Any

import pytest

from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.errors import FencedError, WarehouseBusyError
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.outcomes import OutcomeUnknownError
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.store import PartitionWritten
from aggregation_platform_tests.warehouse_relay import Fault, Relay
from aggregation_platform_tests.warehouse_rig import (
    MONDAY,
    PEOPLE,
    WRITTEN_TO,
    Rig,
    emptied,
    ledger_entry,
    rows_of,
    things,
)

# The connector's own timer complains when it cannot cancel a statement in time.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

Far = Callable[..., Rig]
ANN = rows_of(PEOPLE, [{"person": "ann", "age": 1}])
OLD, NEW = ["old"] * 2, ["new"] * 3
DELETE, COPY = 'DELETE FROM "FACTS"."THINGS"', 'COPY INTO "FACTS"."THINGS"'
LOG, LOCK, LEASE = 'INSERT INTO "OPS"."PARTITION_LOG"', 'UPDATE "OPS"."MUTEX"', 'SELECT "SCOPE"'
MARK, MARKED = 'INSERT INTO "TRANSACTION_MARKS"', 'SELECT 1 FROM "TRANSACTION_MARKS"'
WITHIN = [MARK, DELETE, COPY, LOG, LOCK, LEASE, MARKED]
BEFORE = ["CREATE TEMPORARY STAGE", "PUT '", "PUT /fs_bucket", "CREATE TEMPORARY TABLE", "BEGIN"]
STATEMENTS = [*BEFORE, *WITHIN, "COMMIT", MARKED]


@dataclass(frozen=True)
class Impatient(SnowflakeSettings):
    """Takes a socket for dead that says nothing for so long, sends again after so many seconds."""

    socket_timeout_s: int = 30
    pause_s: int = 1

    def connector_arguments(self) -> dict[str, object]:
        return {
            **super().connector_arguments(),
            "socket_timeout": self.socket_timeout_s,
            "backoff_policy": partial(repeat, self.pause_s),
        }


@pytest.fixture
def near(migrated_emulator: SnowflakeSettings, relay: Relay) -> Rig:
    """Beside the relay: what others see. The old rows are there."""
    emptied(migrated_emulator, WRITTEN_TO)
    rig = Rig(open_warehouse(migrated_emulator))
    rig.replace(things("us", MONDAY, *OLD), run_id="old", ledger=[ledger_entry("old")])
    return rig


@pytest.fixture
def far(near: Rig, relay: Relay, migrated_emulator: SnowflakeSettings) -> Far:
    """Makes the same warehouse behind the relay, by default with one attempt of a second."""
    given = {**vars(migrated_emulator), "port": relay.port, "network_timeout_s": 1, "attempts": 1}

    def made(**changed: int) -> Rig:
        settings: dict[str, Any] = {**given, **changed}
        return Rig(open_warehouse(Impatient(**settings)))

    return made


@contextmanager
def restored_after(relay: Relay, *, seconds: float) -> Generator[None]:
    timer = threading.Timer(seconds, relay.restore)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def write(rig: Rig) -> PartitionWritten:
    return rig.replace(things("us", MONDAY, *NEW), run_id="new", ledger=[ledger_entry("new")])


def seen(rig: Rig) -> tuple[list[str | None], list[object], list[object]]:
    """The names, whose write the log says they are, and the attempts in the ledger."""
    return (
        rig.names(),
        [(row["run_id"], row["rows"]) for row in rig.log()],
        [row["attempt_id"] for row in rig.ledger()],
    )


UNTOUCHED = (OLD, [("old", 2)], ["old"])
WRITTEN = (NEW, [("new", 3)], ["new", "old"])


@pytest.mark.parametrize("fault", ["unsent", "unanswered"])
def test_a_connection_that_breaks_once_at_each_statement_costs_nothing(
    near: Rig, far: Far, relay: Relay, fault: Fault
):
    writer = far(pause_s=0, network_timeout_s=30)
    failing = [relay.fail(statement, fault) for statement in STATEMENTS]
    written = write(writer)

    assert [one.at.pattern for one in failing if not one.reached.is_set()] == []
    assert (seen(near), written.rows) == (WRITTEN, 3)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("PUT '", "unsent"),
        ("BEGIN", "unanswered"),
        (MARK, "unanswered"),
        (COPY, "unsent"),
        (COPY, "unanswered"),
        (LOCK, "unanswered"),
        (MARKED, "unanswered"),
    ],
)
def test_a_connection_lost_before_the_commit_leaves_the_old_rows(
    near: Rig, far: Far, relay: Relay, statement: str, fault: Fault
):
    writer = far()
    relay.fail(statement, fault, lasting=True)

    with pytest.raises(WarehouseBusyError, match=r"account emulated: .*nothing was written, try"):
        write(writer)
    assert seen(near) == UNTOUCHED

    relay.restore()
    write(writer)

    assert seen(near) == WRITTEN


@pytest.mark.parametrize(("fault", "left"), [("unsent", UNTOUCHED), ("unanswered", WRITTEN)])
def test_a_connection_lost_for_long_while_committing_says_that_nobody_knows(
    near: Rig, far: Far, relay: Relay, fault: Fault, left: object
):
    writer = far()
    relay.fail("COMMIT", fault, lasting=True)

    with pytest.raises(OutcomeUnknownError, match=r"whole or not at all.*safe either way"):
        write(writer)
    assert seen(near) == left

    relay.restore()
    write(writer)

    assert seen(near) == WRITTEN


def test_a_write_that_cannot_look_after_its_commit_says_that_nobody_knows(
    near: Rig, far: Far, relay: Relay
):
    writer = far()
    held = relay.fail("COMMIT", "held")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, writer)
        held.await_reached()
        relay.fail(MARKED, "unsent", lasting=True)
        held.released.set()

        with pytest.raises(OutcomeUnknownError, match="whole or not at all"):
            writing.result()
    assert seen(near) == WRITTEN

    relay.restore()
    write(writer)

    assert seen(near) == WRITTEN


@pytest.mark.parametrize(
    ("statement", "fault", "loads"),
    [(COPY, "unanswered", 2), ("COMMIT", "unsent", 2), ("COMMIT", "unanswered", 1)],
)
def test_a_write_goes_on_when_the_connection_is_back_and_repeats_only_what_is_not_there(
    near: Rig, far: Far, relay: Relay, statement: str, fault: Fault, loads: int
):
    patient = far(attempts=8)
    relay.fail(statement, fault, lasting=True)
    with restored_after(relay, seconds=2.5):
        written = write(patient)

    assert (seen(near), written.rows) == (WRITTEN, 3)
    assert sum(sent.startswith(COPY) for sent in relay.statements) == loads


def test_rows_that_were_copied_twice_are_not_there_twice(near: Rig, far: Far, relay: Relay):
    patient = far(attempts=2)
    relay.knows_repeats = False
    relay.fail(COPY, "unanswered")
    write(patient)

    assert seen(near) == WRITTEN
    assert sum(sent.startswith(COPY) for sent in relay.statements) == 3


def test_appended_rows_whose_commit_was_lost_are_not_appended_again(
    near: Rig, far: Far, relay: Relay
):
    patient = far(attempts=8)
    relay.fail("COMMIT", "unanswered", lasting=True)

    with (
        pytest.raises(OutcomeUnknownError, match=r"rows for directory.people.*Look before"),
        restored_after(relay, seconds=2.5),
    ):
        patient.warehouse.append(PEOPLE, ANN, patient.grant)
    assert near.warehouse.read(PEOPLE, [Partition()]).equals(ANN)


def test_appended_rows_are_there_once_when_the_connection_is_lost_after_the_commit(
    near: Rig, far: Far, relay: Relay
):
    writer = far()
    relay.fail("REMOVE", "unsent", lasting=True)
    writer.warehouse.append(PEOPLE, ANN, writer.grant)

    assert near.warehouse.read(PEOPLE, [Partition()]).equals(ANN)


def test_a_takeover_whose_commit_was_lost_is_known_to_its_site(near: Rig, far: Far, relay: Relay):
    patient = far(attempts=8)
    relay.fail("COMMIT", "unanswered", lasting=True)
    with restored_after(relay, seconds=2.5):
        taken = patient.warehouse.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")

    assert taken == WriteGrant("site2", Epoch(2))
    with pytest.raises(FencedError):
        write(near)


@pytest.mark.parametrize("statement", [COPY, "COMMIT"])
def test_a_statement_that_arrives_long_after_it_was_sent_again_does_nothing(
    near: Rig, far: Far, relay: Relay, statement: str
):
    patient = far(network_timeout_s=30, socket_timeout_s=2)
    held = relay.fail(statement, "held")
    written = write(patient)
    held.released.set()

    assert held.reached.is_set()
    assert (seen(near), written.rows) == (WRITTEN, 3)


def test_each_statement_of_a_write_shows_others_the_old_rows_until_the_commit(
    near: Rig, far: Far, relay: Relay
):
    writer = far()
    held = [relay.fail(statement, "held") for statement in [*WITHIN, "COMMIT"]]
    found: list[object] = []
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, writer)
        for one in held:
            one.await_reached()
            found.append(seen(near))
            one.released.set()
        writing.result()

    assert found == [UNTOUCHED] * len(held)
    assert seen(near) == WRITTEN


def test_a_writer_overtaken_between_load_and_commit_is_refused_and_leaves_nothing(
    near: Rig, far: Far, relay: Relay
):
    writer = far(attempts=2)
    held = relay.fail(LOCK, "held")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, writer)
        held.await_reached()
        near.warehouse.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")
        held.released.set()

        with pytest.raises(FencedError, match="the warehouse is at 2, held by site2"):
            writing.result()
    assert seen(near) == UNTOUCHED


def test_a_takeover_does_not_pass_a_writer_that_passed_the_fence(
    near: Rig, far: Far, relay: Relay, migrated_emulator: SnowflakeSettings
):
    writer = far()
    held = relay.fail("COMMIT", "held")
    hasty = open_warehouse(replace(migrated_emulator, attempts=1))
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, writer)
        held.await_reached()
        with pytest.raises(WarehouseBusyError):
            hasty.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")
        held.released.set()
        writing.result()

    assert seen(near) == WRITTEN
    near.warehouse.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")
    with pytest.raises(FencedError):
        write(near)
