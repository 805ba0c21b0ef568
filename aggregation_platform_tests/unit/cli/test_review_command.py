"""`review`: what waits for a person, with what to do about it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime

import pytest

from aggregation_platform.directory import tables as directory
from aggregation_platform.facts.tables import REJECTS
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.ops_tables import DRIFT
from aggregation_platform_tests.unit.cli.conftest import GRANT, at, frame_of

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
LISTED_AT = datetime(2026, 1, 5, 6, tzinfo=UTC)
HEADER = "org,queue,global_queue\n"


@pytest.fixture
def reviewed(platform, tmp_path):
    """Return a platform whose queues and users are listed, with the rules that are given."""

    def make(queues, rules=HEADER, users=(), agent_rules=None):
        made = platform(us="2026-01-05", emea="2026-01-05")
        listed(made, directory.QUEUES, ("queue_id", "queue_name"), queues)
        listed(made, directory.USERS, ("user_id", "user_name", "email"), users)
        write_rules(made, rules, agent_rules)
        return made

    return make


def write_rules(made, queues, agents=None):
    folder = made.file.parent
    (folder / "queues.csv").write_text(queues, encoding="utf-8")
    told = "rules:\n  queues: queues.csv\n"
    if agents is not None:
        (folder / "agents.csv").write_text(agents, encoding="utf-8")
        told += "  agents: agents.csv\n"
    text = made.file.read_text().partition("rules:")[0]
    made.file.write_text(text + ("" if text.endswith("\n") else "\n") + told)


def listed(made, table, names, rows):
    for org in {row[0] for row in rows}:
        mine = [
            {"org": org, "valid_from": LISTED_AT, **dict(zip(names, row[1:], strict=True))}
            for row in rows
            if row[0] == org
        ]
        made.write(table, Partition(org), frame_of(table, mine))


def handled(org, queue, ms, day=DAY):
    return {
        "interval_start": at(day, "09:00"),
        "org": org,
        "queue_id": queue,
        "handled_count": 2,
        "handle_ms": ms,
    }


def lines_after(run, beginning):
    """The lines of a paragraph."""
    lines = run.stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(beginning))
    end = next((place for place in range(start, len(lines)) if not lines[place]), len(lines))
    return lines[start + 1 : end]


QUEUES = [("us", "q1", "Sales"), ("us", "q2", "Billing, old"), ("emea", "q3", "Help")]


def test_unmapped_queues_come_by_handle_time_with_the_line_that_maps_each(reviewed):
    made = reviewed(QUEUES, HEADER + "emea,Help,Help\n")
    made.roll_up(DAY, [handled("us", "q1", 1000), handled("us", "q2", 5000)])

    run = made.run("review", "queues")

    assert run.exit_code == 0, run.output
    assert lines_after(run, "Lines for ") == ['us,"Billing, old","Billing, old"', "us,Sales,Sales"]


def test_the_printed_lines_map_every_queue_when_they_are_pasted(reviewed):
    rows = [("us", "q1", " Sales "), ("us", "q2", 'say "hello", all'), ("emea", "q3", "Été")]
    made = reviewed(rows, HEADER)
    lines = lines_after(made.run("review", "queues"), "Lines for ")

    write_rules(made, HEADER + "\n".join(lines) + "\n")

    assert made.run("review", "queues").stdout == (
        "Every queue has its global queue, and every rule matches a queue.\n"
    )


def test_the_lines_are_written_as_the_file_is(reviewed):
    made = reviewed(QUEUES[:1], "global_queue;org;queue;;\nHelp;emea;q3;;\n")
    listed(made, directory.QUEUES, ("queue_id", "queue_name"), QUEUES[2:])

    assert lines_after(made.run("review", "queues"), "Lines for ") == ["Sales;us;Sales"]


def test_the_nearest_global_queue_is_proposed(reviewed):
    made = reviewed(
        [("us", "q1", "BILLING "), ("emea", "q3", "Help")], HEADER + "emea,q3,Billing\n"
    )

    assert lines_after(made.run("review", "queues"), "Lines for ") == ["us,BILLING ,Billing"]


def test_queues_of_one_name_and_queues_without_a_name_are_mapped_by_id(reviewed):
    made = reviewed([("us", "q1", "Sales"), ("us", "q2", "SALES")])
    made.roll_up(DAY, [handled("us", "q9", 1)])

    assert lines_after(made.run("review", "queues"), "Lines for ") == [
        "us,q9,q9",
        "us,q1,Sales",
        "us,q2,SALES",
    ]


def test_a_rule_that_ended_gets_a_line_for_the_other_days(reviewed):
    header = "org,queue,global_queue,valid_from,valid_to\n"
    made = reviewed(QUEUES[:1], header + "us,Sales,Sales,,2026-02-01\n")

    lines = lines_after(made.run("review", "queues"), "Lines for ")
    write_rules(made, header + "us,Sales,Sales,,2026-02-01\n" + "\n".join(lines) + "\n")

    assert lines == ["us,Sales,Sales,2026-02-01,"]
    assert "Every queue has its global queue" in made.run("review", "queues").stdout


def test_rules_that_match_nothing_are_named_with_file_line_and_nearest_name(reviewed):
    made = reviewed(QUEUES, HEADER + "us,q1,A\nus,q2,B\nemea,Halp,C\n")

    run = made.run("review", "queues", "--org", "emea")

    (told,) = lines_after(run, "Rules that match nothing")
    assert told.endswith(
        "queues.csv: line 4: queue 'Halp' of emea matches nothing; did you mean 'Help'?"
    )


def test_only_the_days_and_orgs_asked_for_are_added_up(reviewed):
    made = reviewed(QUEUES)
    made.roll_up(DAY, [handled("us", "q1", 1000)])
    made.roll_up(NEXT, [handled("us", "q1", 500, NEXT), handled("emea", "q3", 7, NEXT)])
    asked = ("--org", "us", "--from", str(NEXT), "--to", str(NEXT), "--format", "json")

    document = json.loads(made.run("review", "queues", *asked).stdout)

    assert [(row["queue_id"], row["handle_ms"]) for row in document["queues"]] == [
        ("q1", 500),
        ("q2", 0),
    ]


def test_the_csv_form_can_be_read_back(reviewed):
    run = reviewed(QUEUES).run("review", "queues", "--format", "csv")

    rows = list(csv.DictReader(run.stdout.splitlines()))
    assert {row["rule"] for row in rows} == {
        "us,Sales,Sales",
        'us,"Billing, old","Billing, old"',
        "emea,Help,Help",
    }


USERS = [
    ("us", "u1", "Ann Bauer", "ann@us.example.com"),
    ("emea", "e1", "ann  bauer", "ann@emea.example.com"),
]


def test_agents_lists_doubtful_pairs_and_idle_rules_and_no_address(reviewed):
    rules = "org,email,global_agent_id\nus,an@us.example.com,P-1\n"
    made = reviewed(QUEUES, users=USERS, agent_rules=rules)

    run = made.run("review", "agents")

    assert run.exit_code == 0, run.output
    assert "same_name" in run.stdout
    (told,) = lines_after(run, "Rules that match no account")
    assert told.endswith(
        "agents.csv: line 2: this address matches no account of us; "
        "the most similar is that of account u1"
    )
    for form in ("table", "csv", "json"):
        assert "@" not in made.run("review", "agents", "--format", form).output


def reject(org, page, reason, conversation):
    return {
        "conversation_id": conversation,
        "page": page,
        "position": 0,
        "level": "record",
        "reason": reason,
        "path": "participants",
    }


@pytest.fixture
def with_rejects(platform):
    made = platform(us="2026-01-05", emea="2026-01-05")
    for org, day, page, reason, conversation in [
        ("us", DAY, 1, "no start", "c1"),
        ("us", NEXT, 2, "no start", "c2"),
        ("emea", NEXT, 3, "no id", None),
    ]:
        row = {"org": org, "day": day, **reject(org, page, reason, conversation)}
        made.write(REJECTS, Partition(org, day), frame_of(REJECTS, [row]))
    return made


def test_rejects_are_listed_by_day_org_and_reason_with_an_example_and_its_page(with_rejects):
    run = with_rejects.run("review", "rejects", "--format", "json")

    assert [
        (row["day"], row["org"], row["reason"], row["rejects"], row["conversation_id"], row["page"])
        for row in json.loads(run.stdout)["rejects"]
    ] == [
        ("2026-01-06", "emea", "no id", 1, None, 3),
        ("2026-01-06", "us", "no start", 1, "c2", 2),
        ("2026-01-05", "us", "no start", 1, "c1", 1),
    ]


def test_each_reject_can_be_listed_of_the_orgs_and_days_asked_for(with_rejects):
    asked = ("--each", "--org", "us", "--to", str(DAY), "--format", "csv")

    rows = list(csv.DictReader(with_rejects.run("review", "rejects", *asked).stdout.splitlines()))

    assert [(row["conversation_id"], row["page"], row["path"]) for row in rows] == [
        ("c1", "1", "participants")
    ]


def test_a_rejected_record_can_be_seen_as_it_came(with_rejects):
    row = {"org": "us", "day": NEXT, "conversation_id": "c2", "page": 2, "payload": '{"a": 1}'}
    with_rejects.write(
        RAW, Partition("us", NEXT), frame_of(RAW, [{**row, "fetched_at": LISTED_AT}])
    )

    run = with_rejects.run("review", "rejects", "--records", "5")

    (record,) = [json.loads(line) for line in run.stdout.splitlines()]
    assert (record["reason"], json.loads(record["payload"])) == ("no start", {"a": 1})


def test_without_rejects_it_says_so(platform):
    assert platform(us="2026-01-05").run("review", "rejects").stdout == "Nothing was rejected.\n"


def test_drift_comes_newest_first_and_attributes_last(platform):
    made = platform(us="2026-01-05")
    rows = [
        {"org": "us", "kind": kind, "path": path, "first_seen_at": at(day, "08:00"), **seen}
        for kind, path, day in [
            ("attribute", "favourite", NEXT),
            ("key", "old", DAY),
            ("key", "new", NEXT),
        ]
        for seen in [{"last_seen_at": at(NEXT, "09:00"), "example": "c1", "seen_count": 3}]
    ]
    made.warehouse.append(DRIFT, frame_of(DRIFT, rows), GRANT)

    def paths(*asked):
        document = json.loads(made.run("review", "drift", "--format", "json", *asked).stdout)
        return [row["path"] for row in document["drift"]]

    assert paths() == ["new", "old", "favourite"]
    assert paths("--from", str(NEXT)) == ["new", "favourite"]
    assert "c1" in made.run("review", "drift").stdout


def test_totals_names_days_on_which_the_rollup_differs_from_the_facts(platform):
    made = platform(us="2026-01-05")
    metric = {"metric": "tHandle", "value_ms": 60_000, "emitted_at": at(DAY, "09:00")}
    for day, ms in ((DAY, 60_000), (NEXT, 59_000)):
        made.load_facts("us", day, [{**metric, "session_number": 1}])
        made.roll_up(day, [{**handled("us", "q1", ms, day), "handled_count": 1}])

    document = json.loads(made.run("review", "totals", "--format", "json").stdout)

    (row,) = document["totals"]
    assert (row["day"], row["org"], row["facts_handle_ms"], row["rollup_handle_ms"]) == (
        "2026-01-06",
        "us",
        60_000,
        59_000,
    )
    assert row["facts_written_at"] < row["rollup_written_at"]


def test_no_secret_is_needed(platform, monkeypatch):
    made = platform(us="2026-01-05")
    made.file.write_text(made.file.read_text().replace("a-secret", "${NOT_SET_ANYWHERE}"))
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)

    for kind in ("queues", "agents", "rejects", "drift", "totals"):
        assert made.run("review", kind).exit_code == 0, kind


def test_what_was_never_loaded_is_said(platform):
    made = platform(us="2026-01-05")
    (made.file.parent / "data" / "warehouse.duckdb").unlink()

    run = made.run("review", "queues")

    assert run.exit_code == 1
    assert "nothing has been loaded yet" in run.stderr


def test_an_org_that_is_not_configured_is_refused(platform):
    assert platform(us="2026-01-05").run("review", "drift", "--org", "latam").exit_code == 1
