"""The mapping rules a person keeps as CSV files: which queue is which global queue, who is who.

Belongs here: reading and checking the files as a whole; one wrong line refuses the file, so that
the rules in force stay. A rule holds from `valid_from` (included) to `valid_to` (not included);
an empty date means since ever, or for ever.
Elsewhere: applying the rules (identity/), their paths (models.py).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Generic, TypeVar

from aggregation_platform.config.models import RulesConfig
from aggregation_platform.config.text_files import read_text
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.errors import ConfigurationError

SINCE_EVER = date(1970, 1, 1)
FOR_EVER = date(9999, 12, 31)
NO_RULES = "none"
_SHOWN_MISTAKES = 20


@dataclass(frozen=True)
class QueueRule:
    """`queue` (a name or an id) of an org is `global_queue` in [valid_from, valid_to)."""

    org: str
    queue: str
    global_queue: str
    valid_from: date
    valid_to: date
    line: int


@dataclass(frozen=True)
class AgentRule:
    """A user of an org, by id or by e-mail address, is a global agent in [valid_from, valid_to).

    Exactly one of `user_id` and `email` is set; `email` is case-folded, and in no repr.
    """

    org: str
    user_id: str | None
    email: str | None
    global_agent_id: str
    valid_from: date
    valid_to: date
    line: int

    def __repr__(self) -> str:
        who = self.user_id or "(by e-mail)"
        return f"AgentRule({self.org!r}, {who!r}, {self.global_agent_id!r}, line={self.line})"


@dataclass(frozen=True)
class Rules:
    """All mapping rules; `version` names their content (equal content, equal version)."""

    queues: tuple[QueueRule, ...] = ()
    agents: tuple[AgentRule, ...] = ()
    version: str = NO_RULES


def load_rules(config: RulesConfig, orgs: Sequence[str]) -> Rules:
    """Read both files; a path that is not configured means no rules of that kind.

    Raises:
        ConfigurationError: A line per mistake: file, line number, reason. Nothing is taken then.
    """
    contents = [read_text(path) if path else "" for path in (config.queues, config.agents)]
    queues = (
        _QUEUES.read(contents[0], str(config.queues), orgs, _queue_rule) if config.queues else ()
    )
    agents = (
        _AGENTS.read(contents[1], str(config.agents), orgs, _agent_rule) if config.agents else ()
    )
    if not (config.queues or config.agents):
        return Rules()
    version = hashlib.sha256("\0".join(contents).encode()).hexdigest()[:16]
    return Rules(queues, agents, version)


class _Refused(Exception):  # noqa: N818 - becomes a line of the caller's ConfigurationError
    """One line of a file is wrong."""


Row = Mapping[str, str]
RuleT = TypeVar("RuleT", QueueRule, AgentRule)


@dataclass(frozen=True)
class _Kind(Generic[RuleT]):
    """A kind of rules file: its columns, what a rule speaks about, and how that is called."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    subject: Callable[[RuleT], tuple[str, ...]]
    called: Callable[[RuleT], str]

    def read(
        self,
        content: str,
        file: str,
        orgs: Sequence[str],
        rule_of: Callable[[Row, int], RuleT],
    ) -> tuple[RuleT, ...]:
        """Return the rules, in the order of the file."""
        mistakes: list[str] = []
        rules: list[RuleT] = []
        for line, row in self._rows(content, file):
            try:
                _check_org(row, orgs)
                rules.append(rule_of(row, line))
            except _Refused as refused:
                mistakes.append(f"{file}: line {line}: {refused}")
        mistakes.extend(f"{file}: {text}" for text in self._overlaps(rules))
        _refuse_any(mistakes, file)
        return tuple(rules)

    def _rows(self, content: str, file: str) -> Iterator[tuple[int, Row]]:
        reader = csv.reader(StringIO(content, newline=""), strict=True)
        try:
            first: list[str] = next(reader, list[str]())
            header = [cell.strip() for cell in first]
            self._check_header(header, file)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, _row(header, cells, file, reader.line_num)
        except csv.Error as error:
            raise ConfigurationError(
                f"{file}: line {reader.line_num}: not readable as CSV ({error}); "
                "check the quotes there."
            ) from None

    def _check_header(self, header: Sequence[str], file: str) -> None:
        place = f"{file}: line 1"
        if len(header) == 1 and ";" in header[0]:
            raise ConfigurationError(f"{place}: separated by semicolons; save it with commas.")
        known = (*self.required, *self.optional)
        for column in header:
            if column not in known:
                shown = column or "(empty)"
                raise ConfigurationError(
                    f"{place}: unknown column {shown}; {did_you_mean(column, known)}"
                )
            if header.count(column) > 1:
                raise ConfigurationError(f"{place}: column {column} stands twice; keep one.")
        lacking = [column for column in self.required if column not in header]
        if lacking:
            raise ConfigurationError(
                f"{place}: column {lacking[0]} is missing; the first line names the columns: "
                f"{', '.join(known)}."
            )

    def _overlaps(self, rules: Sequence[RuleT]) -> Iterator[str]:
        latest: dict[tuple[str, ...], RuleT] = {}
        for rule in sorted(rules, key=lambda rule: (rule.valid_from, rule.line)):
            before = latest.get(self.subject(rule))
            if before is not None and rule.valid_from < before.valid_to:
                lines = sorted((before.line, rule.line))
                yield f"line {lines[1]}: {self.called(rule)} {_clash(before, rule, lines[0])}"
            if before is None or rule.valid_to > before.valid_to:
                latest[self.subject(rule)] = rule


