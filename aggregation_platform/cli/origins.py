"""Where a figure of handle time comes from: sessions, conversations, partitions, mappings.

Belongs here: gathering it from the warehouse. Elsewhere: the pages behind it (origin_pages.py),
the options and what is printed (explain.py), comparing with the org's own report (reconcile.py).

A queue or agent is looked for under the name that the rollup counted it by, so that what is told
is the published figure, also when a mapping was changed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from aggregation_platform.facts.tables import CONVERSATIONS, SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, NONE, QUEUES
from aggregation_platform.intervals import day_key
from aggregation_platform.raw.tables import CONVERSATIONS as RAW
from aggregation_platform.rollups.handle_time import METRICS
from aggregation_platform.rollups.tables import HANDLE_TIME
from aggregation_platform.warehouse.store import Parameter, Warehouse

HALF_HOUR = timedelta(minutes=30)
SESSION = ("org", "conversation_id", "session_number")
PARTS = tuple(metric for metric in METRICS if metric != "tHandle")
_IDS_AT_ONCE = 1000

_QUEUE = "(r.global_queue = ? OR r.queue_id = ?)"
_AGENT = "(r.global_agent_id = ? OR r.user_id = ?)"
_COUNTED_BY = """
EXISTS (SELECT 1 FROM rollups.handle_time r
    WHERE r.day = m.day AND r.org = m.org AND r.{key} = COALESCE(m.{key}, '(none)') AND {names})
"""
_CELL = """
SELECT CAST(COALESCE(SUM(handled_count), 0) AS BIGINT) AS handled_count,
    CAST(COALESCE(SUM(handle_ms), 0) AS BIGINT) AS handle_ms
FROM rollups.handle_time r WHERE {conditions}
"""
_BY_ORG = """
SELECT org, COUNT(*) AS handled_count, CAST(SUM(value_ms) AS BIGINT) AS handle_ms
FROM facts.session_metrics m WHERE {conditions} GROUP BY org ORDER BY org
"""
_SESSIONS = """
SELECT org, conversation_id, session_number, session_id, participant_id, purpose, user_id, queue_id,
    media_type, direction, value_ms AS handle_ms, emitted_at
FROM facts.session_metrics m WHERE {conditions}
ORDER BY value_ms DESC, org, conversation_id, session_number, emitted_at LIMIT {limit}
"""
_PARTS = """
SELECT org, conversation_id, session_number, metric, value_ms, emitted_at
FROM facts.session_metrics WHERE day = ? AND metric IN ({metrics}) AND conversation_id IN ({ids})
"""
_CONVERSATIONS = """
SELECT c.org, c.conversation_id, c.started_at, c.ended_at, c.originating_direction, c.source,
    c.page, c.position, c.job_id, c.fetched_at, r.fetched_at AS raw_fetched_at
FROM facts.conversations c LEFT JOIN raw.conversations r
    ON r.org = c.org AND r.day = c.day AND r.conversation_id = c.conversation_id
WHERE c.day = ? AND c.conversation_id IN ({ids})
"""
_LABELS = """
SELECT DISTINCT org, queue_id, user_id, global_queue, global_agent_id
FROM rollups.handle_time WHERE day = ?
"""
_MAPPED = {
    QUEUES.key: """
SELECT org, queue_id, queue_name, global_queue, evidence, valid_from, valid_to
FROM identity.queues WHERE valid_from <= ? AND valid_to > ?
""",
    AGENTS.key: """
SELECT org, user_id, agent_name, global_agent_id, evidence, valid_from, valid_to
FROM identity.agents WHERE valid_from <= ? AND valid_to > ?
""",
}
_BUILT_WITH = """
SELECT b.named_by, b.rules_version, b.content_hash, b.built_at,
    r.rules_version AS rules_version_since, l.content_hash AS content_hash_since
FROM ops.built_with b
LEFT JOIN ops.partition_log l ON l.table_name = b.named_by
LEFT JOIN ops.built_with r ON r.table_name = b.named_by AND r.named_by = 'rules'
WHERE b.table_name = ? AND b.partition_key = ? ORDER BY b.named_by
"""
_PARTITIONS = """
SELECT table_name, org, day, "ROWS", finality, run_id, epoch, written_at, content_hash
FROM ops.partition_log
WHERE (table_name IN (?, ?, ?) AND day = ?) OR (table_name = ? AND day = ?)
    OR table_name IN (?, ?)
