"""`review`: what waits for a person's decision: queues, agents, rejected records, drift, totals.

Belongs here: the commands and what they print. Elsewhere: reading (queries/), judging (identity/),
putting queues together (reviewed_queues.py). No e-mail address is printed by any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.documents import hours, print_csv, print_json, print_table
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import (
    Command,
    Day,
    config_option,
    days_of,
    format_option,
    org_option,
    orgs_of,
    pass_invocation,
)
from aggregation_platform.cli.reading import refuse_unless_loaded
from aggregation_platform.cli.reviewed_queues import QUEUE_COLUMNS, ReviewedQueues, reviewed_queues
from aggregation_platform.cli.rules_check import rule_sentences
from aggregation_platform.identity.agents import agent_reviews
from aggregation_platform.identity.rule_reviews import NO_LINE
from aggregation_platform.identity.tables import FOR_EVER, SINCE_EVER
from aggregation_platform.queries import review_lists as lists
from aggregation_platform.queries.review_lists import DAYS_LOOKED_AT, Scope
from aggregation_platform.queries.stored_names import listed_users

PAIR_COLUMNS = (
    "reason",
    "org",
    "user_id",
    "agent_name",
    "other_org",
    "other_user_id",
    "other_agent_name",
    "advice",
)


@click.group()
def review() -> None:
    """What waits for a person's decision. Reads the warehouse and the rules files; asks no org."""


def _scoped(command: Command) -> Command:
    """Add --org, --from and --to, all optional, and the configuration."""
    command = click.option("--to", "last", type=Day(), help="Last day (UTC).")(command)
    command = click.option("--from", "first", type=Day(), help="First day (UTC).")(command)
    return org_option(config_option(command))


def _limited(default: int) -> Callable[[Command], Command]:
    return click.option(
        "--limit",
        type=click.IntRange(1, 1_000_000),
        default=default,
        show_default=True,
        help="Most rows to show.",
    )


def _opened(
    invocation: Invocation, orgs: Sequence[str], first: date | None, last: date | None
) -> tuple[Assembly, Scope]:
    config = invocation.config_to_read()
    refuse_unless_loaded(config)
    if first is not None and last is not None:
        days_of(first, last)
    return Assembly(config), Scope(orgs_of(config, orgs) if orgs else (), first, last)


@review.command()
@format_option("table", "csv", "json")
@_scoped
@pass_invocation
def queues(
    invocation: Invocation,
    orgs: Sequence[str],
    first: date | None,
    last: date | None,
    output: str,
) -> None:
    """List queues without a global queue, with the line that would map each, and idle rules.

    Judged by the rules files as they are now and the names that are stored. Most handle time
    first; without --from and --to, of the 31 days up to the newest one.
    """
    assembly, scope = _opened(invocation, orgs, first, last)
    newest = lists.newest_rollup_day(assembly.warehouse)
    if first is None and last is None and newest is not None:
        scope = Scope(scope.orgs, newest - timedelta(days=DAYS_LOOKED_AT - 1), newest)
    found = reviewed_queues(assembly, scope)
    if output == "csv":
        print_csv(QUEUE_COLUMNS, found.queues)
    elif output == "json":
        shown = [{name: row[name] for name in QUEUE_COLUMNS} for row in found.queues]
        print_json({"from": scope.first, "to": scope.last, "queues": shown, "rules": found.rules})
    else:
        _print_queues(found, scope, assembly.config.rules.queues)


def _print_queues(found: ReviewedQueues, scope: Scope, file: Path | None) -> None:
    if found.queues:
        click.echo(f"Queues without a global queue; handled {_days(scope)}:")
        titles = ("Org", "Queue", "Queue id", "Days", "Handled", "Handle time", "What to do")
        print_table(titles, [_queue_line(row) for row in found.queues], numbers=titles[4:6])
    if found.lines:
        place = file or "a file of your own, which rules.queues in platform.yaml then names"
        header = [] if file else [found.form.separator.join(found.form.columns)]
        click.echo(f"\nLines for {place}; correct the global queue where it is another:")
        click.echo("\n".join([*header, *found.lines]))
    if found.lacks_dates:
        click.echo("Some queues have a rule for other days: add the columns valid_from,valid_to.")
    if found.sentences:
        click.echo("\nRules that match nothing, or that are there twice:")
        click.echo("\n".join(found.sentences))
    if not (found.queues or found.sentences):
        click.echo("Every queue has its global queue, and every rule matches a queue.")


def _queue_line(row: Mapping[str, Any]) -> list[str]:
    return [
        row["org"],
        row["queue_name"],
        row["queue_id"],
        _stretch(row["valid_from"], row["valid_to"]),
        f"{row['handled_count']:,}",
        hours(row["handle_ms"]),
        "add its line" if row["rule"] else row["advice"],
    ]


