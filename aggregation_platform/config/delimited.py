"""Tables in text files as people and spreadsheet programs write them.

Belongs here: which sign separates the values, which line names the columns, the rows below it.
Elsewhere: the encoding (text_files.py), what the columns mean (rules.py).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from aggregation_platform.config.text_files import UTF_8, Decoded
from aggregation_platform.errors import ConfigurationError
from aggregation_platform.names import folded

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}

_ANNOUNCED = re.compile(r"\ufeff?\"?sep=(.)\"?\r?\n", re.IGNORECASE)
"""Excel's own first line, which says how the others are separated."""


@dataclass(frozen=True)
class FileForm:
    """How a table file is written, so that a line for it can be written alike.

    Args:
        columns: Names of the columns, in the order of the file.
        separator: Between two values.
        encoding: Of the file.
        foreign: The first line that is not plain ASCII, with its number: if the encoding was
            guessed wrongly, a person sees it there. None in UTF-8.
    """

    columns: tuple[str, ...]
    separator: str = ","
    encoding: str = UTF_8
    foreign: tuple[int, str] | None = None

    @property
    def is_usual(self) -> bool:
        """Whether it is UTF-8 separated by commas."""
        return (self.separator, self.encoding) == (",", UTF_8)

    def __str__(self) -> str:
        return f"{self.encoding}, separated by {SEPARATORS.get(self.separator, self.separator)}s"

    def line(self, values: dict[str, str]) -> str:
        """Return a line for this file; a column without a value is empty."""
        text = StringIO()
        writer = csv.writer(text, delimiter=self.separator, lineterminator="")
        writer.writerow([values.get(column, "") for column in self.columns])
        return text.getvalue()


@dataclass(frozen=True)
class Line:
    """The values of one row, and the number of its last line in the file."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True)
class DelimitedTable:
    """A table: the line that names its columns, in one form, and the lines below that."""

    form: FileForm
    header: Line
    rows: Sequence[Line]


def read_table(content: Decoded, file: str, known: Sequence[str]) -> DelimitedTable:
    """Read a table; empty lines, and empty columns at the right, are left out.

    The values are separated by what separates the names of the columns: comma, semicolon or tab.

    Args:
        content: The file's text.
        file: Its name, for errors.
        known: The columns that it may have.

    Raises:
        ConfigurationError: If the quotes do not match, with the line.
    """
    announced = _ANNOUNCED.match(content.text)
    skipped = 1 if announced else 0
    text = content.text[announced.end() :] if announced else content.text
    separator = announced[1] if announced else _separator(text, known)
    lines = [
        Line(line.number + skipped, line.cells) for line in _lines(text, separator, file, skipped)
    ]
    header, *rows = lines or [Line(1, ())]
    columns = tuple(folded(cell) for cell in _without_empty_end(header.cells))
    foreign = None if content.encoding == UTF_8 else _foreign(content.text)
    form = FileForm(columns, separator, content.encoding, foreign)
    return DelimitedTable(form, Line(header.number, columns), rows)


def _separator(text: str, known: Sequence[str]) -> str:
    """Return what makes most known names of the first line; a comma if nothing makes more."""
    first = next((line for line in text.splitlines() if line.strip(" \t,;")), "")

    def names(separator: str) -> int:
        rows = csv.reader([first], delimiter=separator)
        return sum(folded(cell) in known for cells in rows for cell in cells)

    return max(SEPARATORS, key=names)


def _lines(text: str, separator: str, file: str, skipped: int) -> Iterator[Line]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(folded(cell) for cell in cells):
                yield Line(reader.line_num, cells)
    except csv.Error as error:
        raise ConfigurationError(
            f"{file}: line {reader.line_num + skipped}: not readable as CSV ({error}); "
            "check the quotes there."
        ) from None


def _without_empty_end(cells: Sequence[str]) -> Sequence[str]:
    used = max((place for place, cell in enumerate(cells, start=1) if folded(cell)), default=0)
    return cells[:used]


def _foreign(text: str) -> tuple[int, str] | None:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.isascii():
            return number, line.strip()
    return None
