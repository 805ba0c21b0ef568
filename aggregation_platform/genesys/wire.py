"""Wire: one request within the budget, counted.

Belongs here: permit, send, settle, count; nothing is repeated here.
Elsewhere: repeating (api.py, retries.py), bytes (transport.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from aggregation_platform.errors import SourceError
from aggregation_platform.genesys.rate_limits import RateBudget
from aggregation_platform.genesys.tally import RequestTally
from aggregation_platform.genesys.transport import LostReplyError, Reply, Request, Transport


class Wire:
    """Sends for one org."""

    def __init__(self, transport: Transport, budget: RateBudget, tally: RequestTally) -> None:
        self._transport = transport
        self._budget = budget
        self.tally = tally

    def send(self, request: Request) -> Reply:
        """Wait for a permit, send once, return the reply whatever its status.

        Raises:
            RateLimitedError: If the wait for a permit would be too long.
            NotSentError: As the transport does; LostReplyError and RefusedError likewise.
        """
        permit = self._budget.take()
        settled = False

        def answered(status: int, headers: Mapping[str, str]) -> None:
            nonlocal settled
            settled = True
            self._budget.answered(permit, status, headers)

        try:
            reply = self._transport.send(request, answered=answered)
        except SourceError as error:
            self.tally.failed(sent=isinstance(error, LostReplyError))
            timed_out = isinstance(error, LostReplyError) and error.timed_out
            if not settled:
                self._budget.failed(permit, timed_out=timed_out)
            raise
        self.tally.answered(reply.status, len(reply.body))
        return reply
