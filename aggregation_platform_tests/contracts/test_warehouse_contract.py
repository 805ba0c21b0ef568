"""What every warehouse promises of a replaced partition, whatever it is made of."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest

from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.errors import FencedError, SchemaMismatchError, WarehouseError
from aggregation_platform.intervals import Interval
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.ops_tables import DRIFT, RESTATEMENTS
from aggregation_platform.warehouse.store import Rows, WriteStamp
from aggregation_platform_tests.warehouse_rig import (
    MONDAY,
    NOON,
    PEOPLE,
    THINGS,
    TOTALS,
    TUESDAY,
    Rig,
    ledger_entry,
    rows_of,
    things,
)

STAMP = WriteStamp("run-1", "complete", NOON)


def test_a_replaced_partition_holds_the_new_rows_and_none_of_the_old(rig: Rig):
    rig.replace(things("us", MONDAY, "old", "older"))
    rig.replace(things("us", MONDAY, "new"))

    assert rig.names() == ["new"]


@pytest.mark.parametrize("nothing", [[], [THINGS.empty()], THINGS.empty()])
def test_an_empty_result_replaces_the_old_rows_too(
    rig: Rig, nothing: pl.DataFrame | list[pl.DataFrame]
):
    rig.replace(things("us", MONDAY, "old"))
    written = rig.replace(nothing)

    assert (rig.names(), written.rows, rig.log()[0]["rows"]) == ([], 0, 0)


def test_other_partitions_are_left_alone(rig: Rig):
    rig.replace(things("us", TUESDAY, "tuesday"), day=TUESDAY)
    rig.replace(things("jp", MONDAY, "japan"), org="jp")
    rig.replace(things("us", MONDAY, "monday"))

    assert (rig.names("us", TUESDAY), rig.names("jp"), rig.names()) == (
        ["tuesday"],
        ["japan"],
        ["monday"],
    )


def test_a_table_without_org_or_day_is_replaced_by_what_it_has(rig: Rig):
    for frame in (rows_of(PEOPLE, [{"person": "ann", "age": 1}]), PEOPLE.empty()):
        rig.warehouse.replace_partition(PEOPLE, Partition(), frame, rig.grant, stamp=STAMP)
    total = rows_of(TOTALS, [{"day": MONDAY, "number": 7}])
    rig.warehouse.replace_partition(TOTALS, Partition(day=MONDAY), total, rig.grant, stamp=STAMP)

    assert rig.warehouse.read(PEOPLE, [Partition()]).height == 0
    assert rig.warehouse.read(TOTALS, [Partition(day=MONDAY)]).equals(total)
    assert [(row["table_name"], row["org"], row["day"]) for row in rig.log()] == [
        ("directory.people", None, None),
        ("rollups.totals", None, MONDAY),
    ]


def test_columns_are_matched_by_name_not_by_place(rig: Rig):
    frame = things("us", MONDAY, "a", number=1)
    rig.replace(frame.select(reversed(frame.columns)))

    assert rig.warehouse.read(THINGS, [Partition("us", MONDAY)]).equals(frame)


def test_many_frames_make_one_partition(rig: Rig):
    written = rig.replace(things("us", MONDAY, f"{number:03d}") for number in range(50))

    assert (written.rows, len(rig.names())) == (50, 50)


def test_frames_that_fail_half_way_leave_the_old_rows(rig: Rig):
    rig.replace(things("us", MONDAY, "old"), ledger=[ledger_entry("first")])
    before = rig.log()

    def failing() -> Iterator[pl.DataFrame]:
        yield things("us", MONDAY, "new")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        rig.replace(failing(), ledger=[ledger_entry("second")])
    assert rig.names() == ["old"]
    assert rig.log() == before
    assert [row["attempt_id"] for row in rig.ledger()] == ["first"]


@pytest.mark.parametrize(
    ("spoiled", "named"),
    [
        (things("us", MONDAY, "a").drop("number"), "lacks number"),
        (things("us", MONDAY, "a").with_columns(weight=1), "has weight"),
        (things("us", MONDAY, "a").with_columns(number=pl.lit("1")), "declared Int64, found Str"),
        (things("us", MONDAY, "a").with_columns(seen_at=NOON.replace(tzinfo=None)), "seen_at"),
        (things("us", MONDAY, "a").with_columns(day=pl.lit(None, pl.Date)), "without nulls"),
        (things("us", TUESDAY, "a"), "the partition is 2026-01-05, found 2026-01-06 in 1 rows"),
        (things("jp", MONDAY, "a"), "the partition is us, found jp"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused_and_says_why(
    rig: Rig, spoiled: pl.DataFrame, named: str
):
    rig.replace(things("us", MONDAY, "old"))

    with pytest.raises(SchemaMismatchError, match=named) as refused:
        rig.replace([things("us", MONDAY, "good"), spoiled])
    assert "facts.things" in str(refused.value)
    assert rig.names() == ["old"]


def test_a_partition_of_the_wrong_kind_is_refused(rig: Rig):
    with pytest.raises(SchemaMismatchError, match="is replaced by org, day, not by day"):
        rig.warehouse.replace_partition(
            THINGS, Partition(day=MONDAY), THINGS.empty(), rig.grant, stamp=STAMP
        )


def test_an_older_epoch_is_fenced_and_leaves_everything_as_it_was(rig: Rig):
    rig.replace(things("us", MONDAY, "old"), ledger=[ledger_entry("first")])
    before = (rig.log(), rig.ledger())
    rig.warehouse.take_epoch("site2", seen=rig.grant.epoch, by="test", reason="failover")

    with pytest.raises(FencedError, match="site1 holds epoch 1") as refused:
        rig.replace(things("us", MONDAY, "late"), ledger=[ledger_entry("second")])
    assert "the warehouse is at 2, held by site2" in str(refused.value)
    assert "runbooks/FencedWriter.md" in str(refused.value)
    assert rig.names() == ["old"]
    assert (rig.log(), rig.ledger()) == before


def test_a_takeover_while_the_rows_are_on_their_way_fences_the_writer(rig: Rig):
    rig.replace(things("us", MONDAY, "old"))

    def overtaken() -> Iterator[pl.DataFrame]:
        yield things("us", MONDAY, "late")
        rig.warehouse.take_epoch("site2", seen=Epoch(1), by="test", reason="failover")

    with pytest.raises(FencedError):
        rig.replace(overtaken())
    assert rig.names() == ["old"]


def test_a_grant_of_a_scope_that_nobody_holds_is_fenced(rig: Rig):
    with pytest.raises(FencedError, match="knows no lease"):
        rig.replace(things("us", MONDAY, "a"), grant=WriteGrant("site1", Epoch(1), "elsewhere"))


def test_another_site_with_the_right_epoch_is_fenced(rig: Rig):
    with pytest.raises(FencedError):
        rig.replace(things("us", MONDAY, "a"), grant=WriteGrant("site2", rig.grant.epoch))


def test_the_epoch_is_taken_only_from_the_one_that_was_seen(rig: Rig):
    taken = rig.warehouse.take_epoch("site2", seen=Epoch(1), by="ann", reason="drill")

    with pytest.raises(FencedError, match="evidence is of epoch 1"):
        rig.warehouse.take_epoch("site1", seen=Epoch(1), by="bob", reason="drill")
    assert taken == WriteGrant("site2", Epoch(2))
    lease = rig.warehouse.lease()
    assert lease is not None
    assert (lease.holder, lease.taken_by, lease.reason) == ("site2", "ann", "drill")


def test_the_next_epoch_is_above_every_epoch_known_elsewhere(rig: Rig):
    taken = rig.warehouse.take_epoch(
        "site2", seen=Epoch(1), by="ann", reason="restored", floor=Epoch(41)
    )

    assert taken.epoch == 42


def test_a_site_that_holds_the_lease_keeps_its_epoch_and_another_is_refused(rig: Rig):
    again = rig.warehouse.ensure_lease(WriteGrant("site1", Epoch(1)))

    assert again == rig.grant
    with pytest.raises(FencedError, match="site2 does not hold"):
        rig.warehouse.ensure_lease(WriteGrant("site2", Epoch(1)))


def test_the_log_has_one_row_per_partition_the_last_one(rig: Rig):
    rig.replace(things("us", MONDAY, "a"), run_id="run-1", finality="provisional")
    written = rig.replace(things("us", MONDAY, "a", "b"), run_id="run-2", finality="final")

    assert rig.log() == [
        {
            "table_name": "facts.things",
            "org": "us",
            "day": MONDAY,
            "rows": 2,
            "run_id": "run-2",
            "epoch": 1,
            "written_at": NOON,
            "content_hash": written.content_hash,
            "finality": "final",
        }
    ]


def test_the_ledger_has_one_row_per_attempt(rig: Rig):
    rig.replace(things("us", MONDAY, "a"), ledger=[ledger_entry("first", rows=1)])
    rig.replace(things("us", MONDAY, "a"), ledger=[ledger_entry("first", rows=2)])
    rig.replace(things("us", MONDAY, "a"), ledger=[ledger_entry("second", rows=3)])

    assert [(row["attempt_id"], row["rows"]) for row in rig.ledger()] == [
        ("first", 2),
        ("second", 3),
    ]
    first = rig.ledger()[0]
    monday = Interval.of_day(MONDAY)
    assert (first["interval_from"], first["interval_to"]) == (monday.start, monday.end)
    assert (first["epoch"], first["run_id"], first["data_available_to"]) == (1, "run-1", NOON)
    assert json.loads(str(first["requests_by_outcome"])) == {"2xx": 3, "429": 1}


def test_rows_alongside_are_in_the_same_transaction(rig: Rig):
    change = rows_of(
        RESTATEMENTS,
        [
            {
                "org": "us",
                "day": MONDAY,
                "table_name": "facts.things",
                "cell": '{"name":"a"}',
                "measure": "number",
                "before": 1,
                "after": 2,
                "found_at": NOON,
                "run_id": "run-1",
            }
        ],
    )
    frame = things("us", MONDAY, "a")
    stale = WriteGrant("site0", Epoch(1))

    with pytest.raises(FencedError):
        rig.replace(frame, alongside=[Rows(RESTATEMENTS, change)], grant=stale)
    assert rig.warehouse.read(RESTATEMENTS, [Partition()]).height == 0

    rig.replace(frame, alongside=[Rows(RESTATEMENTS, change)])

    assert rig.warehouse.read(RESTATEMENTS, [Partition()]).equals(change)


def test_an_upsert_replaces_the_rows_of_the_same_key(rig: Rig):
    def people(**ages: int) -> pl.DataFrame:
        return rows_of(PEOPLE, [{"person": name, "age": age} for name, age in ages.items()])

    rig.warehouse.append(PEOPLE, people(ann=1, bob=2), rig.grant)
    rig.warehouse.upsert(PEOPLE, people(bob=3, cid=4), rig.grant)

    found = rig.warehouse.read(PEOPLE, [Partition()]).sort("person")
    assert found.equals(people(ann=1, bob=3, cid=4))


def test_an_upsert_by_a_key_of_several_columns_meets_only_its_own_rows(rig: Rig):
    def drift(*paths: str, run_id: str) -> pl.DataFrame:
        seen = {"org": "us", "kind": "key", "value": "", "seen_count": 1, "run_id": run_id}
        instants = {"first_seen_at": NOON, "last_seen_at": NOON}
        return rows_of(DRIFT, [{**seen, **instants, "path": path} for path in paths])

    rig.warehouse.upsert(DRIFT, drift("a", "b", run_id="1"), rig.grant)
    rig.warehouse.upsert(DRIFT, drift("b", "c", run_id="2"), rig.grant)

    found = rig.warehouse.read(DRIFT, [Partition()], columns=["path", "run_id"]).sort("path")
    assert found.rows() == [("a", "1"), ("b", "2"), ("c", "2")]


def test_an_upsert_needs_a_key_and_takes_no_key_twice(rig: Rig):
    twice = rows_of(PEOPLE, [{"person": "ann", "age": age} for age in (1, 2)])

    with pytest.raises(SchemaMismatchError, match="twice"):
        rig.warehouse.upsert(PEOPLE, twice, rig.grant)
    with pytest.raises(SchemaMismatchError, match="no primary key"):
        rig.warehouse.upsert(THINGS, things("us", MONDAY, "a"), rig.grant)


def test_partitions_are_read_by_org_by_day_or_all_together(rig: Rig):
    for org in ("us", "jp"):
        for day in (MONDAY, TUESDAY):
            rig.replace(things(org, day, f"{org} {day:%a}"), org=org, day=day)

    def read(*partitions: Partition) -> list[str]:
        return sorted(rig.warehouse.read(THINGS, partitions)["name"].to_list())

    assert read(Partition("us", MONDAY), Partition("jp", TUESDAY)) == ["jp Tue", "us Mon"]
    assert read(Partition(day=MONDAY)) == ["jp Mon", "us Mon"]
    assert read(Partition(org="jp")) == ["jp Mon", "jp Tue"]
    assert len(read(Partition())) == 4
    assert read() == []


def test_chosen_columns_come_alone_in_the_order_asked_for(rig: Rig):
    rig.replace(things("us", MONDAY, "a", number=1))

    found = rig.warehouse.read(THINGS, [Partition("us", MONDAY)], columns=["number", "org"])
    assert found.to_dict(as_series=False) == {"number": [1], "org": ["us"]}
    with pytest.raises(SchemaMismatchError, match="declares no weight"):
        rig.warehouse.read(THINGS, [Partition()], columns=["weight"])


def test_an_empty_read_has_the_tables_types(rig: Rig):
    found = rig.warehouse.read(THINGS, [Partition("us", MONDAY)])

    assert (found.height, found.schema) == (0, THINGS.frame_schema)


def test_a_partition_can_be_written_while_its_old_rows_are_being_read(rig: Rig):
    rig.replace(things("us", MONDAY, *(str(number) for number in range(1000))))
    batches = rig.warehouse.read_batches(THINGS, [Partition("us", MONDAY)])
    first = next(batches)
    rig.replace(things("us", MONDAY, "new"))

    assert first.height + sum(batch.height for batch in batches) == 1000
    assert rig.names() == ["new"]


def test_a_query_gives_instants_in_utc_whole_numbers_and_bound_values(rig: Rig):
    early, late = datetime(2026, 1, 5, 1, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC)
    frame = things("us", MONDAY, "a", "b", number=2**40)
    rig.replace(frame.with_columns(seen_at=pl.Series([early, late], dtype=frame["seen_at"].dtype)))

    found = rig.warehouse.query(
        "select max(seen_at) as last_seen, cast(sum(number) as bigint) as total, "
        "count(*) as rows_found from facts.things where name in (?, ?) and seen_at > ?",
        ["a", "b", early],
    )
    assert found.schema == pl.Schema(
        {"last_seen": pl.Datetime("us", "UTC"), "total": pl.Int64, "rows_found": pl.Int64}
    )
    assert found.row(0) == (late, 2**40, 1)


def test_a_query_without_rows_still_has_its_columns(rig: Rig):
    found = rig.warehouse.query("select org, number from facts.things where org = ?", ["nobody"])

    assert (found.columns, found.height) == (["org", "number"], 0)


@pytest.mark.parametrize(
    "sql", ["delete from facts.things", "select 1; delete from facts.things", "drop table x"]
)
def test_a_query_only_reads(rig: Rig, sql: str):
    rig.replace(things("us", MONDAY, "a"))

    with pytest.raises(WarehouseError, match="one SELECT"):
        rig.warehouse.query(sql)
    assert rig.names() == ["a"]


def test_a_table_that_is_not_there_asks_for_the_migration(rig: Rig):
    with pytest.raises(SchemaMismatchError, match="warehouse migrate"):
        rig.warehouse.query("select * from facts.nothing_of_the_kind")


def test_a_reader_never_sees_an_empty_or_mixed_partition(rig: Rig):
    rig.replace(things("us", MONDAY, *(["v0"] * 20)))
    done = threading.Event()
    seen: list[tuple[int, int]] = []

    def poll() -> None:
        while not done.is_set():
            names = rig.names()
            seen.append((len(names), len(set(names))))

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(poll) for _ in range(2)]
        for version in range(1, 6):
            rig.replace(things("us", MONDAY, *([f"v{version}"] * 20)))
        done.set()
        for reader in readers:
            reader.result()

    assert set(seen) == {(20, 1)}


def test_two_writers_of_one_partition_leave_one_whole_partition(rig: Rig):
    def write(version: str) -> None:
        rig.replace(things("us", MONDAY, *([version] * 20)), run_id=version)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["first", "second"]))

    names = rig.names()
    assert (len(names), len(set(names))) == (20, 1)
    assert [(row["rows"], row["run_id"]) for row in rig.log()] == [(20, names[0])]


def test_writers_of_different_partitions_all_arrive(rig: Rig):
    orgs = ["us", "jp", "de", "br"]

    def write(org: str) -> None:
        rig.replace(things(org, MONDAY, org), org=org)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, orgs))

    assert [rig.names(org) for org in orgs] == [[org] for org in orgs]
    assert len(rig.log()) == 4
