"""Snowflake's errors in our words.

Belongs here: which of the connector's errors means which of ours. The connector is imported when
a Snowflake warehouse is used, not before.
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
_LOGIN = {250001, 250003, 251006, 390100, 390144}


@contextmanager
def in_our_words(account: str) -> Generator[None]:
    """Turn the connector's errors into the platform's, with the advice that belongs to each."""
    from snowflake.connector.errors import Error

    try:
        yield
    except Error as error:
        raise _translated(account, error, error.errno or 0) from error


def _translated(account: str, error: Exception, number: int) -> WarehouseError:
    from snowflake.connector.errors import (
        ForbiddenError,
        InterfaceError,
        InternalServerError,
        OperationalError,
        ServiceUnavailableError,
    )

    text = f"Snowflake account {account}: {error}"
    if number in _NOT_THERE:
        return SchemaMismatchError(
            f"{text}; if a table or column lacks, run `aggregation-platform warehouse migrate`"
        )
    if number in _LOGIN or isinstance(error, ForbiddenError):
        return WarehouseError(f"{text}; check account, user, key and network policy")
    if number == _TOO_MANY_WAITERS or isinstance(
        error, OperationalError | InternalServerError | ServiceUnavailableError | InterfaceError
    ):
        return WarehouseBusyError(f"{text}; nothing was written, try again")
    return WarehouseError(f"{text}; nothing was written")
