"""A name or address is compared in one form on both sides, however it was written."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Literal

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aggregation_platform.config.rules import FOR_EVER, SINCE_EVER, AgentRule, QueueRule
from aggregation_platform.directory import tables as directory
from aggregation_platform.identity.agents import agents
from aggregation_platform.identity.queues import queues
from aggregation_platform.identity.tables import QUEUE_NAMES
from aggregation_platform.names import folded, folded_column

SEEN_AT = datetime(2026, 1, 5, 6, tzinfo=UTC)
BLANKS = " \t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{EM SPACE}\N{IDEOGRAPHIC SPACE}"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = texts.filter(lambda text: folded(text) not in ("", "(none)", "(unmapped)"))
blanks = st.text(st.sampled_from(BLANKS), min_size=1, max_size=3)
FORMS: tuple[Literal["NFC"], Literal["NFD"]] = ("NFC", "NFD")
forms = st.sampled_from(FORMS)


@st.composite
def spellings(draw: st.DrawFn, of: str) -> str:
    """The same name in another letter case, composition, and with other blanks."""
    text = unicodedata.normalize(draw(forms), of)
    text = draw(st.sampled_from([str, str.casefold]))(text)
    words = text.split()
    spread = words[0] + "".join(draw(blanks) + word for word in words[1:])
    around = st.one_of(st.just(""), blanks)
    return draw(around) + unicodedata.normalize(draw(forms), spread) + draw(around)


@given(texts)
def test_folding_twice_changes_nothing(text):
    assert folded(folded(text)) == folded(text)


@given(st.data(), names)
def test_every_spelling_of_a_name_has_one_form(data, name):
    assert folded(data.draw(spellings(name))) == folded(name)


@given(st.lists(st.one_of(st.none(), texts)))
def test_a_column_is_folded_as_each_of_its_names(column):
    frame = pl.DataFrame({"name": column}, schema={"name": pl.String})

    assert frame.select(folded_column("name"))["name"].to_list() == [
        None if text is None else folded(text) for text in column
    ]


@given(st.data(), names)
def test_a_rule_for_any_spelling_of_a_queues_name_matches_and_the_table_keeps_the_orgs(data, name):
    written = data.draw(spellings(name))
    listed = pl.DataFrame(
        [{"org": "us", "queue_id": "q1", "queue_name": name, "valid_from": SEEN_AT}],
        schema=directory.QUEUES.frame_schema,
    )
    rule = QueueRule("us", written, "Mapped", SINCE_EVER, FOR_EVER, line=2)
    built = queues(listed, QUEUE_NAMES.empty(), [rule])

    assert built.select("queue_name", "global_queue", "evidence").rows() == [
        (name, "Mapped", "rule_name")
    ]


@given(st.data(), names.map(lambda name: f"{name}@example.com"))
def test_an_address_in_any_spelling_finds_its_account_and_joins_accounts(data, address):
    assume(" " not in folded(address))
    written, elsewhere = data.draw(spellings(address)), data.draw(spellings(address))
    users = pl.DataFrame(
        [
            {"org": "us", "user_id": "u1", "email": address, "valid_from": SEEN_AT},
            {"org": "emea", "user_id": "e1", "email": elsewhere, "valid_from": SEEN_AT},
        ],
        schema=directory.USERS.frame_schema,
    )
    rule = AgentRule("us", None, written, "P-1", SINCE_EVER, FOR_EVER, line=2)

    assert agents(users, [rule]).select("user_id", "global_agent_id", "evidence").rows() == [
        ("e1", "P-1", "email"),
        ("u1", "P-1", "rule"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (" Sales", "Sales\N{NO-BREAK SPACE}"),
        ("Back\N{NO-BREAK SPACE}Office", "Back Office"),
        ("Back  Office", "back\toffice"),
        ("Facturacio\N{COMBINING ACUTE ACCENT}n", "Facturaci\N{LATIN SMALL LETTER O WITH ACUTE}n"),
        ("anna.groß@firma.example", "ANNA.GROSS@firma.example"),
        ("o\N{LATIN SMALL LIGATURE FFI}ce@x", "OFFICE@x"),
        ("νίκος@x", "ΝΊΚΟΣ@x"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}Sales", "Sal\N{SOFT HYPHEN}es"),
        ("\N{BLACK TELEPHONE}\N{VARIATION SELECTOR-16} Hotline", "\N{BLACK TELEPHONE} Hotline"),
    ],
)
def test_what_people_read_alike_is_one_name(one, other):
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sales", "Sale"),
        ("Back Office", "BackOffice"),
        ("resume", "résumé"),
        ("Sales 1", "Sales ¹"),
    ],
)
def test_what_people_read_differently_stays_two_names(one, other):
    assert folded(one) != folded(other)
