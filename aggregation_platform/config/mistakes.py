"""What is wrong with a configuration, one line per mistake.

Belongs here: pydantic's findings -> `file: path: value is not allowed; remedy`.
Elsewhere: the remedies (values.py, models.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.config.variables import Path, dotted, may_wait, variables_in

_SHOWN_LENGTH = 60

_NO_SECRETS = (("landing", "url"),)
"""Values that may wait for their variable and are shown all the same."""


def lines(
    error: ValidationError,
    tree: Mapping[str, Any],
    *,
    file: str,
    known: Collection[Path] = (),
) -> list[str]:
    """Return a line for each finding that does not stand at a place already `known` to be wrong.

    `tree` is as written, before variables were put in: a line never shows a variable's value.
    """
    return [
        f"{file}: {_sentence(detail, tree)}"
        for detail in error.errors(include_url=False, include_input=False)
        if tuple(detail["loc"]) not in known
    ]


def _sentence(detail: ErrorDetails, tree: Mapping[str, Any]) -> str:
    path = tuple(detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return f"{dotted(path)}: unknown key; {_nearest_key(path)}"
        case "missing":
            return f"{dotted(path)}: missing; add {_described(path)}"
        case "refused_at":
            at = str(detail.get("ctx", {})["at"])
            return _refusal((*path, *_parts(at)), detail["msg"], tree)
        case "literal_error":
            expected = str(detail.get("ctx", {})["expected"]).replace("'", "")
            return _refusal(path, f"use {expected}", tree)
        case "model_type" | "model_attributes_type" | "dict_type":
            return _refusal(path, "write its keys under it, indented", tree)
        case "refused":
            return _refusal(path, detail["msg"], tree)
        case _:
            return _refusal(path, detail["msg"][:1].lower() + detail["msg"][1:], tree)


def _refusal(path: Path, remedy: str, tree: Mapping[str, Any]) -> str:
    written = _written(path, tree)
    return f"{dotted(path)}: {written}{remedy}" if path else remedy


def _written(path: Path, tree: Mapping[str, Any]) -> str:
    """Return `value is not allowed; `, without the value where it may be a secret."""
    value: object = tree
    for part in path:
        try:
            value = cast("Any", value)[part]
        except (KeyError, IndexError, TypeError):
            return "missing; " if part == path[-1] else ""
    if may_wait(path) is not None and path not in _NO_SECRETS:
        named = " and ".join(variables_in(value))
        return f"the value{named and f' of {named}'} (not shown) is not allowed; "
    if value is None:
        return "left empty; "
    if isinstance(value, dict):
        return "" if path and isinstance(path[-1], int) else "a mapping is not allowed; "
    if isinstance(value, list):
        return "a list is not allowed; " if value else "an empty list is not allowed; "
    return f"{_shown(value)} is not allowed; "


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else repr(value)
    text = re.sub(r"//[^/@\s]*@", "//***@", text).encode("unicode_escape").decode()
    text = text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
    return text or "an empty text"


def _parts(path: str) -> tuple[str | int, ...]:
    found = re.findall(r"\[(\d+)\]|([^.\[\]]+)", path)
    return tuple(int(index) if index else name for index, name in found)


def _nearest_key(path: Path) -> str:
    model = _model_at(path[:-1])
    return did_you_mean(str(path[-1]), model.model_fields if model else ())


def _described(path: Path) -> str:
    model = _model_at(path[:-1])
    field = model.model_fields.get(str(path[-1])) if model else None
    return (field.description if field else None) or str(path[-1])


def _model_at(path: Sequence[str | int]) -> type[BaseModel] | None:
    """Follow the keys down the models; list positions do not change the model."""
    model: type[BaseModel] = PlatformConfig
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        nested = _nested(field.annotation) if field else None
        if nested is None:
            return None
        model = nested
    return model


def _nested(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        nested = _nested(argument)
        if nested:
            return nested
    return None
