"""Rules files as spreadsheet programs save them: read as they are, or refused with a remedy."""

from __future__ import annotations

import csv
import io
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.config.models import RulesConfig
from aggregation_platform.config.rules import Rules, load_rules
from aggregation_platform.errors import ConfigurationError

ORGS = ("us", "emea")
EUROPEAN = "org;queue;global_queue\r\nus;Facturación;Billing\r\nemea;Straße 5;Sales\r\n"
READ = [("us", "Facturación", "Billing"), ("emea", "Straße 5", "Sales")]


@pytest.fixture
def load(tmp_path):
    def read(content: bytes) -> Rules:
        (tmp_path / "queues.csv").write_bytes(content)
        return load_rules(RulesConfig(queues=tmp_path / "queues.csv"), ORGS)

    return read


def refused(load, content: bytes) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load(content)
    return [line.partition("queues.csv: ")[2] for line in str(error.value).splitlines()]


def told(rules: Rules) -> list[tuple[str, str, str]]:
    return [(rule.org, rule.queue, rule.global_queue) for rule in rules.queues]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_what_a_spreadsheet_saves_is_read_whatever_the_separator_and_encoding(
    load, separator, encoding, named
):
    rules = load(EUROPEAN.replace(";", separator).encode(encoding))

    assert told(rules) == READ
    assert (rules.queues_form.separator, rules.queues_form.encoding) == (separator, named)


def test_equal_rules_have_equal_versions_in_every_encoding(load):
    versions = {load(EUROPEAN.encode(encoding)).version for encoding in ("utf-8-sig", "cp1252")}

    assert len(versions) == 1


def test_empty_lines_empty_columns_and_capital_column_names_do_no_harm(load):
    rules = load(
        b";;;;\r\nOrg;Queue;Global_Queue;;\r\nUS;A;B;;\r\n;;;;\r\n\r\nemea;C;D\r\n;;;;\r\n"
    )

    assert told(rules) == [("us", "A", "B"), ("emea", "C", "D")]
    assert [rule.line for rule in rules.queues] == [3, 6]


def test_excels_own_first_line_about_the_separator_is_no_rule(load):
    rules = load(b"sep=;\r\norg;queue;global_queue\r\nus;A, B;C\r\n")

    assert told(rules) == [("us", "A, B", "C")]
    assert rules.queues[0].line == 3


def test_a_value_may_hold_the_separator_in_quotes(load):
    assert told(load(b'org;queue;global_queue\nus;"A; B, C";"D"\n')) == [("us", "A; B, C", "D")]


def test_the_first_foreign_line_is_kept_so_that_a_person_sees_a_wrong_guess(load):
    assert load(EUROPEAN.encode("cp1252")).queues_form.foreign == (2, "us;Facturación;Billing")
    assert load(EUROPEAN.encode("utf-8")).queues_form.foreign is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"PK\x03\x04 and so on",
            (
                "this is an Excel workbook and no CSV file; in Excel, save it as "
                '"CSV UTF-8 (comma delimited)".'
            ),
        ),
        (
            "org,queue,global_queue\n".encode("utf-16-le"),
            (
                "this is no text in UTF-8 or Windows-1252 (byte 1 is 0); in Excel, save it as "
                '"CSV UTF-8 (comma delimited)".'
            ),
        ),
        (
            b"org,queue,global_queue\nus,A,B\nus,\x81,B\n",
            (
                "line 3: byte 0x81 is neither UTF-8 nor Windows-1252; in Excel, save it as "
                '"CSV UTF-8 (comma delimited)".'
            ),
        ),
        (
            "org,queue,global_queue\nus,Bücher,B\n".encode() + b"us,B\xfccher 2,B\n",
            (
                "line 3: this line is not UTF-8, but others are; in Excel, save it as "
                '"CSV UTF-8 (comma delimited)".'
            ),
        ),
        (
            b"org;queue;global_queue\nus;A;B;C\n",
            "line 2: 4 values for 3 columns; put a value that holds a semicolon in double quotes.",
        ),
        (
            b"org,queue,global_queue\nus,A,B\nus;C;D\n",
            "line 3: separated by semicolons, but the first line by commas; write all lines alike",
        ),
        (
            b'"org,queue,global_queue"\n"us,A,B"\n',
            (
                "line 1: the whole line is one value in quotes; in Excel, split the column "
                "(Data > Text to Columns) and save again."
            ),
        ),
        (
            b'sep=;\norg;queue;global_queue\nus;"A;B\n',
            "line 3: not readable as CSV (unexpected end of data); check the quotes there.",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_a_remedy(load, content, reason):
    assert refused(load, content)[0] == reason


@pytest.mark.parametrize("written", ["05.01.2026", "1/5/2026", "5-1-26"])
def test_a_date_as_excel_rewrites_it_is_refused_with_the_form_to_write_and_how(load, written):
    content = f"org;queue;global_queue;valid_from\nus;A;B;{written}\nus;C;D;{written}\n"

    first, second, remedy = refused(load, content.encode())

    assert first == f"line 2: valid_from {written} is not a day; write yyyy-mm-dd"
    assert second.startswith("line 3: ")
    assert remedy == (
        "Excel rewrites dates: give the columns valid_from and valid_to the number format Text "
        "(or the custom format yyyy-mm-dd), and save again"
    )


def test_every_wrong_line_is_named_also_those_with_too_many_values(load):
    content = b"org,queue,global_queue\nus,A,B,C\nxx,A,B\n"

    assert [line[:7] for line in refused(load, content)] == ["line 2:", "line 3:"]


letters = (
    string.ascii_letters + string.digits + string.punctuation + "".join(map(chr, range(192, 256)))
)
cells = st.text(st.sampled_from(letters), min_size=1, max_size=8)
"""No sign from 128 to 191: after a letter it makes Windows-1252 that is UTF-8 as well."""


@given(
    st.lists(st.tuples(st.sampled_from(ORGS), cells, cells), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.integers(0, 3),
)
def test_any_names_come_back_from_any_form_that_a_spreadsheet_saves(
    tmp_path_factory, rows, separator, encoding, empty_columns
):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    distinct = {(org, name): label for org, name, label in rows}
    for row in [
        ("org", "queue", "global_queue"),
        *((org, name, label) for (org, name), label in distinct.items()),
    ]:
        writer.writerow([*row, *[""] * empty_columns])
    file = tmp_path_factory.mktemp("rules") / "queues.csv"
    file.write_bytes(text.getvalue().encode(encoding))

    read = load_rules(RulesConfig(queues=file), ORGS)

    assert told(read) == [(org, name, label) for (org, name), label in distinct.items()]
