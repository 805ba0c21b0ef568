"""Telephone numbers as evidence: which addresses are a number, and which numbers say nothing.

Belongs here: reading a number out of an address; withheld, internal, made-up and over-common
numbers. Elsewhere: what a shared number proves (callers.py, transfers.py).

A number is its international digits (E.164) as an integer. A number with an extension is another
line than the number alone: it is a negative integer, the same for the same number and extension.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from urllib.parse import unquote

import phonenumbers
import polars as pl

from aggregation_platform.journeys.dialling import completed

WITHHELD = (
    266696687,  # "anonymous" on a keypad, as gateways send it
    86282452253,  # "unavailable"
    7378742833,  # "restricted"
    94844353,  # "withheld"
    8656696,  # "unknown"
    7748283,  # "private"
    2562533,  # "blocked"
)
"""What gateways put where the caller hides the number."""

_LONGEST = 15
_SHORTEST = 7
_SHORTEST_UNKNOWN = 10
"""Digits of a number whose country is not known: fewer are a local number, of many people."""

_SCHEME = re.compile(r"^(?:tel|sips?|callto):", re.IGNORECASE)
_WRITTEN = re.compile(r"\+?[0-9(][0-9 ().\-/\u00a0]{4,24}[0-9]")
_EXTENSION = re.compile(
    r"^(.*?[0-9)])\s*(?:#|x|,+\s*|,?\s*ext(?:n|ension)?[.:]?\s*)([0-9]{1,10})#?$"
)
_CODES = frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
_NORTH_AMERICA = "1"
_KEEP_ZERO = {"1", "7", "39", "225", "228", "241", "242", "378", "379"}
_TRUNK_ZERO = "|".join(sorted(str(code) for code in _CODES if str(code) not in _KEEP_ZERO))
_PLAIN = r"^(?:tel:|sips?:)?(?:\+|%2[Bb])([1-9][0-9]*)(?:@.*)?$"
_DOUBTFUL = rf"^(?:{_TRUNK_ZERO})0"
"""A national zero kept behind the country code: it is no part of the number."""

_RISING, _FALLING = "01234567890123456789", "98765432109876543210"
_ENDINGS = sorted(
    {int(digit * 6) for digit in "0123456789"}
    | {int(row[place : place + 6]) for row in (_RISING, _FALLING) for place in range(10)}
)
"""How numbers end that nobody has; which of them nobody has is decided with care."""


def numbers_in(addresses: pl.Series, countries: pl.Series | None = None) -> pl.Series:
    """Read addresses as numbers; null where there is none.

    `tel:+1 555-123-4567`, `sip:%2B15551234567@trunk` and `0015551234567` are one number;
    `tel:+15551234567;ext=12` is another. A name, an extension, a station and a text such as
    `anonymous` are none: a number has 7 to 15 digits and may be somebody's.

    A number without its country code is completed by the country. Without a country, one of at
    least 10 digits is taken as it is written, and a shorter one is none: too many have it. One
    that begins with 0 equals only the same digits.

    Nearly all addresses are plain, so only what is not is read with care, each once.

    Args:
        addresses: As the source wrote them.
        countries: ISO 3166 alpha-2, beside each address; null or none where it is not known.
    """
    digits = addresses.str.extract(_PLAIN)
    numbers = digits.cast(pl.Int64, strict=False)
    is_odd = digits.is_null() | digits.str.contains(_DOUBTFUL)
    rows = (is_odd & addresses.is_not_null()).arg_true()
    if len(rows):
        country = countries.gather(rows) if countries is not None else None
        careful = _read_each_once(addresses.gather(rows), country)
        numbers = numbers.scatter(rows, careful)
    return _somebodys(numbers)


def _read_each_once(addresses: pl.Series, countries: pl.Series | None) -> pl.Series:
    country = pl.lit(None, pl.String) if countries is None else countries
    told = pl.DataFrame({"text": addresses}).with_columns(country.alias("country"))
    each = told.unique()
    numbers = pl.Series("number", [read(*row) for row in each.iter_rows()], dtype=pl.Int64)
    joined = told.join(
        each.with_columns(numbers),
        on=["text", "country"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return joined["number"]


def _somebodys(numbers: pl.Series) -> pl.Series:
    """Keep what may be somebody's number."""
    has_length = numbers.is_between(10 ** (_SHORTEST - 1), 10**_LONGEST, closed="left")
    numbers = numbers.set(~(has_length | (numbers < 0)), None)
    doubtful = numbers.filter((numbers % 10**6).is_in(_ENDINGS) & (numbers > 0)).unique()
    nobodys = [number for number in doubtful if is_placeholder(number)]
    return numbers.set(numbers.is_in(nobodys), None) if nobodys else numbers


