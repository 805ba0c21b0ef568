"""`python -m aggregation_platform.defs.materialize`: days and orgs, through Dagster, right here.

Belongs here: the order of the work of one `materialize`. Elsewhere: the command that starts this
(cli/materialize.py), what each job does (jobs.py), what it says (work_progress.py).

All orgs are fetched side by side into the landing zone; each org's day is then loaded by the same
job that the UI runs, on the same Dagster instance. A day of the world is added up as soon as its
orgs are there. What is here already is left alone. Killed at any moment, the next call resumes.
"""

from __future__ import annotations

import logging
import re
import sys
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.defs.advice import already_here, by_reason, same_command
from aggregation_platform.defs.assets.declared import key_of
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.built_from import CONTACTS, SUMS, world_standing
from aggregation_platform.defs.fetching import Answers, Failed, Fetching
from aggregation_platform.defs.interruption import ends_when_interrupted
from aggregation_platform.defs.jobs import DIRECTORY, IDENTITY, ORG_DAY, WORLD_DAY
from aggregation_platform.defs.linking_rules import rules_of
from aggregation_platform.defs.membership import why_not_fetched
from aggregation_platform.defs.partitions import org_day_key
from aggregation_platform.defs.repetition import WAY_TAG
from aggregation_platform.defs.versions import (
    is_named_by_the_mappings_of_now,
    mappings_made_by_other_rules,
)
from aggregation_platform.defs.work_progress import (
    Say,
    WorkProgress,
    say_on_standard_error,
)
from aggregation_platform.directory.tables import USERS
from aggregation_platform.errors import ConfigurationError, PlatformError
from aggregation_platform.extraction.day_reading import Way
from aggregation_platform.extraction.due import due_when_asked
from aggregation_platform.extraction.outcome import Extracted, OrgDay
from aggregation_platform.intervals import day_key, days_between, parse_day
from aggregation_platform.journeys.linking import days_around
from aggregation_platform.observability.logs import configure_logs
from aggregation_platform.queries.mappings import mapping_times
from aggregation_platform.queries.stored_days import directories_listed, stored_org_days
from aggregation_platform.tables import Partition, Table
from aggregation_platform.warehouse.membership import known_members

_QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
DIRECTORY_FOR = timedelta(hours=24)
"""A directory listed since then is not listed again, unless with `--again`."""
NO_TAGS: Mapping[str, str] = {}


