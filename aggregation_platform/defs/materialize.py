"""`python -m aggregation_platform.defs.materialize`: days and orgs, through Dagster, right here.

Belongs here: the order of the work of one `materialize`. Elsewhere: the command that starts this
(cli/materialize.py), what each job does (jobs.py).

All orgs are fetched side by side into the landing zone; each org's day is then loaded by the same
job that the UI runs, on the same Dagster instance. Killed at any moment, the next call goes on.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import click
import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.jobs import DIRECTORY, IDENTITY, ORG_DAY, WORLD_DAY
from aggregation_platform.defs.partitions import org_day_key
from aggregation_platform.defs.repetition import WAY_TAG
from aggregation_platform.errors import PlatformError
from aggregation_platform.extraction.attempts import FailedAttempt, record_failure
from aggregation_platform.extraction.day_reading import Way
from aggregation_platform.extraction.many import Extraction, extract_many
from aggregation_platform.extraction.outcome import Extracted, OrgDay, Progress
from aggregation_platform.intervals import day_key, days_between, parse_day
from aggregation_platform.observability.logs import configure_logs
from aggregation_platform.observability.masking import masked_text
from aggregation_platform.tables import Partition

_QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_SAY_EVERY_S = 2.0
NO_TAGS: Mapping[str, str] = {}


@dataclass
class Materialization:
    """One call: what to do, and what could not be done."""

    assembly: Assembly
    instance: dg.DagsterInstance
    orgs: Sequence[str]
    days: Sequence[date]
    say: Callable[[str], None]
    from_landing: bool = False
    not_done: list[str] = field(default_factory=list[str])
    run_id: str = field(default="", init=False)

    def run(self) -> None:
        """Do all of it; what one org lacks is told, and stops nobody else."""
        self.definitions = build_definitions(self.assembly.config, self.assembly)
        if self.from_landing:
            self._replay()
        else:
            for org in self.orgs:
                self._execute(DIRECTORY, org, f"directory of {org}")
            self._org_days()
        self._execute(IDENTITY, None, "identity")
        for day in self.days:
            self._execute(WORLD_DAY, day_key(day), f"the world on {day}")

    def _replay(self) -> None:
        """Load each org's day from what is stored of it; no org is asked for anything."""
        for order in self.orders():
            key = org_day_key(Partition(org=order.org, day=order.day))
            what = f"{order.org} {order.day} from the landing zone"
            self._execute(ORG_DAY, key, what, {WAY_TAG: Way.LANDING.value})

    def _org_days(self) -> None:
        """Load each org's day as soon as it is stored whole, while others are still fetched."""
        landed: queue.SimpleQueue[Extracted | None] = queue.SimpleQueue()
        fetching = _Fetching(self, landed)
        fetching.start()
        while (found := landed.get()) is not None:
            key = org_day_key(Partition(org=found.org, day=found.day))
            self._execute(ORG_DAY, key, f"{found.org} {found.day}, {found.records} conversations")
        self.not_done += [str(failure.error) for failure in fetching.outcome.result().failures]

    def orders(self) -> list[OrgDay]:
        """Return what is to be fetched: no day before an org's first."""
        config, epoch = self.assembly.config, self.assembly.grant.epoch
        return [
            OrgDay(org=org, day=day, page_size=config.organization(org).page_size, epoch=epoch)
            for day in self.days
            for org in self.orgs
            if day >= config.organization(org).first_day
        ]

    def _execute(
        self, job: str, key: str | None, what: str, tags: Mapping[str, str] = NO_TAGS
    ) -> None:
        began = self.assembly.clock.monotonic()
        self.run_id = str(uuid.uuid4())
        result = self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=key,
            instance=self.instance,
            run_config=_QUIET,
            raise_on_error=False,
            run_id=self.run_id,
            tags={"aggregation_platform/command": "materialize", **tags},
        )
        took = self.assembly.clock.monotonic() - began
        if result.success:
            self.say(f"done: {what} ({took:.1f} s)")
            return
        reason = reason_of(result)
        self.not_done.append(f"{what}: {reason}")
        self.say(f"NOT done: {what}: {reason}")

    def end_when_interrupted(self) -> None:
        """Let Ctrl-C end the process at once, whatever it waits for.

        Dagster and DuckDB each answer it by failing what they are at, and fetching would go on to
        the last day. Everything here may be cut anywhere, so it is cut.
        """
        heard, told = socket.socketpair()
        told.settimeout(0)
        signal.set_wakeup_fd(told.detach())  # hears the signal whoever handles it
        threading.Thread(target=self._end, args=(heard,), name="interrupted", daemon=True).start()

    def _end(self, heard: socket.socket) -> None:
        while signal.SIGINT not in heard.recv(16):
            pass
        try:
            self.say("interrupted; run the same command again, it goes on where it was.")
            run = self.instance.get_run_by_id(self.run_id)
            if run is not None and not run.is_finished:
                self.instance.report_run_canceled(run, "interrupted")
        finally:
            os._exit(1)


