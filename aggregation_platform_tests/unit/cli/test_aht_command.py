"""`aht` against a real DuckDB warehouse."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest

from aggregation_platform.cli.options import Days
from aggregation_platform.cli.remedies import loads
from aggregation_platform.config.load import load_config

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
HANDLED = {"metric": "tHandle", "emitted_at": datetime(2026, 1, 5, tzinfo=UTC)}


def cell(org, clock, handled_count, handle_ms, **also):
    hour, minute = clock.split(":")
    return {
        "org": org,
        "interval_start": datetime(2026, 1, 5, int(hour), int(minute), tzinfo=UTC),
        "handled_count": handled_count,
        "handle_ms": handle_ms,
        "global_queue": "Sales",
        **also,
    }


def tuesday(row):
    return {**row, "interval_start": row["interval_start"].replace(day=6)}


def said(run):
    """Return the lines beside the figures; how long the reading took is not among them."""
    return [line for line in run.stderr.splitlines() if not line.endswith(" so far")]


def answer(run):
    assert run.exit_code == 0, run.stderr
    return json.loads(run.stdout)


def test_the_world_is_the_sum_over_orgs_divided_last(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    here.load_facts("us", MONDAY)
    here.load_facts("emea", MONDAY)
    here.roll_up(MONDAY, [cell("us", "09:00", 1, 100_000), cell("emea", "09:00", 3, 900_000)])

    told = answer(here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--format", "json"))

    assert told["total"] == {
        "handled_count": 4,
        "handle_ms": 1_000_000,
        "aht_ms": 250_000,
        "orgs_missing": [],
        "finality": "final",
    }


def test_rows_come_in_the_groups_asked_for_and_the_document_has_rows_total_and_who_left(platform):
    here = platform(us="2026-01-05")
    here.load_facts("us", MONDAY)
    here.roll_up(
        MONDAY,
        [
            cell("us", "09:00", 1, 60_000),
            cell("us", "09:30", 1, 90_000),
            cell("us", "10:00", 2, 20_000, media_type="chat"),
        ],
    )

    told = answer(
        here.run(
            *("aht", "--from", "2026-01-05", "--to", "2026-01-05"),
            *("--by", "day,hour", "--format", "json"),
        )
    )

    assert list(told) == ["rows", "total", "orgs_retired"]
    assert [(r["day"], r["hour"], r["handled_count"], r["aht_ms"]) for r in told["rows"]] == [
        ("2026-01-05", 9, 2, 75_000),
        ("2026-01-05", 10, 2, 10_000),
    ]


def test_an_org_without_its_day_is_named_and_the_figure_is_given_all_the_same(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    here.load_facts("us", MONDAY)
    here.roll_up(MONDAY, [cell("us", "09:00", 2, 300_000)])

    run = here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--format", "json")

    assert answer(run)["total"]["orgs_missing"] == ["emea"]
    assert answer(run)["total"]["aht_ms"] == 150_000
    assert answer(run)["total"]["finality"] == "provisional"
    assert "emea: missing 2026-01-05; `aggregation-platform --config" in run.stderr
    assert "materialize --from 2026-01-05 --to 2026-01-05 --org emea` loads it." in run.stderr


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2026-01-06", "2026-01-07", "`materialize --from 2026-01-06 --to 2026-01-07` loads them."),
        ("2026-01-01", "2026-01-05", "`materialize --from 2026-01-05 --to 2026-01-05` loads it."),
        (
            "2026-01-01",
            "2026-01-04",
            "nothing is fetched before 2026-01-05, the earliest first_day",
        ),
        ("2026-01-07", "2026-01-31", "`materialize --from 2026-01-07 --to 2026-01-08` loads them."),
        ("2026-01-09", "2026-01-10", "2026-01-09 has not begun in UTC."),
    ],
)
def test_the_command_for_missing_days_names_only_days_that_it_takes(platform, first, last, told):
    file = platform(us="2026-01-05", emea="2026-01-06").file
    days = Days(date.fromisoformat(first), date.fromisoformat(last))

    said = loads(days, load_config(file), today=date(2026, 1, 8))

    assert said.replace(f"aggregation-platform --config {file} ", "").startswith(told)
    assert ("materialize" in said) == (f"`aggregation-platform --config {file} " in said)


def test_an_org_that_came_later_is_told_beside_the_figure(platform):
    here = platform(us="2026-01-05", emea="2026-01-06")
    for org, day in (("us", MONDAY), ("us", TUESDAY), ("emea", TUESDAY)):
        here.load_facts(org, day)
    here.roll_up(MONDAY, [cell("us", "09:00", 1, 1000)])
    here.roll_up(TUESDAY, [tuesday(cell(org, "09:00", 1, 1000)) for org in ("us", "emea")])

    both = here.run("aht", "--from", "2026-01-05", "--to", "2026-01-06")
    tuesdays = here.run("aht", "--from", "2026-01-06", "--to", "2026-01-06")

    assert said(both) == [f"emea: nothing before 2026-01-06, the first_day in {here.file}."]
    assert said(tuesdays) == []


def test_days_before_every_first_day_are_told_to_be_nobodys(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")

    run = here.run("aht", "--from", "2026-01-02", "--to", "2026-01-03")

    assert said(run) == [f"emea, us: nothing before 2026-01-05, the first_day in {here.file}."]
    assert run.exit_code == 1


def test_an_org_is_not_missing_before_its_first_day(platform):
    here = platform(us="2026-01-05", emea="2026-01-06")
    for org, day in (("us", MONDAY), ("us", TUESDAY), ("emea", TUESDAY)):
        here.load_facts(org, day)
    here.roll_up(MONDAY, [cell("us", "09:00", 1, 1000)])
    here.roll_up(TUESDAY, [tuesday(cell("us", "09:00", 1, 1000))])

    told = answer(
        here.run(
            *("aht", "--from", "2026-01-05", "--to", "2026-01-06"),
            *("--by", "org,day", "--format", "json"),
        )
    )

    assert told["total"]["orgs_missing"] == []
    assert [(row["org"], row["day"]) for row in told["rows"]] == [
        ("emea", "2026-01-06"),
        ("us", "2026-01-05"),
        ("us", "2026-01-06"),
    ]


def test_where_nothing_was_handled_there_is_no_average(platform):
    here = platform(us="2026-01-05")
    here.load_facts("us", MONDAY)
    here.roll_up(MONDAY, [])

    told = answer(here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--format", "json"))

    assert told["total"]["handled_count"] == 0
    assert told["total"]["aht_ms"] is None


def test_a_row_is_as_final_as_its_least_final_part(platform):
    here = platform(us="2026-01-05")
    here.load_facts("us", MONDAY, finality="final")
    here.load_facts("us", TUESDAY, finality="complete")
    here.roll_up(MONDAY, [cell("us", "09:00", 1, 1000)])
    here.roll_up(TUESDAY, [tuesday(cell("us", "09:00", 1, 1000))])

    told = answer(
        here.run(
            *("aht", "--from", "2026-01-05", "--to", "2026-01-06"),
            *("--by", "day", "--format", "json"),
        )
    )

    assert [row["finality"] for row in told["rows"]] == ["final", "complete"]
    assert told["total"]["finality"] == "complete"


def test_facts_that_came_after_the_rollup_make_the_figure_provisional(platform):
    here = platform(us="2026-01-05")
    here.load_facts("us", MONDAY)
    here.roll_up(MONDAY, [cell("us", "09:00", 1, 1000)])
    here.load_facts("us", MONDAY, [HANDLED])

    told = answer(here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--format", "json"))

    assert told["total"]["finality"] == "provisional"
    assert told["total"]["orgs_missing"] == []


def test_an_org_whose_facts_came_after_the_rollup_is_missing_from_it(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    here.load_facts("us", MONDAY)
    here.roll_up(MONDAY, [cell("us", "09:00", 1, 1000)])
    here.load_facts("emea", MONDAY, [HANDLED])

    told = answer(here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--format", "json"))

    assert told["total"]["orgs_missing"] == ["emea"]


def test_the_table_reads_in_minutes_and_seconds(platform):
    here = platform(us="2026-01-05")
    here.load_facts("us", MONDAY)
    here.roll_up(MONDAY, [cell("us", "09:00", 2, 2 * 185_499)])

    run = here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--by", "org,global_queue")

    lines = [line.split() for line in run.stdout.splitlines()]
    assert ["us", "Sales", "3:05", "2", "0:06:11", "-", "final"] in lines
    assert ["all", "3:05", "2", "0:06:11", "-", "final"] in lines


def test_csv_has_a_header_and_one_line_per_row(platform):
    here = platform(us="2026-01-05", emea="2026-01-05")
    here.load_facts("us", MONDAY)
    here.roll_up(MONDAY, [cell("us", "09:00", 1, 1000, global_queue="Sales, Europe")])

    run = here.run(
        *("aht", "--from", "2026-01-05", "--to", "2026-01-05"),
        *("--by", "global_queue", "--format", "csv"),
    )

    assert list(csv.DictReader(io.StringIO(run.stdout))) == [
        {
            "global_queue": "Sales, Europe",
            "handled_count": "1",
            "handle_ms": "1000",
            "aht_ms": "1000",
            "orgs_missing": "emea",
            "finality": "provisional",
        }
    ]


def test_an_unknown_group_is_wrong_usage_and_names_the_nearest(platform):
    here = platform(us="2026-01-05")

    run = here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--by", "global_que")

    assert run.exit_code == 2
    assert "did you mean global_queue?" in run.stderr


def test_days_the_wrong_way_round_are_wrong_usage(platform):
    here = platform(us="2026-01-05")

    run = here.run("aht", "--from", "2026-01-06", "--to", "2026-01-05")

    assert run.exit_code == 2
    assert "--to 2026-01-05 is before --from 2026-01-06; swap them." in run.stderr


def test_without_a_warehouse_it_says_what_to_run(platform):
    here = platform(us="2026-01-05")
    (here.file.parent / "data" / "warehouse.duckdb").unlink()

    run = here.run("aht", "--from", "2026-01-05", "--to", "2026-01-05", "--format", "json")

    assert run.exit_code == 1
    assert run.stdout == ""
    assert "nothing has been loaded yet" in run.stderr
    told = f"`aggregation-platform --config {here.file} materialize --from"
    assert told in run.stderr.splitlines()[-1]
