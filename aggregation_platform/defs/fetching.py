"""Fetching beside the loading: all orgs side by side, each event handed to who loads.

Belongs here: the thread, and the events of an org's day. Elsewhere: fetching itself
(extraction/many.py), what follows an event (materialize.py).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.work_progress import WorkProgress
from aggregation_platform.extraction.attempts import FailedAttempt, record_failure
from aggregation_platform.extraction.many import Extraction, extract_many
from aggregation_platform.extraction.outcome import Extracted, OrgDay, Progress


@dataclass(frozen=True)
class Answers:
    """An org answered for the first time."""

    org: str


@dataclass(frozen=True)
class Failed:
    """An org's day that is not fetched; why is in the outcome."""

    org: str
    day: date


Event = Answers | Failed | Extracted


class Fetching(threading.Thread):
    """Fetches all org-days. `events` ends with None; whatever ends it, `outcome` has it."""

    def __init__(
        self, assembly: Assembly, orders: Sequence[OrgDay], progress: WorkProgress
    ) -> None:
        super().__init__(name="fetching", daemon=True)
        self._assembly = assembly
        self._orders = orders
        self._progress = progress
        self._answered = set[str]()
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.outcome: Future[Extraction] = Future()

    def run(self) -> None:
        """Fetch to the end."""
        try:
            self.outcome.set_result(self._extract())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self.outcome.set_exception(error)
        finally:
            self.events.put(None)

    def _extract(self) -> Extraction:
        assembly, orgs = self._assembly, {order.org for order in self._orders}
        for org in orgs:
            self._progress.at_work(org, f"{org} is asked for its days")
        return extract_many(
            {org: assembly.client(org) for org in orgs},
            assembly.landing,
            assembly.local_state,
            self._orders,
            clock=assembly.clock,
            progress=self._hear,
            extracted=self.events.put,
            failed=self._record,
        )

    def _record(self, attempt: FailedAttempt) -> None:
        """Keep it for `status`; the command's own last lines say what to do."""
        assembly = self._assembly
        record_failure(assembly.warehouse, assembly.grant, attempt, run_id="materialize")

    def _hear(self, progress: Progress) -> None:
        self._progress.at_work(progress.org, None)
        if progress.state == "failed":
            self._progress.given_up(progress.org)
            self.events.put(Failed(progress.org, progress.day))
        elif progress.state in ("submitted", "paging") and progress.org not in self._answered:
            self._answered.add(progress.org)
            self.events.put(Answers(progress.org))
        self._progress.day(progress)
