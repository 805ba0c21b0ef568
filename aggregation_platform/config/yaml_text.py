"""YAML as a person means it.

Belongs here: YAML text -> plain values, with one line per mistake. `no` and `on` are texts, a day
is a text, a key may stand once. Elsewhere: what the values mean (models.py).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, cast

import yaml

from aggregation_platform.errors import ConfigurationError


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema, and no key twice."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as PyYAML declares it


def _resolve(tag: str, pattern: str, first: str) -> None:
    _PlainLoader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]  # untyped in its stubs
        f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first)
    )


_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN\0")
_resolve("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789")
_resolve("float", r"^[-+]?(?:[0-9]+\.[0-9]+)$", "-+0123456789")
_resolve("merge", r"^<<$", "<")
_PlainLoader.yaml_implicit_resolvers[""] = _PlainLoader.yaml_implicit_resolvers["\0"]


def _mapping(loader: _PlainLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: dict[object, int] = {}
    for key_node, _ in node.value:
        key = cast("object", key_node.value)
        line = key_node.start_mark.line + 1
        if isinstance(key, str) and key in seen:
            raise _Mistake(line, f"{key} stands here and in line {seen[key]}; keep one")
        if isinstance(key, str) and key != "<<":
            seen[key] = line
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_PlainLoader.add_constructor("tag:yaml.org,2002:map", _mapping)


class _Mistake(Exception):  # noqa: N818 - carried to the caller's ConfigurationError
    def __init__(self, line: int, remedy: str) -> None:
        super().__init__(remedy)
        self.line = line


def read_yaml(text: str, *, file: str) -> dict[str, Any]:
    """Read a document that is one mapping with text keys.

    Raises:
        ConfigurationError: One line: file, line, remedy. Values are not shown.
    """
    try:
        document = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader
    except _Mistake as mistake:
        raise ConfigurationError(f"{file}: line {mistake.line}: {mistake}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file}: {_explained(error, text)}") from None
    except RecursionError:
        raise ConfigurationError(f"{file}: nested too deeply; write it flat.") from None
    return _as_mapping(document, file)


def _as_mapping(document: object, file: str) -> dict[str, Any]:
    if document is None:
        raise ConfigurationError(
            f"{file}: the file is empty; begin with `organizations:` (see platform.example.yaml)."
        )
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{file}: not a mapping of keys to values; begin with `organizations:` "
            "(see platform.example.yaml)."
        )
    return cast("dict[str, Any]", document)


def _explained(error: yaml.YAMLError, text: str) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "a character that YAML does not allow; save the file as plain UTF-8 text."
    line = error.problem_mark.line
    lines = text.splitlines()
    written = lines[line] if line < len(lines) else ""
    indentation = written[: len(written) - len(written.lstrip())]
    if "\t" in indentation or "'\\t'" in (error.problem or ""):
        return f"line {line + 1}: a tab; indent with spaces, YAML allows no tabs there."
    if "expected a single document" in (error.context or ""):
        return f"line {line + 1}: a second document begins; keep one per file, without `---`."
    problem = (error.problem or "not readable as YAML").split("\n")[0]
    return (
        f"line {line + 1}, column {error.problem_mark.column + 1}: {problem}; "
        "check indentation, colons and quotes there and in the line above."
    )
