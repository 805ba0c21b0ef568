"""`aht`: average handle time over any slice, with what it covers and how final it is.

Belongs here: the question's options, reading the rollup, printing. Elsewhere: the arithmetic
(rollups/aht.py), which org-days are covered (coverage.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import click
import polars as pl

from aggregation_platform.cli.coverage import not_expected, read_coverage
from aggregation_platform.cli.documents import hours, minutes, print_csv, print_json, print_table
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import (
    Days,
    config_option,
    day_range,
    days_of,
    format_option,
    pass_invocation,
)
from aggregation_platform.cli.percentiles import (
    Percentiles,
    column_of,
    title_of,
    with_percentiles,
)
from aggregation_platform.cli.progress import progress
from aggregation_platform.cli.reading import warehouse_to_read
from aggregation_platform.cli.remedies import begun_within, loads
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.rollups.aht import GROUPS, Aht
from aggregation_platform.rollups.aht import aht as answered
from aggregation_platform.warehouse.store import Warehouse

MEASURES = ("handled_count", "handle_ms", "aht_ms", "orgs_missing", "finality")
_TITLES = {"handled_count": "Handled", "handle_ms": "Handle time", "aht_ms": "AHT (m:ss)"}
_MISSING = "Missing orgs"


class Groups(click.ParamType[tuple[str, ...]]):
    """A comma-separated list of what to group by."""

    name = "groups"

    def convert(
        self,
        value: str | tuple[str, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        """Split and check the list, or fail as wrong usage."""
        if isinstance(value, tuple):
            return value
        names = tuple(part.strip() for part in value.split(",") if part.strip())
        for name in names:
            if name not in GROUPS:
                self.fail(f"{name!r} is no group; {did_you_mean(name, GROUPS)}", param, ctx)
            if names.count(name) > 1:
                self.fail(f"{name!r} stands twice; name it once.", param, ctx)
        return names


@click.command()
@day_range
@click.option(
    "--by",
    type=Groups(),
    default=(),
    help=f"Group by any of {', '.join(GROUPS)}, joined by commas (hour: of the day, UTC) "
    "[default: the total alone].",
)
@click.option(
    "--percentiles",
    type=Percentiles(),
    default=(),
    help="Add percentiles of handle time, such as 50,90 (50: the median); each within 2 %.",
)
@format_option("table", "csv", "json")
@config_option
@pass_invocation
def aht(
    invocation: Invocation,
    first: date,
    last: date,
    by: tuple[str, ...],
    percentiles: tuple[int, ...],
    output: str,
) -> None:
    """Average handle time: handle time divided by handled, last.

    A row names the orgs that it lacks and is as final as its least final part: provisional
    (before the org's watermark, or an org is missing), complete, or final.
    """
    days = days_of(first, last)
    config = invocation.config_to_read()
    warehouse = warehouse_to_read(config)
    with progress(f"reading handle time of {days}"):
        answer = with_percentiles(
            ask(warehouse, config, days, by),
            warehouse,
            days=days,
            by=by,
            orgs=config.orgs,
            percentiles=percentiles,
        )
    _print(answer, by, output, percentiles)
    for line in _what_it_lacks(answer, days, config):
        click.echo(line, err=True)


def ask(warehouse: Warehouse, config: PlatformConfig, days: Days, by: Sequence[str]) -> Aht:
    """Answer one question from the warehouse.

    Args:
        warehouse: Read only.
        config: Names the orgs that a figure should have.
        days: The UTC days asked about.
        by: Names out of rollups.aht.GROUPS.
    """
    asked = list(days)
    before = not_expected(config, asked)
    states = pl.concat([read_coverage(warehouse, days.first, days.last), before], how="vertical")
    states = states.unique(["org", "day"], keep="first", maintain_order=True)
    cells = warehouse.query(*_sums(days, by))
    answer = answered(cells, states, by=by, orgs=config.orgs, days=asked)
    return Aht(rows=_without_unexpected(answer.rows, before, by), total=answer.total)


def document(answer: Aht) -> dict[str, object]:
    """Return the answer in the shape that `--format json` prints."""
    return {"rows": answer.rows.to_dicts(), "total": answer.total.to_dicts()[0]}


def _sums(days: Days, by: Sequence[str]) -> tuple[str, tuple[object, ...]]:
    """Return the statement that adds the rollup up to what is asked for, and its parameters."""
    columns = ["interval_start" if name == "hour" else GROUPS[name] for name in by]
    kept = ", ".join(dict.fromkeys(("org", "day", *columns)))
    statement = (
        f"SELECT {kept}, CAST(SUM(handled_count) AS BIGINT) AS handled_count, "  # noqa: S608 - names out of GROUPS
        "CAST(SUM(handle_ms) AS BIGINT) AS handle_ms "
        f"FROM rollups.handle_time WHERE day BETWEEN ? AND ? GROUP BY {kept}"
    )
    return statement, (days.first, days.last)


def _without_unexpected(
    rows: pl.DataFrame, before: pl.DataFrame, by: Sequence[str]
) -> pl.DataFrame:
    """Leave out the rows of nothing that stand for an org on days before its first."""
    if "org" not in by or "day" not in by:
        return rows
    unexpected = rows.join(before, on=["org", "day"], how="semi").filter(
        pl.col("handled_count") == 0
    )
    return rows.join(unexpected, on=list(by), how="anti", nulls_equal=True, maintain_order="left")


def _print(answer: Aht, by: Sequence[str], output: str, percentiles: Sequence[int]) -> None:
    if output == "json":
        print_json(document(answer))
    elif output == "csv":
        more = (column_of(percentile) for percentile in percentiles)
        print_csv((*by, *MEASURES, *more), answer.rows.to_dicts())
    else:
        print_answer(answer, by, percentiles)


def print_answer(answer: Aht, by: Sequence[str], percentiles: Sequence[int] = ()) -> None:
    """Print the answer as a table for people."""
    titles = [*(name.replace("_", " ").capitalize() for name in by), "AHT (m:ss)"]
    titles += [*(title_of(percentile) for percentile in percentiles), "Handled"]
    titles += ["Handle time (h:mm:ss)", _MISSING, "Finality"]
    averages = ["aht_ms", *(column_of(percentile) for percentile in percentiles)]
    rows = [_line(row, by, averages) for row in answer.rows.to_dicts()] if by else []
    total = answer.total.to_dicts()[0]
    named = ["all", *([""] * (len(by) - 1))] if by else []
    figures = _figures(total, averages)
    print_table(titles, rows, numbers=titles[len(by) : -2], total=[*named, *figures])


def _line(row: dict[str, object], by: Sequence[str], averages: Sequence[str]) -> list[str]:
    groups = [f"{row[name]:02d}:00" if name == "hour" else str(row[name]) for name in by]
    return [*groups, *_figures(row, averages)]


def _figures(row: dict[str, object], averages: Sequence[str]) -> list[str]:
    handle_ms, missing = row["handle_ms"], row["orgs_missing"]
    return [
        *(minutes(ms if isinstance(ms, int) else None) for ms in (row[name] for name in averages)),
        f"{row['handled_count']:,}",
        hours(handle_ms if isinstance(handle_ms, int) else 0),
        ", ".join(str(org) for org in missing) if isinstance(missing, list) and missing else "-",  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # a list of org keys
        str(row["finality"]),
    ]


def _what_it_lacks(answer: Aht, days: Days, config: PlatformConfig) -> Iterator[str]:
    missing = answer.total["orgs_missing"].to_list()[0]
    if missing:
        remedy = loads(days, config, today=SystemClock().now().date())
        yield f"{', '.join(missing)}: days missing in {days}; {remedy}"
    yield from begun_within(days, config)
