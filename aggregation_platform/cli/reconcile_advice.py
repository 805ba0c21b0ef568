"""The last lines of `reconcile`: what was left out, what differs, and what to do.

Belongs here: the lines. Elsewhere: what mends a difference (comparison/advice.py), the lines that
name each (reconcile_lines.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from aggregation_platform.cli.options import Days
from aggregation_platform.cli.reconcile_days import ComparedDay, Outcome
from aggregation_platform.comparison.advice import (
    FETCH_AGAIN,
    OrgDays,
    commands,
    names_of,
    only_the_org,
    remedies,
    them,
)
from aggregation_platform.comparison.org_day import DayComparison
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.intervals import Interval


def nothing_expected(config: PlatformConfig, orgs: Sequence[str], days: Days, today: date) -> str:
    """Return why none of the days asked for can be compared with anything."""
    if days.first > today:
        return f"nothing to compare: {days.first} has not begun in UTC."
    firsts = ", ".join(f"{org} {config.organization(org).first_day}" for org in orgs)
    return (
        f"nothing to compare: no organization is counted on {days}. The first days in "
        f"{config.file} are: {firsts}."
    )


def closing_lines(outcome: Outcome) -> Iterator[str]:
    """Yield what was left out, what differs and what to do; the last line is the outcome."""
    if not outcome.asks_org and outcome.days:
        yield _as_stored(outcome)
    for one in outcome.days:
        if one.found and one.found.until < Interval.of_day(one.day).end:
            yield _not_settled(one.found)
    unloaded = [(one.org, one.day) for one in outcome.days if one.found is None]
    if unloaded:
        yield _not_loaded(unloaded)
    uncounted = [one for one in outcome.days if not one.has_every_conversation]
    if uncounted:
        yield _counts_differ(uncounted)
    apart = [one.found for one in outcome.days if one.found and not one.found.agrees]
    if apart:
        yield _cells_differ(apart)
    if outcome.days and not outcome.compared_count and not unloaded:
        yield (
            "nothing to compare: none of these days has settled. They are compared once the "
            "organization's watermark has passed them and they have been fetched again."
        )


def _as_stored(outcome: Outcome) -> str:
    stored = [one.found.stored for one in outcome.days if one.found]
    written = [
        moment
        for each in stored
        for moment in (each.facts_written_at, each.rollup_written_at)
        if moment
    ]
    newest = f", as last written {max(written):%Y-%m-%d %H:%M} UTC" if written else ""
    return (
        f"compared what is stored{newest}: rollups with facts, repeated facts with raw. No "
        "organization was asked; without --stored its own figures are a side too."
    )


def _not_settled(found: DayComparison) -> str:
    if not found.has_settled:
        return f"{found.org} {found.day}: not compared, for none of the day has settled."
    return f"{found.org} {found.day}: compared up to {found.until:%H:%M} UTC only."


def _not_loaded(unloaded: OrgDays) -> str:
    loads = "loads it" if len(unloaded) == 1 else "loads them"
    return f"not loaded: {names_of(unloaded)}; {commands(unloaded)} {loads}."


def _counts_differ(uncounted: Sequence[ComparedDay]) -> str:
    counts = ", ".join(f"{one.org} {one.day} ({_counts(one)})" for one in uncounted)
    days = [(one.org, one.day) for one in uncounted]
    return (
        f"the number of conversations differs: {counts}; {commands(days, *FETCH_AGAIN)} reads "
        f"{them(days)} again. {only_the_org(days)}"
    )


def _counts(one: ComparedDay) -> str:
    if one.counted is None or one.counted.by_source is None:
        return "the org's answer has no count"
    return f"{one.counted.missing} missing, {one.counted.surplus} too many"


def _cells_differ(apart: Sequence[DayComparison]) -> str:
    days = names_of([(one.org, one.day) for one in apart])
    count = sum(_differing_count(one) for one in apart)
    differ = "1 cell differs" if count == 1 else f"{count} cells differ"
    return f"{differ} ({days}); {' '.join(remedies(apart))}"


def _differing_count(found: DayComparison) -> int:
    ours = 0 if found.report is None else found.report.differences.height
    doubled = found.stored.doubled.height + bool(found.stored.conversations_doubled)
    return ours + found.rollup_difference_count + doubled
