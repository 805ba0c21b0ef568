"""One form in which names and addresses are compared, whoever wrote them.

Belongs here: the form, and the nearest name to one that matches nothing. A table keeps a name as
its organization writes it; only comparisons use this form, and always on both sides.
Elsewhere: which names are compared (config/rules.py, identity/).
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

import polars as pl

_INVISIBLE = (
    "\N{SOFT HYPHEN}"
    "\N{MONGOLIAN VOWEL SEPARATOR}"
    "\N{ZERO WIDTH SPACE}"
    "\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{RIGHT-TO-LEFT EMBEDDING}\N{POP DIRECTIONAL FORMATTING}"
    "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}"
    "\N{WORD JOINER}"
    "\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT ISOLATE}"
    "\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
    "\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}"
    "\N{ZERO WIDTH NO-BREAK SPACE}"
)
_BLANK = "\N{BRAILLE PATTERN BLANK}\N{HANGUL FILLER}"
_SEEN = str.maketrans({**dict.fromkeys(_INVISIBLE), **dict.fromkeys(_BLANK, " ")})
_NEAR_ENOUGH = 0.6


def folded(name: str) -> str:
    """Return a name as it is compared.

    Composed (NFC), without letter case (full case folding, so that `ß` is `ss`, a final sigma is
    a sigma and a ligature its letters), without blanks around, each run of blanks of whatever kind
    one space. Characters that nobody sees do not count. Two names that a person would read out
    alike are equal; folding twice changes nothing.
    """
    seen = name.translate(_SEEN)
    caseless = unicodedata.normalize("NFD", seen).casefold()
    return unicodedata.normalize("NFC", " ".join(caseless.split()))


def folded_column(name: str) -> pl.Expr:
    """Return a column of names as they are compared; null stays null."""
    return pl.col(name).map_batches(_folded_series, return_dtype=pl.String, is_elementwise=True)


def _folded_series(names: pl.Series) -> pl.Series:
    distinct = names.drop_nulls().unique()
    forms = [folded(name) for name in distinct]
    return names.replace_strict(distinct, forms, default=None, return_dtype=pl.String)


def nearest(written: str, known: Iterable[str], *, cutoff: float = _NEAR_ENOUGH) -> str | None:
    """Return the known name that is most like a written one, as it is spelled; None if none is.

    Names are compared in their folded form; of equally near ones the first in the alphabet wins.
    """
    spelled = {folded(name): name for name in sorted(known, reverse=True)}
    near = difflib.get_close_matches(folded(written), sorted(spelled), n=1, cutoff=cutoff)
    return spelled[near[0]] if near else None
