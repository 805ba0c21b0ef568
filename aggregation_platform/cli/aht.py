"""`aht`: average handle time over any slice, with what it covers and how final it is.

Belongs here: the question's options, and what is said beside the figures. Elsewhere: the days
(periods.py), the filters (aht_filters.py), the answer (aht_answer.py), printing (aht_print.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from aggregation_platform.cli.aht_answer import Answer, Question, answer_of, stretches_of
from aggregation_platform.cli.aht_filters import Words, choices
from aggregation_platform.cli.aht_names import NOT_READABLE, names_of, with_names
from aggregation_platform.cli.aht_print import print_answer
from aggregation_platform.cli.grouped_help import GroupedCommand
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import (
    Days,
    config_option,
    format_option,
    org_option,
    pass_invocation,
)
from aggregation_platform.cli.percentiles import Percentiles
from aggregation_platform.cli.periods import (
    OWN_TIME,
    AskedDays,
    Period,
    period_options,
    today_by,
    zones_of,
)
from aggregation_platform.cli.progress import progress
from aggregation_platform.cli.reading import warehouse_to_read
from aggregation_platform.cli.remedies import begun_within, loads_missing
from aggregation_platform.clock import SystemClock
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.errors import PlatformError
from aggregation_platform.rollups.aht import GROUPS, Aht
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.store import Warehouse

OPTION_GROUPS = {
    "Which days (name them once)": ("first", "last", "recent", "week", "month", "zone"),
    "Grouped by, compared with": ("by", "against", "percentiles"),
    "Only a part (each can be repeated)": ("orgs", "queue", "agent", "media", "direction"),
}
EXAMPLES = (
    "aggregation-platform aht --week last --by org",
    "aggregation-platform aht --last 4w --by week,global_queue --against previous",
    "aggregation-platform aht --month 2026-01 --zone org --queue Sales --by day --format csv",
)


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
                self.fail(f"{name!r} is there twice; name it once.", param, ctx)
        return names


@click.command(cls=GroupedCommand, groups=OPTION_GROUPS, examples=EXAMPLES)
@period_options
@click.option(
    "--by",
    type=Groups(),
    default=(),
    help=f"Any of {', '.join(GROUPS)}, joined by commas [default: the total alone].",
)
@click.option(
    "--against",
    type=click.Choice(["previous"]),
    help="Beside it the period before, of equal length, and the change.",
)
@click.option(
    "--percentiles",
    type=Percentiles(),
    default=(),
    help="Percentiles of handle time, such as 50,90 (50: the median); each within 2 %.",
)
@org_option
@click.option("--queue", multiple=True, help="Only this global queue, or org's queue (name or id).")
@click.option("--agent", multiple=True, help="Only this agent: name, global id, or user id.")
@click.option("--media", multiple=True, help="Only this media type, such as voice.")
@click.option("--direction", multiple=True, help="Only inbound or outbound.")
@format_option("table", "csv", "json")
@config_option
@pass_invocation
def aht(
    invocation: Invocation,
    zone: str,
    by: tuple[str, ...],
    against: str | None,
    percentiles: tuple[int, ...],
    orgs: tuple[str, ...],
    output: str,
    **asked: Any,  # noqa: ANN401 - the options of the same names, typed by click
) -> None:
    """Average handle time: handle time divided by handled, last.

    A row names the orgs that are missing from it and is as final as its least final part:
    provisional (not over, not whole, or an org is missing), complete, or final.
    """
    days = AskedDays(*(asked[name] for name in ("first", "last", "recent", "week", "month")))
    words = Words(*(asked[name] for name in ("queue", "agent", "media", "direction")))
    days.check()
    config, now = invocation.config_to_read(), SystemClock().now()
    period = days.period(today_by(zones_of(zone, config), now))
    warehouse = warehouse_to_read(config)
    members = known_members(warehouse, config)
    question = Question(
        days=period.days,
        by=by,
        orgs=tuple(members.must(org).org for org in orgs) or members.orgs,
        zone=zone,
        percentiles=percentiles,
        before=_before(period, by) if against else None,
        left=tuple(
            each for each in members.left_by(period.days.last) if not orgs or each.org in orgs
        ),
    )
    with progress(f"reading handle time of {period.days}"):
        question = _filtered(warehouse, config, question, words)
        answer = answer_of(warehouse, config, question, now=now)
        figures, notes = _named(warehouse, config, question, answer)
    if not answer.is_expected:
        raise PlatformError("\n".join(_why_nothing(answer, question, config)))
    print_answer(figures, question, output)
    for line in (*notes, *_beside_the_figures(answer, question, config)):
        click.echo(line, err=True)


def ask(warehouse: Warehouse, config: PlatformConfig, days: Days, by: Sequence[str]) -> Aht:
    """Answer one question about UTC days of all orgs from the warehouse."""
    question = Question(days=days, by=tuple(by), orgs=known_members(warehouse, config).orgs)
    return answer_of(warehouse, config, question, now=SystemClock().now()).figures


def _before(period: Period, by: tuple[str, ...]) -> Days:
    period.refuse_to_compare(by)
    return period.previous()


def _filtered(
    warehouse: Warehouse, config: PlatformConfig, question: Question, words: Words
) -> Question:
    """Return the question with the members that the words name."""
    if not words.given():
        return question
    members = known_members(warehouse, config)
    stretches = stretches_of(config, question.zone, question.orgs, question.days, members)
    ends = [end for each in stretches.values() for one in each for end in (one.start, one.end)]
    days = (min(ends).date(), max(ends).date())
    found = choices(warehouse, words, days)
    return replace(question, chosen=found)


def _named(
    warehouse: Warehouse, config: PlatformConfig, question: Question, answer: Answer
) -> tuple[Aht, list[str]]:
    """Add names; return what is to be said about them, too."""
    before = question.before or question.days
    names, are_readable = names_of(warehouse, config, question.by, before.first, question.days.last)
    return with_names(answer.figures, names), [] if are_readable else [NOT_READABLE]


def _why_nothing(answer: Answer, question: Question, config: PlatformConfig) -> Iterator[str]:
    if answer.not_yet is not None:
        yield _not_yet(answer.not_yet, question)
    yield from begun_within(question.days, config, question.orgs)


def _beside_the_figures(
    answer: Answer, question: Question, config: PlatformConfig
) -> Iterator[str]:
    """Yield what a reader of the figures has to know, with what to do."""
    handled = int(answer.figures.total["handled_count"].sum())
    if answer.percentiles_of not in (None, handled):
        yield (
            f"percentiles are of {answer.percentiles_of:,} handled sessions, the average of "
            f"{handled:,}: they were not built together; `materialize` of these days builds both."
        )
    if answer.not_yet is not None:
        yield _not_yet(answer.not_yet, question)
    yield from loads_missing(answer.missing, config)
    earlier = question.before or question.days
    yield from begun_within(Days(earlier.first, question.days.last), config, question.orgs)


def _not_yet(days: Days, question: Question) -> str:
    clock = "by the organizations' own time" if question.zone == OWN_TIME else question.zone
    verb = "has" if days.first == days.last else "have"
    return f"{days}: not yet; {'it' if verb == 'has' else 'they'} {verb} not begun ({clock})."
