"""Which journey each conversation is in: pairs joined, and cut where they join beyond reason.

Belongs here: membership as one array over all contacts. Elsewhere: the pairs (links.py), connected
components (components.py), where they are cut (cutting.py), rows of the tables (rows.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aggregation_platform.journeys.components import labels_of
from aggregation_platform.journeys.cutting import Gap, parts_of
from aggregation_platform.journeys.pairs import STRENGTHS
from aggregation_platform.journeys.rules import LinkingRules

_NAME = pl.concat_str("org", pl.lit(":"), "conversation_id")


@dataclass(frozen=True)
class Members:
    """One value per contact, by its number.

    Args:
        label: The journey, named by the number of its first leg.
        is_cut: Evidence joined it to more than one contact can be.
    """

    label: NDArray[np.int64]
    is_cut: NDArray[np.bool_]


def members_of(contacts: pl.DataFrame, pairs: pl.DataFrame, rules: LinkingRules) -> Members:
    """Join what pairs join; a conversation in no pair is a journey of its own.

    Evidence that joins more than `max_legs`, or starts further apart than `max_span`, is cut at
    its widest gaps. Both sides of a cut are marked.

    Args:
        contacts: What `links.numbered` made.
        pairs: What `links.pairs_of` made.
        rules: The limits.
    """
    usable = pairs.filter(pl.col("doubt").is_null())
    starts = contacts["started_at"].to_numpy()
    label = np.arange(len(starts))
    is_cut = np.zeros(len(starts), dtype=np.bool_)
    found = labels_of(usable)
    contact, first = (found[name].cast(pl.Int64).to_numpy() for name in ("contact", "label"))
    label[contact] = first
    too_large = contact[~_fits(contact, first, starts, rules)]
    if too_large.size:
        of_large = np.zeros(len(starts), dtype=np.bool_)
        of_large[too_large] = True
        gaps = usable.filter(pl.Series(of_large[usable["a"].to_numpy()]))
        _cut(label, contacts, gaps, too_large, rules)
        ends = gaps.select("a", "b").to_numpy()
        is_cut[label[ends[label[ends[:, 0]] != label[ends[:, 1]]]]] = True
    return Members(label, is_cut[label])


def _fits(
    contact: NDArray[np.int64],
    label: NDArray[np.int64],
    starts: NDArray[np.datetime64],
    rules: LinkingRules,
) -> NDArray[np.bool_]:
    """Tell of each contact whether its component is within the limits."""
    legs = np.bincount(label, minlength=1)
    too_long = starts[contact] - starts[label] > np.timedelta64(rules.max_span)
    legs[label[too_long]] = rules.max_legs + 1
    return legs[label] <= rules.max_legs


def _cut(
    label: NDArray[np.int64],
    contacts: pl.DataFrame,
    pairs: pl.DataFrame,
    too_large: NDArray[np.int64],
    rules: LinkingRules,
) -> None:
    """Give each contact of a too large component the label of its part."""
    large = contacts[too_large]
    starts = dict(zip(too_large.tolist(), large["started_at"].to_physical(), strict=True))
    names = dict(zip(too_large.tolist(), large.select(_NAME).to_series(), strict=True))
    strengths = {kind: place for place, kind in enumerate(STRENGTHS)}
    gaps = [
        Gap(abs(gap_ms), strengths[link], a, b)
        for a, b, link, gap_ms in pairs.select("a", "b", "link", "gap_ms").iter_rows()
    ]
    for contact, first in parts_of(gaps, starts, names.__getitem__, rules).items():
        label[contact] = first
