"""The organization's own handle time: what ours is compared with.

Belongs here: the aggregates query and its rows, and asking in parts where the whole is too large.
Elsewhere: comparing (comparison/).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from aggregation_platform.errors import (
    QueryTooLargeError,
    SourceError,
    TransientSourceError,
    UnexpectedReplyError,
)
from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.replies import decoded
from aggregation_platform.intervals import Interval, parsed

QUERY = "/api/v2/analytics/conversations/aggregates/query"
GROUPS = ("queueId", "userId", "mediaType", "direction")
_WITHOUT_QUEUE = {"type": "dimension", "dimension": "queueId", "operator": "notExists"}
_SPLIT_BY = ("direction", "mediaType", "queueId")
_STEPS = {
    "PT15M": timedelta(minutes=15),
    "PT30M": timedelta(minutes=30),
    "PT1H": timedelta(hours=1),
    "P1D": timedelta(days=1),
}
_TOOK_TOO_LONG = 504
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

    The API leaves out of a grouped answer what has no value in a grouped dimension. Handle time
    always has an agent, a media type and a direction, but not always a queue: that part is a
    request of its own. An answer that is too large is asked for in parts, which add up to it.

    Args:
        api: The org's API.
        interval: Whole steps of the granularity.
        granularity: Length of an interval of the answer, one of PT15M, PT30M, PT1H, P1D.

    Raises:
        QueryTooLargeError: If even the smallest part is too large.
    """
    whole = _Question(interval, granularity)
    yield from (row for row in _in_parts(api, whole) if row.queue_id is not None)
    without_queue = replace(whole, group_by=GROUPS[1:], without_queue=True)
    yield from (row for row in _in_parts(api, without_queue) if row.queue_id is None)


@dataclass(frozen=True)
class _Question:
    """One request; its parts ask for the same in several, without overlap or rest."""

    interval: Interval
    granularity: str
    group_by: tuple[str, ...] = GROUPS
    metrics: tuple[str, ...] = METRICS
    only: tuple[tuple[str, str], ...] = ()
    without_queue: bool = False

    def __str__(self) -> str:
        only = "".join(f", {name} {value}" for name, value in self.only)
        return f"{', '.join(self.metrics)} of {self.interval}{only}"

    @property
    def body(self) -> dict[str, object]:
        body: dict[str, object] = {
            "interval": str(self.interval),
            "granularity": self.granularity,
            "groupBy": self.group_by,
            "metrics": self.metrics,
        }
        predicates = [_matches(name, value) for name, value in self.only]
        if self.without_queue:
            predicates.append(_WITHOUT_QUEUE)
        if predicates:
            body["filter"] = {"type": "and", "predicates": predicates}
        return body

    def parts(self) -> tuple[_Question, ...]:
        """Halve the interval down to one step, then the metrics; nothing if neither can be."""
        if len(self.metrics) == 1 or self.halves():
            return self.halves()
        middle = len(self.metrics) // 2
        few, rest = self.metrics[:middle], self.metrics[middle:]
        return replace(self, metrics=few), replace(self, metrics=rest)

    def halves(self) -> tuple[_Question, ...]:
        """Halve the interval at a step of the granularity; nothing if it is one step."""
        step = _STEPS[self.granularity]
        steps = self.interval.duration // step
        if steps < 2:
            return ()
        middle = self.interval.start + steps // 2 * step
        earlier = Interval(self.interval.start, middle)
        later = Interval(middle, self.interval.end)
        return replace(self, interval=earlier), replace(self, interval=later)


def _matches(dimension: str, value: str) -> dict[str, str]:
    return {"type": "dimension", "dimension": dimension, "operator": "matches", "value": value}


def _in_parts(api: Api, question: _Question) -> Iterator[HandleTimeAggregate]:
    """Ask for the whole; if that is too large, for its parts."""
    try:
        rows = list(_asked(api, question))
    except (QueryTooLargeError, TransientSourceError) as error:
        parts = _smaller(api, question, error)
        if not parts:
            raise _still_too_large(api.org, question, error) from error
    else:
        yield from rows
        return
    for part in parts:
        yield from _in_parts(api, part)


def _smaller(api: Api, question: _Question, error: SourceError) -> tuple[_Question, ...]:
    """Return what to ask for instead; nothing if nothing smaller is left.

    Raises:
        TransientSourceError: If a smaller request would not help.
    """
    if not isinstance(error, QueryTooLargeError):
        if error.status != _TOOK_TOO_LONG or not question.halves():
            raise error
        return question.halves()
    return question.parts() or _by_value(api, question)


def _by_value(api: Api, question: _Question) -> tuple[_Question, ...]:
    """Ask for each direction, medium or queue apart: for the values that the org itself names."""
    for dimension in _SPLIT_BY:
        is_split = dimension in dict(question.only)
        if is_split or dimension not in question.group_by:
            continue
        try:
            named = list(_asked(api, replace(question, group_by=(dimension,))))
        except QueryTooLargeError:
            continue  # the org does not even name the values: nothing smaller by this dimension
        values = sorted({value for row in named if (value := _value(row, dimension))})
        if len(values) > 1:
            return tuple(
                replace(question, only=(*question.only, (dimension, value))) for value in values
            )
    return ()


def _value(row: HandleTimeAggregate, dimension: str) -> str | None:
    return {"direction": row.direction, "mediaType": row.media_type, "queueId": row.queue_id}[
        dimension
    ]


def _still_too_large(org: str, question: _Question, error: SourceError) -> QueryTooLargeError:
    return QueryTooLargeError(
        org,
        f"the org refuses its aggregates as too large even for {question} ({error}). Nothing is"
        " known to differ. Ask the vendor why so small an answer is refused; until then compare"
        " this half hour with a report of the org's own interface.",
        status=error.status,
        code=error.code,
    )


def _asked(api: Api, question: _Question) -> Iterator[HandleTimeAggregate]:
    call = Call("POST", QUERY, body=question.body)
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
