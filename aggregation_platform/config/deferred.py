"""Values that may wait for their environment variable: credentials and addresses.

Belongs here: Deferred (revealed when needed) and Secret (that too, and masked wherever it is
printed). Elsewhere: finding the variables (variables.py).
"""

from __future__ import annotations

import unicodedata
from typing import Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from aggregation_platform.errors import MissingVariableError

MASK = "**********"
ONE_LINE = (
    "it has a line break or another control character inside; set it again as one line, without "
    "what an editor or a copied web page put into it"
)


def has_control_character(text: str) -> bool:
    """Whether a text is more than one line, or holds what no keyboard types."""
    return any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in text)


class Deferred:
    """A text of the configuration, or the message saying which variable it lacks."""

    __slots__ = ("_missing", "_text")

    def __init__(self, text: str) -> None:
        self._text: str | None = text
        self._missing = ""

    @classmethod
    def lacking(cls, message: str) -> Self:
        """Return a value whose variable is not set; revealing it fails with `message`."""
        value = cls("")
        value._text, value._missing = None, message
        return value

    def reveal(self) -> str:
        """Return the text.

        Raises:
            MissingVariableError: If its environment variable is not set.
        """
        if self._text is None:
            raise MissingVariableError(self._missing)
        return self._text

    @property
    def missing(self) -> str:
        """Which variable is not set, and what to do; empty if the text is there."""
        return self._missing

    @property
    def is_available(self) -> bool:
        """Whether `reveal` would succeed."""
        return self._text is not None

    def __str__(self) -> str:
        return self._text if self._text is not None else "(variable not set)"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Deferred)
            and type(other) is type(self)
            and (self._text, self._missing) == (other._text, other._missing)
        )

    def __hash__(self) -> int:
        return hash((type(self), self._text, self._missing))

    @classmethod
    def __get_pydantic_core_schema__(
        cls,
        source: object,
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        """Accept a text or a value of this class; print as `str` does.

        Blanks and line breaks around a text go: a variable filled from a file often ends in a line
        break, and the organization would refuse the secret without saying why. One inside is
        refused.
        """
        return core_schema.no_info_plain_validator_function(
            cls._validated,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def _validated(cls, value: object) -> Deferred:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or not value.strip():
            raise PydanticCustomError(
                "refused", "write a text, in quotes if it looks like a number"
            )
        if has_control_character(value.strip()):
            raise PydanticCustomError("refused", ONE_LINE)
        return cls(value.strip())


class Secret(Deferred):
    """A Deferred that no repr, str, JSON or error message shows."""

    __slots__ = ()

    def __str__(self) -> str:
        return MASK
