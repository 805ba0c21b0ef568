"""What became of a write of which nobody heard whether it was committed.

Belongs here: finding out, and repeating the write where it is safe to repeat.
Elsewhere: noticing the loss (snowflake_store.py), what is written (sql_store.py). DuckDB's commits
need none of this: a process that does not learn the outcome does not live.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from aggregation_platform.errors import WarehouseBusyError, WarehouseError

_Result = TypeVar("_Result")


class OutcomeUnknownError(WarehouseError):
    """Nobody heard whether it was committed; only the warehouse can tell what happened."""


class Repeated(Protocol):
    """Does something again for as long as the warehouse is busy, within bounds."""

    def __call__(self, write: Callable[[], _Result], /) -> _Result:
        """Do it."""
        ...


def settled(
    repeated: Repeated,
    write: Callable[[], _Result],
    is_there: Callable[[], bool],
    done: _Result,
) -> _Result:
    """Do a whole transaction that may be repeated, until it is known to be there.

    The warehouse ends a lost session before it answers `is_there`: what is not there then will
    not come.

    Raises:
        OutcomeUnknownError: If the commit was lost and the warehouse could not be asked since.
    """

    def attempt() -> _Result:
        try:
            return write()
        except OutcomeUnknownError as unknown:
            if _found(repeated, is_there, unknown):
                return done
            raise WarehouseBusyError(f"{unknown}; nothing was written, try again") from unknown

    return repeated(attempt)


def unsettled(repeated: Repeated, write: Callable[[], None], table: str) -> None:
    """Do a whole transaction that leaves no trace by which it could be found.

    Raises:
        OutcomeUnknownError: If the commit was lost; repeating it might add the rows twice.
    """
    try:
        repeated(write)
    except OutcomeUnknownError as unknown:
        raise OutcomeUnknownError(
            f"{unknown}: the rows for {table} are there, all of them, or none is. Look before "
            "they are appended again"
        ) from unknown


def _found(repeated: Repeated, is_there: Callable[[], bool], unknown: OutcomeUnknownError) -> bool:
    try:
        return repeated(is_there)
    except WarehouseError as error:
        raise OutcomeUnknownError(
            f"{unknown}, and the warehouse could not be asked since: the write is there whole or "
            "not at all. Do it again when the warehouse answers, that is safe either way"
        ) from error
