"""Log events: one JSON line each on standard error, or coloured lines on a terminal.

Belongs here: the configuration of structlog and of the standard library's logging, once per
process. Elsewhere: what must not be in a line (masking.py); whoever logs does
`log = structlog.get_logger()` and `log.info("partition_replaced", table=..., org=..., rows=...)`.

Every line has `event`, `level`, `logger` and `at` (UTC). Standard output is never written to.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from aggregation_platform.observability.masking import masked_fields

_QUIET_LIBRARIES = ("urllib3", "snowflake", "botocore", "matplotlib", "asyncio")


def configure_logs(
    *, level: str = "INFO", stream: TextIO | None = None, pretty: bool | None = None
) -> None:
    """Send every log event of this process, ours and the libraries', to one stream.

    Args:
        level: The least level that is written.
        stream: Where to; None: standard error, as it is when the event happens.
        pretty: Lines for people instead of JSON; None: when the stream is a terminal.
    """
    target = stream or sys.stderr
    for_people = target.isatty() if pretty is None else pretty
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream) if stream else _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(), processors=_written(for_people=for_people)
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def mask_personal(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Mask secrets, tokens, phone numbers and e-mail addresses in every field of an event."""
    kept = {name: event[name] for name in event if name.startswith("_")}
    shown = {name: value for name, value in event.items() if not name.startswith("_")}
    masked: MutableMapping[str, Any] = {**masked_fields(shown), **kept}
    return masked


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at the moment (a progress display replaces it)."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride]  # looked up late, as logging.lastResort does
        return sys.stderr


def _shared() -> list[Processor]:
    """Return what an event goes through, whether structlog or a library logged it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]


def _written(*, for_people: bool) -> list[Processor]:
    """Return how an event becomes a line; masking is the last step before."""
    last = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if for_people
        else structlog.processors.JSONRenderer()
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        cast("Processor", mask_personal),
        cast("Processor", last),
    ]
