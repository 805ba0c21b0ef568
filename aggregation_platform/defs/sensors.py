"""What runs by itself: each sensor derives what is due and asks for the runs.

Belongs here: reading what is stored, asking for runs, saying why. Elsewhere: the decisions
(extraction/due.py), what a run does (jobs.py).

Sensors run from the start, unless a person stops them: an automation that is off by default does
nothing in silence.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from inspect import getdoc
from itertools import islice
from typing import Any

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.rules import load_rules
from aggregation_platform.defs.asked_for import (
    AUTOMATION,
    PRIORITY_TAG,
    RUNNING_DAY,
    days_being_loaded,
    to_ask_for,
)
from aggregation_platform.defs.assets.declared import key_of
from aggregation_platform.defs.built_from import CONTACTS, SUMS, WorldStanding, world_standing
from aggregation_platform.defs.jobs import DIRECTORY, IDENTITY, ORG_DAY, RECONCILE, WORLD_DAY
from aggregation_platform.defs.membership import why_not_fetched
from aggregation_platform.defs.partitions import Partitions, org_day_key
from aggregation_platform.defs.repetition import WAY_TAG
from aggregation_platform.defs.runs_to_repeat import runs_to_repeat
from aggregation_platform.defs.tick import REASON_TAG, Found, SetAside, tick_of
from aggregation_platform.defs.versions import (
    days_named_by_other_rules,
    mappings_made_by_other_rules,
)
from aggregation_platform.directory.tables import USERS
from aggregation_platform.errors import ConfigurationError, LocalStateError, WarehouseBusyError
from aggregation_platform.extraction.due import (
    UNSETTLED_WITHIN,
    Stored,
    days_of_other_members,
    due_org_days,
    due_world_days,
)
from aggregation_platform.extraction.due_journeys import due_journey_days
from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.intervals import day_key, parse_day
from aggregation_platform.journeys.linking import days_around
from aggregation_platform.queries.mappings import mapping_times
from aggregation_platform.queries.stored_days import stored_org_days
from aggregation_platform.raw.finality import REPROCESSED_AFTER
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.membership import known_members, members_of_days

DIRECTORY_EVERY = timedelta(hours=24)
IDENTITY_REST = timedelta(minutes=10)
AT_ONCE = 31
"""Days of the past that one tick asks for at most, when rules or facts around them changed."""

Requests = Callable[[Assembly, dg.SensorEvaluationContext], Iterator[Found]]
AnyPartitions = dg.PartitionsDefinition[Any] | None


def sensors(partitions: Partitions) -> list[dg.SensorDefinition]:
    """Return the sensors."""
    org_days, days, orgs = partitions.org_days, partitions.days, partitions.orgs
    return [
        _sensor("org_days_due", ORG_DAY, _org_days, org_days, every_s=60),
        _sensor("directories_due", DIRECTORY, _directories, orgs, every_s=600),
        _sensor("identity_due", IDENTITY, _identity, None, every_s=120),
        _sensor("world_days_due", WORLD_DAY, _world_days, days, every_s=60),
        _sensor("reconciliations_due", RECONCILE, _reconciliations, org_days, every_s=600),
        _sensor("runs_to_repeat", ORG_DAY, runs_to_repeat, org_days, every_s=60),
    ]


def _sensor(
    name: str, job: str, requests: Requests, partitions: AnyPartitions, *, every_s: int
) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        job_name=job,
        minimum_interval_seconds=every_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=getdoc(requests),
    )
    def evaluate(
        context: dg.SensorEvaluationContext, assembly: dg.ResourceParam[Assembly]
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            tick = tick_of(requests(assembly, context), partitions)
        except WarehouseBusyError as error:
            return dg.SkipReason(f"{error} The next tick looks again.")
        for each in tick.set_aside:
            context.log.warning("set aside: %s", each)
        context.update_cursor(tick.note)  # the UI shows the cursor beside the sensor
        found = list(
            to_ask_for(
                tick.requests,
                instance=context.instance,
                sensor=name,
                job=job,
                now=assembly.clock.now(),
            )
        )
        if found:
            return dg.SensorResult(run_requests=found)
        due = len(tick.requests)
        why = f"{due} are due; runs in hand bring them, or failed just now" if due else ""
        return dg.SkipReason("; ".join(filter(None, (why, tick.note))) or "nothing is due")

    return evaluate


def _org_days(assembly: Assembly, _: dg.SensorEvaluationContext) -> Iterator[Found]:
    """Ask for org-days: the running day and its tail, unfinished days, re-reads."""
    now = assembly.clock.now()
    stored = _stored(assembly, now)
    members = known_members(assembly.warehouse, assembly.config)
    for organization in assembly.config.organizations:
        try:
            is_blocked = assembly.local_state.blocked(organization.org) is not None
        except LocalStateError as error:
            yield SetAside(organization.org, str(error))
            continue
        for due in due_org_days(
            organization,
            stored.get(organization.org, {}),
            freshness=assembly.config.freshness,
            now=now,
            is_blocked=is_blocked,
            retired_from=member.retired_from if (member := members.get(organization.org)) else None,
        ):
            if why := why_not_fetched(members, due.org, due.day):
                yield SetAside(f"{due.org} {due.day}", why)
                continue
            priority = RUNNING_DAY if due.day == now.date() else AUTOMATION
            yield dg.RunRequest(
                run_key=due.run_key,
                partition_key=org_day_key(Partition(org=due.org, day=due.day)),
                tags={
                    WAY_TAG: due.way.value,
                    REASON_TAG: due.reason,
                    PRIORITY_TAG: str(priority),
                },
            )


def _stored(assembly: Assembly, now: datetime) -> Mapping[str, Mapping[date, Stored]]:
    assembly.grant  # noqa: B018 - brings the tables there on a first start
    oldest = now.date() - UNSETTLED_WITHIN - timedelta(days=assembly.config.freshness.reread_days)
    return stored_org_days(assembly.warehouse, oldest)


_WRITTEN = "select org, day, written_at from ops.partition_log where table_name = ?"


def _directories(assembly: Assembly, _: dg.SensorEvaluationContext) -> Iterator[Found]:
    """Ask for each org's directory once a day."""
    assembly.grant  # noqa: B018 - brings the tables there on a first start
    now = assembly.clock.now()
    written = {
        org: at for org, _day, at in assembly.warehouse.query(_WRITTEN, [USERS.key]).iter_rows()
    }
    members = known_members(assembly.warehouse, assembly.config)
    for org in assembly.config.orgs:
        if not members.is_counted(org, now.date()):
            continue
        at: datetime | None = written.get(org)
        if at is None or now - at >= DIRECTORY_EVERY:
            key = f"{org}/{at.isoformat() if at else now.strftime('%Y%m%dT%H')}"
            yield dg.RunRequest(run_key=key, partition_key=org)


