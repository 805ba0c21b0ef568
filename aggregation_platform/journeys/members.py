"""Which journey each conversation is in: pairs joined, and cut where they join beyond reason.

Belongs here: membership as one array over all contacts. Elsewhere: the pairs (links.py), connected
components (components.py), rows of the tables (rows.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from aggregation_platform.journeys.components import labels_of
from aggregation_platform.journeys.links import STRENGTHS
from aggregation_platform.journeys.rules import LinkingRules


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

    Evidence that joins more than `max_legs`, or starts further apart than `max_span`, is cut:
    first without the weakest kind, then without the next, then to single conversations.

    Args:
        contacts: What `links.numbered` made.
        pairs: What `links.pairs_of` made.
        rules: The limits.
    """
    usable = pairs.filter(~pl.col("is_ambiguous"))
    starts = contacts["started_at"].to_numpy()
    members = Members(np.arange(len(starts)), np.zeros(len(starts), dtype=np.bool_))
    unsettled = np.zeros(len(starts), dtype=np.bool_)
    unsettled[usable.select("a", "b").to_numpy()] = True
    for kinds in range(len(STRENGTHS), 0, -1):
        strong = pl.col("link").is_in(STRENGTHS[:kinds])
        kept = usable.filter(strong, pl.Series(unsettled[usable["a"].to_numpy()]))
        contact, label = _fitting(labels_of(kept), starts, rules)
        members.label[contact] = label
        members.is_cut[contact] = kinds < len(STRENGTHS)
        unsettled[contact] = False
        if not unsettled.any():
            break
    members.is_cut[unsettled] = True
    return members


def _fitting(
    found: pl.DataFrame, starts: NDArray[np.datetime64], rules: LinkingRules
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keep components within the limits; the label is the member that starts first."""
    contact, label = (found[name].cast(pl.Int64).to_numpy() for name in ("contact", "label"))
    legs = np.bincount(label, minlength=1)
    too_long = starts[contact] - starts[label] > np.timedelta64(rules.max_span)
    legs[label[too_long]] = rules.max_legs + 1
    fits = legs[label] <= rules.max_legs
    return contact[fits], label[fits]
