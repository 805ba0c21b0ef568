"""What `reconcile` prints for people: a table of days, and a line for each difference.

Belongs here: their words. Elsewhere: what to do about them (reconcile_advice.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click
import polars as pl

from aggregation_platform.cli.documents import print_table
from aggregation_platform.cli.reconcile_days import ComparedDay, Outcome
from aggregation_platform.comparison.org_day import DayComparison
from aggregation_platform.rollups.reconciliation import CELL
from aggregation_platform.rollups.rollup_check import RollupComparison

DIFFERENCES_SHOWN = 50
CONVERSATIONS_SHOWN = 5
_EXPLAINED = ("altered", "not in raw", "lost")
_TITLES = ("Org", "Day", "Cells", "Handled", "Handle ms", "Differences", "Rollup differs")
_COUNTS = ("Conversations begun", "The org counts")
Row = Mapping[str, Any]


def print_days(outcome: Outcome) -> None:
    """Print the days, then their differences, the first of them if there are many."""
    titles = (*_TITLES, *_COUNTS) if outcome.asks_org else _TITLES
    rows = [_row(one)[: len(titles)] for one in outcome.days]
    print_table(titles, rows, numbers=titles[2:])
    lines = [line for one in outcome.days if one.found for line in _lines(one.found)]
    for line in lines[:DIFFERENCES_SHOWN]:
        click.echo(line)
    if len(lines) > DIFFERENCES_SHOWN:
        click.echo(f"and {len(lines) - DIFFERENCES_SHOWN} more; --format json has them all")


def _row(one: ComparedDay) -> list[str]:
    found = one.found
    if found is None:
        return [one.org, str(one.day), "-", "-", "-", "not loaded", "-", "-", "-"]
    counted = one.counted
    return [
        one.org,
        str(one.day),
        f"{found.main.compared_count:,}",
        f"{found.main.handled_count:,}",
        f"{found.main.handle_ms:,}",
        "not asked" if found.report is None else f"{found.report.differences.height:,}",
        f"{found.rollup_difference_count:,}",
        f"{counted.landed:,}" if counted else "not settled",
        "-" if not counted or counted.by_source is None else f"{counted.by_source:,}",
    ]


def _lines(found: DayComparison) -> Iterator[str]:
    """Show each difference in one line: where, by how much, through which conversations."""
    if found.report is not None:
        for row in found.report.differences.iter_rows(named=True):
            ours, theirs = _side(row, "our"), _side(row, "source")
            why = _conversations(found, row)
            yield f"{_place(row)}: ours {ours}, the org's {theirs}; {why}"
    for row in found.stored.published.differences.iter_rows(named=True):
        rollup, facts = _side(row, "our"), _side(row, "source")
        yield f"{_place(row)}: rollup {rollup}, facts {facts}"
    for rollup in found.stored.rollups:
        yield from _rollup_lines(found, rollup)
    for row in found.stored.doubled.iter_rows(named=True):
        yield (
            f"{found.org} {found.day} {row['conversation_id']} {row['metric']} emitted "
            f"{row['emitted_at']:%H:%M:%S}: {row['row_count']} times in facts, "
            f"{row['raw_count']} times in raw"
        )
    if found.stored.conversations_doubled:
        yield (
            f"{found.org} {found.day}: {found.stored.conversations_doubled} rows of "
            "facts.conversations too many"
        )


def _rollup_lines(found: DayComparison, rollup: RollupComparison) -> Iterator[str]:
    """Show keys of a rollup; differing sums of handle time are shown by cell already."""
    for row in rollup.differences.iter_rows(named=True):
        is_shown = rollup.table == "rollups.handle_time" and row["finding"] == "differs"
        if is_shown:
            continue
        is_sum = row["measure"] is not None
        sums = f", {row['measure']}: rollup {row['rollup']}, facts {row['facts']}" if is_sum else ""
        times = f" ({row['rows']} rows)" if row["rows"] > 1 else ""
        yield f"{rollup.table} {found.day} {row['key']}: {row['finding']}{times}{sums}"


def _place(row: Row) -> str:
    start: datetime = row["interval_start"]
    ids = " ".join(f"{name.removesuffix('_id')}={row[name]}" for name in CELL[2:-1])
    return f"{row['org']} {start:%Y-%m-%d %H:%M} {ids} {row['metric']}"


def _side(row: Row, side: str) -> str:
    return f"{row[f'{side}_count']} x {row[f'{side}_ms']} ms"


def _conversations(found: DayComparison, row: Row) -> str:
    here = pl.all_horizontal(pl.col(name) == row[name] for name in CELL)
    apart = found.not_counted.metrics.filter(here).to_dicts()
    if apart:
        return f"landed and not counted: {_some([_not_counted(one) for one in apart])}"
    inside = found.conversations.filter(here).to_dicts()
    if not inside:
        return "no conversation of ours is in that cell"
    return f"conversations: {_some([_conversation(one) for one in inside])}"


def _some(texts: list[str]) -> str:
    shown = texts[:CONVERSATIONS_SHOWN]
    more = f" and {len(texts) - len(shown)} more" if len(texts) > len(shown) else ""
    return f"{', '.join(shown)}{more}"


def _not_counted(one: Row) -> str:
    return (
        f"{one['conversation_id']} ({one['value_ms']} ms emitted "
        f"{one['emitted_at']:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        + f", {one['reason']})"
    )


def _conversation(one: Row) -> str:
    if one["finding"] not in _EXPLAINED:
        return str(one["conversation_id"])
    here, came = (f"{one[side]}" for side in ("value_ms", "rebuilt_ms"))
    return f"{one['conversation_id']} ({one['finding']}: {here} here, {came} in raw)"
