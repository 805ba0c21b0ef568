"""Text files that a person wrote.

Belongs here: reading one, with a line that says why if it cannot be read. Elsewhere: what is in
them (yaml_text.py, delimited.py, rules.py).
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from aggregation_platform.errors import ConfigurationError

UTF_8, UTF_16, WINDOWS_1252 = "UTF-8", "UTF-16", "Windows-1252"

_SAVE_AS = 'in Excel, save it as "CSV UTF-8 (comma delimited)"'
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How an .xlsx or .xls file begins."""


@dataclass(frozen=True)
class Decoded:
    """A file's text, and the encoding it was in."""

    text: str
    encoding: str


def read_text(file: Path) -> str:
    """Read a UTF-8 file that a person wrote (with or without a byte order mark).

    Raises:
        ConfigurationError: If it cannot be read, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8; save the file as UTF-8"
    except OSError as error:
        reason = _why_not_read(error)
    raise ConfigurationError(f"{file}: {reason}.")


def read_spreadsheet_text(file: Path) -> Decoded:
    """Read a text file as a spreadsheet program may have saved it.

    UTF-8 with or without a byte order mark, UTF-16 with one, else Windows-1252, which European
    versions of Excel write.

    Raises:
        ConfigurationError: If it cannot be read as any of them.
    """
    content = _bytes_of(file)
    if content.startswith(_WORKBOOK):
        raise ConfigurationError(f"{file}: this is an Excel workbook and no CSV file; {_SAVE_AS}.")
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return Decoded(content.decode("utf-16"), UTF_16)
        _refuse_nul(content, file)
        return _utf_8_or_windows(content, file)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{file}: line {line}: byte {error.object[error.start]:#04x} is neither UTF-8 nor "
            f"Windows-1252; {_SAVE_AS}."
        ) from None


def _utf_8_or_windows(content: bytes, file: Path) -> Decoded:
    try:
        return Decoded(content.decode("utf-8-sig"), UTF_8)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        if any(ord(sign) > 127 for sign in content.decode("utf-8", errors="ignore")):
            raise ConfigurationError(
                f"{file}: line {line}: this line is not UTF-8, but others are; {_SAVE_AS}."
            ) from None
    return Decoded(content.decode("cp1252"), WINDOWS_1252)


def _refuse_nul(content: bytes, file: Path) -> None:
    if b"\0" in content:
        raise ConfigurationError(
            f"{file}: this is no text in UTF-8 or Windows-1252 (byte {content.index(0)} is 0); "
            f"{_SAVE_AS}."
        )


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: {_why_not_read(error)}.") from None


def _why_not_read(error: OSError) -> str:
    match error:
        case IsADirectoryError():
            return "this is a folder; name the file in it"
        case FileNotFoundError():
            return "there is no such file; correct the path"
        case _:
            return f"cannot be read ({error.strerror}); check its permissions"
