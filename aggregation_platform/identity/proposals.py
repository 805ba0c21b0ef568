"""The rules that would map the queues that have none, for a person to confirm.

Belongs here: how a queue is best named in a rule, and which global queue it probably is.
Elsewhere: which queues have none (queue_reviews.py), the line of a file (config/delimited.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from aggregation_platform.identity.tables import FOR_EVER, SINCE_EVER, UNMAPPED
from aggregation_platform.names import folded, nearest

_SURE_ENOUGH = 0.75


@dataclass(frozen=True)
class Proposal:
    """A rule that maps one queue; dates only where another rule has the queue's other days."""

    org: str
    queue: str
    global_queue: str
    valid_from: date = SINCE_EVER
    valid_to: date = FOR_EVER

    @property
    def values(self) -> dict[str, str]:
        """The values by column of the rules file."""
        begin = "" if self.valid_from == SINCE_EVER else self.valid_from.isoformat()
        end = "" if self.valid_to == FOR_EVER else self.valid_to.isoformat()
        return {
            "org": self.org,
            "queue": self.queue,
            "global_queue": self.global_queue,
            "valid_from": begin,
            "valid_to": end,
        }


def proposals(
    mapped: pl.DataFrame, global_queues: Iterable[str]
) -> dict[tuple[str, str, date], Proposal]:
    """Propose a rule for each row of `identity.queues` that no rule maps.

    A queue is written by its name, or by its id where the name is unknown or another queue of the
    org has it, too. It is the global queue whose name is most like its own, else one of its name.

    Args:
        mapped: `identity.queues`, all orgs.
        global_queues: Those that the rules name.

    Returns:
        By org, queue_id and the row's valid_from.
    """
    known = set(global_queues)
    owners = Counter(
        (org, folded(name))
        for org, _, name in mapped.select("org", "queue_id", "queue_name").unique().iter_rows()
    )
    ruled = {
        (row["org"], row["queue_id"], row["queue_name"])
        for row in mapped.filter(pl.col("global_queue") != UNMAPPED).iter_rows(named=True)
    }
    return {
        (row["org"], row["queue_id"], row["valid_from"]): _proposal(row, owners, ruled, known)
        for row in mapped.filter(evidence="unmapped").iter_rows(named=True)
    }


def _proposal(
    row: Mapping[str, Any],
    owners: Mapping[tuple[str, str], int],
    ruled: set[tuple[str, str, str]],
    known: set[str],
) -> Proposal:
    org, queue_id, name = row["org"], row["queue_id"], row["queue_name"]
    is_sure = name != UNMAPPED and owners[org, folded(name)] == 1
    own_name = queue_id if name == UNMAPPED else " ".join(name.split())
    proposed = nearest(own_name, known, cutoff=_SURE_ENOUGH) or own_name
    proposal = Proposal(org, name if is_sure else queue_id, proposed)
    if (org, queue_id, name) not in ruled:
        return proposal
    return replace(proposal, valid_from=row["valid_from"], valid_to=row["valid_to"])
