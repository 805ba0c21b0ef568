"""What mends a difference: only what helps, and else who can help.

Belongs here: from what differs, and why, to sentences with the commands that mend it. Elsewhere:
what differs (org_day.py, landed.py), printing (cli/reconcile_advice.py, defs/source_checks.py).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import polars as pl

from aggregation_platform.comparison.landed import Reason
from aggregation_platform.comparison.org_day import DayComparison
from aggregation_platform.rollups.reconciliation import CELL

_OF_OURS = ("altered", "not in raw", "lost")
"""Findings that say that the facts are not those of raw."""

FETCH_AGAIN = ("--again",)
"""What makes `materialize` fetch a day that is here already."""

OrgDays = Sequence[tuple[str, date]]


def remedies(apart: Sequence[DayComparison]) -> Iterator[str]:
    """Yield a sentence per kind of difference, with the days that it helps."""
    rebuilt = [(one.org, one.day) for one in apart if _is_ours(one)]
    if rebuilt:
        made = commands(rebuilt, "--from-landing")
        yield f"{made} builds facts and rollups again from what is stored."
    elsewhere = [(one.org, one.day) for one in apart if _is_landed_elsewhere(one)]
    if elsewhere:
        yield (
            f"{commands(elsewhere, *FETCH_AGAIN)} asks the organization again, from 5 minutes "
            "before midnight on; that brings what is landed with another day."
        )
    too_late = [(one.org, one.day) for one in apart if _is_beyond_the_margin(one)]
    if too_late:
        yield (
            f"{names_of(too_late)}: emitted more than 5 minutes after the end of its record, so "
            "fetching again does not help. Report it with the output of --format json."
        )
    set_aside = [(one.org, one.day) for one in apart if one.not_counted.rejects.height]
    if set_aside:
        yield (
            f"Records or parts of {names_of(set_aside)} are set aside and may be the difference: "
            "see runbooks/RecordsRejected.md."
        )
    unexplained = [(one.org, one.day) for one in apart if _is_unexplained(one)]
    if unexplained:
        yield (
            f"{commands(unexplained, *FETCH_AGAIN)} reads {them(unexplained)} again, for the "
            f"organization may have changed since. {only_the_org(unexplained)}"
        )


def _is_ours(found: DayComparison) -> bool:
    """Whether what is stored explains it: facts that are not raw's, rollups not the facts'."""
    findings = set(found.conversations["finding"])
    reasons = set(found.not_counted.metrics["reason"])
    is_facts = not findings.isdisjoint(_OF_OURS) or Reason.NOT_LOADED in reasons
    return is_facts or not found.stored.agrees


def _is_landed_elsewhere(found: DayComparison) -> bool:
    reasons = set(found.not_counted.metrics["reason"])
    is_before = Reason.BEFORE_MIDNIGHT in reasons and found.not_counted.asked_without_margin
    return is_before or Reason.LATER_DAY in reasons


def _is_beyond_the_margin(found: DayComparison) -> bool:
    reasons = set(found.not_counted.metrics["reason"])
    return Reason.BEFORE_MIDNIGHT in reasons and not found.not_counted.asked_without_margin


def _is_unexplained(found: DayComparison) -> bool:
    """Whether a cell differs from the org's and nothing that is stored explains it."""
    if found.report is None:
        return False
    explained = pl.concat(
        [
            found.not_counted.metrics.select(CELL),
            found.conversations.filter(pl.col("finding").is_in(_OF_OURS)).select(CELL),
        ]
    )
    cells = found.report.differences.select(CELL)
    return not cells.join(explained, on=list(CELL), how="anti").is_empty()


def them(days: OrgDays) -> str:
    """Return the word for these days in a sentence."""
    return "the day" if len(days) == 1 else "these days"


def only_the_org(days: OrgDays) -> str:
    """Return who can say more when reading the days again changes nothing."""
    orgs = ", ".join(dict.fromkeys(org for org, _ in days))
    return (
        f"If it still differs then, only an administrator of {orgs} can say what our OAuth client "
        "may not see (divisions): see runbooks/FiguresDiffer.md."
    )


def commands(days: OrgDays, *flags: str) -> str:
    """Return the commands that materialize exactly these org-days, each in backticks."""
    spans: dict[tuple[date, date], list[str]] = {}
    for org, first, last in _spans(days):
        spans.setdefault((first, last), []).append(org)
    return " and ".join(
        f"`{shlex.join(['materialize', *_range(first, last), *_orgs(orgs), *flags])}`"
        for (first, last), orgs in spans.items()
    )


def _spans(days: OrgDays) -> Iterator[tuple[str, date, date]]:
    """Yield each org's days as stretches without a gap."""
    for org in dict.fromkeys(org for org, _ in days):
        mine = sorted(day for each, day in days if each == org)
        first = last = mine[0]
        for day in mine[1:]:
            if day - last > timedelta(days=1):
                yield org, first, last
                first = day
            last = day
        yield org, first, last


def _range(first: date, last: date) -> list[str]:
    return ["--from", str(first), "--to", str(last)]


def _orgs(orgs: Iterable[str]) -> list[str]:
    return [word for org in orgs for word in ("--org", org)]


def names_of(days: OrgDays) -> str:
    """Return the org-days as a person reads them."""
    return ", ".join(f"{org} {day}" for org, day in days)
