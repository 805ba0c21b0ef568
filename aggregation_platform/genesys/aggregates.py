"""The organization's own handle time: what ours is held against.

Belongs here: the aggregates query and its rows. Elsewhere: comparing (cli, asset checks).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from aggregation_platform.errors import UnexpectedReplyError
from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.replies import decoded
from aggregation_platform.intervals import Interval, parsed

QUERY = "/api/v2/analytics/conversations/aggregates/query"
GROUPS = ("queueId", "userId", "mediaType", "direction")
_WITHOUT_QUEUE = {
    "type": "and",
    "predicates": [{"type": "dimension", "dimension": "queueId", "operator": "notExists"}],
}
METRICS = ("tHandle", "tTalkComplete", "tHeldComplete", "tAcw", "tContacting", "tDialing")


@dataclass(frozen=True, slots=True)
class HandleTimeAggregate:
    """One metric of one interval and group, as the organization counts it.

    A group that lacks a dimension has None there. `sum_ms` is whole milliseconds; a metric that
    has only a count sums to 0. Buckets without data have no row.
    """

    interval_start: datetime
    queue_id: str | None
    user_id: str | None
    media_type: str | None
    direction: str | None
    metric: str
    count: int
    sum_ms: int


class _Stats(msgspec.Struct):
    count: float | None = None
    sum: float | None = None


class _Metric(msgspec.Struct):
    metric: str
    stats: _Stats | None = None


class _Bucket(msgspec.Struct):
    interval: str
    metrics: list[_Metric] | None = None


class _Result(msgspec.Struct):
    group: dict[str, str | None] | None = None
    data: list[_Bucket] | None = None


class _Aggregates(msgspec.Struct):
    results: list[_Result] | None = None


def handle_time_aggregates(
    api: Api, interval: Interval, granularity: str = "PT30M"
) -> Iterator[HandleTimeAggregate]:
    """Yield handle time and its parts by interval, queue, agent, media type and direction.

    The API drops from a grouped answer what lacks a grouped dimension. Handle time always has an
    agent, a media type and a direction, but not always a queue: that part is asked for apart.
    """
    body: dict[str, object] = {
        "interval": str(interval),
        "granularity": granularity,
        "groupBy": GROUPS,
        "metrics": METRICS,
    }
    without_queue = {"groupBy": GROUPS[1:], "filter": _WITHOUT_QUEUE}
    yield from (row for row in _asked(api, body) if row.queue_id is not None)
    yield from (row for row in _asked(api, body | without_queue) if row.queue_id is None)


def _asked(api: Api, body: dict[str, object]) -> Iterator[HandleTimeAggregate]:
    call = Call("POST", QUERY, body=body)
    said = api.call(call, lambda request, reply: decoded(request, reply, _Aggregates))
    for result in said.results or ():
        for bucket in result.data or ():
            yield from _rows(api.org, result.group or {}, bucket)


def _rows(org: str, group: dict[str, str | None], bucket: _Bucket) -> Iterator[HandleTimeAggregate]:
    start = _start(org, bucket.interval)
    queue_id, user_id, media_type, direction = (group.get(name) or None for name in GROUPS)
    for metric in bucket.metrics or ():
        stats = metric.stats or _Stats()
        yield HandleTimeAggregate(
            interval_start=start,
            queue_id=queue_id,
            user_id=user_id,
            media_type=media_type,
            direction=direction,
            metric=metric.metric,
            count=round(stats.count or 0),
            sum_ms=round(stats.sum or 0),
        )


def _start(org: str, interval: str) -> datetime:
    try:
        return parsed(interval.split("/")[0])
    except ValueError as error:
        raise UnexpectedReplyError(
            org, f"POST {QUERY}: {interval!r} is no interval. Report a bug with this line."
        ) from error
