"""The aggregates query, answered from the truth and never from a record.

Belongs here: intervals, granularity, time zones, grouping, filters and statistics of
`conversations/aggregates/query`. Elsewhere: what was emitted when (truth.py).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregation_platform.simulator.replies import bad_request, objects
from aggregation_platform.simulator.timestamps import (
    DAY_MS,
    MINUTE_MS,
    datetime_of,
    iso,
    ms_of,
    parse_interval,
)
from aggregation_platform.simulator.truth import Event, Truth, group_value, queue_of

Json = dict[str, Any]
DIMENSIONS = (
    "queueId", "userId", "mediaType", "direction", "originatingDirection", "wrapUpCode",
    "divisionId",
)  # fmt: skip
QUARTER_MS = 15 * MINUTE_MS
_STEPS = {"PT15M": QUARTER_MS, "PT30M": 2 * QUARTER_MS, "PT1H": 4 * QUARTER_MS, "P1D": None}
_MET, _COUNTED = "_service level met", "_service level counted"
_TARGET = 0.8

Cell = list[int]
"""count, sum, min, max"""
Row = tuple[str, int, tuple[str | None, ...], Cell]
"""metric, moment, dimensions, statistics"""


@dataclass(frozen=True)
class _Question:
    start: int
    end: int
    step: str | None
    zone: ZoneInfo
    metrics: frozenset[str]
    group_by: tuple[str, ...]
    filter: Json | None

    @classmethod
    def read(cls, body: Json) -> _Question:
        for needed in ("interval", "metrics"):
            if not body.get(needed):
                raise bad_request(f"The field {needed} is required.", "constraint.validation")
        try:
            start, end = parse_interval(str(body["interval"]))
            zone = ZoneInfo(str(body.get("timeZone") or "UTC"))
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise bad_request(f"Invalid interval or time zone: {error}", "invalid.date") from error
        step = body.get("granularity")
        if step is not None and step not in _STEPS:
            raise bad_request(f"Value [{step}] is not valid for granularity.", "invalid.value")
        group_by = tuple(cast("list[str]", body.get("groupBy") or []))
        for name in group_by:
            _known(name)
        metrics = frozenset(cast("list[str]", body["metrics"]))
        return cls(start, end, step, zone, metrics, group_by, body.get("filter"))

    @property
    def names(self) -> tuple[str, ...]:
        """All dimensions that the question looks at."""
        return (*self.group_by, *_named_in(self.filter or {}))


class Aggregates:
    """One org's aggregates; the sums of each whole day are kept. Safe over threads."""

    def __init__(self, org: str, truth: Truth, horizon: Callable[[], int]) -> None:
        self.org, self.truth, self._horizon = org, truth, horizon
        self._days: OrderedDict[tuple[int, int], list[Row]] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, body: Json) -> Json:
        """Answer a query body."""
        asked = _Question.read(body)
        found: dict[tuple[str, ...], dict[int, dict[str, Cell]]] = {}
        for metric, moment, dimensions, cell in self._rows(asked):
            values = dict(zip(_columns(asked), dimensions, strict=True))
            group = tuple(values[name] for name in asked.group_by)
            if None in group or not _passes(asked.filter, values):
                continue
            buckets = found.setdefault(cast("tuple[str, ...]", group), {})
            metrics = buckets.setdefault(_bucket(asked, moment), {})
            _merge(metrics, metric, cell)
        return _written(asked, found)

    def _rows(self, asked: _Question) -> Iterator[Row]:
        end = min(asked.end, self._horizon() + 1)
        aligned = asked.start % QUARTER_MS == 0 and end % QUARTER_MS == 0
        if not aligned or "conversationId" in asked.names:
            yield from self._streamed(asked, end)
            return
        for day in range(asked.start // DAY_MS, -(-end // DAY_MS)):
            for row in self._day(day):
                if asked.start <= row[1] < end:
                    yield row

    def _streamed(self, asked: _Question, end: int) -> Iterator[Row]:
        columns = _columns(asked)
        for event in self.truth.events(self.org, asked.start, end):
            dimensions = tuple(group_value(event, name) for name in columns)
            for metric, value in _counted_as(event):
                yield metric, event.at, dimensions, [1, value, value, value]

    def _day(self, day: int) -> list[Row]:
        key = (day, hash(tuple(sorted(self.truth.generations.items()))))
        with self._lock:
            if key in self._days:
                self._days.move_to_end(key)
                return self._days[key]
        sums: dict[tuple[str, int, tuple[str | None, ...]], Cell] = {}
        for event in self.truth.events(self.org, day * DAY_MS, (day + 1) * DAY_MS):
            dimensions = tuple(group_value(event, name) for name in DIMENSIONS)
            quarter = event.at - event.at % QUARTER_MS
            for metric, value in _counted_as(event):
                _merge(sums, (metric, quarter, dimensions), [1, value, value, value])
        rows = [(*key_of, cell) for key_of, cell in sums.items()]
        with self._lock:
            self._days[key] = rows
            while len(self._days) > 64:
                self._days.popitem(last=False)
        return rows


def figures_in(answer: Json) -> int:
    """Count the metrics of an answer, over all groups and buckets."""
    buckets = [bucket for result in answer["results"] for bucket in result["data"]]
    return sum(len(bucket["metrics"]) for bucket in buckets)


def _columns(asked: _Question) -> tuple[str, ...]:
    return (*DIMENSIONS, "conversationId") if "conversationId" in asked.names else DIMENSIONS


def _counted_as(event: Event) -> Iterator[tuple[str, int]]:
    """Give the metrics that an event counts for: its own, and those that aggregates derive."""
    yield event.metric, event.value
    if event.metric == "tAcd":
        yield "tWait", event.value
    queue = queue_of(event.leg)
    if queue and event.metric in {"tAnswered", "tAbandon"}:
        yield _COUNTED, 1
        if event.metric == "tAnswered" and event.value <= queue.service_level_ms:
            yield _MET, 1


def _merge(sums: dict[Any, Cell], key: object, cell: Cell) -> None:
    kept = sums.get(key)
    if kept is None:
        sums[key] = list(cell)
        return
    kept[0] += cell[0]
    kept[1] += cell[1]
    kept[2] = min(kept[2], cell[2])
    kept[3] = max(kept[3], cell[3])


def _bucket(asked: _Question, moment: int) -> int:
    """Give the start of the bucket that a moment falls into."""
    if asked.step is None:
        return asked.start
    step = _STEPS[asked.step]
    if step is not None:
        return moment - (moment - asked.start) % step
    return max(asked.start, _local_midnight(asked.zone, moment, days=0))


def _local_midnight(zone: ZoneInfo, moment: int, *, days: int) -> int:
    local = datetime_of(moment).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return ms_of(datetime.combine(local.date() + timedelta(days=days), local.time(), zone))


def _bucket_end(asked: _Question, start: int) -> int:
    if asked.step is None:
        return asked.end
    step = _STEPS[asked.step]
    if step is not None:
        return min(asked.end, start + step)
    return min(asked.end, _local_midnight(asked.zone, start, days=1))


def _written(
    asked: _Question, found: dict[tuple[str, ...], dict[int, dict[str, Cell]]]
) -> Json:  # fmt: skip
    results: list[Json] = []
    for group, buckets in sorted(found.items()):
        data: list[Json] = []
        for start in sorted(buckets):
            metrics = _statistics(asked, buckets[start])
            if metrics:
                interval = f"{iso(start)}/{iso(_bucket_end(asked, start))}"
                data.append({"interval": interval, "metrics": metrics})
        if data:
            results.append({"group": dict(zip(asked.group_by, group, strict=True)), "data": data})
    return {"results": results}


def _statistics(asked: _Question, cells: dict[str, Cell]) -> list[Json]:
    written: list[Json] = []
    for metric in sorted(asked.metrics):
        if metric == "oServiceLevel" and _COUNTED in cells:
            met, counted = cells.get(_MET, [0])[0], cells[_COUNTED][0]
            stats: Json = {
                "ratio": met / counted, "numerator": met, "denominator": counted, "target": _TARGET,
            }  # fmt: skip
        elif metric == "oServiceTarget" and _COUNTED in cells:
            stats = {"current": _TARGET}
        elif metric in cells:
            count, total, least, most = cells[metric]
            stats = {"count": count}
            if not metric.startswith("n"):
                stats |= {"max": most, "min": least, "sum": total}
        else:
            continue
        written.append({"metric": metric, "stats": stats})
    return written


def _known(name: str) -> None:
    if name not in DIMENSIONS and name != "conversationId":
        raise bad_request(
            f"Value [{name}] is not valid for field type [ConversationAggregateDimension].",
            "invalid.value",
        )


def _named_in(entry: Json) -> tuple[str, ...]:
    names = [str(predicate.get("dimension")) for predicate in objects(entry, "predicates")]
    for name in names:
        _known(name)
    for clause in objects(entry, "clauses"):
        names += _named_in(clause)
    return tuple(names)


def _passes(entry: Json | None, values: dict[str, str | None]) -> bool:
    if not entry:
        return True
    parts = [_matches(predicate, values) for predicate in objects(entry, "predicates")]
    parts += [_passes(clause, values) for clause in objects(entry, "clauses")]
    if not parts:
        return True
    return any(parts) if str(entry.get("type", "and")).lower() == "or" else all(parts)


def _matches(predicate: Json, values: dict[str, str | None]) -> bool:
    value = values.get(str(predicate.get("dimension")))
    operator = predicate.get("operator") or "matches"
    if operator == "exists":
        return value is not None
    if operator == "notExists":
        return value is None
    return value is not None and value.lower() == str(predicate.get("value")).lower()
