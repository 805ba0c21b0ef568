"""`status`: how fresh, complete and final each org is, and which site may write.

Belongs here: reading what the warehouse knows, printing. Elsewhere: judging it (standing.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import click
import polars as pl

from aggregation_platform.cli.documents import print_json, print_table
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import config_option, format_option, pass_invocation
from aggregation_platform.cli.progress import progress
from aggregation_platform.cli.reading import warehouse_to_read
from aggregation_platform.cli.standing import Mark, Standing, mode_of, standing
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.rollups.match_rates import match_rates
from aggregation_platform.warehouse.partition_states import partition_states
from aggregation_platform.warehouse.store import Lease, Warehouse

MATCHED_OVER_DAYS = 7
"""Match rates are of so many days up to the newest one."""

MARKS = """
SELECT org, MAX(data_available_to) AS data_available_to, MAX(committed_at) AS last_progress_at,
    MAX(CASE WHEN source_job_id IS NULL OR data_available_to IS NULL
        OR data_available_to > interval_to THEN interval_to ELSE data_available_to END) AS held_to
FROM ops.extraction_ledger WHERE dataset = 'conversations' GROUP BY org
"""
GAPS = """
SELECT org, interval_from, interval_to, cause, state FROM ops.gaps
WHERE state IN ('open', 'filling') ORDER BY org, interval_from
"""
SITES = "SELECT DISTINCT site FROM ops.sites"
MATCHED = """
SELECT org, global_queue, global_agent_id, MAX(day) AS day,
    CAST(SUM(handled_count) AS BIGINT) AS handled_count, CAST(SUM(handle_ms) AS BIGINT) AS handle_ms
FROM rollups.handle_time WHERE day > ? GROUP BY org, global_queue, global_agent_id
"""
NEWEST = "SELECT MAX(day) AS day FROM rollups.handle_time"


@dataclass(frozen=True)
class Status:
    """Everything that `status` tells."""

    at: datetime
    site: str
    mode: str
    lease: Lease | None
    orgs: Sequence[Standing]


@click.command()
@format_option("table", "json")
@config_option
@pass_invocation
def status(invocation: Invocation, output: str) -> None:
    """Show each org's watermark, freshness, state, days, gaps and match rates, and the site.

    Reads the warehouse only: the watermarks are as they were when we last asked the orgs.
    """
    config = invocation.config()
    warehouse = warehouse_to_read(config)
    with progress("reading the warehouse"):
        found = status_of(warehouse, config, now=SystemClock().now())
    if output == "json":
        print_json(document(found))
    else:
        _print(found)


def status_of(warehouse: Warehouse, config: PlatformConfig, *, now: datetime) -> Status:
    """Gather the status from the warehouse."""
    marks = {row["org"]: row for row in warehouse.query(MARKS).to_dicts()}
    first = min(entry.first_day for entry in config.organizations)
    states = partition_states(warehouse, SESSION_METRICS, first, now.date())
    gaps = warehouse.query(GAPS).to_dicts()
    rates = _match_rates(warehouse)
    orgs = [
        replace(
            standing(
                entry,
                _mark(marks.get(entry.org)),
                _stored(states, entry.org),
                freshness=config.freshness,
                now=now,
            ),
            gaps=[gap for gap in gaps if gap["org"] == entry.org],
            match_rates=rates.get(entry.org, {}),
        )
        for entry in config.organizations
    ]
    sites = warehouse.query(SITES)["site"].to_list()
    return Status(now, config.site.name, mode_of(sites), warehouse.lease(), orgs)


def _mark(row: Mapping[str, datetime | None] | None) -> Mark:
    if row is None:
        return Mark()
    return Mark(row["data_available_to"], row["held_to"], row["last_progress_at"])


def _stored(states: pl.DataFrame, org: str) -> dict[date, str]:
    mine = states.filter(pl.col("org") == org)
    return dict(zip(mine["day"].to_list(), mine["finality"].to_list(), strict=True))


def _match_rates(warehouse: Warehouse) -> dict[str, dict[str, dict[str, float | None]]]:
    newest = warehouse.query(NEWEST)["day"].to_list()[0]
    if newest is None:
        return {}
    since = newest - timedelta(days=MATCHED_OVER_DAYS)
    cells = warehouse.query(MATCHED, (since,)).with_columns(day=pl.lit(newest))
    rates: dict[str, dict[str, dict[str, float | None]]] = {}
    for row in match_rates(cells).to_dicts():
        rates.setdefault(row["org"], {})[row["kind"]] = {
            "record_rate": row["record_rate"],
            "volume_rate": row["volume_rate"],
        }
    return rates


def document(found: Status) -> dict[str, object]:
    """Return what `--format json` prints."""
    lease = found.lease
    return {
        "at": found.at,
        "site": {
            "name": found.site,
            "mode": found.mode,
            "may_write": lease is not None and lease.holder == found.site,
            "lease": lease and {"holder": lease.holder, "taken_at": lease.taken_at},
            "epoch": lease.epoch if lease else None,
        },
        "orgs": [_org_document(one) for one in found.orgs],
    }


def _org_document(one: Standing) -> dict[str, object]:
    return {
        "org": one.org,
        "name": one.name,
        "state": one.state,
        "data_available_to": one.mark.data_available_to,
        "held_to": one.mark.held_to,
        "last_progress_at": one.mark.last_progress_at,
        "freshness_minutes": one.freshness_minutes,
        "days": {**one.days, "missing": one.missing_days},
        "missing": [{"from": part.first, "to": part.last} for part in one.missing],
        "gaps": [{name: gap[name] for name in gap if name != "org"} for gap in one.gaps],
        "match_rates": one.match_rates,
    }


def _print(found: Status) -> None:
    lease = found.lease
    held = f"lease held by {lease.holder}, epoch {lease.epoch}" if lease else "no lease yet"
    click.echo(f"site {found.site}: {found.mode}, {held}")
    titles = ("Org", "State", "Watermark (UTC)", "Data to (UTC)", "Freshness", "Provisional")
    titles += ("Complete", "Final", "Missing", "Gaps", "Queues matched", "Agents matched")
    print_table(titles, [_line(one) for one in found.orgs], numbers=titles[4:])
    for one in found.orgs:
        for text in _details(one):
            click.echo(f"{one.org}: {text}")


def _line(one: Standing) -> list[str]:
    return [
        one.org,
        one.state,
        _instant(one.mark.data_available_to),
        _instant(one.mark.held_to),
        _age(one.freshness_minutes),
        *(f"{one.days[name]:,}" for name in one.days),
        f"{one.missing_days:,}",
        f"{len(one.gaps):,}",
        *(
            _percent(one.match_rates.get(kind, {}).get("record_rate"))
            for kind in ("queue", "agent")
        ),
    ]


def _details(one: Standing) -> list[str]:
    told: list[str] = []
    if one.missing:
        shown = ", ".join(str(part) for part in one.missing[:5])
        more = f" and {len(one.missing) - 5} more stretches" if len(one.missing) > 5 else ""
        told.append(f"missing days: {shown}{more}; `materialize` loads them")
    told += [
        f"gap {gap['state']}: {gap['interval_from']:%Y-%m-%d %H:%M} to "
        f"{gap['interval_to']:%Y-%m-%d %H:%M} UTC, {gap['cause']}"
        for gap in one.gaps
    ]
    return told


def _instant(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "-"


def _age(minutes: float | None) -> str:
    if minutes is None:
        return "-"
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"
