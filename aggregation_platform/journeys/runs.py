"""Runs of equal values in sorted arrays: what is repeated, and where each run begins.

Belongs here: integers in, row numbers out; sorting one column of integers is the cheapest way to
bring equal ones together. Elsewhere: what it means that two are equal (links.py, linking.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


def in_runs(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark what equals the value before or after it."""
    again = ordered[1:] == ordered[:-1]
    return np.append(again, False) | np.append(False, again) if len(ordered) else again


def beginnings(ordered: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each run of equal values begins."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.append(0, changes) if len(ordered) else changes


def repeated(values: pl.Series) -> NDArray[np.int64]:
    """Return the rows, ascending, whose value another row has, too; a null is no value."""
    rows = values.is_not_null().arg_true().to_numpy()
    held = values.drop_nulls().to_numpy()
    order = np.argsort(held)
    return np.sort(rows[order[in_runs(held[order])]])
