"""Environment variables in the configuration: `${NAME}`, and `$${` for a literal `${`.

Belongs here: replacing them, in the values of a tree. Elsewhere: reading the environment
(load.py), values that may wait for theirs (deferred.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aggregation_platform.config.deferred import Deferred, Secret

Path = tuple[str | int, ...]
"""Where a value stands in the tree: ("organizations", 0, "client_id")."""

_MARK = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Substitution:
    """The tree with its variables in place, and what could not be put there."""

    tree: dict[str, Any]
    missing: tuple[tuple[Path, str], ...]
    """Where a variable is missing (or empty), and its name."""
    malformed: tuple[Path, ...]
    """Where `${` is not followed by a name and `}`."""


def may_wait(path: Path) -> type[Deferred] | None:
    """Return how the value at that place is kept until it is needed; None: it cannot wait."""
    match path:
        case ("organizations", int(), "client_id" | "client_secret"):
            return Secret
        case ("warehouse", "snowflake", "private_key_passphrase" | "password" | "token"):
            return Secret
        case ("warehouse", "snowflake", "authenticator" | "port" | "protocol"):
            return None
        case ("warehouse", "snowflake", _) | ("landing", "url"):
            return Deferred
        case _:
            return None


def dotted(path: Path) -> str:
    """Spell a place as a person would: organizations[0].client_id."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def missing_line(file: str, path: Path, name: str) -> str:
    """Return the one line about a missing variable."""
    return (
        f"{file}: {dotted(path)}: environment variable {name} is not set; "
        f"set it (export {name}=...) before starting"
    )


def substitute(
    tree: Mapping[str, Any], environment: Mapping[str, str], *, file: str, defer: bool
) -> Substitution:
    """Replace the variables in every text of the tree.

    Args:
        tree: What the YAML said.
        environment: Name to value; an empty or blank value counts as not set.
        file: As named in messages.
        defer: Let the values that may wait load without their variable.
    """
    missing: list[tuple[Path, str]] = []
    malformed: list[Path] = []

    def text(path: Path, written: str) -> object:
        names = _names(written)
        if names is None:
            malformed.append(path)
            return written
        absent = [name for name in names if not environment.get(name, "").strip()]
        kept_as = may_wait(path)
        if absent and defer and kept_as:
            return kept_as.lacking(missing_line(file, path, absent[0]))
        missing.extend((path, name) for name in absent)
        return _replaced(written, environment)

    replaced = cast("dict[str, Any]", _walk((), dict(tree), text))
    return Substitution(replaced, tuple(missing), tuple(malformed))


def _walk(path: Path, value: object, text: Callable[[Path, str], object]) -> object:
    if isinstance(value, str):
        return text(path, value)
    if isinstance(value, dict):
        items = cast("dict[str, object]", value)
        return {key: _walk((*path, key), item, text) for key, item in items.items()}
    if isinstance(value, list):
        entries = cast("list[object]", value)
        return [_walk((*path, index), entry, text) for index, entry in enumerate(entries)]
    return value


def variables_in(written: object) -> tuple[str, ...]:
    """Return the names of the variables that a value as written takes its text from."""
    return tuple(_names(written) or ()) if isinstance(written, str) else ()


def _names(written: str) -> list[str] | None:
    """Return the variables a text names; None when a `${` is not well formed."""
    names: list[str] = []
    for match in _MARK.finditer(written):
        if match.group() == "$${":
            continue
        name = match.group(1)
        if name is None or not _NAME.fullmatch(name):
            return None
        names.append(name)
    return names


def _replaced(written: str, environment: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return "${" if match.group() == "$${" else environment.get(match.group(1), "")

    return _MARK.sub(value, written)
