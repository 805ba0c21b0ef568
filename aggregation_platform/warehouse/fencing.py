"""Whether a write belongs to the present epoch.

Belongs here: the decision, from a lease as it was read inside the transaction.
Elsewhere: reading it there (sql_store.py), the tables (ops_tables.py), when to take it (sites/).
"""

from __future__ import annotations

from collections.abc import Sequence

from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.errors import FencedError, WarehouseError
from aggregation_platform.warehouse.store import Lease

RUNBOOK = "see runbooks/FencedWriter.md"


def only_lease(scope: str, leases: Sequence[Lease]) -> Lease | None:
    """Return the scope's one lease, or None if nobody ever held it.

    Raises:
        WarehouseError: If there are several, so that none of them can be believed.
    """
    if len(leases) > 1:
        raise WarehouseError(f"ops.lease has {len(leases)} rows for {scope!r}; {RUNBOOK}")
    return leases[0] if leases else None


def refuse_unless_current(grant: WriteGrant, lease: Lease | None) -> None:
    """Return if the grant is that of the lease.

    Raises:
        FencedError: Otherwise, with both epochs.
    """
    if lease is None:
        raise FencedError(
            f"write refused: {grant.site} holds epoch {grant.epoch} of {grant.scope!r}, the "
            f"warehouse knows no lease of it. Take the lease first; {RUNBOOK}"
        )
    if (lease.epoch, lease.holder) != (grant.epoch, grant.site):
        raise FencedError(
            f"write refused: {grant.site} holds epoch {grant.epoch} of {grant.scope!r}, the "
            f"warehouse is at {lease.epoch}, held by {lease.holder}. Another site is active. "
            f"Do not retry; {RUNBOOK}"
        )


def refuse_unless_seen(scope: str, seen: Epoch, lease: Lease | None) -> None:
    """Return if the lease is still at the epoch that the evidence was gathered at.

    Raises:
        FencedError: Otherwise.
    """
    found = lease.epoch if lease else Epoch(0)
    if found != seen:
        holder = f", held by {lease.holder}" if lease else ""
        raise FencedError(
            f"takeover refused: the evidence is of epoch {seen} of {scope!r}, the warehouse is "
            f"at {found}{holder}. Look again before deciding again; {RUNBOOK}"
        )
