"""A site that stands alone: it takes the lease when nobody ever held it, and keeps it.

Belongs here: the grant of such a site. Elsewhere: the fence that checks it at every commit
(warehouse/fencing.py).

Promised: a site whose lease another site has taken gets no grant. Not promised: that two sites
configured to stand alone on one warehouse agree which of them is the one.
"""

from __future__ import annotations

from aggregation_platform.epochs import Epoch, WriteGrant
from aggregation_platform.warehouse.store import Warehouse

FIRST = Epoch(1)


def standing_grant(warehouse: Warehouse, site: str) -> WriteGrant:
    """Return the right to write of a site that stands alone.

    Args:
        warehouse: Where the lease is; its tables must be there.
        site: The site's name.

    Raises:
        FencedError: If another site holds the lease.
    """
    return warehouse.ensure_lease(WriteGrant(site, FIRST))
