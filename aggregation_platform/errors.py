"""Every error the platform raises itself, drawn as a tree.

    PlatformError
    ├── ConfigurationError        change platform.yaml, the rules or the environment
    │   └── MissingVariableError  set the named environment variable
    ├── SourceError               an organization's API did not give what was asked (names the org)
    │   ├── TransientSourceError  wait: retried within bounds, then the run may be repeated
    │   │   └── RateLimitedError  wait at least `retry_after_s`; long waits reschedule the run
    │   ├── RefusedError          look: credentials, permissions or the organization are wrong
    │   ├── QueryTooLargeError    ask for less: a smaller page or a shorter interval
    │   ├── DetailsJobError       a details job ended without results, or never ended
    │   └── UnexpectedReplyError  look: the reply is not what the API's description says
    ├── LandingError              the landing zone cannot be read or written
    │   └── CorruptPageError      fetch the page again
    ├── LocalStateError           what this site's processes share cannot be read or written
    │   └── LocalStateBusyError   wait: other processes held it for long
    └── WarehouseError            the warehouse did not do what was asked; the old rows stand
        ├── WarehouseBusyError    wait: somebody else holds it
        ├── FencedError           stop: another site is active
        └── SchemaMismatchError   migrate the warehouse, or correct the frame

Belongs here: the classes. The class is the advice, the message has the values, and the last
sentence of a message is the remedy or the runbook. Elsewhere: which HTTP status is which
(genesys/replies.py).
"""

from __future__ import annotations


class PlatformError(Exception):
    """Anything the platform reports on purpose; a command prints it as one line and exits 1."""


class ConfigurationError(PlatformError):
    """The configuration, the rules or the environment must be changed."""


class MissingVariableError(ConfigurationError):
    """An environment variable named in the configuration is not set."""


class SourceError(PlatformError):
    """An organization's API did not give what was asked.

    Args:
        org: Our key of the organization.
        message: What happened and what to do.
        status: The HTTP status, where there was one.
        code: The API's machine-readable code, where there was one.
    """

    def __init__(
        self, org: str, message: str, *, status: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(f"{org}: {message}")
        self.org = org
        self.status = status
        self.code = code


class TransientSourceError(SourceError):
    """The same request may succeed later."""


class RateLimitedError(TransientSourceError):
    """The organization asked us to wait `retry_after_s` seconds."""

    def __init__(
        self,
        org: str,
        message: str,
        *,
        retry_after_s: float,
        status: int | None = 429,
        code: str | None = None,
    ) -> None:
        super().__init__(org, message, status=status, code=code)
        self.retry_after_s = retry_after_s


class RefusedError(SourceError):
    """Repeating will not help: credentials, permissions or the organization are wrong."""


class QueryTooLargeError(SourceError):
    """The answer is too large: ask for a smaller page or a shorter interval."""


class DetailsJobError(SourceError):
    """A details job failed, expired, was cancelled, vanished or never ended.

    Args:
        state: The job's last state as the API spells it, or NOT_FOUND, or STUCK.
    """

    def __init__(self, org: str, message: str, *, job_id: str, state: str) -> None:
        super().__init__(org, message)
        self.job_id = job_id
        self.state = state


class UnexpectedReplyError(SourceError):
    """The reply is not what the API's description says."""


class LandingError(PlatformError):
    """The landing zone cannot be read or written."""


class CorruptPageError(LandingError):
    """A stored page does not match its checksum, or does not inflate; fetch it again."""


class LocalStateError(PlatformError):
    """The state shared by the processes of this site cannot be read or written."""


class LocalStateBusyError(LocalStateError):
    """Other processes held the shared state for longer than we wait; repeat later."""


class WarehouseError(PlatformError):
    """The warehouse did not do what was asked; the old rows stand."""


class WarehouseBusyError(WarehouseError):
    """Somebody else held the warehouse for longer than we wait."""


class FencedError(WarehouseError):
    """This site held an older epoch than the warehouse has seen. Do not retry."""


class SchemaMismatchError(WarehouseError):
    """A frame does not have its table's shape, or the warehouse lacks a migration."""