def read(text: str | None, country: str | None) -> int | None:
    """Read one address with care; see `numbers_in`."""
    if text is None:
        return None
    written = _SCHEME.sub("", unquote(text).strip()).partition("@")[0].lower().strip()
    base, extension = (written, "") if written.isdecimal() else _without_extension(written)
    if not _WRITTEN.fullmatch(base):
        return None
    number = _international(base, country)
    if number is None or number < 0 or not extension:
        return number
    return None if number in WITHHELD or is_placeholder(number) else _line(number, extension)


def _without_extension(written: str) -> tuple[str, str]:
    """Part a number from its extension, in the forms of URIs and of people."""
    base, *parameters = written.split(";")
    parts = [parameter.partition("=") for parameter in parameters]
    values = {name: value for name, _, value in parts}
    context = values.get("phone-context", "")
    if context.startswith("+") and not base.startswith("+"):
        base = context + base
    if values.get("ext"):
        return base, re.sub(r"[^0-9]", "", values["ext"])
    behind = _EXTENSION.match(base)
    return (behind[1], behind[2]) if behind else (base, "")


def _line(number: int, extension: str) -> int:
    """Name one line of its own: a negative integer of 63 bits."""
    name = blake2b(f"{number};{extension}".encode(), digest_size=8).digest()
    return -(int.from_bytes(name) >> 1) - 1


def _international(written: str, country: str | None) -> int | None:
    digits = re.sub(r"[^0-9]", "", written)
    if not _SHORTEST <= len(digits) <= _LONGEST + 5:
        return None
    if written.startswith("+"):
        is_plain = written[1:] == digits and not re.match(_DOUBTFUL, digits)
        return (None if is_plain else completed(written, None)) or _of_length(digits)
    if int(digits) in WITHHELD:
        return None
    dialled_abroad = digits.startswith("00")
    if country is not None:
        found = completed(written, country) or completed(f"+{digits}", None, must_be_valid=True)
        return found or (_international(f"+{digits[2:]}", None) if dialled_abroad else None)
    if dialled_abroad:
        return _international(f"+{digits[2:]}", None)
    return _national(digits)


def _national(digits: str) -> int | None:
    """Take a number of a country that is not known: a leading zero is no country code."""
    if len(digits) < _SHORTEST_UNKNOWN:
        return None
    return _line(int(digits), "national") if digits.startswith("0") else _of_length(digits)


def _of_length(digits: str) -> int | None:
    return int(digits) if _SHORTEST <= len(digits) <= _LONGEST else None


def is_placeholder(number: int) -> bool:
    """Tell whether somebody made the number up: `+10000000000`, `+19999999999`, `+1234567890`.

    Without its country code it is one digit repeated, or digits in a row, and no country gives
    it to anybody.
    """
    digits = str(number)
    code = next((digits[:length] for length in (1, 2, 3) if int(digits[:length]) in _CODES), "")
    national = digits[len(code) :]
    if not (_is_pattern(digits) or _is_pattern(national)):
        return False
    if len(set(digits)) == 1 or (code == _NORTH_AMERICA and len(set(national)) == 1):
        return True
    return completed(f"+{digits}", None, must_be_valid=True) is None


def _is_pattern(digits: str) -> bool:
    return len(digits) >= _SHORTEST - 1 and (
        len(set(digits)) == 1 or digits in _RISING or digits in _FALLING
    )


def countries_of(orgs: pl.Series, countries: Mapping[str, str]) -> pl.Series | None:
    """Return the country of each org; None where no org has one."""
    if not countries:
        return None
    return orgs.replace_strict(countries, default=None, return_dtype=pl.String)


def ignored(numbers: Sequence[str], countries: Iterable[str] = ()) -> pl.Series:
    """Return the numbers that are never evidence: withheld ones, and those configured.

    A configured number without a country code is meant in each country of the enterprise.
    """
    written = pl.DataFrame(
        [(number, country) for number in numbers for country in (None, *sorted(set(countries)))],
        schema={"number": pl.String, "country": pl.String},
        orient="row",
    )
    read_in_each = numbers_in(written["number"], written["country"]).drop_nulls()
    return pl.concat([read_in_each, pl.Series("number", WITHHELD, pl.Int64)]).unique()


def over_common(uses: pl.DataFrame, *, most: int) -> pl.DataFrame:
    """Return (number, day) of which more than `most` conversations began on that UTC day."""
    return (
        uses.group_by("number", "day")
        .agg(pl.len().alias("uses"))
        .filter(pl.col("uses") > most)
        .select("number", "day")
    )
