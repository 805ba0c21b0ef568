"""Conversation records, pages and raw frames, told in a few lines.

Belongs here: what tests of raw and facts build their data with. It shares no code with either.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

Record = dict[str, Any]

FETCHED_AT = datetime(2026, 1, 10, 3, 0, tzinfo=UTC)


def told(text: str, conversation_id: str = "c1", **members: Any) -> Record:
    """Read a record from a table: one line per segment or metric, in order.

    Columns: `purpose | user | session | what | queue | from | to | value`, any of them left out. A
    line whose `what` looks like a metric (tHandle, nOffered) is one, emitted at `to`; others are
    segments. Instants are day and time in January 2026: `05T23:50:00`. A participant is a purpose
    and a user; `conversationStart` is the earliest instant.
    """
    lines = [line for line in text.strip().splitlines() if not set(line.strip()) <= set("-+")]
    names, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    participants: dict[tuple[str, str], Record] = {}
    for cells in rows:
        row = dict(zip(names, cells, strict=True))
        _add(participants, row)
    instants = [row[names.index(name)] for row in rows for name in ("from", "to") if name in names]
    started = min(instant for instant in instants if instant)
    record = {"conversationId": conversation_id, "conversationStart": _instant(started)}
    return {**record, "participants": list(participants.values()), **members}


def _add(participants: dict[tuple[str, str], Record], row: Mapping[str, str]) -> None:
    purpose, user = row.get("purpose", "agent"), row.get("user", "")
    who = participants.setdefault(
        (purpose, user),
        {"participantId": f"p-{purpose}-{user}", "purpose": purpose, "sessions": []},
    )
    if user:
        who["userId"] = user
    session_id = row.get("session", "s1")
    sessions = {each["sessionId"]: each for each in who["sessions"]}
    if session_id not in sessions:
        new = {"sessionId": session_id, "mediaType": "voice", "segments": [], "metrics": []}
        who["sessions"].append(new)
        sessions[session_id] = new
    what, to = row["what"], row.get("to", "")
    if what[0] in "tno" and what[1].isupper():
        metric = {
            "name": what,
            "value": int(row["value"].replace("_", "")),
            "emitDate": _instant(to),
        }
        sessions[session_id]["metrics"].append(metric)
        return
    segment = {"segmentType": what, "segmentStart": _instant(row["from"])}
    segment |= {"segmentEnd": _instant(to)} if to else {}
    segment |= {"queueId": row["queue"]} if row.get("queue") else {}
    sessions[session_id]["segments"].append(segment)


def _instant(day_and_time: str) -> str:
    return f"2026-01-{day_and_time}.000Z"


@dataclass(frozen=True)
class Page:
    """A landed page in memory."""

    body: bytes
    conversation_ids: Sequence[str | None]
    number: int = 1
    source: str = "job"
    job_id: str | None = "job1"
    fetched_at: datetime = FETCHED_AT
    reads: list[int] = field(default_factory=lambda: list[int]())

    def read(self) -> bytes:
        """Give the body, and remember that it was asked for."""
        self.reads.append(self.number)
        return self.body


def page(records: Iterable[Record], number: int = 1, **about: Any) -> Page:
    """Write records as a page of a details job."""
    records = list(records)
    body = json.dumps({"conversations": records, "cursor": "abc"}).encode()
    return Page(body, [record.get("conversationId") for record in records], number, **about)


def raw_frame(payloads: Iterable[Record | str], *, org: str = "us", day: date) -> pl.DataFrame:
    """Lay records (or payload texts) out as rows of raw.conversations."""
    texts = [each if isinstance(each, str) else json.dumps(each) for each in payloads]
    height = len(texts)
    return pl.DataFrame(
        {
            "org": pl.Series([org] * height, dtype=pl.String),
            "day": pl.Series([day] * height, dtype=pl.Date),
            "conversation_id": pl.Series([None] * height, dtype=pl.String),
            "page": pl.Series([1] * height, dtype=pl.Int64),
            "position": pl.Series(range(height), dtype=pl.Int64),
            "payload": pl.Series(texts, dtype=pl.String),
            "source": pl.Series(["job"] * height, dtype=pl.String),
            "job_id": pl.Series(["job1"] * height, dtype=pl.String),
            "fetched_at": pl.Series([FETCHED_AT] * height, dtype=pl.Datetime("us", "UTC")),
        }
    )
