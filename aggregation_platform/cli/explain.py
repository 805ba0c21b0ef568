"""`explain`: one figure of handle time, down to sessions, conversations, raw page and details job.

Belongs here: the question's options, and what is printed. Elsewhere: gathering it (origins.py,
origin_pages.py), comparing with the org's own report (reconcile.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Any, cast

import click

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.coverage import read_coverage
from aggregation_platform.cli.documents import hours, minutes, print_json, print_table
from aggregation_platform.cli.invocation import Invocation
from aggregation_platform.cli.options import (
    Day,
    Days,
    HalfHour,
    config_option,
    format_option,
    pass_invocation,
)
from aggregation_platform.cli.origin_pages import OriginPages, origin_pages
from aggregation_platform.cli.origins import SESSION, Asked, Figures, Origins, origins_of
from aggregation_platform.cli.progress import progress
from aggregation_platform.cli.reading import refuse_unless_loaded
from aggregation_platform.cli.remedies import loads
from aggregation_platform.cli.rules_versions import rules_today, versions_line
from aggregation_platform.config.values import did_you_mean
from aggregation_platform.errors import PlatformError
from aggregation_platform.names import nearest
from aggregation_platform.observability.masking import masked_text
from aggregation_platform.raw.finality import Finality, slowest
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.store import Warehouse

SHOWN = 20
_NAMED = 10
_ROLLED_UP = "SELECT COUNT(*) AS n FROM ops.partition_log WHERE table_name = ? AND day = ?"
_MEMBERS = {
    "queue": ("global_queue", "queue_id"),
    "agent": ("global_agent_id", "user_id"),
    "media_type": ("media_type",),
    "direction": ("direction",),
}
_KNOWN = "SELECT DISTINCT {column} AS name FROM rollups.handle_time WHERE day = ?"
Document = dict[str, Any]


@click.command()
@click.option("--day", type=Day(), required=True, help="The day (UTC).")
@click.option("--org", help="Only this org.")
@click.option("--queue", help="A global queue, or an org's queue id.")
@click.option("--agent", help="A global agent, or an org's user id.")
@click.option("--media", "media_type", help="A media type, such as voice.")
@click.option("--direction", help="inbound or outbound.")
@click.option("--interval", "start", type=HalfHour(), help="The half hour (UTC) that begins then.")
@click.option("--conversation", "conversation_id", help="One conversation.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=SHOWN,
    show_default=True,
    help="Sessions to show at most, the longest first.",
)
@format_option("table", "json")
@config_option
@pass_invocation
@click.pass_context
def explain(
    ctx: click.Context,
    invocation: Invocation,
    start: time | None,
    limit: int,
    output: str,
    **asked: Any,  # noqa: ANN401 - the options of the same names, typed by click
) -> None:
    """Show where a figure of handle time comes from.

    Its sessions with their metrics and emit times, the conversations, the raw page, details job
    and fetch time of each, the partitions it was made of, and the mapping that named queues and
    agents. Exit status 1 if there is no such figure, or it is no longer that of its facts.
    """
    day: date = asked["day"]
    interval_start = datetime.combine(day, start, UTC) if start is not None else None
    question = Asked(**asked, interval_start=interval_start)
    config = invocation.config_to_read()
    refuse_unless_loaded(config)
    assembly = Assembly(config)
    if question.org is not None:
        known_members(assembly.warehouse, config).must(question.org)
    with progress(f"reading {day}"):
        found = origins_of(assembly.warehouse, question, limit=limit)
        _refuse_nothing(assembly, found)
        pages = origin_pages(assembly, day, found.conversations)
        told = document(assembly, found, pages)
    if output == "json":
        print_json(told)
    else:
        _print(told)
    if not found.agrees:
        click.echo(_apart(found), err=True)
        ctx.exit(1)


def document(assembly: Assembly, found: Origins, pages: OriginPages) -> Document:
    """Return what `--format json` prints; phone numbers and e-mail addresses are masked."""
    published = found.published or found.facts
    told: Document = {
        "asked": asdict(found.asked),
        "cell": {**_figures(published), "finality": _finality(assembly, found.asked)},
        "facts": {**_figures(found.facts), "by_org": found.by_org.to_dicts()},
        "equal": found.agrees,
        "not_shown": {
            "handled_count": found.not_shown.handled_count,
            "handle_ms": found.not_shown.handle_ms,
        },
        "orgs": {
            each.org: each.name for each in known_members(assembly.warehouse, assembly.config)
        },
        "sessions": _sessions(found),
        "conversations": _conversations(found, pages),
        "pages": pages.pages,
        "attempts": pages.attempts,
        "mappings": {
            "rules": rules_today(assembly),
            "built_with": found.built_with.to_dicts(),
            "queues": found.queues.to_dicts(),
            "agents": found.agents.to_dicts(),
        },
        "partitions": found.partitions.to_dicts(),
    }
    return cast("Document", _masked(told))


def _figures(figures: Figures) -> Document:
    return {
        "handled_count": figures.handled_count,
        "handle_ms": figures.handle_ms,
        "aht_ms": figures.aht_ms,
    }


def _sessions(found: Origins) -> list[Document]:
    queues = dict(found.queues.select("queue_id", "queue_name").iter_rows())
    agents = dict(found.agents.select("user_id", "agent_name").iter_rows())
    parts: dict[tuple[object, ...], list[Document]] = {}
    for part in found.parts.iter_rows(named=True):
        told = {name: part[name] for name in ("metric", "value_ms", "emitted_at")}
        parts.setdefault(_session(part), []).append(told)
    return [
        {
            **row,
            "queue_name": queues.get(row["queue_id"]),
            "agent_name": agents.get(row["user_id"]),
            "parts": parts.get(_session(row), []),
        }
        for row in found.sessions.iter_rows(named=True)
    ]


def _session(row: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(row[name] for name in SESSION)


def _conversations(found: Origins, pages: OriginPages) -> list[Document]:
    by_page = {(row["org"], row["page"], row["fetched_at"]): row for row in pages.pages}
    told: list[Document] = []
    for row in found.conversations.iter_rows(named=True):
        page = by_page[row["org"], row["page"], row["fetched_at"]]
        raw_fetched_at = row.pop("raw_fetched_at")
        told.append(
            {
                **row,
                "object": page["object"],
                "attempt_id": page["attempt_id"],
                "raw_is_the_same": raw_fetched_at == row["fetched_at"],
            }
        )
    return told


def _finality(assembly: Assembly, asked: Asked) -> str:
    """Say how final the cell is: as its least final org, provisional while one is missing."""
    covered = read_coverage(assembly.warehouse, asked.day, asked.day)
    states = dict(covered.select("org", "finality").iter_rows())
    expected = known_members(assembly.warehouse, assembly.config).expected_on(asked.day)
    orgs = [asked.org] if asked.org else {*expected, *states}
    return slowest(Finality(states.get(org, Finality.PROVISIONAL)) for org in orgs).value


def _masked(value: object) -> object:
    """Mask every text, at any depth."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, dict):
        return {name: _masked(item) for name, item in cast("Document", value).items()}
    if isinstance(value, list):
        return [_masked(item) for item in cast("list[object]", value)]
    return value


