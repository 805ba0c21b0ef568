"""Nothing personal and nothing secret is written, whatever field or text it comes in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.observability.masking import masked, masked_fields, masked_text


@pytest.mark.parametrize(
    "personal",
    [
        "+4930123456789",
        "+1 (212) 555-0123",
        "+49 30 / 123 45 67",
        "tel:+12125550123",
        "tel:5550123",
        "tel:100",
        "TEL:+1.212.555.0123",
        "%2B4930123456789",
        "ann.lee@example.com",
        "ann+calls@sub.example.co.uk",
        "ann%40example.com",
        "jürgen@example.de",
        "sip:+4930123456@edge.example.com",
    ],
)
def test_a_number_or_an_address_in_a_text_is_masked(personal):
    shown = masked_text(f"call of {personal} ended")

    assert personal not in shown
    assert shown.startswith("call of ")
    assert shown.endswith(" ended")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer eyJhbGciOi.JIUzI1_NiJ9", "Authorization: Bearer ***"),
        ("bearer 0123456789abcdef", "bearer ***"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("client_secret=hunter2&grant_type=x", "client_secret=***&grant_type=x"),
        ('{"access_token": "abc", "n": 1}', '{"access_token": "***", "n": 1}'),
        ("password: hunter2", "password: ***"),
        ("postgresql://me:pw@host/db", "postgresql://***@host/db"),
    ],
)
def test_a_token_or_a_password_in_a_text_is_masked(text, shown):
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    "mistake",
    [
        "organizations[0].client_secret: environment variable US_SECRET is not set; set it",
        "organizations[0].client_secret: missing; add the OAuth client's secret",
        "warehouse.snowflake.password: left empty; remove the line",
        "warehouse.snowflake.password: the value (not shown) is not allowed; use a text",
    ],
)
def test_what_is_wrong_with_a_secret_is_readable(mistake):
    assert masked_text(mistake) == mistake


@pytest.mark.parametrize("secret", ["missing", "environment", "left", "the", "a"])
def test_a_secret_that_begins_like_a_mistake_is_masked(secret):
    assert masked_text(f"password: {secret} and more") == "password: *** and more"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T09:30:00.000Z",
        "2026-01-05T09:30:00+00:00",
        "3f0c6f5e-8a51-4c1e-9d0b-0d5f3b1c7a01",
        "facts.session_metrics us 2026-01-05: 1736035200000 rows in 12.5 s",
        "GET /api/v2/analytics/conversations/details/jobs/12345678/results?pageSize=1000",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "epoch 7, +3 retries, 5 + 1234",
    ],
)
def test_instants_ids_counts_and_hashes_stay_readable(text):
    assert masked_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("client_secret", "clientSecret", "Authorization", "token", "access_token", "password"),
        *("private_key", "privateKey", "api_key", "passphrase", "ani", "dnis", "email"),
        *("callback_numbers", "callbackNumbers", "addressFrom", "participantName"),
    ],
)
def test_a_field_named_for_a_secret_or_a_person_is_masked_whole(name):
    assert masked_fields({name: "5550123", "org": "us"}) == {name: "***", "org": "us"}


@pytest.mark.parametrize(
    "name", ["private_key_path", "tokens_renewed", "emails_sent", "dnis_count"]
)
def test_a_field_that_only_sounds_like_it_stays(name):
    assert masked_fields({name: 3}) == {name: 3}


def test_masking_reaches_into_mappings_and_lists():
    event = {
        "headers": {"Authorization": "Bearer abcdefgh"},
        "who": ["+4930123456", {"email": "x"}],
    }

    assert masked_fields(event) == {
        "headers": {"Authorization": "***"},
        "who": ["***", {"email": "***"}],
    }


def test_an_exception_is_shown_by_its_masked_text():
    assert masked(ValueError("no user ann@example.com")) == "no user ***"


def test_a_thing_that_contains_itself_ends():
    endless: list[object] = []
    endless.append(endless)

    assert "***" in json.dumps(masked(endless))


def test_a_long_text_without_anything_in_it_is_read_quickly():
    hostile = "a" * 300_000 + "+1" * 100_000 + "://" * 50_000

    assert len(masked_text(hostile)) == len(hostile)


texts = st.text(alphabet=st.sampled_from("ab1 +@.:/-\n\"'=&"), max_size=60)


@given(texts, st.text(alphabet="0123456789", min_size=8, max_size=15), texts)
def test_no_number_with_a_plus_sign_survives_in_any_surroundings(before, digits, after):
    shown = masked_text(f"{before} +{digits} {after}")

    assert f"+{digits}" not in shown


@given(
    texts,
    st.from_regex(r"[a-z][a-z0-9._]{0,10}@[a-z]{1,10}\.(com|de|co\.uk)", fullmatch=True),
    texts,
)
def test_no_address_survives_in_any_surroundings(before, address, after):
    assert address not in masked_text(f"{before} {address} {after}")


@given(texts)
def test_masking_again_changes_nothing(text):
    once = masked_text(text)

    assert masked_text(once) == once


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), values))
def test_any_event_can_be_masked_and_written_as_json(event):
    assert isinstance(json.dumps(masked_fields(event)), str)