def _identity(assembly: Assembly, context: dg.SensorEvaluationContext) -> Iterator[Found]:
    """Ask for the mapping of queues and agents when a directory, a name or a rule is newer."""
    assembly.grant  # noqa: B018 - brings the tables there on a first start
    if other := list(_other_rules(assembly, context)):
        yield from other
        return
    times = mapping_times(assembly.warehouse)
    if times.is_current:
        return
    if times.mapped_at is None or assembly.clock.now() - times.mapped_at >= IDENTITY_REST:
        yield dg.RunRequest(run_key=str(times.known_at and times.known_at.isoformat()))


def _other_rules(assembly: Assembly, context: dg.SensorEvaluationContext) -> Iterator[Found]:
    """Ask once for mappings by the rules as the files are now; a mistake there changes nothing."""
    try:
        version = load_rules(assembly.config.rules, assembly.orgs_of_rules).version
    except ConfigurationError as error:
        context.log.warning("the rules in force stay: %s", error)
        return
    made_at = mappings_made_by_other_rules(assembly, version)
    if made_at is not None:
        tags = {REASON_TAG: f"rules version {version}"}
        yield dg.RunRequest(run_key=f"{made_at.isoformat()}/rules-{version}", tags=tags)


def _world_days(assembly: Assembly, context: dg.SensorEvaluationContext) -> Iterator[Found]:
    """Ask for the days of the world that are not built from the facts of now."""
    assembly.grant  # noqa: B018 - brings the tables there on a first start
    standing = world_standing(assembly)
    being_loaded = days_being_loaded(context.instance, standing.outdated_around, job=ORG_DAY)
    members = known_members(assembly.warehouse, assembly.config)
    due = due_world_days(
        {day: facts.orgs for day, facts in standing.facts.items() if facts.orgs},
        standing.added_up,
        orgs_on={day: members.expected_on(day) for day in standing.facts},
        freshness=assembly.config.freshness,
        now=assembly.clock.now(),
        being_loaded=being_loaded,
    )
    asked = set[date]()
    for day, _newest in due:
        asked.add(day)
        key = f"{day}/{standing.metrics_version(day)}"
        yield dg.RunRequest(run_key=key, partition_key=day_key(day))
    for request in _of_other_members(assembly, standing, asked):
        asked.add(parse_day(request.partition_key or ""))
        yield request
    yield from _linked_again(assembly, standing, being_loaded, asked)
    yield from _named_by_other_rules(assembly, standing.added_up.keys() - asked)


