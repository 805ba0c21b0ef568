"""`reconcile`: our handle time beside the orgs' own aggregates, cell by cell.

Belongs here: what is asked of whom, and how a difference is told. Elsewhere: the comparison
(reconciliation.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product

import click

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.documents import print_json, print_table
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import (
    Days,
    config_option,
    day_range,
    days_of,
    format_option,
    org_option,
    orgs_of,
    pass_invocation,
)
from aggregation_platform.cli.progress import Reporter, progress
from aggregation_platform.cli.reading import refuse_unless_loaded
from aggregation_platform.cli.reconciliation import (
    CELL,
    METRIC,
    Comparison,
    compared,
    facts_cells,
    rollup_cells,
    source_cells,
)
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.intervals import Interval
from aggregation_platform.warehouse.store import Warehouse

DIFFERENCES_SHOWN = 50

METRICS = """
SELECT conversation_id, user_id, queue_id, media_type, direction, metric, value_ms, emitted_at
FROM facts.session_metrics WHERE org = ? AND day = ? AND metric = ?
"""
ROLLED_UP = """
SELECT interval_start, queue_id, user_id, media_type, direction, handled_count, handle_ms
FROM rollups.handle_time WHERE org = ? AND day = ?
"""
LOGGED = """
SELECT finality FROM ops.partition_log WHERE table_name = ? AND org = ? AND day = ?
"""
WATERMARK = """
SELECT MAX(data_available_to) AS until FROM ops.extraction_ledger
WHERE org = ? AND interval_from < ? AND interval_to > ?
"""


@dataclass(frozen=True)
class Checked:
    """One org's day: compared up to `until`, or not loaded (no comparison)."""

    org: str
    day: date
    until: datetime | None
    comparison: Comparison | None

    @property
    def is_equal(self) -> bool:
        """Whether it was compared and nothing differs."""
        return self.comparison is not None and self.comparison.differences.is_empty()


@click.command()
@day_range
@org_option
@format_option("table", "json")
@config_option
@pass_invocation
@click.pass_context
def reconcile(
    ctx: click.Context,
    invocation: Invocation,
    first: date,
    last: date,
    orgs: tuple[str, ...],
    output: str,
) -> None:
    """Compare handle time with each org's own report: half hour, queue, agent, media, direction.

    Half hours past a provisional day's watermark are left out: they have not settled. A
    difference names the conversations of its cell. Exit status 1 if anything differs or a day is
    not loaded.
    """
    days = days_of(first, last)
    config = invocation.config()
    chosen = orgs_of(config, orgs)
    refuse_unless_loaded(config)
    assembly = Assembly(config)
    checked = _all_checked(assembly, chosen, days)
    if output == "json":
        print_json(document(checked))
    else:
        _print(checked)
    _say_the_end(ctx, checked)


def _all_checked(assembly: Assembly, orgs: Sequence[str], days: Days) -> list[Checked]:
    """Compare all org-days, the orgs in parallel: each has its own rate budget."""
    expected = [
        (org, day)
        for org, day in product(orgs, days)
        if day >= assembly.config.organization(org).first_day
    ]
    clients = {org: assembly.client(org) for org in orgs}
    with progress(f"comparing {days}", total=len(expected)) as reporter:

        def of_org(org: str) -> list[Checked]:
            mine = [day for other, day in expected if other == org]
            return [_checked(assembly, org, day, reporter) for day in mine]

        with ThreadPoolExecutor(max_workers=len(clients), thread_name_prefix="compare") as threads:
            return [checked for found in threads.map(of_org, orgs) for checked in found]


def _checked(assembly: Assembly, org: str, day: date, reporter: Reporter) -> Checked:
    warehouse = assembly.warehouse
    until = _settled_until(warehouse, org, day)
    reporter.step(f"comparing {org} {day}")
    if until is None:
        reporter.advance()
        return Checked(org, day, None, None)
    metrics = warehouse.query(METRICS, (org, day, METRIC))
    comparison = compared(
        source_cells(
            assembly.client(org).handle_time_aggregates(Interval.of_day(day)), until=until
        ),
        facts_cells(metrics, until=until),
        rollup_cells(warehouse.query(ROLLED_UP, (org, day)), until=until),
        metrics,
    )
    reporter.advance()
    return Checked(org, day, until, comparison)


