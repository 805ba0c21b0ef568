"""The past under today's names: reporting.handle_time_as_is beside rollups.handle_time."""

from datetime import UTC, date, datetime

import polars as pl

from aggregation_platform.identity.tables import AGENTS, FOR_EVER, QUEUES, SINCE_EVER
from aggregation_platform.rollups.handle_time import relabelled
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import WriteStamp

DAY, CHANGED, TODAY = date(2026, 1, 5), date(2026, 1, 7), date(2026, 7, 1)

QUEUE_ROWS = [
    ("us", "sales", "Sales", "Sales", "rule_id", SINCE_EVER, CHANGED),
    ("us", "sales", "Sales & Care", "Commerce", "rule_id", CHANGED, FOR_EVER),
    ("us", "gone", "Gone", "Gone", "rule_id", SINCE_EVER, CHANGED),
]
AGENT_ROWS = [
    ("us", "ann", "Ann", "us:ann", "own", SINCE_EVER, CHANGED),
    ("us", "ann", "Ann", "person-1", "rule", CHANGED, FOR_EVER),
]


def test_the_past_is_told_by_todays_mapping_beside_that_of_its_day(reporting):
    write(reporting, QUEUES, Partition(), frame(QUEUES, QUEUE_ROWS))
    write(reporting, AGENTS, Partition(), frame(AGENTS, AGENT_ROWS))
    as_was = cells(
        ("sales", "Sales", "ann", "us:ann", 2, 100),
        ("gone", "Gone", "ann", "us:ann", 1, 30),
        ("(none)", "(none)", "(none)", "(none)", 1, 7),
    )
    write(reporting, HANDLE_TIME, Partition(day=DAY), as_was)

    assert reporting.ask(
        "select queue_id, global_queue_as_was, global_queue, queue_name, global_agent_id_as_was,"
        " global_agent_id, handled_count, handle_ms from reporting.handle_time_as_is"
        " order by queue_id"
    ) == [
        ("(none)", "(none)", "(none)", "(none)", "(none)", "(none)", 1, 7),
        ("gone", "Gone", "(unmapped)", "(unmapped)", "us:ann", "person-1", 1, 30),
        ("sales", "Sales", "Commerce", "Sales & Care", "us:ann", "person-1", 2, 100),
    ]


def test_a_figure_under_todays_names_says_what_it_covers_and_how_final_it_is(reporting):
    reporting.load("us", DAY)
    reporting.roll_up(DAY, ("us", "09:00", 1, 100), ("emea", "09:00", 1, 100))

    assert reporting.ask(
        "select org, finality, orgs_missing, days_present, days_expected"
        " from reporting.handle_time_as_is order by org"
    ) == [("emea", "provisional", "emea", 0, 1), ("us", "final", "emea", 1, 1)]


def test_the_view_and_the_pure_function_say_the_same(reporting):
    queues, agents = frame(QUEUES, QUEUE_ROWS), frame(AGENTS, AGENT_ROWS)
    write(reporting, QUEUES, Partition(), queues)
    write(reporting, AGENTS, Partition(), agents)
    as_was = cells(
        ("sales", "Sales", "ann", "us:ann", 2, 100),
        ("never listed", "(unmapped)", "nobody", "(unmapped)", 1, 30),
    )
    write(reporting, HANDLE_TIME, Partition(day=DAY), as_was)

    told = reporting.assembly.warehouse.query("select * from reporting.handle_time_as_is")
    pure = relabelled(as_was, as_of=TODAY, queues=queues, agents=agents)
    assert (
        told.select(pure.columns)
        .cast(dict(pure.schema))
        .sort("queue_id")
        .equals(pure.sort("queue_id"))
    )


def frame(table, rows):
    return pl.DataFrame(rows, schema=table.frame_schema, orient="row")


def cells(*rows):
    """Return one half hour's handle time: queue, its name then, agent, its name then, sums."""
    empty = {
        name: "voice" if dtype == pl.String else 0
        for name, dtype in HANDLE_TIME.frame_schema.items()
        if dtype == pl.String or dtype.is_integer()
    }
    return pl.DataFrame(
        [
            {
                **empty,
                "day": DAY,
                "org": "us",
                "interval_start": datetime(2026, 1, 5, 9, tzinfo=UTC),
                "queue_id": queue,
                "queue_name": queue,
                "global_queue": queue_name,
                "user_id": user,
                "global_agent_id": agent,
                "handled_count": handled,
                "handle_ms": handle_ms,
            }
            for queue, queue_name, user, agent, handled, handle_ms in rows
        ],
        schema=HANDLE_TIME.frame_schema,
    )


def write(reporting, table, partition, rows):
    stamp = WriteStamp("test", "final", reporting.assembly.clock.now())
    reporting.assembly.warehouse.replace_partition(
        table, partition, rows, reporting.assembly.grant, stamp=stamp
    )
