"""Telephone numbers as people of a country dial them, completed to international ones.

Belongs here: digits and a country in, international digits out; where `phonenumbers` is asked, and
where its answer is known without asking. Elsewhere: addresses, extensions, numbers that say
nothing (numbers.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

_NOTHING = r"(?!)"
"""A pattern that matches nothing."""


def completed(written: str, country: str | None, *, must_be_valid: bool = False) -> int | None:
    """Complete a number; None where it cannot be one.

    Args:
        written: As people of the country dial it, or with a plus.
        country: ISO 3166 alpha-2; None only with a plus.
        must_be_valid: Refuse what the numbering plan gives to nobody.
    """
    plan = None if country is None or must_be_valid else _plan(country)
    if plan is not None and written.isdecimal():
        known = plan.simply_completed(written)
        if known is not None:
            return known
    return _parsed(written, country, must_be_valid=must_be_valid)


def _parsed(written: str, country: str | None, *, must_be_valid: bool) -> int | None:
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if must_be_valid and not phonenumbers.is_valid_number(number):
        return None
    return int(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:])


@dataclass(frozen=True)
class _Plan:
    """What of a country's numbering plan completes nearly all of its numbers.

    Reading a number with `phonenumbers` takes thirty times as long, and an organization that
    writes national numbers has hundreds of thousands a day. Nothing is decided here that the
    library would decide otherwise: a property compares them.
    """

    code: str
    lengths: frozenset[int]
    abroad: re.Pattern[str]
    trunk: re.Pattern[str]
    trunk_digits: str
    national: re.Pattern[str]

    def simply_completed(self, digits: str) -> int | None:
        """Complete digits; None where that takes more care."""
        if digits.startswith(self.code) or self.abroad.match(digits):
            return None
        rest = digits
        if self.trunk.match(digits):
            if not self.trunk_digits or self.national.fullmatch(digits):
                return None
            rest = digits.removeprefix(self.trunk_digits)
        return int(self.code + rest) if len(rest) in self.lengths else None


@cache
def _plan(country: str) -> _Plan | None:
    """Return what completes nearly all numbers of a country; None for one without a plan."""
    code = phonenumbers.country_code_for_region(country)
    own = PhoneMetadata.metadata_for_region(country)
    main = PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_country_code(code))
    if own is None or main is None or own.general_desc is None or main.general_desc is None:
        return None
    trunk = own.national_prefix_for_parsing or ""
    is_simple = trunk.isdigit() and not own.national_prefix_transform_rule
    return _Plan(
        code=str(code),
        lengths=frozenset(main.general_desc.possible_length),
        abroad=re.compile(own.international_prefix or _NOTHING),
        trunk=re.compile(trunk or _NOTHING),
        trunk_digits=trunk if is_simple else "",
        national=re.compile(own.general_desc.national_number_pattern or _NOTHING),
    )
