"""What `check` says of the mapping rules: how the files are read, and which rules do nothing.

Belongs here: comparing the files with the names that are stored, a line per rule. Elsewhere: which
rules match (identity/), what is printed (check.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.findings import Finding, State
from aggregation_platform.cli.reading import has_tables
from aggregation_platform.config.delimited import FileForm
from aggregation_platform.config.rules import Rules
from aggregation_platform.errors import PlatformError
from aggregation_platform.identity.agents import agent_reviews
from aggregation_platform.identity.queue_reviews import ONE_NAME_IN_TWO_RULES, queue_reviews
from aggregation_platform.identity.rule_reviews import NO_LINE
from aggregation_platform.queries.stored_names import (
    listed_queues,
    listed_users,
    recorded_queue_names,
)

SUBJECT = "rules"


@dataclass(frozen=True)
class RulesReview:
    """Rules that do nothing, a sentence each, and the orgs that nothing could be compared with."""

    sentences: Sequence[str] = ()
    not_compared: Sequence[str] = ()


def check_rules(assembly: Assembly) -> Sequence[Finding]:
    """Read the mapping rules, and name each that matches nothing of what is stored."""
    try:
        rules = assembly.rules
    except PlatformError as error:
        return [Finding(State.FAILED, SUBJECT, str(error))]
    counted = f"{len(rules.queues)} for queues, {len(rules.agents)} for agents"
    try:
        review = review_of_rules(assembly)
    except PlatformError as error:
        review, counted = RulesReview(), f"{counted}; not compared with names: {error}"
    if review.not_compared:
        orgs = ", ".join(review.not_compared)
        counted += f"; not compared for {orgs}, of which no names are stored yet"
    notes = [*_forms(assembly, rules), *review.sentences]
    return [
        Finding(State.OK, SUBJECT, counted),
        *(Finding(State.NOTE, SUBJECT, note) for note in notes),
    ]


def review_of_rules(assembly: Assembly) -> RulesReview:
    """Compare the rules files, as they are now, with the names that are stored.

    Raises:
        ConfigurationError: If a file has a mistake.
        WarehouseError: If the warehouse cannot be read.
    """
    rules, files = assembly.rules, assembly.config.rules
    with_rules = {rule.org for rule in (*rules.queues, *rules.agents)}
    if not has_tables(assembly.config):
        return RulesReview((), sorted(with_rules))
    listed, recorded = listed_queues(assembly.warehouse), recorded_queue_names(assembly.warehouse)
    users = listed_users(assembly.warehouse)
    found = [
        *rule_sentences(queue_reviews(listed, recorded, rules.queues), files.queues),
        *rule_sentences(agent_reviews(users, rules.agents), files.agents),
    ]
    queues_known, users_known = {*listed["org"], *recorded["org"]}, {*users["org"]}
    unknown = {rule.org for rule in rules.queues} - queues_known
    unknown |= {rule.org for rule in rules.agents} - users_known
    return RulesReview(found, sorted(unknown))


def rule_sentences(reviews: pl.DataFrame, file: Path | None) -> Iterator[str]:
    """Return a sentence for each rule among reviews of queues or agents, by line."""
    rules = reviews.filter(pl.col("rule_line") > NO_LINE).sort("rule_line")
    for row in rules.iter_rows(named=True):
        yield f"{file}: line {row['rule_line']}: {_sentence(row)}"


def _sentence(row: Mapping[str, Any]) -> str:
    if row["reason"] == ONE_NAME_IN_TWO_RULES:
        return f"queue {row['queue_name']!r} of {row['org']}: {row['advice']}"
    if "queue_name" in row:
        what, near = f"queue {row['queue_name']!r}", row["nearest_name"]
        return f"{what} of {row['org']} matches nothing; {_hint(near)}"
    by_email = row["user_id"].startswith("(")
    what = "this address" if by_email else f"account {row['user_id']}"
    near = row["nearest_user_id"]
    if by_email and near:
        return (
            f"{what} matches no account of {row['org']}; the most similar is that of account {near}"
        )
    return f"{what} matches no account of {row['org']}; {_hint(near)}"


def _hint(near: str | None) -> str:
    return f"did you mean {near!r}?" if near else "nothing there is like it; correct or remove it"


def _forms(assembly: Assembly, rules: Rules) -> Iterator[str]:
    files = assembly.config.rules
    for file, form in ((files.queues, rules.queues_form), (files.agents, rules.agents_form)):
        if form is not None and not form.is_usual:
            yield f"{file}: read as {form}{_doubt(form, is_shown=file == files.queues)}"


def _doubt(form: FileForm, *, is_shown: bool) -> str:
    if form.foreign is None:
        return ""
    number, text = form.foreign
    shown = f" ({text})" if is_shown else ""
    return f"; if line {number} is not what you wrote{shown}, save the file as CSV UTF-8"
