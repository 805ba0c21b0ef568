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


def number_in(address: str) -> pl.Expr:
    """Read an address column as an international number without its plus; null if it is none.

    `tel:+1 555-0100;ext=1`, `sip:+15550100@trunk` and `0015550100` are one number. A name, an
    extension, a station and a text such as `anonymous` are none: a number has 7 to 15 digits,
    not all alike.
    """
    digits = (
        pl.col(address)
        .str.to_lowercase()
        .str.extract(_NUMBER)
        .str.replace_all(r"[^0-9]", "")
        .str.strip_chars_start("0")
    )
    long_enough = digits.str.len_bytes().is_between(7, 15)
    alike = digits.str.strip_chars(digits.str.slice(0, 1)) == ""
    return pl.when(long_enough & ~alike).then(digits).cast(pl.Int64)


def ignored(numbers: Sequence[str]) -> pl.Series:
    """Return the numbers that are never evidence: withheld ones, and those configured."""
    told = pl.DataFrame({"number": list(numbers)}, schema={"number": pl.String})
    read = told.select(number_in("number")).to_series().drop_nulls()
    return pl.concat([read, pl.Series("number", WITHHELD, pl.Int64)]).unique()


def over_common(uses: pl.DataFrame, *, most: int) -> pl.DataFrame:
    """Return (number, day) of which more than `most` conversations began on that UTC day."""
    return (
        uses.group_by("number", "day")
        .agg(pl.len().alias("uses"))
        .filter(pl.col("uses") > most)
        .select("number", "day")
    )
