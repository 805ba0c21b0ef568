"""The kinds of value a person writes in platform.yaml, each with its remedy.

Belongs here: types that refuse a wrong value with what to write instead. Elsewhere: which key
has which type (models.py), the line a person reads (mistakes.py).

A relative path is taken from the folder given as `context={"folder": ...}`; without one it stays.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn, cast
from urllib.parse import urlsplit

from phonenumbers import SUPPORTED_REGIONS
from pydantic import BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from aggregation_platform.config import regions
from aggregation_platform.config.deferred import Deferred
from aggregation_platform.names import nearest

LANDING_SCHEMES = ("s3", "az", "gs")


def refuse(remedy: str) -> NoReturn:
    """Refuse the value at hand; the remedy says what to write."""
    raise PydanticCustomError("refused", "{remedy}", {"remedy": remedy})


def refuse_at(key: str, remedy: str) -> NoReturn:
    """Refuse the value of `key` inside the mapping at hand (a relation between keys)."""
    raise PydanticCustomError("refused_at", "{remedy}", {"at": key, "remedy": remedy})


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Return `did you mean x?`, or the list of what is known."""
    choices = sorted(known)
    near = nearest(written, choices)
    return f"did you mean {near}?" if near else f"use one of {', '.join(choices)}"


def whole_number(low: int, high: int) -> BeforeValidator:
    """Accept a whole number from `low` to `high` (also as digits from a variable)."""

    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value):
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            refuse(f"use a whole number from {low} to {high}")
        return value

    return BeforeValidator(check)


def positive_number(high: int) -> BeforeValidator:
    """Accept a number above 0 and up to `high` (also as digits from a variable)."""

    def check(value: object) -> float:
        if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
            refuse(f"use a number above 0 and up to {high}")
        return float(value)

    return BeforeValidator(check)


def _text(value: object) -> str:
    if not isinstance(value, str):
        refuse("write a text, in quotes if it looks like a number or a date")
    if not value.strip():
        refuse("write a text; it is empty")
    return value


def _matching(pattern: str, remedy: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        text = _text(value)
        if not re.fullmatch(pattern, text):
            refuse(remedy)
        return text

    return check


def _day(value: object) -> date:
    if type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    return refuse("use a day as yyyy-mm-dd")


def _region(value: object) -> str:
    region = regions.canonical(_text(value))
    if region not in regions.DOMAINS:
        refuse(did_you_mean(region, regions.DOMAINS))
    return region


def _url(value: object) -> str:
    text = _text(value).rstrip("/")
    try:
        parts = urlsplit(text)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        return refuse("use an address like https://api.mypurecloud.com")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_readable:
        refuse("use an address like https://api.mypurecloud.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        refuse("use an address without user, password, query or fragment")
    return text


def _time_zone(value: object) -> str:
    name = _text(value)
    known = zoneinfo.available_timezones()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        refuse(
            f"did you mean {near[0]}?"
            if near
            else "use a time zone of the IANA list, such as Europe/Berlin"
        )
    return name


def _country(value: object) -> str:
    code = _text(value).strip().upper()
    if code not in SUPPORTED_REGIONS:
        near = {"UK": "GB", "EN": "GB", "EL": "GR", "USA": "US"}.get(code)
        refuse(
            f"did you mean {near}?"
            if near
            else "use the country's two letters of ISO 3166, such as US, GB or DE"
        )
    return code


def _from_folder(text: str, info: ValidationInfo) -> Path:
    context = cast("dict[str, Path] | None", info.context)
    path = Path(text).expanduser()
    return context["folder"] / path if context else path


def _path(value: object, info: ValidationInfo) -> Path:
    return value if isinstance(value, Path) else _from_folder(_text(value), info)


def _duckdb_file(value: object, info: ValidationInfo) -> Path:
    path = _path(value, info)
    if any(character in str(path) for character in "?\\"):
        refuse(f"DuckDB cannot write to {path}; choose a path without ? and backslash")
    return path


def _landing(value: object, info: ValidationInfo) -> str | Deferred:
    if isinstance(value, Deferred):  # its variable is not set
        return value
    text = _text(value)
    scheme, separator, rest = text.partition("://")
    if not separator and ":" not in text:
        return str(_from_folder(text, info))
    if scheme not in LANDING_SCHEMES or not rest.split("/")[0]:
        refuse("use a folder, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix")
    return text.rstrip("/")


def _sequence(value: object) -> object:
    if not isinstance(value, list | tuple):
        refuse("write a list")
    return cast("object", value)


def _mapping(value: object) -> object:
    if value is None:
        refuse("write its keys under it, or leave it out")
    return value


Text = Annotated[str, BeforeValidator(_text)]
OrgKey = Annotated[
    str,
    BeforeValidator(
        _matching(
            r"[a-z][a-z0-9_]{0,30}",
            "use up to 31 small letters, digits and underscores, beginning with a letter "
            "(in quotes if YAML takes it for something else)",
        )
    ),
]
SiteName = Annotated[
    str,
    BeforeValidator(
        _matching(
            r"[a-z][a-z0-9_-]{0,30}",
            "use up to 31 small letters, digits, hyphens and underscores, beginning with a letter",
        )
    ),
]
OrganizationId = Annotated[
    str,
    BeforeValidator(
        _matching(
            r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
            "use the organization's id, 36 characters such as "
            "6f1c2a34-0000-4000-8000-123456789abc, or leave it out",
        )
    ),
]
Day = Annotated[date, BeforeValidator(_day)]
RegionName = Annotated[str, BeforeValidator(_region)]
Url = Annotated[str, BeforeValidator(_url)]
Country = Annotated[str, BeforeValidator(_country)]
TimeZoneName = Annotated[str, BeforeValidator(_time_zone)]
FilePath = Annotated[Path, BeforeValidator(_path)]
DuckDBFile = Annotated[Path, BeforeValidator(_duckdb_file)]
"""DuckDB takes what follows a ? for options, and a backslash for a slash."""
LandingUrl = Annotated[str | Deferred, BeforeValidator(_landing)]
AsList = BeforeValidator(_sequence)
AsMapping = BeforeValidator(_mapping)
