"""The whole step `journeys` of one day: from DuckDB, through linking, into DuckDB.

Belongs here: facts of five orgs over the days that a day's journeys look at, the step in a process
of its own. Elsewhere: linking alone, and its peers (journeys.py).

Every day around holds as many conversations as the day itself, so the step reads five times the
size and writes it once. A conversation has three sessions, six attributes and eight metrics; one
in ten shares a key with a conversation of another org, one in ten a caller.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from aggregation_platform.journeys.linking import days_around
from aggregation_platform.journeys.rules import LinkingRules
from benchmarks.day import Stage, Stages
from benchmarks.measuring import Figure

DAY = date(2026, 1, 7)
ORGS = ("amer", "apac", "emea", "uk", "us")
MEMORY_BAR_MIB = 3072.0
CONFIGURATION = "organizations:\n" + "".join(
    f"  - {{org: {org}, region: us-east-1, client_id: {org}, client_secret: s,"
    " first_day: 2026-01-01, time_zone: UTC}\n"
    for org in ORGS
)

_MADE = """
    create or replace temp table made as
    select $org as org, cast($day as date) as day, i as number,
           md5(concat($org, $day, i)) || '-0ab' as conversation_id,
           cast($day as timestamp) + to_seconds(90 * ($place % 2))
               + to_milliseconds((hash($day, i, $place // 2) % 79200000)::bigint) as started_at,
           started_at + to_milliseconds((30000 + hash($org, i) % 600000)::bigint) as ended_at,
           case when i % 10 = 0 then $place // 2 else 10 + $place end as key_of,
           case when i % 10 = 1 then $place // 2 else 10 + $place end as caller_of,
           md5(concat($day, i, key_of)) as key,
           concat('tel:+', 2000000000 + hash($day, i, caller_of) % 7000000000) as ani,
           concat('tel:+', 18000000000 + $place * 50 + i % 50) as dnis
    from range($size) as numbers(i)
"""
_FACTS = (
    """
    insert into facts.conversations by name
    select org, day, conversation_id, started_at, ended_at, 'inbound' as originating_direction,
           3 as participant_count, 3 as session_count, number // 1000 as page,
           number % 1000 as position, 'job' as source, ended_at as fetched_at
    from made
    """,
    """
    insert into facts.sessions by name
    select org, day, conversation_id, session_number, participant_number, purpose,
           'voice' as media_type, 'inbound' as direction, started_at, ended_at, ani, dnis,
           dnis as session_dnis
    from made, (values (1, 1, 'customer'), (2, 2, 'acd'), (3, 3, 'agent'))
        as three(session_number, participant_number, purpose)
    """,
    """
    insert into facts.attributes by name
    select org, day, conversation_id, 1 as participant_number,
           case when n = 0 then 'IVR_UU_ID' else concat('Attribute ', n) end as name,
           case when n = 0 then key else concat('value ', n, ' of ', dnis) end as value
    from made, range(6) as six(n)
    """,
    """
    insert into facts.session_metrics by name
    select org, day, conversation_id, 3 as session_number, 'voice' as media_type, metric,
           1 + hash(number, metric) % 900000 as value_ms, ended_at as emitted_at
    from made, (values ('tHandle'), ('tTalk'), ('tTalkComplete'), ('tAcw'), ('tAlert'),
                       ('tAnswered'), ('nOffered'), ('nConnected')) as eight(metric)
    """,
    """
    insert into ops.partition_log by name
    select 'facts.conversations' as table_name, org, day, count(*) as rows, 'benchmark' as run_id,
           1 as epoch, max(ended_at) as written_at, 'made here' as content_hash,
           'final' as finality
    from made group by org, day
    """,
)


def figures(size: int) -> Iterator[Figure]:
    """Run the step on a day of so many conversations."""
    with tempfile.TemporaryDirectory(prefix="benchmark-journey-step-") as folder:
        _run("make", folder, size)
        told = json.loads(_run("step", folder, size).splitlines()[-1])
    yield from _told([Stage(**stage) for stage in told["stages"]], told, size)


def _run(what: str, folder: str, size: int) -> str:
    command = [sys.executable, "-m", "benchmarks.journey_step", what, folder, str(size)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout  # noqa: S603 - ours


def _told(stages: list[Stage], told: dict[str, int], size: int) -> Iterator[Figure]:
    """Give a figure per stage, then the sum."""
    whole = f"{size:,} on the day, {size * told['days']:,} read"
    for stage in stages:
        yield Figure(
            what=f"journeys: whole step, {stage.name}",
            size=whole,
            ours=f"{stage.cpu_s:.1f} s CPU, {stage.wall_s:.1f} s, {stage.peak_mib:.0f} MiB",
        )
    highest = max(stage.peak_mib for stage in stages)
    cpu, wall = sum(each.cpu_s for each in stages), sum(each.wall_s for each in stages)
    yield Figure(
        what="journeys: whole step, from DuckDB into DuckDB",
        size=whole,
        ours=f"{cpu:.1f} s CPU, {wall:.1f} s, {highest:.0f} MiB",
        value=highest,
        bar=MEMORY_BAR_MIB,
        note=(
            f"the bar is MiB; {told['journeys']:,} contacts, {told['several']:,} of them over "
            f"several orgs; {told['days']} days of evidence lie around the day"
        ),
    )


def make(folder: Path, size: int) -> None:
    """Fill a warehouse with the facts that the step of `DAY` looks at."""
    from aggregation_platform.assembly import TABLES, Assembly
    from aggregation_platform.config.load import load_config

    file = folder / "platform.yaml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    assembly = Assembly(load_config(file))
    assembly.warehouse.migrate(TABLES)
    with duckdb.connect(str(assembly.config.warehouse.duckdb.path)) as connection:
        connection.execute("set preserve_insertion_order = false; set memory_limit = '2GiB'")
        for day in days_around(DAY, LinkingRules()):
            for place, org in enumerate(ORGS):
                given = {"org": org, "day": day.isoformat(), "place": place}
                connection.execute(_MADE, {**given, "size": size // len(ORGS)})
                for statement in _FACTS:
                    connection.execute(statement)


def step(folder: Path) -> dict[str, object]:
    """Do what the asset does, stage by stage, in this process."""
    from aggregation_platform.assembly import Assembly
    from aggregation_platform.config.load import load_config
    from aggregation_platform.defs.assets import journeys
    from aggregation_platform.journeys.tables import TABLES
    from aggregation_platform.tables import Partition
    from aggregation_platform.warehouse.store import WriteStamp

    assembly, stages = Assembly(load_config(folder / "platform.yaml")), Stages()
    stamp = WriteStamp("benchmark", "final", datetime(2026, 1, 10, tzinfo=UTC))
    grant = assembly.grant
    stages.begin("evidence read")
    evidence = journeys.evidence_around(assembly, DAY)
    stages.begin("handle time read")
    handle_times = journeys.handle_times_around(assembly, DAY)
    stages.begin("linked")
    found = journeys.journeys_of_day(DAY, evidence, handle_times, journeys.rules_of(assembly))
    stages.begin("written")
    for table in TABLES:
        frame = getattr(found, table.name)
        assembly.warehouse.replace_partition(table, Partition(day=DAY), frame, grant, stamp=stamp)
    stages.end()
    return {
        "stages": [asdict(stage) for stage in stages.done],
        "days": len(days_around(DAY, journeys.rules_of(assembly))),
        "journeys": found.journeys.height,
        "several": found.journeys.filter(found.journeys["leg_count"] > 1).height,
    }


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.stdout.write(json.dumps(step(Path(sys.argv[2]))) + "\n")
