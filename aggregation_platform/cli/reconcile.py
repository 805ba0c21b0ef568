"""`reconcile`: our handle time beside the orgs' own aggregates, cell by cell; and conversations.

Belongs here: which days are compared, and how a difference is told. Elsewhere: the comparison
(comparison.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import click
import polars as pl

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
from aggregation_platform.comparison import Compared, Counted, compared, counted
from aggregation_platform.intervals import Interval
from aggregation_platform.rollups.reconciliation import CELL, Reconciliation

DIFFERENCES_SHOWN = 50
CONVERSATIONS_SHOWN = 5
_EXPLAINED = ("altered", "not in raw", "lost")
_NAMED = ("conversation_id", "session_id", "value_ms", "rebuilt_ms", "finding")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class OrgDay:
    """One org's day and what came of it.

    Args:
        found: Its handle time, compared; None: the day is not loaded.
        counted: Its conversations; None: not counted, as the day is not loaded or has not settled.
    """

    org: str
    day: date
    found: Compared | None
    counted: Counted | None = None

    @property
    def agrees(self) -> bool:
        """Whether it was compared and nothing differs."""
        return self.found is not None and self.found.agrees and self.has_every_conversation

    @property
    def has_every_conversation(self) -> bool:
        """Whether nothing is known to be missing or too many."""
        return self.counted is None or self.counted.agrees


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
    """Compare handle time and its parts with each org's own report.

    By half hour, queue, agent, media type and direction. Half hours past a provisional day's
    watermark are left out: they have not settled. A difference names the conversations of its
    cell, first those that are not in the warehouse as they came. The conversations of a settled
    day are counted on both sides, too. Exit status 1 if anything differs or a day is not loaded.
    """
    days = days_of(first, last)
    config = invocation.config()
    chosen = orgs_of(config, orgs)
    refuse_unless_loaded(config)
    checked = _checked(Assembly(config), chosen, days)
    if output == "json":
        print_json(document(checked))
    else:
        _print(checked)
    _say_the_end(ctx, checked)


def _checked(assembly: Assembly, orgs: Sequence[str], days: Days) -> list[OrgDay]:
    """Compare all org-days, the orgs in parallel: each has its own rate budget."""
    expected = {
        org: [day for day in days if day >= assembly.config.organization(org).first_day]
        for org in orgs
    }
    for org in orgs:
        assembly.client(org)  # a missing credential is told before anything is asked
    total = sum(map(len, expected.values()))
    with progress(f"comparing {days}", total=total) as reporter:

        def of_org(org: str) -> list[OrgDay]:
            return [_one(assembly, org, day, reporter) for day in expected[org]]

        with ThreadPoolExecutor(max_workers=len(orgs), thread_name_prefix="compare") as threads:
            return [checked for found in threads.map(of_org, orgs) for checked in found]


def _one(assembly: Assembly, org: str, day: date, reporter: Reporter) -> OrgDay:
    reporter.step(f"comparing {org} {day}")
    found = compared(assembly, org, day)
    is_settled = found is not None and found.until >= Interval.of_day(day).end
    checked = OrgDay(org, day, found, counted(assembly, org, day) if is_settled else None)
    reporter.advance()
    return checked


def document(checked: Sequence[OrgDay]) -> dict[str, object]:
    """Return what `--format json` prints."""
    return {
        "equal": all(one.agrees for one in checked),
        "days": [_day_document(one) for one in checked],
    }


def _day_document(one: OrgDay) -> dict[str, object]:
    if one.found is None:
        return {"org": one.org, "day": one.day, "loaded": False}
    report, published = one.found.report, one.found.published
    return {
        "org": one.org,
        "day": one.day,
        "loaded": True,
        "compared_until": one.found.until,
        "cells": report.compared_count,
        "cells_not_settled": report.unsettled_count,
        "handled_count": report.handled_count,
        "handle_ms": report.handle_ms,
        "conversations": one.counted and _counted(one.counted),
        "differences": [
            {**row, "conversations": [_named(found) for found in _of_cell(one.found, row)]}
            for row in report.differences.iter_rows(named=True)
        ],
        "rollup_differences": [
            _rollup_row(row) for row in published.differences.iter_rows(named=True)
        ],
    }


def _counted(found: Counted) -> dict[str, object]:
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


def _of_cell(found: Compared, cell: Row) -> Iterator[Row]:
    """Yield the conversations of one cell, the explaining ones first."""
    here = pl.all_horizontal(pl.col(name) == cell[name] for name in CELL)
    yield from found.conversations.filter(here).iter_rows(named=True)


def _print(checked: Sequence[OrgDay]) -> None:
    titles = ("Org", "Day", "Cells", "Handled", "Handle ms", "Differences", "Rollup differs")
    titles += ("Conversations begun", "The org counts")
    print_table(titles, [_line(one) for one in checked], numbers=titles[2:])
    lines = [line for one in checked if one.found for line in _told(one.found)]
    for line in lines[:DIFFERENCES_SHOWN]:
        click.echo(line)
    if len(lines) > DIFFERENCES_SHOWN:
        click.echo(f"and {len(lines) - DIFFERENCES_SHOWN} more; --format json has them all")


def _line(one: OrgDay) -> list[str]:
    if one.found is None:
        return [one.org, str(one.day), "-", "-", "-", "not loaded", "-", "-", "-"]
    report = one.found.report
    return [
        one.org,
        str(one.day),
        f"{report.compared_count:,}",
        f"{report.handled_count:,}",
        f"{report.handle_ms:,}",
        f"{report.differences.height:,}",
        f"{one.found.published.differences.height:,}",
        f"{one.counted.landed:,}" if one.counted else "not settled",
        "-" if not one.counted or one.counted.by_source is None else f"{one.counted.by_source:,}",
    ]


def _told(found: Compared) -> Iterator[str]:
    """Tell each difference in one line: where, by how much, through which conversations."""
    for row in found.report.differences.iter_rows(named=True):
        ours, theirs = _side(row, "our"), _side(row, "source")
        yield f"{_place(row)}: ours {ours}, the org's {theirs}; {_conversations(found, row)}"
    for row in found.published.differences.iter_rows(named=True):
        rollup, facts = _side(row, "our"), _side(row, "source")
        yield f"{_place(row)}: rollup {rollup}, facts {facts}; build the rollups of the day again"


def _place(row: Row) -> str:
    start: datetime = row["interval_start"]
    ids = " ".join(f"{name.removesuffix('_id')}={row[name]}" for name in CELL[2:-1])
    return f"{row['org']} {start:%Y-%m-%d %H:%M} {ids} {row['metric']}"


def _side(row: Row, side: str) -> str:
    return f"{row[f'{side}_count']} x {row[f'{side}_ms']} ms"


def _conversations(found: Compared, row: Row) -> str:
    rows = list(_of_cell(found, row))
    if not rows:
        return "no conversation of ours is in that cell"
    shown = [_conversation(one) for one in rows[:CONVERSATIONS_SHOWN]]
    more = f" and {len(rows) - CONVERSATIONS_SHOWN} more" if len(rows) > len(shown) else ""
    return f"conversations: {', '.join(shown)}{more}"


def _conversation(one: Row) -> str:
    if one["finding"] not in _EXPLAINED:
        return str(one["conversation_id"])
    here, came = (f"{one[side]}" for side in ("value_ms", "rebuilt_ms"))
    return f"{one['conversation_id']} ({one['finding']}: {here} here, {came} in raw)"


def _say_the_end(ctx: click.Context, checked: Sequence[OrgDay]) -> None:
    """Say what is left to do, on standard error; the last line is the outcome."""
    for one in checked:
        if one.found and one.found.until < Interval.of_day(one.day).end:
            until = f"{one.found.until:%H:%M}"
            click.echo(f"{one.org} {one.day}: compared up to {until} UTC only.", err=True)
    unloaded = [f"{one.org} {one.day}" for one in checked if one.found is None]
    if unloaded:
        days = sorted({one.day for one in checked if one.found is None})
        load = f"`materialize --from {days[0]} --to {days[-1]}` loads them"
        click.echo(f"not loaded: {', '.join(unloaded)}; {load}.", err=True)
    lacking = [one for one in checked if not one.has_every_conversation]
    if lacking:
        click.echo(_count_outcome(lacking), err=True)
    apart = [one.found for one in checked if one.found and not one.found.agrees]
    if apart:
        click.echo(_outcome(apart), err=True)
    if unloaded or lacking or apart:
        ctx.exit(1)


def _count_outcome(lacking: Sequence[OrgDay]) -> str:
    told = ", ".join(
        f"{one.org} {one.day} ({_counts(one.counted)})" for one in lacking if one.counted
    )
    return (
        f"the number of conversations differs: {told}; materialize these days again, and if some "
        "still lack, look whether the org's permissions hide them from us."
    )


def _counts(found: Counted) -> str:
    if found.by_source is None:
        return "the org did not say how many it has"
    return f"{found.missing} missing, {found.surplus} too many"


def _outcome(apart: Sequence[Compared]) -> str:
    days = ", ".join(f"{one.org} {one.day}" for one in apart)
    cells = sum(_height(one.report) + _height(one.published) for one in apart)
    differ = "1 cell differs" if cells == 1 else f"{cells} cells differ"
    return (
        f"{differ} ({days}); materialize these days again, and if they still differ, "
        "look at the conversations named above in the org."
    )


def _height(found: Reconciliation) -> int:
    return found.differences.height
