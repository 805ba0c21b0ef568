"""`status`: how fresh, complete and final each org is, and which site may write.

Belongs here: reading what the warehouse and this site know, printing. Elsewhere: judging it
(standing.py), how loads went (ingestion.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta

import click
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.attempts import RATE_OVER, backfill_of, last_attempts
from aggregation_platform.cli.attempts import document as attempts_document
from aggregation_platform.cli.attempts import told as told_of_attempts
from aggregation_platform.cli.coverage import until_when
from aggregation_platform.cli.documents import hours, print_json, print_table
from aggregation_platform.cli.ingestion import OVER_DAYS, Ingestion, ingestion_of
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import config_option, format_option, pass_invocation
from aggregation_platform.cli.progress import progress
from aggregation_platform.cli.reading import refuse_unless_loaded
from aggregation_platform.cli.remedies import pasteable
from aggregation_platform.cli.rules_state import RulesState, rules_state
from aggregation_platform.cli.standing import Absence, Mark, Standing, mode_of, standing
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.errors import LocalStateError
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.local_state.state import Block
from aggregation_platform.queries.attempts import failed_attempts, stored_lately
from aggregation_platform.rollups.match_rates import match_rates
from aggregation_platform.warehouse.membership import Member, known_members
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
    """Everything that `status` tells.

    Args:
        blocks_unknown: Why this site cannot tell whether orgs asked us to stay away; None if it
            can.
        rules: How the rules files are.
        left: The orgs that count until a last day: retired, or configured no more.
    """

    at: datetime
    site: str
    mode: str
    lease: Lease | None
    orgs: Sequence[Standing]
    blocks_unknown: str | None = None
    rules: RulesState = field(default_factory=RulesState)
    left: Sequence[Member] = ()


@click.command()
@format_option("table", "json")
@config_option
@pass_invocation
def status(invocation: Invocation, output: str) -> None:
    """Show each org's watermark, freshness, state, days, gaps, match rates and loads; the site.

    Asks no org: the watermarks are as they were when we last asked.
    """
    config = invocation.config_to_read()
    refuse_unless_loaded(config)
    assembly = Assembly(config)
    with progress("reading the warehouse"):
        found = status_of(assembly.warehouse, config, now=assembly.clock.now())
        found = replace(found, rules=rules_state(assembly))
    found = with_blocks(found, assembly)
    if output == "json":
        print_json(document(found))
    else:
        _print(found, config)


def status_of(warehouse: Warehouse, config: PlatformConfig, *, now: datetime) -> Status:
    """Gather the status from the warehouse."""
    marks = {row["org"]: row for row in warehouse.query(MARKS).to_dicts()}
    first = min(entry.first_day for entry in config.organizations)
    states = partition_states(warehouse, SESSION_METRICS, first, now.date())
    members = known_members(warehouse, config)
    gaps = warehouse.query(GAPS).to_dicts()
    rates = _match_rates(warehouse)
    failed = failed_attempts(warehouse, now - timedelta(days=OVER_DAYS))
    last_failed = {row["org"]: row for row in failed.to_dicts()}
    loads = ingestion_of(warehouse, failed, now=now)
    settled_before = now.date() - timedelta(days=config.freshness.reread_days)
    lately = {
        row["org"]: row
        for row in stored_lately(warehouse, now - RATE_OVER, settled_before).to_dicts()
    }
    orgs = [
        replace(
            standing(
                entry,
                _mark(marks.get(entry.org)),
                _stored(states, entry.org),
                freshness=config.freshness,
                now=now,
                last_day=members.must(entry.org).last_day,
            ),
            gaps=[gap for gap in gaps if gap["org"] == entry.org],
            match_rates=rates.get(entry.org, {}),
            ingestion=loads.get(entry.org, Ingestion()),
        )
        for entry in config.organizations
    ]
    orgs = [
        replace(
            one,
            attempts=last_attempts(one.mark.last_progress_at, last_failed.get(one.org)),
            backfill=backfill_of(lately.get(one.org), missing=one.missing_days, now=now),
        )
        for one in orgs
    ]
    sites = warehouse.query(SITES)["site"].to_list()
    site = config.site.name
    return Status(now, site, mode_of(sites), warehouse.lease(), orgs, left=members.left)


def with_blocks(found: Status, assembly: Assembly) -> Status:
    """Add what this site's processes know of orgs that want no request for now."""
    try:
        blocks = {one.org: assembly.local_state.blocked(one.org) for one in found.orgs}
    except LocalStateError as error:
        return replace(found, blocks_unknown=str(error))
    orgs = [replace(one, blocked=_absence(blocks[one.org], found.at)) for one in found.orgs]
    return replace(found, orgs=orgs)