"""


@dataclass(frozen=True)
class Asked:
    """One cell of handle time, or one conversation's share of it; None: any.

    Args:
        day: UTC day.
        org: Our key of an organization.
        queue: A global queue, or an org's queue id.
        agent: A global agent, or an org's user id.
        media_type: As on the session; `(none)` for a session without one.
        direction: Likewise.
        interval_start: A half hour (UTC) of the day.
        conversation_id: One conversation; the rollup has no such cell, its facts have.
    """

    day: date
    org: str | None = None
    queue: str | None = None
    agent: str | None = None
    media_type: str | None = None
    direction: str | None = None
    interval_start: datetime | None = None
    conversation_id: str | None = None


@dataclass(frozen=True)
class Figures:
    """Handled sessions and their handle time; the average is divided last."""

    handled_count: int
    handle_ms: int

    @property
    def aht_ms(self) -> int | None:
        """Average handle time, rounded to the millisecond; None where nothing was handled."""
        if not self.handled_count:
            return None
        return (2 * self.handle_ms + self.handled_count) // (2 * self.handled_count)


@dataclass(frozen=True)
class Origins:
    """What stands behind a cell.

    Args:
        published: The cell as `rollups.handle_time` has it; None for one conversation.
        facts: The same out of `facts.session_metrics`.
        by_org: `facts` by org.
        sessions: One row per `tHandle`, the longest first, at most as many as asked for, with the
            names it was counted under.
        parts: The other metrics of handle time that these sessions emitted on the day.
        conversations: Theirs, and where each lies in the landing zone.
        queues: The mapping on the day of the queues of these sessions, as it is now.
        agents: Likewise of their agents.
        built_with: In which version each mapping named the rollup, and which stands now
            (`…_since`); no row where that was not recorded.
        partitions: The partition log of all of it.
    """

    asked: Asked
    published: Figures | None
    facts: Figures
    by_org: pl.DataFrame
    sessions: pl.DataFrame
    parts: pl.DataFrame
    conversations: pl.DataFrame
    queues: pl.DataFrame
    agents: pl.DataFrame
    built_with: pl.DataFrame
    partitions: pl.DataFrame

    @property
    def agrees(self) -> bool:
        """Whether the published figure is that of the facts as they are now."""
        return self.published in (None, self.facts)

    @property
    def not_shown(self) -> Figures:
        """What `sessions` was cut by."""
        return Figures(
            self.facts.handled_count - self.sessions.height,
            self.facts.handle_ms - int(self.sessions["handle_ms"].sum()),
        )


def origins_of(warehouse: Warehouse, asked: Asked, *, limit: int) -> Origins:
    """Gather what stands behind a cell, with at most `limit` sessions."""
    conditions, parameters = _facts_conditions(asked)
    by_org = warehouse.query(_BY_ORG.format(conditions=conditions), parameters)
    sessions = warehouse.query(_SESSIONS.format(conditions=conditions, limit=limit), parameters)
    labelled = _labelled(sessions, warehouse.query(_LABELS, (asked.day,)))
    return Origins(
        asked=asked,
        published=_published(warehouse, asked),
        facts=Figures(int(by_org["handled_count"].sum()), int(by_org["handle_ms"].sum())),
        by_org=by_org,
        sessions=labelled,
        parts=_parts(warehouse, asked.day, sessions),
        conversations=_conversations(warehouse, asked.day, sessions),
        queues=_mapping(warehouse, QUEUES.key, asked.day, sessions, "queue_id"),
        agents=_mapping(warehouse, AGENTS.key, asked.day, sessions, "user_id"),
        built_with=warehouse.query(_BUILT_WITH, (HANDLE_TIME.key, day_key(asked.day))),
        partitions=_partitions(warehouse, asked.day, by_org["org"].to_list()),
    )


def _facts_conditions(asked: Asked) -> tuple[str, list[Parameter]]:
    """Say which `tHandle` of the day belong to the cell."""
    start = asked.interval_start
    return _all_of(
        [
            ("m.day = ? AND m.metric = 'tHandle'", (asked.day,)),
            ("m.org = ?", (asked.org,)),
            ("m.conversation_id = ?", (asked.conversation_id,)),
            ("COALESCE(m.media_type, '(none)') = ?", (asked.media_type,)),
            ("COALESCE(m.direction, '(none)') = ?", (asked.direction,)),
            ("m.emitted_at >= ? AND m.emitted_at < ?", (start, start and start + HALF_HOUR)),
            (_COUNTED_BY.format(key="queue_id", names=_QUEUE), (asked.queue,) * 2),
            (_COUNTED_BY.format(key="user_id", names=_AGENT), (asked.agent,) * 2),
        ]
    )


def _published(warehouse: Warehouse, asked: Asked) -> Figures | None:
    if asked.conversation_id is not None:
        return None
    conditions, parameters = _all_of(
        [
            ("r.day = ?", (asked.day,)),
            ("r.org = ?", (asked.org,)),
            ("r.media_type = ?", (asked.media_type,)),
            ("r.direction = ?", (asked.direction,)),
            ("r.interval_start = ?", (asked.interval_start,)),
            (_QUEUE, (asked.queue,) * 2),
            (_AGENT, (asked.agent,) * 2),
        ]
    )
    (row,) = warehouse.query(_CELL.format(conditions=conditions), parameters).to_dicts()
    return Figures(row["handled_count"], row["handle_ms"])


def _all_of(conditions: Sequence[tuple[str, Sequence[Parameter]]]) -> tuple[str, list[Parameter]]:
    """Join the conditions that were asked for: those whose values are there."""
    asked = [(condition, values) for condition, values in conditions if None not in values]
    statement = " AND ".join(condition for condition, _ in asked)
    return statement, [value for _, values in asked for value in values]


def _labelled(sessions: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Add the names that the rollup counted these sessions under; null if it did not."""
    members = sessions.with_columns(
        pl.col("emitted_at").dt.truncate("30m").alias("interval_start"),
        *(pl.col(name).fill_null(NONE) for name in ("queue_id", "user_id")),
        *(pl.col(name).fill_null(NONE) for name in ("media_type", "direction")),
    )
    for key, label in (("queue_id", "global_queue"), ("user_id", "global_agent_id")):
        names = labels.select("org", key, label).unique(["org", key])
        members = members.join(names, on=["org", key], how="left", maintain_order="left")
    return members


