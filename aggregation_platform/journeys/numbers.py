"""Telephone numbers as evidence: which addresses are a number, and which numbers say nothing.

Belongs here: reading a number out of an address; withheld, internal and over-common numbers.
Elsewhere: what a shared number proves (links.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

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

_NUMBER = r"^(?:tel:|sips?:)?\+?([0-9][0-9 ().-]{5,22}[0-9])(?:[@;].*)?$"
_ALIKE = [int(digit * length) for digit in "123456789" for length in range(7, 16)]


def numbers_in(addresses: pl.Series) -> pl.Series:
    """Read addresses as international numbers without their plus; null where there is none.

    `tel:+1 555-0100;ext=1`, `sip:+15550100@trunk` and `0015550100` are one number. A name, an
    extension, a station and a text such as `anonymous` are none: a number has 7 to 15 digits,
    not all alike. Nearly all addresses are plain, so only what is not is read with care, once.
    """
    plain = addresses.str.strip_prefix("tel:").str.strip_prefix("+").cast(pl.Int64, strict=False)
    odd = addresses.filter(plain.is_null() & addresses.is_not_null()).unique()
    told = pl.DataFrame({"plain": plain, "careful": _read_with_care(addresses, odd)})
    number = pl.coalesce("plain", "careful")
    usable = number.is_between(10**6, 10**15, closed="left") & ~number.is_in(_ALIKE)
    return told.select(pl.when(usable).then(number).alias(addresses.name)).to_series()


def _read_with_care(addresses: pl.Series, odd: pl.Series) -> pl.Series:
    digits = odd.str.to_lowercase().str.extract(_NUMBER).str.replace_all(r"[^0-9]", "")
    numbers = digits.cast(pl.Int64, strict=False)
    return addresses.replace_strict(odd, numbers, default=None, return_dtype=pl.Int64)


def ignored(numbers: Sequence[str]) -> pl.Series:
    """Return the numbers that are never evidence: withheld ones, and those configured."""
    told = numbers_in(pl.Series("number", list(numbers), pl.String)).drop_nulls()
    return pl.concat([told, pl.Series("number", WITHHELD, pl.Int64)]).unique()


def over_common(uses: pl.DataFrame, *, most: int) -> pl.DataFrame:
    """Return (number, day) of which more than `most` conversations began on that UTC day."""
    return (
        uses.group_by("number", "day")
        .agg(pl.len().alias("uses"))
        .filter(pl.col("uses") > most)
        .select("number", "day")
    )