class _Fetching(threading.Thread):
    """Fetches all org-days beside the loading. Whatever ends it, `outcome` has it."""

    def __init__(self, work: Materialization, landed: queue.SimpleQueue[Extracted | None]) -> None:
        super().__init__(name="fetching", daemon=True)
        self._work = work
        self._landed = landed
        self._said: dict[tuple[str, date], tuple[str, float]] = {}
        self.outcome: Future[Extraction] = Future()

    def run(self) -> None:
        try:
            self.outcome.set_result(self._extract())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self.outcome.set_exception(error)
        finally:
            self._landed.put(None)

    def _extract(self) -> Extraction:
        assembly = self._work.assembly
        return extract_many(
            {org: assembly.client(org) for org in self._work.orgs},
            assembly.landing,
            assembly.local_state,
            self._work.orders(),
            clock=assembly.clock,
            progress=self._tell,
            extracted=self._landed.put,
            failed=self._record,
        )

    def _record(self, attempt: FailedAttempt) -> None:
        """Keep it for `status`; the command's own last lines say what to do."""
        assembly = self._work.assembly
        record_failure(assembly.warehouse, assembly.grant, attempt, run_id="materialize")

    def _tell(self, progress: Progress) -> None:
        """Say each change of state, and while pages come in say so every few seconds."""
        key, now = (progress.org, progress.day), self._work.assembly.clock.monotonic()
        state, at = self._said.get(key, ("", 0.0))
        if progress.state == state and now - at < _SAY_EVERY_S:
            return
        self._said[key] = (progress.state, now)
        self._work.say(
            f"{progress.org} {progress.day}: {progress.state}"
            + (f", {progress.conversations} conversations" if progress.conversations else "")
        )


def reason_of(result: dg.ExecuteInProcessResult) -> str:
    """Return our own message about the first step that failed; without one, the innermost.

    What a library said is below ours, and does not say what to do.
    """
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None and not _is_ours(error.message):
                error = error.cause
            return _without_class(error.message) if error is not None else "failed"
    return "failed before its first step; look at the run in the Dagster UI"


_OURS = re.compile(rf"^{re.escape(PlatformError.__module__.split('.')[0])}\.[\w.]+: ")


def _is_ours(message: str) -> bool:
    return _OURS.match(message.strip()) is not None


def _without_class(message: str) -> str:
    """Take the class of an error of ours off: its message says what happened."""
    return _OURS.sub("", message.strip())


@click.command()
@click.option("--config", type=click.Path(path_type=Path))
@click.option("--from", "first", required=True)
@click.option("--to", "last", required=True)
@click.option("--org", "orgs", multiple=True)
@click.option("--from-landing", is_flag=True)
def main(
    config: Path | None,
    first: str,
    last: str,
    orgs: tuple[str, ...],
    from_landing: bool,  # noqa: FBT001 - click's flag
) -> None:
    """Fetch and build all assets of the days."""
    configure_logs(level="error")
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    try:
        not_done = _materialized(
            load_config(config), orgs, parse_day(first), parse_day(last), from_landing=from_landing
        )
    except PlatformError as error:
        not_done = [str(error)]
    for line in not_done:
        _say(line)
    sys.exit(1 if not_done else 0)


def _materialized(
    config: PlatformConfig, orgs: Sequence[str], first: date, last: date, *, from_landing: bool
) -> list[str]:
    with dg.DagsterInstance.get() as instance:
        work = Materialization(
            assembly=Assembly(config),
            instance=instance,
            orgs=orgs or config.orgs,
            days=list(days_between(first, last)),
            say=_say,
            from_landing=from_landing,
        )
        work.end_when_interrupted()
        work.run()
    return work.not_done


def _say(line: str) -> None:
    click.echo(masked_text(line), err=True)


if __name__ == "__main__":
    main()