def _parts(warehouse: Warehouse, day: date, sessions: pl.DataFrame) -> pl.DataFrame:
    metrics = ", ".join(f"'{metric}'" for metric in PARTS)
    found = [
        warehouse.query(_PARTS.format(metrics=metrics, ids=marks), (day, *ids))
        for marks, ids in _chunks(sessions)
    ]
    parts = pl.concat(found).sort(*SESSION, "emitted_at", "metric")
    return parts.join(sessions.select(SESSION).unique(), on=SESSION, how="semi")


def _conversations(warehouse: Warehouse, day: date, sessions: pl.DataFrame) -> pl.DataFrame:
    found = [
        warehouse.query(_CONVERSATIONS.format(ids=marks), (day, *ids))
        for marks, ids in _chunks(sessions)
    ]
    mine = sessions.select("org", "conversation_id").unique()
    both = pl.concat(found).join(mine, on=["org", "conversation_id"], how="semi")
    return both.sort("org", "page", "position")


def _chunks(sessions: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Yield the conversations' ids, and as many question marks; once even if there are none."""
    ids = sorted(set(sessions["conversation_id"])) or [""]
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        yield ", ".join("?" for _ in some), some


def _mapping(
    warehouse: Warehouse, table: str, day: date, sessions: pl.DataFrame, key: str
) -> pl.DataFrame:
    valid = warehouse.query(_MAPPED[table], (day, day))
    return valid.join(sessions.select("org", key).unique(), on=["org", key], how="semi").sort(
        "org", key
    )


def _partitions(warehouse: Warehouse, day: date, orgs: Sequence[str]) -> pl.DataFrame:
    of_orgs = (RAW.key, CONVERSATIONS.key, SESSION_METRICS.key)
    rows = warehouse.query(
        _PARTITIONS, (*of_orgs, day, HANDLE_TIME.key, day, QUEUES.key, AGENTS.key)
    )
    involved = pl.col("org").is_null() | pl.col("org").is_in(orgs)
    return rows.filter(involved).sort("table_name", "org")
