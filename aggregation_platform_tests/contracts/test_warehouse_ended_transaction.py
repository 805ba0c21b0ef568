"""What a write comes to when Snowflake, or an administrator, ends its transaction behind its back.

The session goes on and nobody tells it: what it sends next begins something new. The relay rolls
back at the server; that the next statement then begins a transaction which nothing but a COMMIT
keeps is the emulator's doing, by the session's own AUTOCOMMIT.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from aggregation_platform.clock import SystemClock
from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.errors import FencedError, WarehouseBusyError, WarehouseError
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.outcomes import OutcomeUnknownError
from aggregation_platform.warehouse.sessions import Session
from aggregation_platform.warehouse.snowflake_settings import SnowflakeSettings
from aggregation_platform.warehouse.snowflake_store import SnowflakeSession, SnowflakeWarehouse
from aggregation_platform.warehouse.spool import Spooled
from aggregation_platform.warehouse.store import Lease, PartitionWritten, Rows
from aggregation_platform_tests.warehouse_relay import Failing, Relay
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

ANN = rows_of(PEOPLE, [{"person": "ann", "age": 1}])
OLD, NEW = ["old"] * 2, ["new"] * 3
MARK, MARKED = 'INSERT INTO "TRANSACTION_MARKS"', 'SELECT 1 FROM "TRANSACTION_MARKS"'
DELETE, COPY = 'DELETE FROM "FACTS"."THINGS"', 'COPY INTO "FACTS"."THINGS"'
CLEAR_PEOPLE, COPY_PEOPLE = 'DELETE FROM "DIRECTORY"."PEOPLE"', 'COPY INTO "DIRECTORY"."PEOPLE"'
UNLOG, LOG = 'DELETE FROM "OPS"."PARTITION_LOG"', 'INSERT INTO "OPS"."PARTITION_LOG"'
UNLIST, LIST = 'DELETE FROM "OPS"."EXTRACTION_LEDGER"', 'INSERT INTO "OPS"."EXTRACTION_LEDGER"'
LOCK, LEASE = 'UPDATE "OPS"."MUTEX"', 'SELECT "SCOPE"'
NEW_LEASE = 'UPDATE "OPS"."LEASE"'
DATA = [DELETE, COPY, CLEAR_PEOPLE, COPY_PEOPLE, UNLOG, LOG, UNLIST, LIST]
AFTER_THE_MARK = [*DATA, LOCK, LEASE, MARKED, "COMMIT"]


@pytest.fixture
def near(migrated_emulator: SnowflakeSettings) -> Rig:
    """Beside the relay: what others see. The old rows are there."""
    emptied(migrated_emulator, WRITTEN_TO)
    rig = Rig(open_warehouse(migrated_emulator))
    rig.replace(things("us", MONDAY, *OLD), run_id="old", ledger=[ledger_entry("old")])
    return rig


@pytest.fixture
def hasty(near: Rig, relay: Relay, migrated_emulator: SnowflakeSettings) -> Rig:
    """The same warehouse behind the relay, trying once."""
    return Rig(open_warehouse(replace(migrated_emulator, port=relay.port, attempts=1)))


@pytest.fixture
def patient(near: Rig, relay: Relay, migrated_emulator: SnowflakeSettings) -> Rig:
    """The same warehouse behind the relay, trying again."""
    return Rig(open_warehouse(replace(migrated_emulator, port=relay.port, attempts=3)))


def write(rig: Rig) -> PartitionWritten:
    return rig.replace(
        things("us", MONDAY, *NEW),
        run_id="new",
        ledger=[ledger_entry("new")],
        alongside=[Rows(PEOPLE, ANN)],
    )


def people(rig: Rig) -> list[str]:
    return rig.warehouse.read(PEOPLE, [Partition()])["person"].to_list()


def seen(rig: Rig) -> tuple[list[str | None], list[object], list[object], list[str]]:
    """The names, whose write the log says they are, the attempts in the ledger, the people."""
    return (
        rig.names(),
        [(row["run_id"], row["rows"]) for row in rig.log()],
        [row["attempt_id"] for row in rig.ledger()],
        people(rig),
    )


UNTOUCHED = (OLD, [("old", 2)], ["old"], [])
WRITTEN = (NEW, [("new", 3)], ["new", "old"], ["ann"])


class RobbedWarehouse(SnowflakeWarehouse):
    """Its first transaction is ended half way: on an account as an administrator does it."""

    is_robbed = False

    def _put(self, session: Session, rows: Rows, files: Spooled) -> None:
        if not self.is_robbed:
            assert isinstance(session, SnowflakeSession)
            self.is_robbed = True
            self._rob(session)
        super()._put(session, rows, files)

    def _rob(self, session: SnowflakeSession) -> None:
        if self._settings.account == "emulated":
            session.within_transaction = False
            session.execute("ROLLBACK")
            session.within_transaction = True
            return
        [(transaction,)] = session.fetch("SELECT CURRENT_TRANSACTION()")
        self.query(f"SELECT SYSTEM$ABORT_TRANSACTION({transaction})")


def lease(rig: Rig) -> tuple[str, int]:
    found = rig.warehouse.lease()
    assert isinstance(found, Lease)
    return found.holder, found.epoch


@pytest.mark.parametrize("statement", AFTER_THE_MARK)
def test_a_write_whose_transaction_was_ended_before_a_statement_leaves_the_old_rows(
    near: Rig, hasty: Rig, relay: Relay, statement: str
):
    ended = relay.fail(statement, "bereft")

    with pytest.raises(WarehouseBusyError, match=r"emulated: the transaction was ended by.*again"):
        write(hasty)
    assert ended.reached.is_set()
    assert seen(near) == UNTOUCHED


@pytest.mark.parametrize("statement", AFTER_THE_MARK)
def test_a_write_whose_transaction_was_ended_is_done_again_and_there_once(
    near: Rig, patient: Rig, relay: Relay, statement: str
):
    ended = relay.fail(statement, "bereft")
    written = write(patient)

    assert (seen(near), written.rows) == (WRITTEN, 3)
    assert ended.reached.is_set()
    assert relay.statements.count("BEGIN") == 2


def test_a_write_whose_transaction_was_ended_at_every_statement_in_turn_is_there_once(
    near: Rig, relay: Relay, migrated_emulator: SnowflakeSettings
):
    stubborn = replace(migrated_emulator, port=relay.port, attempts=len(AFTER_THE_MARK) + 1)
    ended = [relay.fail(statement, "bereft") for statement in AFTER_THE_MARK]
    write(Rig(open_warehouse(stubborn)))

    assert [one.at.pattern for one in ended if not one.reached.is_set()] == []
    assert seen(near) == WRITTEN


def test_a_transaction_ended_before_its_first_rows_is_begun_again_by_them_and_whole(
    near: Rig, hasty: Rig, relay: Relay
):
    ended = relay.fail(MARK, "bereft")
    held = relay.fail("COMMIT", "held")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, hasty)
        held.await_reached()
        assert ended.reached.is_set()
        assert seen(near) == UNTOUCHED
        held.released.set()
        writing.result()

    assert seen(near) == WRITTEN


def test_a_transaction_cannot_be_ended_once_it_is_committed(near: Rig, hasty: Rig, relay: Relay):
    held = relay.fail("COMMIT", "held")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, hasty)
        held.await_reached()
        ended = relay.fail(MARKED, "bereft")
        held.released.set()
        writing.result()

    assert ended.reached.is_set()
    assert seen(near) == WRITTEN


def test_a_write_that_may_not_look_after_its_commit_asks_the_log(
    near: Rig, hasty: Rig, relay: Relay
):
    refused = looking_refused(relay)
    written = write(hasty)

    assert refused.reached.is_set()
    assert relay.statements.count("BEGIN") == 1
    assert (seen(near), written.rows) == (WRITTEN, 3)


def test_an_append_that_may_not_look_after_its_commit_says_that_nobody_knows(
    near: Rig, patient: Rig, relay: Relay
):
    refused = looking_refused(relay)

    with pytest.raises(OutcomeUnknownError, match=r"rows for directory.people.*Look before"):
        patient.warehouse.append(PEOPLE, ANN, patient.grant)
    assert refused.reached.is_set()
    assert people(near) == ["ann"]


def looking_refused(relay: Relay) -> Failing:
    """Let the look before the commit pass, and refuse the one after it."""
    relay.fail(MARKED, "held").released.set()
    return relay.fail(MARKED, "refused")


@pytest.mark.parametrize("statement", [COPY_PEOPLE, LOCK, LEASE, MARKED, "COMMIT"])
def test_appended_rows_whose_transaction_was_ended_are_there_once(
    near: Rig, patient: Rig, relay: Relay, statement: str
):
    relay.fail(statement, "bereft")
    patient.warehouse.append(PEOPLE, ANN, patient.grant)

    assert people(near) == ["ann"]
    assert relay.statements.count("BEGIN") == 2


@pytest.mark.parametrize("statement", [LOCK, LEASE, NEW_LEASE, MARKED, "COMMIT"])
def test_a_takeover_whose_transaction_was_ended_leaves_the_lease_where_it_was(
    near: Rig, hasty: Rig, relay: Relay, statement: str
):
    relay.fail(statement, "bereft")

    with pytest.raises(WarehouseBusyError, match="the transaction was ended"):
        hasty.warehouse.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")
    assert lease(near) == ("site1", 1)
    write(near)


@pytest.mark.parametrize(
    "warehouse_settings",
    ["emulator", pytest.param("account", marks=pytest.mark.snowflake)],
    indirect=True,
)
def test_a_write_that_was_robbed_of_its_transaction_is_there_whole_or_not_at_all(
    rig: Rig, warehouse_settings: SnowflakeSettings
):
    rig.replace(things("us", MONDAY, *OLD), run_id="old")
    robbed = RobbedWarehouse(warehouse_settings, clock=SystemClock())
    with suppress(WarehouseError):  # what an account says to the next statement is not documented
        Rig(robbed).replace(things("us", MONDAY, *NEW), run_id="new", alongside=[Rows(PEOPLE, ANN)])
    found = (rig.names(), [(row["run_id"], row["rows"]) for row in rig.log()], people(rig))

    assert robbed.is_robbed
    assert found in [(OLD, [("old", 2)], []), (NEW, [("new", 3)], ["ann"])]


def test_a_writer_whose_lock_was_taken_away_after_the_fence_does_not_write_into_the_next_epoch(
    near: Rig, patient: Rig, relay: Relay
):
    held = relay.fail("COMMIT", "held")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, patient)
        held.await_reached()
        relay.end_transactions()
        taken = near.warehouse.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")
        held.released.set()

        with pytest.raises(FencedError, match="the warehouse is at 2, held by site2"):
            writing.result()
    assert taken == WriteGrant("site2", Epoch(2))
    assert seen(near) == UNTOUCHED
