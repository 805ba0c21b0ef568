"""Snowflake's errors in our words.

Belongs here: which of the connector's errors means which of ours, and which of them say that no
reply came. The connector is imported when a Snowflake warehouse is used, not before.
Elsewhere: the connection (snowflake_store.py).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from aggregation_platform.errors import (
    SchemaMismatchError,
    WarehouseBusyError,
    WarehouseError,
)

_NOT_THERE = {2003, 2043, 904}
"""Object, schema or column does not exist."""

_TOO_MANY_WAITERS = 625
_LOGIN = {250001, 251006, 390100, 390144}
"""Of a login that Snowflake refused; the first stands for one that it never heard of, too."""


@contextmanager
def in_our_words(account: str) -> Generator[None]:
    """Turn the connector's errors into the platform's, with the advice that belongs to each."""
    from snowflake.connector.errors import Error

    try:
        yield
    except Error as error:
        raise _translated(account, error, error.errno or 0) from error


def is_unanswered(error: Exception) -> bool:
    """Whether no reply of Snowflake's came: the statement may have been carried out or not.

    The connection broke, or whatever is between us and Snowflake answered in its place.
    """
    from snowflake.connector import errors

    return isinstance(
        error,
        errors.OperationalError
        | errors.InterfaceError
        | errors.InternalServerError
        | errors.ServiceUnavailableError
        | errors.BadGatewayError
        | errors.GatewayTimeoutError
        | errors.RequestTimeoutError
        | errors.TooManyRequests
        | errors.OtherHTTPRetryableError,
    )


def _translated(account: str, error: Exception, number: int) -> WarehouseError:
    from snowflake.connector.errors import ForbiddenError

    text = f"Snowflake account {account}: {error}"
    if number in _NOT_THERE:
        return SchemaMismatchError(
            f"{text}; if a table or column lacks, run `aggregation-platform warehouse migrate`"
        )
    if number == _TOO_MANY_WAITERS or is_unanswered(error):
        return WarehouseBusyError(f"{text}; nothing was written, try again")
    if number in _LOGIN or isinstance(error, ForbiddenError):
        return WarehouseError(f"{text}; check account, user, key and network policy")
    return WarehouseError(f"{text}; nothing was written")
