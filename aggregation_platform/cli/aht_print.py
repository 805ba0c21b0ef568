"""How an answer about AHT is printed: a table for people, CSV, or one JSON document.

Belongs here: columns and their titles. Elsewhere: the figures (aht_answer.py), writing a table or a
document (documents.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from aggregation_platform.cli.aht_answer import Question
from aggregation_platform.cli.aht_names import NAMED, name_column
from aggregation_platform.cli.coverage import until_when
from aggregation_platform.cli.documents import hours, minutes, print_csv, print_json, print_table
from aggregation_platform.cli.periods import OWN_TIME
from aggregation_platform.rollups.aht import Aht
from aggregation_platform.rollups.comparisons import BEFORE, CHANGE

MEASURES = ("handled_count", "handle_ms", "aht_ms", "orgs_missing", "finality")
_WHOLE = ("Day", "Week", "Month", "Hour", "Finality")
Row = dict[str, Any]


def print_answer(figures: Aht, asked: Question, output: str) -> None:
    """Print the figures in the format asked for."""
    if output == "json":
        print_json(document(figures, asked))
    elif output == "csv":
        print_csv(_csv_columns(figures, asked), figures.rows.to_dicts())
    else:
        click.echo(heading(asked))
        print_figures(figures, asked)
    for each in asked.left:
        click.echo(until_when(each), err=output != "table")


def document(figures: Aht, asked: Question) -> dict[str, object]:
    """Return the answer in the shape that `--format json` prints."""
    told: dict[str, object] = {
        "rows": figures.rows.to_dicts(),
        "total": figures.total.to_dicts()[0],
        "orgs_retired": [{"org": each.org, "until": each.last_day} for each in asked.left],
    }
    if asked.before is not None:
        for name, days in (("period", asked.days), ("period_before", asked.before)):
            told[name] = {"from": days.first, "to": days.last, "zone": asked.zone}
    return told


def _csv_columns(figures: Aht, asked: Question) -> list[str]:
    """Names and comparisons come last, so that what was there keeps its place."""
    columns = [*asked.by, *MEASURES, *(f"p{each}_ms" for each in asked.percentiles)]
    columns += [name_column(group) for group in asked.by if group in NAMED]
    columns += [*BEFORE, CHANGE] if asked.before is not None else []
    return [name for name in columns if name in figures.rows.columns]


def heading(asked: Question) -> str:
    """Say in one line which days these are, by which clock, and of what."""
    clock = "each organization's own time" if asked.zone == OWN_TIME else asked.zone
    line = f"AHT of {asked.days} ({clock})"
    if asked.before is not None:
        line += f", before: {asked.before}"
    return line


def print_figures(figures: Aht, asked: Question) -> None:
    """Print the table for people, with its total."""
    table = _Columns(figures, asked)
    rows = [table.line(row) for row in figures.rows.to_dicts()] if asked.by else []
    total = table.total(figures.total.to_dicts()[0])
    print_table(table.titles, rows, numbers=table.numbers, whole=_WHOLE, total=total)


class _Columns:
    """The columns of one table: groups with their names, then figures."""

    def __init__(self, figures: Aht, asked: Question) -> None:
        self._asked = asked
        self._groups: list[tuple[str, str]] = []
        for group in asked.by:
            self._groups.append((group, group.replace("_", " ").capitalize()))
            name = name_column(group)
            if group in NAMED and _says_more(figures, group):
                self._groups.append((name, "Name"))
        self.titles = [title for _, title in self._groups]
        percentiles = [_percentile(each) for each in asked.percentiles]
        if asked.before is None:
            self.numbers = ["AHT (m:ss)", *percentiles, "Handled", "Handle time\n(h:mm:ss)"]
        else:
            self.numbers = ["AHT\n(m:ss)", *percentiles, "Before", "Change", "Handled"]
            self.numbers += ["Handled\nbefore"]
        self.titles = [*self.titles, *self.numbers, "Missing\norgs", "Finality"]

    def line(self, row: Row) -> list[str]:
        """Return the cells of one row."""
        return [*(_member(row, name) for name, _ in self._groups), *self._figures(row)]

    def total(self, row: Row) -> list[str]:
        """Return the cells of the total."""
        groups = ["all", *([""] * (len(self._groups) - 1))] if self._groups else []
        return [*groups, *self._figures(row)]

    def _figures(self, row: Row) -> list[str]:
        is_compared = self._asked.before is not None
        cells = [minutes(row["aht_ms"])]
        cells += [minutes(row[f"p{each}_ms"]) for each in self._asked.percentiles]
        cells += [minutes(row["aht_ms_before"]), _change(row)] if is_compared else []
        cells += [f"{row['handled_count']:,}"]
        cells += [_count(row["handled_count_before"]) if is_compared else hours(row["handle_ms"])]
        missing, finality = _orgs(row["orgs_missing"]), row["finality"] or "-"
        if is_compared and row["finality_before"] is not None:
            missing = _both(missing, _orgs(row["orgs_missing_before"]))
            finality = _both(finality, row["finality_before"])
        return [*cells, missing, finality]


def _says_more(figures: Aht, group: str) -> bool:
    """Whether the names are not the ids again."""
    name = name_column(group)
    if name not in figures.rows.columns:
        return False
    rows = figures.rows.select(group, name).rows()
    return any(label is not None and label != member for member, label in rows)


def _percentile(percentile: int) -> str:
    return f"{'Median' if percentile == 50 else f'P{percentile}'} ±2 % (m:ss)"


def _member(row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return "-"
    return f"{value:02d}:00" if name == "hour" else str(value)


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _orgs(orgs: Sequence[str] | None) -> str:
    return ", ".join(orgs) if orgs else "-"


def _both(now: str, before: str) -> str:
    return now if now == before else f"{now}\nbefore: {before}"


def _change(row: Row) -> str:
    """Spell a change of AHT as +0:05."""
    change = row[CHANGE]
    return "-" if change is None else f"{'-' if change < 0 else '+'}{minutes(abs(change))}"
