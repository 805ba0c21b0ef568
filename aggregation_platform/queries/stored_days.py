"""What is stored of each org's day: how final it is, when it was fetched, when its facts were made.

Belongs here: the read. Elsewhere: what is therefore due (extraction/due.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from aggregation_platform.extraction.due import Stored
from aggregation_platform.facts.tables import TABLES as FACTS
from aggregation_platform.tables import Table
from aggregation_platform.warehouse.store import Warehouse

MADE_OF_RAW = tuple(table.key for table in FACTS)
"""Written after an org's raw rows, by the same run."""

_STORED = f"""
    select p.org, p.day, p.finality, p.written_at as any_at, max(l.committed_at) as job_at,
           max(f.facts_at) as facts_at
    from ops.partition_log p
    left join ops.extraction_ledger l
      on l.org = p.org and cast(l.interval_from as date) = p.day and l.source_job_id is not null
    left join (
        select org, day,
               case when count(*) = {len(MADE_OF_RAW)} then min(written_at) end as facts_at
        from ops.partition_log
        where table_name in ({", ".join("?" * len(MADE_OF_RAW))}) and day >= ?
        group by org, day
    ) f on f.org = p.org and f.day = p.day
    where p.table_name = 'raw.conversations' and p.day >= ?
    group by p.org, p.day, p.finality, p.written_at
"""  # noqa: S608 - numbers and question marks


def stored_org_days(warehouse: Warehouse, first: date) -> Mapping[str, Mapping[date, Stored]]:
    """Return what is stored from a day on, by org and by day."""
    found: dict[str, dict[date, Stored]] = {}
    for row in warehouse.query(_STORED, [*MADE_OF_RAW, first, first]).iter_rows(named=True):
        found.setdefault(row["org"], {})[row["day"]] = Stored(
            finality=row["finality"],
            job_at=row["job_at"],
            any_at=row["any_at"],
            facts_at=row["facts_at"],
        )
    return found


_LISTED = "select org, written_at from ops.partition_log where table_name = ?"


def directories_listed(warehouse: Warehouse, kind: Table) -> Mapping[str, datetime]:
    """Return when a kind of entity was last listed of each org."""
    return dict(warehouse.query(_LISTED, [kind.key]).iter_rows())