@dataclass
class Materialization:
    """One call: what to do, and what could not be done."""

    assembly: Assembly
    instance: dg.DagsterInstance
    orgs: Sequence[str]
    days: Sequence[date]
    say: Say | None = None
    from_landing: bool = False
    again: bool = False
    not_done: list[str] = field(default_factory=list[str])
    run_id: str = field(default="", init=False)

    def run(self) -> None:
        """Do all of it; what one org does not give is said, and stops nobody else."""
        self.assembly.heard = self.progress.repeated
        self.definitions = build_definitions(self.assembly.config, self.assembly)
        self._outstanding = {day: set[str]() for day in self.days}
        self._not_listed = set(self._directories())
        self._linked = set[date]()
        self._here = set[str]()
        self._has_sums = self._has_late_names = False
        self._must_name = self.again or not mapping_times(self.assembly.warehouse).is_current
        to_load, to_fetch = self._plan()
        self.progress.expect(len(to_load) + len(to_fetch) + 2 * len(self.days))
        self.progress.start()
        try:
            self._org_days(to_load, to_fetch)
            self._rest()
        finally:
            self.progress.stop()

    @cached_property
    def progress(self) -> WorkProgress:
        """What is said meanwhile."""
        return WorkProgress(self.assembly.clock, self.say)

    # what there is to do

    def _plan(self) -> tuple[list[OrgDay], list[OrgDay]]:
        """Return what is to be loaded from the landing zone, and what is to be fetched."""
        if self.from_landing:
            to_load, to_fetch = self.orders(), list[OrgDay]()
        else:
            to_load, to_fetch = self._due()
        for order in [*to_load, *to_fetch]:
            self._outstanding[order.day].add(order.org)
        return to_load, to_fetch

    def _due(self) -> tuple[list[OrgDay], list[OrgDay]]:
        """Say what is here, and return the rest."""
        config, now = self.assembly.config, self.assembly.clock.now()
        stored = stored_org_days(self.assembly.warehouse, self.days[0])
        to_load, to_fetch = list[OrgDay](), list[OrgDay]()
        here: dict[str, dict[date, str]] = {}
        for order in self.orders():
            of_day = stored.get(order.org, {}).get(order.day)
            due = due_when_asked(order.org, order.day, of_day, freshness=config.freshness, now=now)
            if due is None and of_day is not None and not self.again:
                here.setdefault(order.org, {})[order.day] = of_day.finality
            elif due is not None and due.way is Way.LANDING and not self.again:
                to_load.append(order)
            else:
                to_fetch.append(order)
        self._here |= here.keys()
        for org, days in here.items():
            self.progress.say(already_here(org, days))
        return to_load, to_fetch

    def orders(self) -> list[OrgDay]:
        """Return the org-days asked for: no day before an org's first, none that may not count."""
        config, epoch = self.assembly.config, self.assembly.grant.epoch
        members = known_members(self.assembly.warehouse, config)
        return [
            OrgDay(org=org, day=day, page_size=config.organization(org).page_size, epoch=epoch)
            for day in self.days
            for org in self.orgs
            if day >= config.organization(org).first_day
            and why_not_fetched(members, org, day) is None
        ]

    def _directories(self) -> Collection[str]:
        """Return the orgs whose directory is to be listed."""
        if self.from_landing:
            return ()
        self.assembly.grant  # noqa: B018 - brings the tables there on a first start
        members = known_members(self.assembly.warehouse, self.assembly.config)
        refused = {org: why_not_fetched(members, org, self.days[0]) for org in self.orgs}
        for why in filter(None, refused.values()):
            self.progress.say(why)
        listed, now = directories_listed(self.assembly.warehouse, USERS), self.assembly.clock.now()
        return [
            org
            for org in self.orgs
            if refused[org] is None
            if self.again or org not in listed or now - listed[org] >= DIRECTORY_FOR
        ]

    # orgs

    def _org_days(self, to_load: Sequence[OrgDay], to_fetch: Sequence[OrgDay]) -> None:
        """Load each org's day as soon as it is stored whole, while others are still fetched."""
        fetching = Fetching(self.assembly, to_fetch, self.progress)
        fetching.start()
        for order in to_load:
            what = f"{order.org} {order.day} from the landing zone"
            self._load(order.org, order.day, what, {WAY_TAG: Way.LANDING.value})
        for day in self.days:
            self._follow(day)
        while (event := fetching.events.get()) is not None:
            match event:
                case Answers(org):
                    self._list(org)
                case Failed(org, day):
                    self.progress.skip()
                    self._settled(org, day)
                case Extracted(org=org, day=day, records=records):
                    self._load(org, day, f"{org} {day}, {records} conversations")
                    self._settled(org, day)
        self.not_done += by_reason(fetching.outcome.result().failures)

    def _load(self, org: str, day: date, what: str, tags: Mapping[str, str] = NO_TAGS) -> None:
        key = org_day_key(Partition(org=org, day=day))
        self._must_name |= self._execute(ORG_DAY, key, what, tags=tags)
        self._outstanding[day].discard(org)

    def _list(self, org: str) -> None:
        """List an org's directory, once."""
        if org in self._not_listed:
            self._not_listed.discard(org)
            self._has_late_names |= self._has_sums or org in self._here
            self._must_name |= self._execute(DIRECTORY, org, f"directory of {org}", parts=0)

    def _settled(self, org: str, day: date) -> None:
        """Do what waited for this org's day alone."""
        self._outstanding[day].discard(org)
        self._follow(day)

    # the world

    def _follow(self, day: date) -> None:
        """Add a day up once its orgs are there, and link the days around that miss no day more."""
        if self._outstanding[day]:
            return
        self._add_up(day)
        rules = rules_of(self.assembly)
        for near in days_around(day, rules):
            is_asked_for = near in self._outstanding and near not in self._linked
            waits = any(self._outstanding.get(each) for each in days_around(near, rules))
            if is_asked_for and not waits:
                self._linked.add(near)
                self._link(near)

    def _rest(self) -> None:
        """List directories that are left, and build what names or days around have outdated."""
        for org in self.orgs:
            self._list(org)
        self._must_name |= self._has_other_rules()
        for day in self.days:
            self._add_up(day, parts=0)
        self._link_neighbours()

    def _name(self) -> None:
        """Map queues and agents, if there is anything new to map; a failure is not tried again."""
        if self._must_name:
            self._must_name = False
            self._execute(IDENTITY, None, "identity", parts=0)

    def _has_other_rules(self) -> bool:
        """Whether the mappings are not those of the rules files; mapping names a mistake there."""
        try:
            version = self.assembly.rules.version
        except ConfigurationError:
            return True
        return mappings_made_by_other_rules(self.assembly, version) is not None

    def _add_up(self, day: date, *, parts: int = 1) -> None:
        """Add a day up, unless that is done, of the facts and with the names of now."""
        self._name()
        standing = world_standing(self.assembly, day, day)
        is_here = day in standing.added_up and is_named_by_the_mappings_of_now(
            self.assembly, day, by_content=self._has_late_names
        )
        if is_here or day not in standing.facts:
            self.progress.skip(parts)
        else:
            self._has_sums = True
            self._execute(WORLD_DAY, day_key(day), f"the world on {day}", tables=SUMS, parts=parts)

    def _link(self, day: date) -> None:
        """Link the contacts of a day asked for, unless that is done."""
        standing = world_standing(self.assembly, day, day)
        linked = standing.linked.get(day)
        if (linked is not None and linked.is_current) or day not in standing.facts:
            self.progress.skip()
        else:
            what = f"contacts that began on {day}"
            self._execute(WORLD_DAY, day_key(day), what, tables=CONTACTS)

    def _link_neighbours(self) -> None:
        """Link again the days that are loaded, and around which facts have changed."""
        rules = rules_of(self.assembly)
        first, last = days_around(self.days[0], rules)[0], days_around(self.days[-1], rules)[-1]
        standing = world_standing(self.assembly, first, last)
        outdated = [day for day, linked in standing.linked.items() if not linked.is_current]
        self.progress.expect(len(outdated))
        for day in outdated:
            what = f"contacts that began on {day}, after changes of the days around"
            self._execute(WORLD_DAY, day_key(day), what, tables=CONTACTS)

    def _execute(
        self,
        job: str,
        key: str | None,
        what: str,
        *,
        tags: Mapping[str, str] = NO_TAGS,
        tables: Sequence[Table] = (),
        parts: int = 1,
    ) -> bool:
        """Run a job here, say what came of it and return whether it is done."""
        began = self.assembly.clock.monotonic()
        self.run_id = str(uuid.uuid4())
        self.progress.at_work("here", what)
        result = self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=key,
            instance=self.instance,
            run_config=_QUIET,
            raise_on_error=False,
            run_id=self.run_id,
            asset_selection=[key_of(table) for table in tables] or None,
            tags={"aggregation_platform/command": "materialize", **tags},
        )
        self.progress.at_work("here", None)
        took = self.assembly.clock.monotonic() - began
        if result.success:
            self.progress.done(f"done: {what} ({took:.1f} s)", parts=parts)
            return True
        reason = reason_of(result)
        self.not_done.append(f"{what}: {reason}")
        self.progress.done(f"NOT done: {what}: {reason}", parts=parts)
        return False


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
@click.option("--again", is_flag=True)
def main(
    config: Path | None,
    first: str,
    last: str,
    orgs: tuple[str, ...],
    from_landing: bool,  # noqa: FBT001 - click's flag
    again: bool,  # noqa: FBT001 - click's flag
) -> None:
    """Fetch and build all assets of the days."""
    configure_logs(level="error")
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    flags = ["--from-landing"] if from_landing else []
    command = same_command(config, first, last, orgs, *flags)
    days = list(days_between(parse_day(first), parse_day(last)))
    try:
        not_done = _materialized(
            load_config(config), orgs, days, command, from_landing=from_landing, again=again
        )
    except PlatformError as error:
        not_done = [str(error)]
    for line in not_done:
        say_on_standard_error(line)
    if not_done:
        say_on_standard_error(
            f"Not all is done; the lines above say why. Then run this again, it resumes: {command}"
        )
    sys.exit(1 if not_done else 0)


def _materialized(
    config: PlatformConfig,
    orgs: Sequence[str],
    days: Sequence[date],
    command: str,
    *,
    from_landing: bool,
    again: bool,
) -> list[str]:
    with dg.DagsterInstance.get() as instance:
        work = Materialization(
            assembly=Assembly(config),
            instance=instance,
            orgs=orgs or config.orgs,
            days=days,
            from_landing=from_landing,
            again=again,
        )
        said = f"interrupted; this resumes it: {command}"
        ends_when_interrupted(
            work.run,
            say=work.progress.end_with,
            said=said,
            instance=instance,
            run=lambda: work.run_id,
        )
    return work.not_done


if __name__ == "__main__":
    main()
