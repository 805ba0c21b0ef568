"""`aht` as an analyst asks: periods, clocks, filters, comparison, and names beside ids."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from aggregation_platform.cli import aht as command
from aggregation_platform.cli import aht_names
from aggregation_platform.errors import SchemaMismatchError
from aggregation_platform.identity.tables import AGENTS, FOR_EVER, SINCE_EVER
from aggregation_platform.queries import names
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.store import Warehouse
from aggregation_platform_tests.unit.cli.conftest import frame_of

TODAY = date(2026, 1, 21)
"""A Wednesday; the running day of these tests."""

FIRST = date(2025, 12, 1)


class StandingClock:
    """Shows ten in the morning of TODAY, UTC."""

    def now(self):
        return datetime(2026, 1, 21, 10, tzinfo=UTC)


@pytest.fixture
def here(platform, monkeypatch):
    """Two orgs, every day up to yesterday: one handled session an hour, of day-of-month seconds."""
    monkeypatch.setattr(command, "SystemClock", StandingClock)
    made = platform(us="2025-12-01", emea="2025-12-01")
    zones = {"us": "America/New_York", "emea": "Europe/Berlin"}
    text = made.file.read_text()
    for org, zone in zones.items():
        text = text.replace(
            f"org: {org}\n", f"org: {org}\n    name: The {org}\n    time_zone: {zone}\n"
        )
    made.file.write_text(text)
    return made


def fill(here, first, last, *, orgs=("us", "emea"), **also):
    day = first
    while day <= last:
        for org in orgs:
            here.load_facts(org, day)
        here.roll_up(day, [hour_of(org, day, hour, **also) for org in orgs for hour in range(24)])
        day += timedelta(days=1)


def hour_of(org, day, hour, **also):
    return {
        "org": org,
        "interval_start": datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
        "handled_count": 1,
        "handle_ms": 1000 * day.day,
        "global_queue": "Sales",
        **also,
    }


def said(run):
    """Return the lines beside the figures; how long the reading took is not among them."""
    return [line for line in run.stderr.splitlines() if not line.endswith(" so far")]


def ask(here, *arguments):
    run = here.run("aht", *arguments, "--format", "json")
    assert run.exit_code == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        (("--last", "2d"), "2026-01-19 to 2026-01-20"),
        (("--last", "1w"), "2026-01-12 to 2026-01-18"),
        (("--last", "1m"), "2025-12-01 to 2025-12-31"),
        (("--week", "this"), "2026-01-19 to 2026-01-25"),
        (("--week", "last"), "2026-01-12 to 2026-01-18"),
        (("--week", "2026-W03"), "2026-01-12 to 2026-01-18"),
        (("--month", "last"), "2025-12-01 to 2025-12-31"),
        (("--month", "this"), "2026-01-01 to 2026-01-31"),
        (("--month", "2026-01"), "2026-01-01 to 2026-01-31"),
    ],
)
def test_a_period_is_named_as_people_name_it(here, asked, days):
    run = here.run("aht", *asked)

    assert run.exit_code == 0
    assert run.stdout.splitlines()[0] == f"AHT of {days} (UTC)"


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ((), "name the days: --from and --to, --last 7d, --week last or --month last."),
        (("--last", "7d", "--week", "last"), "--last and --week name days twice"),
        (("--from", "2026-01-05"), "--to is missing"),
        (("--last", "7"), "write 7d for days, 4w for weeks, 3m for months."),
        (("--week", "2026-W54"), "write yyyy-Wnn such as 2026-W03"),
        (("--month", "january"), "write yyyy-mm such as 2026-01"),
        (("--last", "7d", "--zone", "Europe/Berln"), "did you mean Europe/Berlin?"),
        (("--last", "7d", "--by", "week", "--against", "previous"), "--week or --last 4w"),
    ],
)
def test_days_named_wrongly_are_wrong_usage_with_a_remedy(here, wrong, remedy):
    run = here.run("aht", *wrong)

    assert run.exit_code == 2
    assert remedy in run.stderr


def test_weeks_months_and_weekdays_are_groups_in_their_order(here):
    fill(here, date(2025, 12, 29), date(2026, 1, 6), orgs=["us"])
    asked = ("--from", "2025-12-29", "--to", "2026-01-06", "--org", "us", "--by")

    def counts(group):
        return [(row[group], row["handled_count"]) for row in ask(here, *asked, group)["rows"]]

    assert counts("week") == [("2026-W01", 7 * 24), ("2026-W02", 2 * 24)]
    assert counts("month") == [("2025-12", 3 * 24), ("2026-01", 6 * 24)]
    assert [name for name, _ in counts("weekday")] == [
        *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    ]
    assert counts("weekday")[0] == ("Monday", 2 * 24)


def test_by_a_local_clock_the_days_and_the_hours_are_that_clocks(here):
    fill(here, date(2026, 1, 5), date(2026, 1, 7))
    asked = ("--from", "2026-01-06", "--to", "2026-01-06", "--by", "org")

    own = {row["org"]: row["handle_ms"] for row in ask(here, *asked, "--zone", "org")["rows"]}
    berlin = {
        row["org"]: row["handle_ms"] for row in ask(here, *asked, "--zone", "europe/berlin")["rows"]
    }

    assert own == {"emea": 1000 * (23 * 6 + 5), "us": 1000 * (19 * 6 + 5 * 7)}
    assert berlin == dict.fromkeys(("emea", "us"), 1000 * (23 * 6 + 5))
    hours = ask(here, *asked[:4], "--zone", "org", "--by", "org,hour")["rows"]
    assert [(row["org"], row["hour"]) for row in hours] == [
        *(("emea", hour) for hour in range(24)),
        *(("us", hour) for hour in range(24)),
    ]
    of_hour = {(row["org"], row["hour"]): row["handle_ms"] for row in hours}
    assert (of_hour["emea", 0], of_hour["emea", 1]) == (5_000, 6_000)
    assert (of_hour["us", 18], of_hour["us", 19]) == (6_000, 7_000)


def test_a_local_day_misses_what_either_of_its_utc_days_misses(here):
    fill(here, date(2026, 1, 6), date(2026, 1, 6))

    told = ask(here, "--from", "2026-01-06", "--to", "2026-01-06", "--zone", "org", "--by", "org")

    assert [(row["org"], row["orgs_missing"]) for row in told["rows"]] == [
        ("emea", ["emea"]),
        ("us", ["us"]),
    ]


@pytest.mark.parametrize(
    ("words", "handled"),
    [
        (("--queue", "Sales"), 4),
        (("--queue", " sales "), 4),
        (("--queue", "q-2"), 3),
        (("--queue", "Sales EU"), 1),
        (("--queue", "q-2", "--queue", "Sales EU"), 4),
        (("--agent", "u-1"), 1),
        (("--agent", "person-1"), 4),
        (("--agent", "ann lee"), 4),
        (("--media", "chat"), 3),
        (("--direction", "outbound"), 1),
        (("--org", "emea"), 3),
        (("--queue", "Sales", "--media", "voice"), 1),
    ],
)
def test_only_a_part_is_counted_where_a_filter_says_so(here, words, handled):
    day = date(2026, 1, 6)
    write_names(here)
    for org in ("us", "emea"):
        here.load_facts(org, day)
    one = {"queue_id": "q-1", "queue_name": "Sales EU", "user_id": "u-1", "media_type": "voice",
           "direction": "outbound"}  # fmt: skip
    two = {"queue_id": "q-2", "queue_name": "Verkauf", "user_id": "u-2", "media_type": "chat",
           "direction": "inbound", "handled_count": 3}  # fmt: skip
    other = {"global_queue": "Care", "queue_id": "q-3", "queue_name": "Care"}
    here.roll_up(
        day,
        [
            hour_of("us", day, 9, global_agent_id="person-1", **one),
            hour_of("emea", day, 9, global_agent_id="person-1", **two),
            hour_of("us", day, 10, **(other | {"handled_count": 20})),
        ],
    )

    told = ask(here, "--from", "2026-01-06", "--to", "2026-01-06", *words)

    assert told["total"]["handled_count"] == handled


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--queue", "Slaes"), "no queue 'Slaes' has handle time; did you mean 'Sales'?"),
        (("--media", "fax"), "no media 'fax' has handle time; there are:"),
        (("--org", "emae"), "did you mean emea?"),
    ],
)
def test_a_word_that_names_nothing_is_an_error_with_the_nearest(here, words, said):
    fill(here, date(2026, 1, 6), date(2026, 1, 6))

    run = here.run("aht", "--from", "2026-01-06", "--to", "2026-01-06", *words)

    assert run.exit_code == 1
    assert said in run.stderr


def test_against_previous_has_the_period_before_beside_it(here):
    fill(here, date(2026, 1, 5), date(2026, 1, 5), orgs=["us"])
    fill(here, date(2026, 1, 12), date(2026, 1, 12), orgs=["us"])

    told = ask(here, "--week", "last", "--org", "us", "--by", "day", "--against", "previous")

    assert told["period_before"] == {"from": "2026-01-05", "to": "2026-01-11", "zone": "UTC"}
    first = told["rows"][0]
    assert (first["day"], first["aht_ms"], first["aht_ms_before"], first["aht_change_ms"]) == (
        *("2026-01-12", 12_000, 5_000, 7_000),
    )
    assert told["total"]["aht_change_ms"] == 7_000
    assert (first["finality"], first["finality_before"]) == ("final", "final")
    assert [row["aht_ms_before"] for row in told["rows"][1:]] == [None] * 6


def test_against_previous_names_who_is_missing_on_either_side(here):
    fill(here, date(2026, 1, 5), date(2026, 1, 5), orgs=["us"])
    fill(here, date(2026, 1, 6), date(2026, 1, 6))

    asked = ("--from", "2026-01-06", "--to", "2026-01-06", "--against", "previous")
    told, lines = ask(here, *asked), said(here.run("aht", *asked))

    assert lines[0].startswith("emea: missing 2026-01-05; `aggregation-platform")
    assert told["total"]["orgs_missing"] == []
    assert told["total"]["orgs_missing_before"] == ["emea"]
    assert told["total"]["finality_before"] == "provisional"


def test_a_period_before_every_first_day_has_no_zero_beside_the_figure(here):
    fill(here, FIRST, FIRST)
    asked = ("--from", "2025-12-01", "--to", "2025-12-01", "--against", "previous")

    total, lines = ask(here, *asked)["total"], said(here.run("aht", *asked))

    assert (total["handled_count"], total["handled_count_before"]) == (48, None)
    assert (total["aht_ms_before"], total["finality_before"]) == (None, None)
    assert lines == [f"emea, us: nothing before 2025-12-01, the first_day in {here.file}."]
    assert "before: -" not in here.run("aht", *asked).stdout


def test_what_was_handled_only_before_has_its_row(here):
    fill(here, date(2026, 1, 5), date(2026, 1, 5), global_queue="Old")
    fill(here, date(2026, 1, 6), date(2026, 1, 6), global_queue="New")
    asked = ("--from", "2026-01-06", "--to", "2026-01-06", "--against", "previous", "--by")

    rows = ask(here, *asked, "global_queue")["rows"]

    assert [
        (row["global_queue"], row["handled_count"], row["handled_count_before"]) for row in rows
    ] == [("New", 48, 0), ("Old", 0, 48)]


def test_a_month_is_compared_with_the_month_before_whatever_its_length(here):
    told = ask(here, "--month", "2026-01", "--against", "previous")

    assert told["period_before"] == {"from": "2025-12-01", "to": "2025-12-31", "zone": "UTC"}


def write_names(here):
    rows = [
        ("us", "u-1", "Ann Lee", "person-1", "rule", SINCE_EVER, FOR_EVER),
        ("emea", "u-2", "Ann Lee", "person-1", "rule", SINCE_EVER, FOR_EVER),
    ]
    frame = frame_of(AGENTS, [dict(zip(AGENTS.frame_schema.names(), row, strict=True)) for row in rows])  # noqa: E501  # fmt: skip
    here.write(AGENTS, Partition(), frame)


def test_names_are_beside_the_ids_of_orgs_queues_and_agents(here):
    write_names(here)
    day = date(2026, 1, 6)
    fill(here, day, day, orgs=["us"], global_agent_id="person-1", user_id="u-1", queue_id="q-1",
         queue_name="Sales EU")  # fmt: skip

    by = "org,queue,agent,global_agent"
    rows = ask(here, "--from", "2026-01-06", "--to", "2026-01-06", "--by", by)["rows"]
    shown = here.run("aht", "--from", "2026-01-06", "--to", "2026-01-06", "--by", by).stdout

    assert {name: rows[0][name] for name in rows[0] if name.endswith("_name")} == {
        "org_name": "The us",
        "queue_name": "Sales EU",
        "agent_name": "Ann Lee",
        "global_agent_name": "Ann Lee",
    }
    assert "Ann Lee" in shown


def test_a_role_that_may_not_read_names_has_ids_and_is_told_so_in_one_line(here, monkeypatch):
    class Refusing:
        def __init__(self, warehouse):
            self._warehouse = warehouse

        def query(self, sql, parameters=()):
            if "identity.agents" in sql:
                raise SchemaMismatchError("does not exist or not authorized")
            return self._warehouse.query(sql, parameters)

    read = names.agent_names

    def refused(warehouse: Warehouse, day: date):
        return read(cast("Warehouse", Refusing(warehouse)), day)

    monkeypatch.setattr(
        "aggregation_platform.cli.aht_names.agent_names",
        refused,
    )
    day = date(2026, 1, 6)
    fill(here, day, day, global_agent_id="person-1")

    run = here.run(
        *("aht", "--from", "2026-01-06", "--to", "2026-01-06", "--by", "global_agent"),
        *("--format", "json"),
    )

    assert run.exit_code == 0
    assert json.loads(run.stdout)["rows"][0]["global_agent_name"] is None
    assert said(run) == [aht_names.NOT_READABLE]


def test_a_day_to_come_is_not_yet_and_the_running_day_is_provisional_not_missing(here):
    fill(here, date(2026, 1, 19), date(2026, 1, 20))

    run = here.run("aht", "--week", "this", "--by", "day", "--format", "json")

    rows = json.loads(run.stdout)["rows"]
    assert [(row["day"], row["finality"], row["orgs_missing"]) for row in rows] == [
        ("2026-01-19", "final", []),
        ("2026-01-20", "final", []),
        ("2026-01-21", "provisional", []),
    ]
    assert said(run) == ["2026-01-22 to 2026-01-25: not yet; they have not begun (UTC)."]
    assert json.loads(run.stdout)["total"]["finality"] == "provisional"


def test_only_days_to_come_have_no_figure(here):
    run = here.run("aht", "--from", "2026-01-22", "--to", "2026-01-23", "--format", "json")

    assert run.exit_code == 1
    assert run.stdout == ""
    assert said(run) == ["2026-01-22 to 2026-01-23: not yet; they have not begun (UTC)."]


def test_days_before_every_first_day_have_no_figure_and_none_that_is_final(here):
    run = here.run("aht", "--from", "2025-11-01", "--to", "2025-11-02")

    assert run.exit_code == 1
    assert run.stdout == ""
    assert "emea, us: nothing before 2025-12-01, the first_day" in run.stderr


def test_the_advice_names_just_the_days_that_are_missing_in_commands_that_can_be_pasted(here):
    spaced = here.file.parent / "my platform.yaml"
    here.file.rename(spaced)
    here.file = spaced
    fill(here, date(2026, 1, 16), date(2026, 1, 16), orgs=["us"])
    fill(here, date(2026, 1, 18), date(2026, 1, 18))

    lines = said(here.run("aht", "--from", "2026-01-16", "--to", "2026-01-19"))

    assert [line.split("`")[0] for line in lines] == [
        "emea: missing 2026-01-16 to 2026-01-17, 2026-01-19; ",
        "us: missing 2026-01-17, 2026-01-19; ",
    ]
    first, second = (shlex.split(part) for part in lines[0].split("`")[1].split(" && "))
    assert first == [
        *("aggregation-platform", "--config", str(spaced), "materialize"),
        *("--from", "2026-01-16", "--to", "2026-01-17", "--org", "emea"),
    ]
    assert second[-5:] == ["2026-01-19", "--to", "2026-01-19", "--org", "emea"]


def test_help_is_in_groups_and_has_examples_that_are_accepted(here):
    shown = here.run("aht", "--help").stdout
    fill(here, date(2026, 1, 18), date(2026, 1, 18))

    assert [line for line in shown.splitlines() if line.endswith(":")] == [
        *("Which days (name them once):", "Grouped by, compared with:"),
        *("Only a part (each can be repeated):", "Other options:", "Examples:"),
    ]
    assert len(command.EXAMPLES) == 3
    for example in command.EXAMPLES:
        run = here.run(*shlex.split(example)[1:])
        assert run.exit_code == 0, run.stderr
