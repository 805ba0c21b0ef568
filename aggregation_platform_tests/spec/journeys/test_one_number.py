"""Which spellings are one telephone number, and which numbers are nobody's."""

import pytest

COUNTRIES = {"us": "US", "uk": "GB", "de": "DE"}
AMERICAN, BRITISH, GERMAN = "+12125550142", "+442079460018", "+4930901820"
DESK = "tel:+442079461234"


@pytest.mark.parametrize(
    ("org", "spelling", "number"),
    [
        # org, as its records have it, the number that is meant
        ("uk", "sip:%2B12125550142@trunk.example.com", AMERICAN),
        ("uk", "tel:%2B1%20212%20555%200142", AMERICAN),
        ("uk", "sips:+1-212-555-0142@10.0.0.1:5061;user=phone", AMERICAN),
        ("us", "tel:2125550142", AMERICAN),
        ("us", "tel:(212) 555-0142", AMERICAN),
        ("us", "12125550142", AMERICAN),
        ("us", "sip:1-212-555-0142@pbx", AMERICAN),
        ("us", "tel:555-0142;phone-context=+1-212", AMERICAN),
        ("uk", "0012125550142", AMERICAN),
        ("us", "0012125550142", AMERICAN),
        ("us", "011442079460018", BRITISH),
        ("uk", "02079460018", BRITISH),
        ("uk", "tel:020 7946 0018", BRITISH),
        ("uk", "+44 (0)20 7946 0018", BRITISH),
        ("us", "tel:+4402079460018", BRITISH),
        ("us", "442079460018", BRITISH),
        ("de", "030/901820", GERMAN),
        ("de", "030 901-820", GERMAN),
    ],
)
def test_every_spelling_of_a_callers_number_is_that_number(calls, org, spelling, number):
    calls.call(org, "a", "10:00:00", ani=spelling).call("other", "b", "10:06:00", ani=number)

    assert calls.contacts(countries=COUNTRIES) == [f"{org}:a > other:b by ani_window"]


@pytest.mark.parametrize("spelling", ["020 7946 1234", "sip:%2B442079461234@pbx", DESK])
@pytest.mark.parametrize("called", ["tel:02079461234", DESK, "00442079461234"])
def test_every_spelling_of_a_dialled_number_is_that_number(calls, spelling, called):
    calls.call("uk", "a", "10:00:00", ani="tel:+12125550142")
    calls.dials("uk", "a", "10:04:00", number=spelling)
    calls.call("uk2", "b", "10:04:03", ani="tel:anonymous", dnis=called)

    countries = {"uk": "GB", "uk2": "GB"}
    assert calls.contacts(countries=countries) == ["uk:a > uk2:b by transfer_leg"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+12125550142;ext=12", "tel:+12125550142;ext=13"),
        ("tel:+12125550142;ext=12", "tel:+12125550142"),
        ("sip:+12125550142;ext=12@pbx", "+1 212 555 0142 ext. 7"),
        ("2125550142 x12", "2125550142 x120"),
    ],
)
def test_another_extension_is_another_line(calls, one, other):
    calls.call("us", "a", "10:00:00", ani=one).call("uk", "b", "10:06:00", ani=other)

    assert calls.contacts(countries=COUNTRIES) == []


@pytest.mark.parametrize(
    "spelling", ["+1 212 555 0142 ext. 12", "sip:%2B12125550142;ext=12@pbx", "+12125550142x12"]
)
def test_the_same_extension_of_the_same_number_is_one_line(calls, spelling):
    calls.call("us", "a", "10:00:00", ani="tel:2125550142;ext=12")
    calls.call("uk", "b", "10:06:00", ani=spelling)

    assert calls.contacts(countries=COUNTRIES) == ["us:a > uk:b by ani_window"]


@pytest.mark.parametrize(
    "ani",
    [
        "tel:+10000000000",
        "tel:+19999999999",
        "tel:+15555555555",
        "tel:+440000000000",
        "tel:+4999999999999",
        "+1234567890",
        "tel:1234567890",
        "tel:9876543210",
        "0000000000",
        "tel:+10000000000;ext=5",
        "sip:%2B19999999999@trunk",
    ],
)
def test_a_number_that_nobody_can_have_is_no_caller(calls, ani):
    calls.call("us", "a", "10:00:00", ani=ani).call("uk", "b", "10:06:00", ani=ani)

    assert calls.contacts(countries=COUNTRIES) == []
    assert calls.linked(countries=COUNTRIES).reviews.is_empty()


@pytest.mark.parametrize("ani", ["tel:+441234567890", "tel:+12125555555", "tel:+18005550000"])
def test_a_number_that_only_looks_made_up_is_a_callers(calls, ani):
    calls.call("us", "a", "10:00:00", ani=ani).call("uk", "b", "10:06:00", ani=ani)

    assert calls.contacts(countries=COUNTRIES) == ["us:a > uk:b by ani_window"]


def test_one_national_number_in_two_countries_is_two_numbers(calls):
    calls.call("us", "a", "10:00:00", ani="2079460018").call(
        "uk", "b", "10:06:00", ani="02079460018"
    )

    assert calls.contacts(countries=COUNTRIES) == []


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("tel:+12125550142", "sip:%2B12125550142@trunk", True),
        ("2125550142", "(212) 555-0142", True),
        ("12125550142", "+12125550142", True),
        ("02079460018", "020 7946 0018", True),
        ("02079460018", "+2079460018", False),
        ("5550142", "5550142", False),
        ("2125550142", "+12125550142", False),
    ],
)
def test_without_a_country_a_long_number_is_compared_as_it_is_written(calls, one, other, are_one):
    calls.call("us", "a", "10:00:00", ani=one).call("uk", "b", "10:06:00", ani=other)

    assert bool(calls.contacts()) is are_one


def test_a_configured_number_is_ignored_in_its_national_spelling_too(calls):
    calls.call("us", "a", "10:00:00", ani="+12125550142")
    calls.call("uk", "b", "10:06:00", ani="+12125550142")

    assert calls.contacts(countries=COUNTRIES, ignored_numbers=("212-555-0142",)) == []
