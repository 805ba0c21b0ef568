"""`reconcile`: what we publish beside our facts, and our facts beside the orgs' own aggregates.

Belongs here: which days are compared, the document, the exit status. Elsewhere: the comparison
(comparison/), the tables and lines for people (reconcile_lines.py), what to do about a difference
(reconcile_advice.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import click
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.documents import print_json
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
from aggregation_platform.cli.reconcile_advice import closing_lines, nothing_expected
from aggregation_platform.cli.reconcile_days import ComparedDay, Outcome
from aggregation_platform.cli.reconcile_lines import print_days
from aggregation_platform.comparison.counting import ConversationCount, count_conversations
from aggregation_platform.comparison.org_day import DayComparison, compare_org_day
from aggregation_platform.intervals import Interval
from aggregation_platform.rollups.reconciliation import CELL
from aggregation_platform.rollups.rollup_check import RollupComparison
from aggregation_platform.warehouse.membership import known_members

_NAMED = ("conversation_id", "session_id", "value_ms", "rebuilt_ms", "finding")
Row = Mapping[str, Any]


@click.command()
@day_range
@org_option
@click.option(
    "--stored",
    is_flag=True,
    help="Ask no organization: compare what is stored with itself, rollups with facts and facts "
    "with raw. Needs no organization's secret.",
)
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
    stored: bool,  # noqa: FBT001 - click's flag
    output: str,
) -> None:
    """Compare handle time and its parts with each org's own report, and with what we publish.

    By half hour, queue, agent, media type and direction. Half hours past a provisional day's
    watermark are left out: they have not settled. A difference names the conversations of its
    cell, and what is landed and not counted, with the reason. Every rollup is compared with its
    facts: the sums, and that each key is there once. The conversations of a settled day are
    counted on both sides. Exit status 1 if anything differs, a day is not loaded, or nothing could
    be compared.
    """
    days = days_of(first, last)
    config = invocation.config_to_read() if stored else invocation.config()
    chosen = orgs_of(config, orgs)
    refuse_unless_loaded(config)
    assembly = Assembly(config)
    today = assembly.clock.now().date()
    members = known_members(assembly.warehouse, config)
    expected = [
        (org, day)
        for org in chosen
        for day in days
        if org in config.orgs_on(day) and members.is_counted(org, day) and day <= today
    ]
    outcome = Outcome(_compared(assembly, expected, days, asks_org=not stored), asks_org=not stored)
    if output == "json":
        print_json(document(outcome))
    elif outcome.days:
        print_days(outcome)
    if not expected:
        click.echo(nothing_expected(config, chosen, days, today), err=True)
    for line in closing_lines(outcome):
        click.echo(line, err=True)
    if not outcome.is_equal:
        ctx.exit(1)


def _compared(
    assembly: Assembly, expected: Sequence[tuple[str, date]], days: Days, *, asks_org: bool
) -> list[ComparedDay]:
    """Compare all org-days, the orgs in parallel: each has its own rate budget."""
    orgs = list(dict.fromkeys(org for org, _ in expected))
    if not orgs:
        return []
    for org in orgs if asks_org else ():
        assembly.client(org)  # a missing credential is shown before anything is asked
    with progress(f"comparing {days}", total=len(expected)) as reporter:

        def of_org(org: str) -> list[ComparedDay]:
            mine = [day for each, day in expected if each == org]
            return [_one(assembly, org, day, reporter, asks_org=asks_org) for day in mine]

        with ThreadPoolExecutor(max_workers=len(orgs), thread_name_prefix="compare") as threads:
            return [compared for found in threads.map(of_org, orgs) for compared in found]


def _one(
    assembly: Assembly, org: str, day: date, reporter: Reporter, *, asks_org: bool
) -> ComparedDay:
    reporter.step(f"comparing {org} {day}")
    found = compare_org_day(assembly, org, day, asks_org=asks_org)
    is_over = found is not None and found.until >= Interval.of_day(day).end
    counted = count_conversations(assembly, org, day) if is_over and asks_org else None
    reporter.advance()
    return ComparedDay(org, day, found, counted)


def document(outcome: Outcome) -> dict[str, object]:
    """Return what `--format json` prints."""
    return {
        "equal": outcome.is_equal,
        "sides": outcome.sides,
        "days_compared": outcome.compared_count,
        "cells_compared": outcome.cell_count,
        "days": [_day_document(one) for one in outcome.days],
    }


def _day_document(one: ComparedDay) -> dict[str, object]:
    found = one.found
    if found is None:
        return {"org": one.org, "day": one.day, "loaded": False}
    report = found.report
    return {
        "org": one.org,
        "day": one.day,
        "loaded": True,
        "compared": one.is_compared,
        "compared_until": found.until,
        "facts_written_at": found.stored.facts_written_at,
        "rollup_written_at": found.stored.rollup_written_at,
        "cells": found.main.compared_count,
        "cells_not_settled": found.main.unsettled_count,
        "handled_count": found.main.handled_count,
        "handle_ms": found.main.handle_ms,
        "conversations": one.counted and _count_document(one.counted),
        "differences": None
        if report is None
        else [_difference(found, row) for row in report.differences.iter_rows(named=True)],
        "set_aside": found.not_counted.rejects.to_dicts(),
        "rollup_differences": [
            _rollup_row(row) for row in found.stored.published.differences.iter_rows(named=True)
        ],
        "rollups": [_rollup_document(each) for each in found.stored.rollups],
        "doubled_metrics": found.stored.doubled.to_dicts(),
        "doubled_conversations": found.stored.conversations_doubled,
    }


def _difference(found: DayComparison, row: Row) -> dict[str, object]:
    return {
        **row,
        "conversations": [_named(each) for each in _of_cell(found.conversations, row)],
        "not_counted": [
            {name: each[name] for name in each if name not in CELL}
            for each in _of_cell(found.not_counted.metrics, row)
        ],
    }


def _count_document(found: ConversationCount) -> dict[str, object]:
    return {
        "counted_by_the_org": found.by_source,
        "landed": found.landed,
        "rejected": found.rejected,
        "missing": found.missing,
        "surplus": found.surplus,
    }


def _named(found: Row) -> dict[str, object]:
    return {name: found[name] for name in _NAMED}


def _rollup_row(row: Row) -> dict[str, object]:
    """Name the sides of a comparison of the rollup with its facts for what they are."""
    named = {
        "our_count": "rollup_count",
        "our_ms": "rollup_ms",
        "source_count": "facts_count",
        "source_ms": "facts_ms",
    }
    return {named.get(name, name): value for name, value in row.items()}


def _rollup_document(found: RollupComparison) -> dict[str, object]:
    return {
        "table": found.table,
        "keys": found.key_count,
        "rows": found.row_count,
        "doubled_keys": found.doubled_count,
        "differences": found.differences.to_dicts(),
    }


def _of_cell(rows: pl.DataFrame, cell: Row) -> Iterator[Row]:
    here = pl.all_horizontal(pl.col(name) == cell[name] for name in CELL)
    yield from rows.filter(here).iter_rows(named=True)
