"""Which conversations hang together: connected components of integer pairs.

Belongs here: the labels. Elsewhere: what a pair is (links.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray


def labels_of(pairs: pl.DataFrame) -> pl.DataFrame:
    """Label everything that occurs in pairs (`a`, `b`): equal labels hang together.

    Each pass hooks every label under the smallest label next to it and shortens the chains, so
    it ends after as many passes as the logarithm of the longest chain.

    Returns:
        `contact`, `label`: one row per number that occurs in a pair; the label is the smallest
        number of its component.
    """
    ends = pairs.select("a", "b").to_numpy().astype(np.int64, copy=False)
    members, places = np.unique(ends, return_inverse=True)
    labels = _hooked(places.reshape(ends.shape), len(members))
    return pl.DataFrame({"contact": members, "label": members[labels]}).cast(pl.UInt32)


def _hooked(edges: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    labels = np.arange(count, dtype=np.int64)
    while True:
        left, right = labels[edges[:, 0]], labels[edges[:, 1]]
        apart = left != right
        if not apart.any():
            return labels
        low, high = np.minimum(left[apart], right[apart]), np.maximum(left[apart], right[apart])
        np.minimum.at(labels, high, low)
        labels = _shortened(labels)


def _shortened(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    while True:
        above = labels[labels]
        if np.array_equal(above, labels):
            return labels
        labels = above
