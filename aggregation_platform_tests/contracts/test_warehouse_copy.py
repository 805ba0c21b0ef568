"""A warehouse copied to the other kind and back is the same one, however often it broke off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from aggregation_platform.assembly import TABLES
from aggregation_platform.cli.main import cli
from aggregation_platform.clock import SystemClock
from aggregation_platform.errors import WarehouseError
from aggregation_platform.identity.tables import AGENTS
from aggregation_platform.raw.tables import CONVERSATIONS
from aggregation_platform.rollups.tables import JOURNEY_DAYS
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.copying import Copied, Copy, json_by_meaning, read_log
from aggregation_platform.warehouse.duckdb_store import DuckDBSettings
from aggregation_platform.warehouse.opening import open_warehouse
from aggregation_platform.warehouse.ops_tables import EXTRACTION_LEDGER, PARTITION_LOG, RESTATEMENTS
from aggregation_platform.warehouse.store import Warehouse, WriteStamp
from aggregation_platform_tests.configured_warehouse import in_emulator
from aggregation_platform_tests.warehouse_rig import (
    MONDAY,
    NOON,
    TUESDAY,
    Rig,
    emulated,
    ledger_entry,
    rows_of,
)

ORGANIZATION = """
organizations:
  - {org: us, region: us-east-1, client_id: i, client_secret: s, first_day: 2026-01-01}
