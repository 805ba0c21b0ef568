"""The mapping rules a person keeps as CSV files: which queue is which global queue, who is who.

Belongs here: checking the files as a whole; one wrong line refuses the file, so that the rules in
force stay. A rule holds from `valid_from` (included) to `valid_to` (not included); an empty date
means since ever, or for ever.
Elsewhere: reading the files (text_files.py, delimited.py), applying the rules (identity/), how
names are compared (names.py), the files' paths (models.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from aggregation_platform.config.delimited import (
    SEPARATORS,
    DelimitedTable,
    FileForm,
    Line,
    read_table,
)
from aggregation_platform.config.models import RulesConfig
from aggregation_platform.config.text_files import Decoded, read_spreadsheet_text
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.names import folded

SINCE_EVER = date(1970, 1, 1)
FOR_EVER = date(9999, 12, 31)
NO_RULES = "none"
_SHOWN_MISTAKES = 20
_MATCHING = "names folded"
"""How rules match names. A new text here maps every queue and agent anew, once."""


@dataclass(frozen=True)
class QueueRule:
    """`queue` (a name or an id) of an org is `global_queue` in [valid_from, valid_to).

    `queue` is exactly as the file has it, blanks too: an exact spelling wins over a folded one.
    """

    org: str
    queue: str
    global_queue: str
    valid_from: date
    valid_to: date
    line: int


@dataclass(frozen=True)
class AgentRule:
    """A user of an org, by id or by e-mail address, is a global agent in [valid_from, valid_to).

    Exactly one of `user_id` and `email` is set; `email` is folded, and in no repr.
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
    """All mapping rules; `version` names their content (equal content, equal version).

    `queues_form` and `agents_form` are how the files are written; None without a file.
    """

    queues: tuple[QueueRule, ...] = ()
    agents: tuple[AgentRule, ...] = ()
    version: str = NO_RULES
    queues_form: FileForm | None = field(default=None, compare=False)
    agents_form: FileForm | None = field(default=None, compare=False)


def load_rules(config: RulesConfig, orgs: Collection[str]) -> Rules:
    """Read both files; a path that is not configured means no rules of that kind.

    Raises:
        ConfigurationError: A line per mistake: file, line number, reason. Nothing is taken then.
    """
    if not (config.queues or config.agents):
        return Rules()
    texts = {path: read_spreadsheet_text(path) for path in (config.queues, config.agents) if path}
    queues, queues_form = _QUEUES.read(config.queues, texts, orgs, _queue_rule)
    agents, agents_form = _AGENTS.read(config.agents, texts, orgs, _agent_rule)
    contents = (texts[path].text if path else "" for path in (config.queues, config.agents))
    version = hashlib.sha256("\0".join((_MATCHING, *contents)).encode()).hexdigest()[:16]
    return Rules(queues, agents, version, queues_form, agents_form)


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

    @property
    def known(self) -> tuple[str, ...]:
        """The columns that a file may have."""
        return (*self.required, *self.optional)

    def read(
        self,
        path: Path | None,
        texts: Mapping[Path, Decoded],
        orgs: Collection[str],
        rule_of: Callable[[Row, int], RuleT],
    ) -> tuple[tuple[RuleT, ...], FileForm | None]:
        """Return the rules in the order of the file, and how it is written."""
        if path is None:
            return (), None
        file = str(path)
        table = read_table(texts[path], file, self.known)
        self._check_header(table.header, file)
        mistakes: list[str] = []
        rules: list[RuleT] = []
        for line in table.rows:
            try:
                row = _row(table, line)
                _check_org(row, orgs)
                rules.append(rule_of(row, line.number))
            except _Refused as refused:
                mistakes.append(f"{file}: line {line.number}: {refused}")
        mistakes.extend(f"{file}: {text}" for text in self._overlaps(rules))
        _refuse_any(mistakes, file)
        return tuple(rules), table.form

    def _check_header(self, header: Line, file: str) -> None:
        place, columns = f"{file}: line {header.number}", header.cells
        for column in columns:
            if column not in self.known:
                raise ConfigurationError(f"{place}: {_unknown_column(column, columns, self.known)}")
            if columns.count(column) > 1:
                raise ConfigurationError(f"{place}: column {column} stands twice; keep one.")
        lacking = [column for column in self.required if column not in columns]
        if lacking:
            raise ConfigurationError(
                f"{place}: column {lacking[0]} is missing; the first line names the columns: "
                f"{', '.join(self.known)}."
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


def _unknown_column(column: str, columns: Sequence[str], known: Sequence[str]) -> str:
    if len(columns) == 1 and any(sign in column for sign in SEPARATORS):
        return (
            "the whole line is one value in quotes; in Excel, split the column "
            "(Data > Text to Columns) and save again."
        )
    return f"unknown column {column or '(empty)'}; {did_you_mean(column, known)}"


def _row(table: DelimitedTable, line: Line) -> Row:
    """Return the values by column: without blanks around, but for a name, which is exact."""
    columns, separator = table.form.columns, table.form.separator
    if any(cell.strip() for cell in line.cells[len(columns) :]):
        sign = SEPARATORS.get(separator, separator)
        raise _Refused(
            f"{len(line.cells)} values for {len(columns)} columns; "
            f"put a value that holds a {sign} in double quotes."
        )
    if len(line.cells) == 1 and (other := _other_separator(line.cells[0], separator)):
        raise _Refused(
            f"separated by {SEPARATORS[other]}s, but the first line by "
            f"{SEPARATORS.get(separator, separator)}s; write all lines alike"
        )
    padded = [*line.cells, *([""] * (len(columns) - len(line.cells)))][: len(columns)]
    row = {name: cell.strip() for name, cell in zip(columns, padded, strict=True)}
    exact = {"queue": padded[columns.index("queue")]} if "queue" in columns else {}
    return {**row, **exact, "org": folded(row["org"])}


def _other_separator(cell: str, separator: str) -> str | None:
    return next((sign for sign in SEPARATORS if sign != separator and sign in cell), None)


def _check_org(row: Row, orgs: Collection[str]) -> None:
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
    name = folded(row[column])
    if not name:
        raise _Refused(f"{column} is empty; fill it or remove the line")
    if name in ("(none)", "(unmapped)"):
        raise _Refused(f"{column} {row[column]} is a reserved word; choose another name")
    return row[column]


def _queue_rule(row: Row, line: int) -> QueueRule:
    begin, end = _validity(row)
    return QueueRule(
        row["org"], _filled(row, "queue"), _filled(row, "global_queue"), begin, end, line
    )


def _agent_rule(row: Row, line: int) -> AgentRule:
    user_id, email = row.get("user_id", ""), folded(row.get("email", ""))
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
    if any(_SPREADSHEET_DATE.search(mistake) for mistake in mistakes):
        tail.append(
            f"{file}: Excel rewrites dates: give the columns valid_from and valid_to the number "
            "format Text (or the custom format yyyy-mm-dd), and save again"
        )
    raise ConfigurationError("\n".join([*mistakes[:_SHOWN_MISTAKES], *tail]))


_SPREADSHEET_DATE = re.compile(r"valid_(?:from|to) \d{1,4}[./-]\d{1,2}[./-]\d{1,4} is not a day")
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