def _clash(before: QueueRule | AgentRule, rule: QueueRule | AgentRule, line: int) -> str:
    always = (SINCE_EVER, FOR_EVER)
    if (before.valid_from, before.valid_to) == (rule.valid_from, rule.valid_to) == always:
        return f"is mapped twice, also in line {line}; keep one, or give both dates"
    return f"has dates that overlap those of line {line}; end one (valid_to) where the other begins"


def _row(header: Sequence[str], cells: Sequence[str], file: str, line: int) -> Row:
    if len(cells) > len(header):
        raise ConfigurationError(
            f"{file}: line {line}: {len(cells)} values for {len(header)} columns; "
            "put a value that holds a comma in double quotes."
        )
    padded = [*cells, *([""] * (len(header) - len(cells)))]
    return {name: cell.strip() for name, cell in zip(header, padded, strict=True)}


def _check_org(row: Row, orgs: Sequence[str]) -> None:
    if not row["org"]:
        raise _Refused("org is empty; write the key of an organization")
    if row["org"] not in orgs:
        raise _Refused(f"unknown org {row['org']}; {did_you_mean(row['org'], orgs)}")


def _day(row: Row, column: str, default: date) -> date:
    text = row.get(column, "")
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _Refused(f"{column} {text} is not a day; write yyyy-mm-dd") from None


def _validity(row: Row) -> tuple[date, date]:
    begin, end = _day(row, "valid_from", SINCE_EVER), _day(row, "valid_to", FOR_EVER)
    if begin >= end:
        raise _Refused(
            f"valid_to {end} is not after valid_from {begin}; "
            "valid_to is the first day on which the rule no longer holds"
        )
    return begin, end


def _filled(row: Row, column: str) -> str:
    if not row[column]:
        raise _Refused(f"{column} is empty; fill it or remove the line")
    if row[column] in ("(none)", "(unmapped)"):
        raise _Refused(f"{column} {row[column]} is a reserved word; choose another name")
    return row[column]


def _queue_rule(row: Row, line: int) -> QueueRule:
    begin, end = _validity(row)
    return QueueRule(
        row["org"], _filled(row, "queue"), _filled(row, "global_queue"), begin, end, line
    )


def _agent_rule(row: Row, line: int) -> AgentRule:
    user_id, email = row.get("user_id", ""), row.get("email", "").casefold()
    if bool(user_id) == bool(email):
        raise _Refused("fill either user_id or email, not both and not neither")
    if email and "@" not in email:
        raise _Refused("email is not an address; write name@host, or use user_id")
    begin, end = _validity(row)
    agent = _filled(row, "global_agent_id")
    return AgentRule(row["org"], user_id or None, email or None, agent, begin, end, line)


def _refuse_any(mistakes: Sequence[str], file: str) -> None:
    if not mistakes:
        return
    more = len(mistakes) - _SHOWN_MISTAKES
    tail = [f"{file}: and {more} more lines like these"] if more > 0 else []
    raise ConfigurationError("\n".join([*mistakes[:_SHOWN_MISTAKES], *tail]))


_DATES = ("valid_from", "valid_to")
_QUEUES: _Kind[QueueRule] = _Kind(
    required=("org", "queue", "global_queue"),
    optional=_DATES,
    subject=lambda rule: (rule.org, rule.queue),
    called=lambda rule: f"queue {rule.queue} of {rule.org}",
)
_AGENTS: _Kind[AgentRule] = _Kind(
    required=("org", "global_agent_id"),
    optional=("user_id", "email", *_DATES),
    subject=lambda rule: (rule.org, rule.user_id or "", rule.email or ""),
    called=lambda rule: f"this agent of {rule.org}",
)
