"""A rule that is changed re-labels the past; no org is asked, and no total changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.build import build_definitions
from aggregation_platform.defs.jobs import IDENTITY, WORLD_DAY
from aggregation_platform.intervals import day_key
from aggregation_platform_tests.simulated_platform import QUIET, SimulatedPlatform

BEFORE, AFTER = "Sales Support", "Commerce"


def test_a_changed_rule_re_labels_the_past_without_fetching_anything(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    by_queue, untouched = handled(without_api), partitions_of_raw_and_facts(without_api)
    rewrite(queue_rules(without_api), lambda line: line.replace(f",{BEFORE}", f",{AFTER}"))

    rebuilt = rebuild(without_api, filled_platform.days[0])

    now = handled(rebuilt)
    assert now.pop(AFTER) == by_queue.pop(BEFORE)
    assert now == by_queue
    assert partitions_of_raw_and_facts(rebuilt) == untouched


def test_a_rule_that_holds_from_later_on_leaves_the_past_as_it_was_and_shows_as_it_is(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    day = filled_platform.days[0]
    as_was = handled(without_api)
    rewrite(queue_rules(without_api), lambda line: from_then_on(line, day + timedelta(days=1)))

    rebuilt = rebuild(without_api, day)

    assert handled(rebuilt) == as_was
    as_is = handled(rebuilt, "reporting.handle_time_as_is")
    assert as_is.pop(AFTER) == as_was.pop(BEFORE)
    assert as_is == as_was


def test_a_rules_file_with_a_mistake_is_refused_and_the_old_names_stay(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    before = handled(without_api)
    rewrite(queue_rules(without_api), lambda line: line.replace("emea,", "emae,", 1))

    renewed = Assembly(without_api.config)
    ran = execute(renewed, IDENTITY, None)
    assert execute(renewed, WORLD_DAY, day_key(filled_platform.days[0])).success

    failed = {event.step_key for event in ran.all_events if event.is_step_failure}
    assert "identity__queues" in failed
    assert handled(renewed) == before


def test_a_changed_rule_is_noticed_by_itself_and_no_further_run_is_asked_for_afterwards(
    filled_platform: SimulatedPlatform, without_api: Assembly
):
    settled = rebuild(without_api, filled_platform.days[0])
    before = handled(settled)
    assert [asked_for(settled, name) for name in ("identity_due", "world_days_due")] == [[], []]
    rewrite(queue_rules(without_api), lambda line: line.replace(f",{BEFORE}", f",{AFTER}"))

    renewed = Assembly(without_api.config)
    (mapping,) = asked_for(renewed, "identity_due")
    assert asked_for(renewed, "world_days_due") == []
    assert execute(renewed, IDENTITY, None).success
    (day,) = asked_for(renewed, "world_days_due")
    ran = execute(renewed, WORLD_DAY, day.partition_key, day.asset_selection)

    assert ran.success
    assert mapping.tags["aggregation_platform/reason"] == f"rules version {renewed.rules.version}"
    assert day.partition_key == day_key(filled_platform.days[0])
    assert handled(renewed)[AFTER] == before[BEFORE]
    assert [asked_for(renewed, name) for name in ("identity_due", "world_days_due")] == [[], []]


def test_rules_with_a_mistake_ask_for_nothing(without_api: Assembly):
    rewrite(queue_rules(without_api), lambda line: line.replace("emea,", "emae,", 1))

    assert asked_for(Assembly(without_api.config), "identity_due") == []


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        ("emae,Somewhere,Sales,,", "unknown org emae; did you mean emea?"),
        (
            "us,Somewhere,Sales,2026-01-01,2026-03-01\nus,Somewhere,Other,2026-02-01,",
            "has dates that overlap those of",
        ),
        ("us,Somewhere,Sales,,\nus,Somewhere,Other,,", "is mapped twice, also in line"),
    ],
    ids=["unknown org", "overlapping dates", "a queue mapped twice"],
)
def test_the_run_that_refuses_a_rules_file_names_the_line_and_the_reason(
    without_api: Assembly, added: str, reason: str
):
    before, rules = mapping(without_api), queue_rules(without_api)
    rewrite(rules, lambda line: f"{line},,")
    rules.write_text(rules.read_text() + added + "\n")
    line = len(rules.read_text().splitlines())

    ran = execute(Assembly(without_api.config), IDENTITY, None)

    (error,) = (
        str(event.step_failure_data.error)
        for event in ran.all_events
        if event.is_step_failure and event.step_key == "identity__queues"
    )
    assert f"queues.csv: line {line}: " in error
    assert reason in error
    assert mapping(without_api) == before


def queue_rules(assembly: Assembly) -> Path:
    path = assembly.config.rules.queues
    assert path is not None
    return path


def rewrite(rules: Path, change: Callable[[str], str]) -> None:
    """Change the rules below the header; every line gets columns for its dates."""
    header, *lines = rules.read_text().splitlines()
    changed = [change(line) for line in lines]
    assert changed != lines
    names = header if header.count(",") > 2 else f"{header},valid_from,valid_to"
    rules.write_text("\n".join([names, *"\n".join(changed).splitlines()]) + "\n")


def from_then_on(line: str, day: date) -> str:
    """Let a queue bear its name until a day, and another one from then on."""
    if not line.endswith(f",{BEFORE}"):
        return line
    return f"{line},,{day}\n{line.removesuffix(BEFORE)}{AFTER},{day},"


def rebuild(assembly: Assembly, day: date) -> Assembly:
    """Build identity and the day's rollups with the rules as they are now."""
    renewed = Assembly(assembly.config)
    assert execute(renewed, IDENTITY, None).success
    assert execute(renewed, WORLD_DAY, day_key(day)).success
    return renewed


def execute(
    assembly: Assembly,
    job: str,
    key: str | None,
    selection: Sequence[dg.AssetKey] | None = None,
) -> dg.ExecuteInProcessResult:
    definitions = build_definitions(assembly.config, assembly)
    with dg.DagsterInstance.ephemeral() as instance:
        return definitions.resolve_job_def(job).execute_in_process(
            partition_key=key,
            asset_selection=selection,
            instance=instance,
            run_config=QUIET,
            raise_on_error=False,
        )


def asked_for(assembly: Assembly, sensor: str) -> list[dg.RunRequest]:
    """Evaluate a sensor as the daemon would."""
    repository = build_definitions(assembly.config, assembly).get_repository_def()
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(
            instance=instance, repository_def=repository, resources={"assembly": assembly}
        ) as context,
    ):
        found = repository.get_sensor_def(sensor).evaluate_tick(context)
    return list(found.run_requests or [])


def handled(assembly: Assembly, table: str = "rollups.handle_time") -> dict[str, tuple[int, int]]:
    """Return handled and handle time by global queue."""
    found = assembly.warehouse.query(
        "select global_queue, sum(handled_count)::bigint, sum(handle_ms)::bigint"  # noqa: S608 - names of this file
        f" from {table} group by global_queue having sum(handled_count) > 0"
    )
    return {queue: (count, ms) for queue, count, ms in found.rows()}


def mapping(assembly: Assembly) -> list[tuple[object, ...]]:
    return assembly.warehouse.query("select * from identity.queues order by all").rows()


def partitions_of_raw_and_facts(assembly: Assembly) -> list[tuple[object, ...]]:
    return assembly.warehouse.query(
        "select table_name, org, day, run_id, written_at, content_hash from ops.partition_log"
        " where table_name like 'raw.%' or table_name like 'facts.%' order by all"
    ).rows()