def _refuse_nothing(assembly: Assembly, found: Origins) -> None:
    """Say why there is nothing to explain.

    Raises:
        PlatformError: If the day is not rolled up, or nothing was handled there.
    """
    warehouse, day = assembly.warehouse, found.asked.day
    if found.facts.handled_count or (found.published and found.published.handled_count):
        return
    if not int(warehouse.query(_ROLLED_UP, (HANDLE_TIME.key, day))["n"].sum()):
        remedy = loads(Days(day, day), assembly.config, today=assembly.clock.now().date())
        raise PlatformError(f"{day} is not rolled up; {remedy}")
    hints = [hint for name in _MEMBERS if (hint := _hint(warehouse, found.asked, name))]
    where = "; ".join(hints) or "ask for less: leave one of the options out."
    raise PlatformError(f"nothing was handled on {day} in that cell; {where}")


def _hint(warehouse: Warehouse, asked: Asked, name: str) -> str | None:
    """Name what was probably meant, if the day knows no such queue, agent, …."""
    value: str | None = getattr(asked, name)
    if value is None:
        return None
    labels, *ids = (
        [str(each) for each in warehouse.query(_KNOWN.format(column=column), (asked.day,))["name"]]
        for column in _MEMBERS[name]
    )
    if value in labels or any(value in known for known in ids):
        return None
    near = nearest(value, labels)
    meant = did_you_mean(value, [near] if near else sorted(labels)[:_NAMED])
    return f"the day has no {name} {value!r}; {meant}"


def _apart(found: Origins) -> str:
    day, published = found.asked.day, found.published or found.facts
    return (
        f"the rollup has {published.handled_count} handled, {published.handle_ms} ms; its facts "
        f"have {found.facts.handled_count}, {found.facts.handle_ms} ms: they were replaced since. "
        f"`materialize --from {day} --to {day} --from-landing` builds it again; if it stays, see "
        "runbooks/TotalsDiffer.md."
    )


def _print(told: Document) -> None:
    cell = told["cell"]
    click.echo(_asked_line(told["asked"], told["orgs"]))
    click.echo(
        f"AHT {minutes(cell['aht_ms'])} = {hours(cell['handle_ms'])} handle time "
        f"({cell['handle_ms']:,} ms) / {cell['handled_count']:,} handled; {cell['finality']}"
    )
    for title, lines in _tables(told):
        click.echo(f"\n{title}")
        lines()
    _print_rest(told)