@review.command()
@format_option("table", "csv", "json")
@org_option
@config_option
@pass_invocation
def agents(invocation: Invocation, orgs: Sequence[str], output: str) -> None:
    """List accounts that may be one person, and agent rules that match no account.

    Judged by the rules files as they are now and the accounts that are stored.
    """
    assembly, scope = _opened(invocation, orgs, None, None)
    found = agent_reviews(listed_users(assembly.warehouse), assembly.rules.agents)
    if scope.orgs:
        asked = [*scope.orgs]
        found = found.filter(pl.col("org").is_in(asked) | pl.col("other_org").is_in(asked))
    if output == "csv":
        print_csv(found.columns, found.to_dicts())
        return
    if output == "json":
        print_json({"reviews": found.to_dicts()})
        return
    pairs = found.filter(pl.col("rule_line") == NO_LINE)
    if not pairs.is_empty():
        titles = ("Why", "Org", "Account", "Name", "Other org", "Account", "Name", "What to do")
        print_table(titles, _texts(pairs.select(PAIR_COLUMNS)))
    sentences = list(rule_sentences(found, assembly.config.rules.agents))
    if sentences:
        click.echo("\nRules that match no account:")
        for sentence in sentences:
            click.echo(sentence)
    if found.is_empty():
        click.echo("No accounts are in doubt, and every rule matches an account.")


@review.command()
@format_option("table", "csv", "json")
@click.option("--each", is_flag=True, help="One row per reject, not one per reason.")
@click.option(
    "--records",
    type=click.IntRange(1, 1000),
    help="Print so many of the records as they came, a JSON document a line: personal data.",
)
@_limited(200)
@_scoped
@pass_invocation
def rejects(
    invocation: Invocation,
    orgs: Sequence[str],
    first: date | None,
    last: date | None,
    limit: int,
    records: int | None,
    output: str,
    *,
    each: bool,
) -> None:
    """List what facts could not read, by org, day and reason, newest first."""
    assembly, scope = _opened(invocation, orgs, first, last)
    if records is not None:
        found = lists.rejected_records(assembly.warehouse, scope, limit=records)
        click.echo(found.write_ndjson(), nl=False)
        return
    if each:
        found = lists.rejects(assembly.warehouse, scope, limit=limit)
        titles = (
            "Org",
            "Day",
            "Conversation",
            "Level",
            "Name",
            "Reason",
            "Path",
            "Page",
            "Position",
        )
    else:
        found = lists.reject_groups(assembly.warehouse, scope).head(limit)
        titles = ("Org", "Day", "Level", "Name", "Reason", "Rejects", "Conversations")
        titles += ("Example", "Page", "Position")
    _print_rows(found, "rejects", titles, output, nothing="Nothing was rejected", limit=limit)


@review.command()
@format_option("table", "csv", "json")
@_limited(200)
@_scoped
@pass_invocation
def drift(
    invocation: Invocation,
    orgs: Sequence[str],
    first: date | None,
    last: date | None,
    limit: int,
    output: str,
) -> None:
    """List what records held that was not known, by when it was first seen; attributes last.

    --from and --to are about the day on which it was first seen.
    """
    assembly, scope = _opened(invocation, orgs, first, last)
    found = lists.drift(assembly.warehouse, scope, limit=limit)
    titles = ("Org", "Kind", "Path", "Value", "First seen (UTC)", "Last seen (UTC)", "Count")
    titles += ("Example conversation",)
    _print_rows(found, "drift", titles, output, nothing="Nothing unknown was seen", limit=limit)


@review.command()
@format_option("table", "csv", "json")
@_limited(200)
@_scoped
@pass_invocation
def totals(
    invocation: Invocation,
    orgs: Sequence[str],
    first: date | None,
    last: date | None,
    limit: int,
    output: str,
) -> None:
    """List days and orgs of which the rollup holds other handle time than the facts.

    With when either was written: facts that are younger than the rollup explain a difference.
    """
    assembly, scope = _opened(invocation, orgs, first, last)
    both = lists.totals_of_days(assembly.warehouse, scope)
    found = both.filter(
        (pl.col("facts_handled") != pl.col("rollup_handled"))
        | (pl.col("facts_handle_ms") != pl.col("rollup_handle_ms"))
    ).head(limit)
    titles = ("Day", "Org", "Handled in facts", "ms", "Handled in rollup", "ms")
    titles += ("Facts written (UTC)", "Rollup written (UTC)")
    _print_rows(found, "totals", titles, output, nothing="Facts and rollups agree", limit=limit)


def _print_rows(
    found: pl.DataFrame,
    name: str,
    titles: Sequence[str],
    output: str,
    *,
    nothing: str,
    limit: int,
) -> None:
    """Print rows in the form asked for; in a table, say when there are none or more."""
    if output == "csv":
        print_csv(found.columns, found.to_dicts())
    elif output == "json":
        print_json({name: found.to_dicts()})
    elif found.is_empty():
        click.echo(f"{nothing}.")
    else:
        numbers = [
            title for title, dtype in zip(titles, found.dtypes, strict=True) if dtype.is_numeric()
        ]
        print_table(titles, _texts(found), numbers=numbers)
        if found.height == limit:
            click.echo(f"These are {limit}; ask for more with --limit.", err=True)


def _texts(rows: pl.DataFrame) -> list[list[str]]:
    shown = rows.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M"))
    return [["-" if cell is None else str(cell) for cell in row] for row in shown.iter_rows()]


def _days(scope: Scope) -> str:
    return f"{scope.first or 'from the first day'} to {scope.last or 'the newest day'}"


def _stretch(begin: date, end: date) -> str:
    if begin == SINCE_EVER:
        return "all" if end == FOR_EVER else f"before {end}"
    return f"from {begin}" if end == FOR_EVER else f"from {begin}, before {end}"