def _absence(block: Block | None, now: datetime) -> Absence | None:
    return Absence(now + timedelta(seconds=block.seconds_left), block.reason) if block else None


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
        "blocks_unknown": found.blocks_unknown,
        "rules": found.rules.document(),
        "orgs_retired": [
            {
                "org": each.org,
                "until": each.last_day,
                "retired_from": each.retired_from,
                "is_configured": each.is_configured,
            }
            for each in found.left
        ],
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
        "ingestion": {"days": OVER_DAYS, **asdict(one.ingestion)},
        "blocked": one.blocked and asdict(one.blocked),
        **attempts_document(one.attempts, one.backfill),
    }


def _print(found: Status, config: PlatformConfig) -> None:
    lease = found.lease
    held = f"lease held by {lease.holder}, epoch {lease.epoch}" if lease else "no lease yet"
    click.echo(f"site {found.site}: {found.mode}, {held}")
    titles = ("Org", "State", "Watermark (UTC)", "Data to (UTC)", "Freshness")
    titles += (
        "Days: provisional",
        "complete",
        "final",
        "missing",
        "Gaps",
    )
    titles += ("Queues matched", "Agents matched")
    print_table(titles, [_line(one) for one in found.orgs], numbers=titles[4:])
    titles = (f"Loads of {OVER_DAYS} days", "Count", "Failed", "Requests", "Success", "Retries")
    titles += ("Waited", "Received", "Pages", "Age when stored", "Requests by outcome")
    print_table(titles, [_loads_line(one) for one in found.orgs], numbers=titles[1:-1])
    titles = ("Attempts", "Last (UTC)", "It", "Next try (UTC)")
    print_table(titles, [_attempts_line(one) for one in found.orgs])
    for text in found.rules.lines():
        click.echo(text)
    if found.blocks_unknown:
        click.echo(f"whether an org asked us to stay away is not known: {found.blocks_unknown}")
    for one in found.orgs:
        for text in _details(one, config, found.at):
            click.echo(f"{one.org}: {text}")
    for each in found.left:
        click.echo(until_when(each))


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


def _loads_line(one: Standing) -> list[str]:
    loads = one.ingestion
    return [
        one.org,
        f"{loads.loads:,}",
        f"{loads.failed_attempts:,}",
        f"{loads.requests:,}",
        _percent(loads.success_rate),
        f"{loads.retries:,}",
        hours(loads.waited_ms),
        f"{loads.received_bytes / 1e6:,.1f} MB",
        f"{loads.pages:,}",
        _age(loads.freshness_minutes),
        ", ".join(f"{kind} {count:,}" for kind, count in loads.requests_by_outcome.items()) or "-",
    ]


def _attempts_line(one: Standing) -> list[str]:
    attempts = one.attempts
    how = "-" if attempts.last_at is None else "failed" if attempts.is_failing else "stored"
    return [one.org, _instant(attempts.last_at), how, _instant(attempts.next_try_at)]


def _details(one: Standing, config: PlatformConfig, now: datetime) -> list[str]:
    told: list[str] = [str(one.blocked)] if one.blocked else []
    until = one.blocked.until if one.blocked else None
    if error := told_of_attempts(one.attempts, blocked_until=until, now=now):
        told.append(error)
    if one.backfill is not None:
        told.append(str(one.backfill))
    if one.missing:
        shown = ", ".join(str(part) for part in one.missing[:5])
        more = f" and {len(one.missing) - 5} more stretches" if len(one.missing) > 5 else ""
        first = one.missing[0]
        days = ("--from", f"{first.first}", "--to", f"{first.last}")
        command = pasteable(config, "materialize", *days, "--org", one.org)
        which = "them" if len(one.missing) == 1 else "the first of them"
        told.append(f"missing days: {shown}{more}; `{command}` loads {which}")
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