"""
PAYLOAD = '{"b" : 1.0, "a": ["ü\\n", null, 12345678901234567],  "c":1e3}'
STAMP = WriteStamp("run-7", "complete", NOON)


@pytest.fixture
def source(tmp_path: Path) -> Rig:
    """A DuckDB file with a row or two in every kind of table."""
    rig = fresh(tmp_path / "source.duckdb")
    for org, day in (("us", MONDAY), ("us", TUESDAY), ("emea", MONDAY)):
        raw(rig, org, day, PAYLOAD)
    rig.warehouse.replace_partition(
        JOURNEY_DAYS, Partition(day=MONDAY), JOURNEY_DAYS.empty(), rig.grant, stamp=STAMP
    )
    agent = {"org": "us", "user_id": "u1", "global_agent_id": "g", "evidence": "rule"}
    agents = rows_of(AGENTS, [agent | {"valid_from": MONDAY, "valid_to": TUESDAY}])
    rig.warehouse.replace_partition(AGENTS, Partition(), agents, rig.grant, stamp=STAMP)
    found = {"org": "us", "day": MONDAY, "table_name": "t", "cell": PAYLOAD, "measure": "m"}
    rows = [found | {"before": n, "found_at": NOON, "run_id": "r"} for n in (1, None)]
    rig.warehouse.append(RESTATEMENTS, rows_of(RESTATEMENTS, rows), rig.grant)
    return rig


@pytest.fixture(params=["duckdb", "emulator"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    """A warehouse with all tables and no rows."""
    if request.param == "duckdb":
        return fresh(tmp_path / "target.duckdb")
    return migrated(open_warehouse(emulated(request.getfixturevalue("emulator_port"))))


def test_everything_arrives_and_comes_back_the_same(source: Rig, target: Rig, tmp_path: Path):
    back = fresh(tmp_path / "back.duckdb")

    there = copied(source, target, tmp_path)
    again = copied(target, back, tmp_path)

    assert (there.copied, there.skipped, there.rows, there.kept) == (5, 0, 4, 3)
    assert (again.copied, again.kept) == (5, 3)
    assert log(back) == log(source) == log(target)
    (row,) = back.warehouse.read(CONVERSATIONS, [Partition("us", MONDAY)]).to_dicts()
    assert json_by_meaning(row["payload"]) == json_by_meaning(PAYLOAD)


def test_a_copy_that_broke_off_goes_on_where_it_was(source: Rig, target: Rig, tmp_path: Path):
    def stop_at_the_third(line: str) -> None:
        if line.startswith("3 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copied(source, target, tmp_path, tell=stop_at_the_third)
    second, third = (copied(source, target, tmp_path) for _ in range(2))

    assert (second.copied, second.skipped) == (3, 2)
    assert (third.copied, third.skipped, third.kept) == (0, 5, 0)


def test_what_was_replaced_since_is_copied_again(source: Rig, target: Rig, tmp_path: Path):
    copied(source, target, tmp_path)
    raw(source, "us", MONDAY, '{"new": true}', stamp=replace(STAMP, written_at=NOON + timedelta(1)))
    ledger = [ledger_entry("attempt-2", rows=9)]
    raw(source, "us", TUESDAY, PAYLOAD, entries=ledger)

    found = copied(source, target, tmp_path)

    assert (found.copied, found.kept) == (1, 2)  # attempt 1 was entered again, 2 is new
    assert log(target) == log(source)
    assert target.warehouse.read(EXTRACTION_LEDGER, [Partition()])[
        "attempt_id"
    ].sort().to_list() == [
        "attempt-1",
        "attempt-2",
    ]


def test_rows_that_are_not_those_of_the_log_are_refused(source: Rig, target: Rig, tmp_path: Path):
    source.warehouse.append(  # behind the log's back
        AGENTS, source.warehouse.read(AGENTS, [Partition()]), source.grant
    )

    with pytest.raises(WarehouseError, match=r"identity\.agents all: what arrived .* is not what"):
        copied(source, target, tmp_path)


def test_the_command_takes_a_file_into_an_account_and_the_account_into_a_file(
    source: Rig, tmp_path: Path, emulator_port: int
):
    file = tmp_path / "platform.yaml"
    file.write_text(ORGANIZATION + yaml.safe_dump({"warehouse": in_emulator(emulator_port)}))
    assert run(file, "migrate").exit_code == 0

    there = run(file, "copy", "--from", str(tmp_path / "source.duckdb"))
    again = run(file, "copy", "--from", str(tmp_path / "source.duckdb"))
    back = run(file, "copy", "--to", str(tmp_path / "back.duckdb"))

    assert "5 partitions copied (4 rows), 0 were there; 3 rows of ops" in there.output
    assert "0 partitions copied (0 rows), 5 were there; 0 rows of ops" in again.output
    assert "-> duckdb" in back.output
    copied_home = Rig(open_warehouse(DuckDBSettings(tmp_path / "back.duckdb")))
    home = [row for row in log(copied_home) if not str(row[0]).startswith("reporting.")]
    assert [row[:5] for row in home] == [row[:5] for row in log(source)]


def run(file: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["warehouse", *words, "--config", str(file)])


def test_json_is_compared_by_its_meaning():
    assert json_by_meaning('{"b":[1.0,2.5],"a":null}') == json_by_meaning(
        '{ "a":null,"b":[1,2.50]}'
    )
    assert json_by_meaning('{"a":"1"}') != json_by_meaning('{"a":1}')
    assert json_by_meaning("12345678901234567") != json_by_meaning("12345678901234568")


def fresh(path: Path) -> Rig:
    return migrated(open_warehouse(DuckDBSettings(path)))


def migrated(warehouse: Warehouse) -> Rig:
    warehouse.migrate(TABLES)
    return Rig(warehouse)


def raw(
    rig: Rig, org: str, day, payload: str, *, stamp: WriteStamp = STAMP, entries=None
) -> None:  # fmt: skip
    row = {"org": org, "day": day, "conversation_id": "c1", "page": 1, "position": 0}
    row |= {"payload": payload, "source": "job", "fetched_at": NOON}
    rig.warehouse.replace_partition(
        CONVERSATIONS,
        Partition(org, day),
        rows_of(CONVERSATIONS, [row]),
        rig.grant,
        stamp=stamp,
        ledger=entries or [ledger_entry()],
    )


def copied(
    source: Rig, target: Rig, folder: Path, tell: Callable[[str], None] = lambda _: None
) -> Copied:
    copy = Copy(
        source=source.warehouse,
        target=target.warehouse,
        grant=target.grant,
        spool=folder / "spool",
        clock=SystemClock(),
        tell=tell,
    )
    return copy.run(TABLES)


def log(rig: Rig) -> list[tuple[object, ...]]:
    """Everything of the log but the hash, which is of JSON's text."""
    rows = rig.warehouse.read(PARTITION_LOG, [Partition()]).drop("content_hash")
    assert len(read_log(rig.warehouse)) == rows.height
    return rows.sort("table_name", "org", "day").rows()