def _linked_again(
    assembly: Assembly,
    standing: WorldStanding,
    being_loaded: Collection[date],
    asked: Collection[date],
) -> Iterator[Found]:
    """Ask for the contacts of days around which facts have changed; their sums are right."""
    due = due_journey_days(
        {day: linked for day, linked in standing.linked.items() if day not in asked},
        {day: facts.newest_at for day, facts in standing.facts.items()},
        around=partial(days_around, rules=standing.rules),
        being_loaded=being_loaded,
        freshness=assembly.config.freshness,
        now=assembly.clock.now(),
    )
    for day in islice(due, AT_ONCE):
        yield dg.RunRequest(
            run_key=f"{day}/linked/{standing.linked_version(day)}",
            partition_key=day_key(day),
            asset_selection=[key_of(table) for table in CONTACTS],
            tags={REASON_TAG: "facts of the days around have changed"},
        )


def _of_other_members(
    assembly: Assembly, standing: WorldStanding, asked: Collection[date]
) -> list[dg.RunRequest]:
    """Ask for days whose orgs are not those that count, though no fact of those has changed.

    Above all a day of which nobody counts any more: its only org was retired.
    """
    built = {
        day: of[HANDLE_TIME.key] for day, of in standing.built.items() if HANDLE_TIME.key in of
    }
    empty = {day for day in built if not (day in standing.facts and standing.facts[day].orgs)}
    due = days_of_other_members(
        (standing.added_up.keys() | empty) - set(asked),
        built_of=members_of_days(assembly.warehouse, HANDLE_TIME.key),
        counted={day: facts.orgs for day, facts in standing.facts.items()},
    )
    return [
        dg.RunRequest(
            run_key=f"{day}/members/{built[day].written_at.isoformat()}",
            partition_key=day_key(day),
            tags={REASON_TAG: "other organizations are counted"},
        )
        for day in due[:AT_ONCE]
    ]


def _named_by_other_rules(assembly: Assembly, days: Collection[date]) -> Iterator[Found]:
    """Ask for days whose names the rules no longer give; their facts stay, and no org is asked."""
    due = [each for each in days_named_by_other_rules(assembly) if each[0] in days]
    for day, at in due[:AT_ONCE]:
        yield dg.RunRequest(
            run_key=f"{day}/rules/{at.isoformat()}",
            partition_key=day_key(day),
            asset_selection=[key_of(table) for table in SUMS],
            tags={REASON_TAG: "the rules have changed"},
        )


_SETTLED = """
    select org, day, content_hash from ops.partition_log
    where table_name = ? and finality <> 'provisional' and day >= ? and day < ?
"""


def _reconciliations(assembly: Assembly, _: dg.SensorEvaluationContext) -> Iterator[Found]:
    """Compare each settled day with its org's own figures, once for each reading of it."""
    assembly.grant  # noqa: B018 - brings the tables there on a first start
    today = assembly.clock.now().date()
    oldest = today - timedelta(days=assembly.config.freshness.reread_days + 2)
    settled = today - REPROCESSED_AFTER
    members = known_members(assembly.warehouse, assembly.config)
    for org, day, content in assembly.warehouse.query(
        _SETTLED, [SESSION_METRICS.key, oldest, settled]
    ).iter_rows():
        if org not in assembly.config.orgs or not members.is_counted(org, day):
            continue
        yield dg.RunRequest(
            run_key=f"{org}/{day}/{content}",
            partition_key=org_day_key(Partition(org=org, day=day)),
        )