def _settled_until(warehouse: Warehouse, org: str, day: date) -> datetime | None:
    """Return up to when the day is comparable; None if it is not loaded."""
    logged = warehouse.query(LOGGED, (SESSION_METRICS.key, org, day))["finality"].to_list()
    if not logged:
        return None
    whole = Interval.of_day(day)
    if logged[0] != "provisional":
        return whole.end
    watermark = warehouse.query(WATERMARK, (org, whole.end, whole.start))["until"].to_list()[0]
    if watermark is None:
        return whole.start
    half_hours = (min(watermark, whole.end) - whole.start) // timedelta(minutes=30)
    return whole.start + max(0, half_hours) * timedelta(minutes=30)


def document(checked: Sequence[Checked]) -> dict[str, object]:
    """Return what `--format json` prints."""
    return {
        "equal": all(one.is_equal for one in checked),
        "days": [
            {
                "org": one.org,
                "day": one.day,
                "compared_until": one.until,
                "loaded": one.comparison is not None,
                "cells": one.comparison.cells if one.comparison else 0,
                **(one.comparison.totals.to_dicts()[0] if one.comparison else {}),
                "differences": one.comparison.differences.to_dicts() if one.comparison else [],
            }
            for one in checked
        ],
    }


def _print(checked: Sequence[Checked]) -> None:
    titles = ("Org", "Day", "Cells", "Handled", "Org's", "Handle ms", "Org's ms", "Differences")
    print_table(titles, [_line(one) for one in checked], numbers=titles[2:])
    differing = [
        (one, row)
        for one in checked
        if one.comparison
        for row in one.comparison.differences.to_dicts()
    ]
    for one, row in differing[:DIFFERENCES_SHOWN]:
        click.echo(_told(one, row))
    if len(differing) > DIFFERENCES_SHOWN:
        click.echo(f"and {len(differing) - DIFFERENCES_SHOWN} more; --format json has them all")


def _line(one: Checked) -> list[str]:
    if one.comparison is None:
        return [one.org, str(one.day), "-", "-", "-", "-", "-", "not loaded"]
    totals = one.comparison.totals.to_dicts()[0]
    figures = ("rollup_count", "source_count", "rollup_ms", "source_ms")
    return [
        one.org,
        str(one.day),
        f"{one.comparison.cells:,}",
        *(f"{totals[name]:,}" for name in figures),
        f"{one.comparison.differences.height:,}",
    ]


def _told(one: Checked, row: dict[str, object]) -> str:
    """Tell one difference in one line: where, by how much, through which conversations."""
    start = row["interval_start"]
    cell = " ".join(f"{name}={row[name]}" for name in CELL[1:])
    sides = ", ".join(
        f"{side} {row[f'{side}_count']} x {row[f'{side}_ms']} ms"
        for side in ("source", "facts", "rollup")
    )
    ids = row["conversation_ids"]
    named = ", ".join(str(found) for found in ids) if isinstance(ids, list) and ids else "none here"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # a list of ids
    return f"{one.org} {start:%Y-%m-%d %H:%M} {cell}: {sides}; conversations: {named}"


def _counted(cells: int) -> str:
    return "1 cell differs" if cells == 1 else f"{cells} cells differ"


def _say_the_end(ctx: click.Context, checked: Sequence[Checked]) -> None:
    unloaded = [f"{one.org} {one.day}" for one in checked if one.comparison is None]
    differing = [one for one in checked if one.comparison and not one.is_equal]
    if differing:
        cells = sum(one.comparison.differences.height for one in differing if one.comparison)
        days = ", ".join(f"{one.org} {one.day}" for one in differing)
        click.echo(
            f"{_counted(cells)} ({days}); materialize these days again, and if they still "
            "differ, look at the conversations named above in the org.",
            err=True,
        )
    if unloaded:
        click.echo(f"not loaded: {', '.join(unloaded)}; materialize them first.", err=True)
    if differing or unloaded:
        ctx.exit(1)
    partly = [one for one in checked if one.until and one.until < Interval.of_day(one.day).end]
    for one in partly:
        click.echo(f"{one.org} {one.day}: compared up to {one.until:%H:%M} UTC only.", err=True)