def _asked_line(asked: Document, names: Mapping[str, str]) -> str:
    start = asked["interval_start"]
    chosen = [str(asked["day"]), *([f"{start:%H:%M} UTC"] if start else [])]
    keys = ("org", "queue", "agent", "media_type", "direction", "conversation_id")
    chosen += [f"{key.removesuffix('_id')} {asked[key]}" for key in keys if asked[key]]
    if names.get(asked["org"], asked["org"]) != asked["org"]:
        chosen.append(f"which is {names[asked['org']]}")
    return ", ".join(chosen)


def _tables(told: Document) -> Iterator[tuple[str, Any]]:
    yield "Sessions, the longest handle time first", lambda: _print_sessions(told["sessions"])
    yield "Their conversations", lambda: _print_conversations(told["conversations"])
    yield "Raw pages", lambda: _print_pages(told)
    yield "Mappings on the day", lambda: _print_mappings(told["mappings"])
    yield "Partitions", lambda: _print_partitions(told["partitions"])


def _print_sessions(sessions: Sequence[Document]) -> None:
    titles = ("Org", "Conversation", "Emitted (UTC)", "Handle ms", "Talk", "Held", "ACW", "Other")
    titles += ("Global queue", "Agent", "Global agent", "Media")
    rows = [
        [
            row["org"],
            row["conversation_id"],
            f"{row['emitted_at']:%H:%M:%S.%f}"[:-3],
            f"{row['handle_ms']:,}",
            *(f"{ms:,}" for ms in _part_sums(row["parts"])),
            row["global_queue"] or "-",
            row["agent_name"] or "-",
            row["global_agent_id"] or "-",
            row["media_type"],
        ]
        for row in sessions
    ]
    print_table(titles, rows, numbers=titles[3:8])


def _part_sums(parts: Sequence[Document]) -> list[int]:
    """Add up talk, hold, after-call work, and what else: dialing with contacting."""
    sums = {"tTalkComplete": 0, "tHeldComplete": 0, "tAcw": 0, "other": 0}
    for part in parts:
        sums[part["metric"] if part["metric"] in sums else "other"] += part["value_ms"]
    return list(sums.values())


def _print_conversations(conversations: Sequence[Document]) -> None:
    titles = ("Org", "Conversation", "Started (UTC)", "Ended (UTC)", "Page", "Position", "Raw")
    rows = [
        [
            row["org"],
            row["conversation_id"],
            _instant(row["started_at"]),
            _instant(row["ended_at"]),
            str(row["page"]),
            str(row["position"]),
            "the same" if row["raw_is_the_same"] else "replaced or removed since",
        ]
        for row in conversations
    ]
    print_table(titles, rows, numbers=("Page", "Position"))


def _print_pages(told: Document) -> None:
    """One page is two lines, so that its address can be pasted."""
    for row in told["pages"]:
        came = f"details job {row['job_id']}" if row["job_id"] else "the synchronous query"
        fetched = _instant(row["fetched_at"])
        click.echo(f"{row['org']} page {row['page']}: of {came}, fetched {fetched} UTC")
        click.echo(f"  {row['object'] or 'no longer in the landing zone'}")


def _print_mappings(mappings: Document) -> None:
    titles = ("Org", "Kind", "Name", "Id", "Global", "Evidence", "Valid from", "Valid to")
    rows = [
        [
            row["org"],
            kind,
            row[name] or "-",
            row[key],
            row[label],
            row["evidence"],
            str(row["valid_from"]),
            str(row["valid_to"]),
        ]
        for kind, rows_of, name, key, label in (
            ("queue", "queues", "queue_name", "queue_id", "global_queue"),
            ("agent", "agents", "agent_name", "user_id", "global_agent_id"),
        )
        for row in mappings[rows_of]
    ]
    print_table(titles, rows)
    click.echo(versions_line(mappings))


def _print_partitions(partitions: Sequence[Document]) -> None:
    titles = ("Table", "Org", "Rows", "Finality", "Run", "Epoch", "Written (UTC)")
    rows = [
        [
            row["table_name"],
            row["org"] or "all",
            f"{row['rows']:,}",
            row["finality"],
            row["run_id"],
            str(row["epoch"]),
            _instant(row["written_at"]),
        ]
        for row in partitions
    ]
    print_table(titles, rows, numbers=("Rows", "Epoch"))


def _print_rest(told: Document) -> None:
    rest = told["not_shown"]
    if rest["handled_count"]:
        click.echo(
            f"\nnot shown: {rest['handled_count']:,} more sessions with {rest['handle_ms']:,} ms; "
            f"--limit {told['facts']['handled_count']} shows all."
        )


def _instant(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S.%f}"[:-3] if instant else "-"
