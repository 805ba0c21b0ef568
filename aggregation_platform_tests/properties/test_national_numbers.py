"""A number is the same number however it is spelled, in every country."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from aggregation_platform.journeys.dialling import completed
from aggregation_platform.journeys.numbers import numbers_in

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
countries = st.sampled_from(COUNTRIES)
digits = st.text("0123456789", min_size=7, max_size=15)


def by_the_library(written, country):
    """Read digits with phonenumbers alone."""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return int(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:])


@given(digits, countries)
def test_digits_are_completed_as_the_library_completes_them(written, country):
    assert completed(written, country) == by_the_library(written, country)


@pytest.mark.parametrize("country", COUNTRIES)
def test_digits_are_completed_as_the_library_completes_them_in_every_country(country):
    example = phonenumbers.example_number(country)
    national = phonenumbers.national_significant_number(example) if example else "12345678"

    for lead in ("", "0", "1", "8", "00", "011", "06", "15"):
        for written in (lead + national, lead + national[1:], lead + national + "0"):
            assert completed(written, country) == by_the_library(written, country), written


def spellings(number, country):
    """Write a number as gateways, people and addresses do, with the country of who writes it."""
    formats = phonenumbers.PhoneNumberFormat
    e164, spaced, national, uri = (
        phonenumbers.format_number(number, each)
        for each in (formats.E164, formats.INTERNATIONAL, formats.NATIONAL, formats.RFC3966)
    )
    return [
        (e164, None),
        (f"tel:{e164}", country),
        (f"sip:%2B{e164[1:]}@trunk.example.com;user=phone", None),
        (f"sips:{e164}@10.0.0.1:5061", country),
        (f"00{e164[1:]}", None),
        (spaced, None),
        (uri, None),
        (national, country),
        (f"tel:{national}", country),
        (national.replace(" ", "").replace("-", ""), country),
    ]


@given(countries, st.randoms(use_true_random=False))
def test_a_number_is_the_same_number_however_it_is_spelled(country, random):
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        reject()
    tail = f"{random.randrange(10_000):04d}"
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[:-4] + tail
    number = phonenumbers.parse(written)
    assume(phonenumbers.is_valid_number_for_region(number, country))
    assume(len(phonenumbers.national_significant_number(number)) >= 7)

    told = spellings(number, country)
    read = numbers_in(
        pl.Series([text for text, _ in told], dtype=pl.String),
        pl.Series([each for _, each in told], dtype=pl.String),
    )
    assert dict(zip(told, read, strict=True)) == dict.fromkeys(told, int(written[1:]))
