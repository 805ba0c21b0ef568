"""The shape of a pair: two conversations of different orgs, and the evidence that joins them.

Belongs here: kinds of evidence, reasons of doubt, the columns of a pair.
Elsewhere: where pairs come from (keys.py, transfers.py, callers.py), what becomes of them
(members.py).
"""

from __future__ import annotations

import polars as pl

CORRELATION, TRANSFER_LEG, ANI_WINDOW = "correlation", "transfer_leg", "ani_window"
STRENGTHS = (CORRELATION, TRANSFER_LEG, ANI_WINDOW)
"""Strongest first."""

AMBIGUOUS, RULED_OUT = "ambiguous", "ruled_out"
CONSTANT_KEY, TOO_FAR, TOO_LARGE = "constant_key", "too_far", "too_large"
DOUBTS = (AMBIGUOUS, RULED_OUT, CONSTANT_KEY, TOO_FAR)
"""Why a pair of evidence joins nobody by itself."""

REASONS = (*DOUBTS, TOO_LARGE)
"""Why a pair is on the review list. `too_large` alone is decided later, when journeys are cut."""

PAIR = {
    "a": pl.UInt32(),
    "b": pl.UInt32(),
    "link": pl.String(),
    "score": pl.Float64(),
    "gap_ms": pl.Int64(),
    "doubt": pl.Enum(DOUBTS),
}
"""`a`, `b` are row numbers of the contacts; `doubt` is null where the pair joins."""


def as_pairs(frame: pl.DataFrame) -> pl.DataFrame:
    """Take the columns of pairs."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in PAIR.items())


def with_contact(contacts: pl.DataFrame, frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Add columns of the contacts that the frame names in `contact`."""
    return pl.concat([frame, contacts.select(columns)[frame["contact"]]], how="horizontal")
