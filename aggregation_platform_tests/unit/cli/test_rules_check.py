"""What `check` says of the rules: each that matches nothing, its line, the nearest name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.findings import State
from aggregation_platform.cli.rules_check import check_rules
from aggregation_platform.config.load import load_config
from aggregation_platform.directory import tables as directory
from aggregation_platform.tables import Partition
from aggregation_platform_tests.unit.cli.conftest import frame_of

LISTED_AT = datetime(2026, 1, 5, 6, tzinfo=UTC)
QUEUES = ("Sales ", "Facturacio\N{COMBINING ACUTE ACCENT}n", "Back\N{NO-BREAK SPACE}Office")


@pytest.fixture
def checked(platform):
    """Check rules (bytes of queues.csv, text of agents.csv) of a platform with these names."""

    def check(queues_csv, agents_csv=None, *, queues=QUEUES, addresses=()):
        made = platform(us="2026-01-05", emea="2026-01-05")
        folder = made.file.parent
        for table, rows in (
            (
                directory.QUEUES,
                [{"queue_id": f"q{n}", "queue_name": q} for n, q in enumerate(queues)],
            ),
            (directory.USERS, [{"user_id": f"u{n}", "email": a} for n, a in enumerate(addresses)]),
        ):
            if rows:
                whole = [{"org": "us", "valid_from": LISTED_AT, **row} for row in rows]
                made.write(table, Partition("us"), frame_of(table, whole))
        (folder / "queues.csv").write_bytes(queues_csv)
        text = made.file.read_text() + "\nrules:\n  queues: queues.csv\n"
        if agents_csv is not None:
            (folder / "agents.csv").write_text(agents_csv, encoding="utf-8")
            text += "  agents: agents.csv\n"
        made.file.write_text(text)
        findings = check_rules(Assembly(load_config(made.file, require_variables=False)))
        return [(one.state, one.told.replace(f"{folder}/", "")) for one in findings]

    return check


def test_rules_that_match_in_any_spelling_are_one_ok_line(checked):
    text = 'org,queue,global_queue\nus,"sales",G1\nus,Facturación,G2\nus,Back Office,G3\n'

    assert checked(text.encode()) == [(State.OK, "3 for queues, 0 for agents")]


def test_each_rule_that_matches_nothing_is_a_note_with_line_and_nearest_name(checked):
    text = "org,queue,global_queue\nus,Salse,G1\nus,back office,G2\nus,Retention,G3\n"

    assert checked(text.encode())[1:] == [
        (
            State.NOTE,
            "queues.csv: line 2: queue 'Salse' of us matches nothing; did you mean 'Sales '?",
        ),
        (
            State.NOTE,
            (
                "queues.csv: line 4: queue 'Retention' of us matches nothing; "
                "nothing there is like it; correct or remove it"
            ),
        ),
    ]


def test_rules_that_are_one_but_for_their_spelling_are_named(checked):
    text = "org,queue,global_queue\nus,Sales,A\nus,SALES,B\n"

    notes = [told for state, told in checked(text.encode()) if state is State.NOTE]

    assert [note.partition("; ")[0] for note in notes] == [
        (
            "queues.csv: line 3: queue 'SALES' of us: Line 2 names the same queue in another "
            "spelling. The exact spelling wins: keep one, unless the org has both queues."
        )
    ]


def test_an_agent_rule_without_an_account_is_named_and_no_address_is_shown(checked):
    agents = (
        "org,email,global_agent_id\nus,anna.groß@firma.example,P\nus,ana.gros@firma.example,P\n"
    )
    addresses = ("anna.gross@firma.example",)

    told = checked(b"org,queue,global_queue\n", agents, addresses=addresses)

    assert told[1:] == [
        (
            State.NOTE,
            (
                "agents.csv: line 3: this address matches no account of us; "
                "the most similar is that of account u0"
            ),
        )
    ]


def test_an_org_without_stored_names_is_said_and_its_rules_are_not_blamed(checked):
    text = "org,queue,global_queue\nemea,Help,G\n"

    assert checked(text.encode()) == [
        (
            State.OK,
            "1 for queues, 0 for agents; not compared for emea, of which no names are stored yet",
        )
    ]


def test_a_file_in_another_form_is_said_with_a_line_to_look_at(checked):
    text = "org;queue;global_queue\nus;Sales;A\nus;Facturación;B\n"

    assert checked(text.encode("cp1252"))[1:] == [
        (
            State.NOTE,
            (
                "queues.csv: read as Windows-1252, separated by semicolons; if line 3 is not what "
                "you wrote (us;Facturación;B), save the file as CSV UTF-8"
            ),
        )
    ]


def test_a_file_with_a_mistake_fails(checked):
    ((state, told),) = checked(b"org,queue,global_queue\nxx,A,B\n")

    assert state is State.FAILED
    assert "line 2: unknown org xx" in told
