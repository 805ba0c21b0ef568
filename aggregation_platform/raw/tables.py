"""The shape of raw: one table, kept so that everything above can be built again from it.

Belongs here: the declaration. Elsewhere: how it is filled (conversations.py).
"""

from __future__ import annotations

import dataframely as dy

from aggregation_platform.tables import Table, instant, json_text


class Conversations(dy.Schema):
    """One row per conversation that had activity on the org's UTC day, or that started on it.

    A record without a usable id has a row too (`conversation_id` null), so that facts can say
    why it was rejected. Records with nothing on the day have none: orphans, and those of the margin
    before midnight from which the job asks.
    """

    org = dy.String(description="Our key of the organization")
    day = dy.Date(description="UTC day whose details job (or query) returned the record")
    conversation_id = dy.String(
        nullable=True, description="The source's id; null where the record has no usable one"
    )
    page = dy.Int64(min=1, description="Number of the landed page that holds the record")
    position = dy.Int64(min=0, description="Place of the record in its page, from 0")
    payload = json_text(
        nullable=False,
        description="The record as it came; a JSON string holding its text if it is no JSON object",
    )
    source = dy.String(description="job (details job) or query (synchronous query, provisional)")
    job_id = dy.String(nullable=True, description="Details job that returned the record")
    fetched_at = instant(description="When the page was fetched")


CONVERSATIONS = Table("raw", "conversations", Conversations, ("org", "day"))

TABLES = (CONVERSATIONS,)
