"""What a command prints on standard output: one JSON document, CSV, or a table for people.

Belongs here: writing them, and how a duration or a count reads. Elsewhere: what is in them.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from aggregation_platform.intervals import spelled

PLAIN_WIDTH = 200
"""Columns of a table that does not go to a terminal: wide enough not to fold."""


def print_json(document: Mapping[str, object]) -> None:
    """Print exactly one JSON document; instants as 2026-01-05T00:00:00.000Z, days as yyyy-mm-dd."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=_json_value))


def print_csv(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Print a header line and the rows; a list is joined with spaces, nothing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_value(row[column]) for column in columns] for row in rows)
    click.echo(text.getvalue(), nl=False)


def print_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
    total: Sequence[str] | None = None,
) -> None:
    """Print a table for people; `numbers` names the columns that align right.

    In a narrow terminal, texts are folded; never numbers nor the columns in `whole`.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in titles:
        table.add_column(
            title,
            justify="right" if title in numbers else "left",
            overflow="fold",
            no_wrap=title in numbers or title in whole,
        )
    for row in rows:
        table.add_row(*row)
    if total is not None:
        table.add_section()
        table.add_row(*total, style="bold")
    console().print(table, markup=False)


def console() -> Console:
    """Return a console on standard output that does not fold where there is no terminal."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def minutes(duration_ms: int | None) -> str:
    """Spell a handle time as m:ss, rounded to the second; `-` for none."""
    if duration_ms is None:
        return "-"
    seconds = (duration_ms + 500) // 1000
    return f"{seconds // 60}:{seconds % 60:02d}"


def hours(duration_ms: int) -> str:
    """Spell a sum of durations as h:mm:ss, rounded to the second."""
    seconds = (duration_ms + 500) // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _json_value(value: object) -> str:
    if isinstance(value, datetime):
        return spelled(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a document")


def _csv_value(value: object) -> object:
    if isinstance(value, datetime):
        return spelled(value)
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # printed as text whatever it is
    return "" if value is None else value
